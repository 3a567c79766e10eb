"""A poison message every 50: exactly those lie in the dead letters, whole and with the right reason."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from copydesk_shared.dead_letters import DeadLetter, parse
from copydesk_shared.errors import DeadLetterReason
from copydesk_shared.log import Headers, Outgoing, Record
from copydesk_shared.topics import CLASSIFIED, CLEANED, DEAD_LETTER, FETCHED
from tests.faults import deeds, load
from tests.faults.cluster import Cluster
from tests.faults.pods import Fleet
from tests.faults.subscriber import Subscriber, listed

EVERY = 50
RECORDS = 1_000
STRANGE: Headers = (("retry-attempt", b"7"), ("empty", b""), ("bytes", b"\xff\x00"), ("twice", b"1"), ("twice", b"2"))

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@dataclass(frozen=True, slots=True)
class Bad:
    """A record, the stage that cannot take it, and the reason it will give."""

    record: Outgoing
    stage: str
    reason: DeadLetterReason


def _kinds() -> Iterator[Bad]:
    """Poison of every kind, over and over."""
    undecodable, invalid = DeadLetterReason.UNDECODABLE, DeadLetterReason.INVALID
    feed = b'{"feed_id":"f","url":"https://courier.example/feed","name":"A feed"}'
    fixed = (
        Bad(load.raw(FETCHED.name, b"k", b"\xff\xfe not JSON", STRANGE), "cleaner", undecodable),
        Bad(load.raw(FETCHED.name, None, feed), "cleaner", undecodable),
        Bad(load.raw(FETCHED.name, b"\xff", b""), "cleaner", undecodable),
        Bad(load.raw(FETCHED.name, b"gone", None, STRANGE), "cleaner", undecodable),
        Bad(load.raw(CLEANED.name, b"k", b'{"article_id": 1}', STRANGE), "classifier", undecodable),
        Bad(load.raw(CLASSIFIED.name, b"k", feed, STRANGE), "api", undecodable),
        Bad(load.raw(CLASSIFIED.name, b"\xff\xfe", b"{}"), "api", invalid),
    )
    said = {
        deeds.BUG: DeadLetterReason.BUG,
        deeds.POISON: invalid,
        deeds.HUGE: DeadLetterReason.TOO_LARGE,
        deeds.DIE: DeadLetterReason.WORKER_DIED,
    }
    while True:
        yield from fixed
        for what, reason in said.items():
            yield Bad(load.of_pages([load.page(what)])[0], "cleaner", reason)


def _mixed() -> tuple[list[Outgoing], list[Bad]]:
    kinds = _kinds()
    records, bad = [], []
    for number in range(1, RECORDS + 1):
        if number % EVERY:
            records += load.of_pages([load.page()])
        else:
            bad.append(next(kinds))
            records.append(bad[-1].record)
    return records, bad


def test_a_poison_message_every_50(cluster: Cluster, tmp_path: Path) -> None:
    records, bad = _mixed()
    with Fleet(cluster.servers, tmp_path) as fleet:
        fleet.add("cleaner", module="tests.faults.stage_service", arguments=("workers",))
        fleet.add("classifier")
        api = fleet.add("api", database_url=f"sqlite:///{tmp_path}/store.db")
        load.produce(cluster.servers, records)
        subscriber, good = Subscriber(api), len(records) - len(bad)
        fleet.until(lambda: not subscriber.poll() and len(subscriber) >= good, "the good ones", 120)
        fleet.until(lambda: cluster.count(DEAD_LETTER.name) >= len(bad), "the bad ones")
        for pod in fleet.pods.values():
            assert pod.ask("/livez")[0] == pod.ask("/readyz")[0] == 200
        assert subscriber.duplicates() == []
        assert len(listed(api)) == len(subscriber) == good
        _assert_exactly(cluster, bad)
        fleet.stop()
        _assert_counted(fleet, bad)


def _as_sent(record: Outgoing) -> tuple[str, bytes | None, bytes | None, Headers]:
    return record.topic, record.key, record.value, record.headers


def _as_kept(letter: DeadLetter) -> tuple[str, bytes | None, bytes | None, Headers]:
    assert letter.origin is not None
    return letter.origin.topic, letter.original_key, letter.record.value, letter.original_headers


def _assert_exactly(cluster: Cluster, bad: list[Bad]) -> None:
    """Each bad record once and nothing else: as it was sent, from where it lay, for its reason."""
    letters = [parse(record) for record in cluster.records(DEAD_LETTER.name)]
    kept = sorted((repr(_as_kept(each)), each.stage, each.reason, each.attempts, each.cut) for each in letters)
    assert kept == sorted((repr(_as_sent(each.record)), each.stage, each.reason.value, 1, "") for each in bad)
    lying: dict[str, Record] = {}
    for topic in (FETCHED, CLEANED, CLASSIFIED):
        lying |= {f"{topic.name}/{each.partition}/{each.offset}": each for each in cluster.records(topic.name)}
    for letter in letters:
        there = lying[str(letter.origin)]
        assert (there.key, there.value, there.headers) == _as_kept(letter)[1:]


def _assert_counted(fleet: Fleet, bad: list[Bad]) -> None:
    for stage in ("cleaner", "classifier", "api"):
        counted = {
            reason: int(count)
            for (outcome, reason), count in fleet.counted(stage).items()
            if outcome == "dead-lettered"
        }
        reasons = [each.reason.value for each in bad if each.stage == stage]
        assert counted == {reason: reasons.count(reason) for reason in reasons}, stage
