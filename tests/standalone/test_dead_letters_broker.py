"""``copydesk dead-letters`` with a broker of its own: one that goes away, and topics whose names are given."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from copydesk_shared.brokers import Brokers
from copydesk_shared.dead_letters import dead_letter
from copydesk_shared.errors import DeadLetterReason
from copydesk_shared.kafka import ensure_topics, scanning
from copydesk_shared.kafka.scanning import open_scanner
from copydesk_shared.log import LogError, Outgoing
from copydesk_shared.topics import CLASSIFIED, DEAD_LETTER
from copydesk_standalone.broker import process
from tests.brokers import EMBEDDED, Broker
from tests.standalone.letters import Letters, letter

pytestmark = pytest.mark.kafka


@pytest.fixture
def running(tmp_path: Path) -> Iterator[process.BrokerProcess]:
    with process.start(tmp_path / "broker") as started:
        asyncio.run(ensure_topics(Brokers(started.address)))
        yield started


@pytest.fixture
def letters(running: process.BrokerProcess) -> Letters:
    return Letters(Broker(EMBEDDED, running.address), DEAD_LETTER.name)


def test_the_topic_of_the_services_is_the_default(letters: Letters) -> None:
    letters.bury(letter("a"))
    assert [found["key"] for found in letters.listed()] == ["a"]
    assert letters.topic == DEAD_LETTER.name


def test_a_broker_that_goes_away_ends_the_scan(
    letters: Letters, running: process.BrokerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "STALL_SECONDS", 1.0)
    letters.bury(*(letter("k", os.urandom(3_000_000)) for _ in range(6)))
    seen = 0

    async def scan() -> None:
        nonlocal seen
        async with open_scanner(letters.brokers, letters.topic) as scanner:
            async for _ in scanner.records(await scanner.spans()):
                seen += 1
                if seen == 1:
                    running.kill()

    with pytest.raises(LogError, match="no answer for 1 seconds"):
        asyncio.run(scan())
    assert 0 < seen < 6


def test_a_record_does_not_go_back_to_a_compacted_topic_behind_a_later_one_of_its_key(letters: Letters) -> None:
    """Compaction keeps the last record of a key: a replay must not take the place of a later revision."""
    letters.send(*(Outgoing(CLASSIFIED.name, key, value) for key, value in [(b"a", b"1"), (b"b", b"1"), (b"a", b"2")]))
    records = letters.read(CLASSIFIED.name, range(CLASSIFIED.partitions))
    letters.bury(
        *(
            dead_letter(record, stage="api", reason=DeadLetterReason.UNDECODABLE, error="boom")
            for record in sorted(records, key=lambda record: record.timestamp_ms)
        )
    )
    assert [" ".join(line.split()) for line in letters.lines("replay", "--all", "--execute")[:3]] == [
        "replaying 2 letters",
        "2 undecodable to articles.classified",
        "1 not: articles.classified has a later record of the same key",
    ]
    sent = letters.read(CLASSIFIED.name, range(CLASSIFIED.partitions))
    assert sorted((record.key, record.value) for record in sent if record.header("replay-of")) == [
        (b"a", b"2"),
        (b"b", b"1"),
    ]
    again = letters.lines("replay", "--all", "--execute")
    assert again == [
        "replaying 0 letters",
        "        3  not: articles.classified has a later record of the same key",
    ]
