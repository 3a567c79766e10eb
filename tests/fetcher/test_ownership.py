"""What is kept of hosts and pages while partitions come and go."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from copydesk_fetcher.hosts import Hosts
from copydesk_fetcher.known import Fresh, Known
from copydesk_fetcher.memory import Memories
from copydesk_fetcher.ownership import Ownership, kept_states
from copydesk_fetcher.progress import Progress
from copydesk_fetcher.responses import Held
from copydesk_shared.kafka import partition_of
from copydesk_shared.log import Record
from copydesk_shared.messages import Entry, HostMemory, HostState, KnownPage, Source
from copydesk_shared.testing import MemoryBroker, MemoryTables
from copydesk_shared.topics import HOSTS_MEMORY, HOSTS_STATE, PAGES_KNOWN
from copydesk_shared.wire import encode

NOW = datetime.now(UTC)


def entry(url: str) -> Entry:
    source = Source(name="News", domain="news.example")
    return Entry(feed_id="another", url=url, source=source, discovered_at=NOW)


def filled(partitions: int = 1) -> MemoryBroker:
    broker = MemoryBroker(partitions)
    held = HostState(domain="news.example", held_until=NOW + timedelta(hours=1))
    page = KnownPage(page_id="x", url="https://news.example/1", revision=2, fetched_at=NOW, feeds={"news": 1})
    broker.append(encode(HOSTS_STATE, held, stage="s", version="1"))
    broker.append(encode(PAGES_KNOWN, page, stage="s", version="1"))
    memory = HostMemory(domain="news.example", version=3, pages=10, lines={"x" * 11: 9})
    broker.append(encode(HOSTS_MEMORY, memory, stage="s", version="1"))
    return broker


async def _is_held(hosts: Hosts, domain: str) -> bool:
    try:
        async with asyncio.timeout(0.2), hosts.turn(domain):
            return False
    except (Held, TimeoutError):
        return True


class Noting:
    """A tenant that notes what it is told, and what was known then."""

    def __init__(self, owned: Ownership) -> None:
        self._owned = owned
        self.said: list[tuple[str, frozenset[int]]] = []

    def close(self) -> None:
        self.said.append(("close", self._owned.numbers))

    async def release(self) -> None:
        self.said.append(("release", self._owned.numbers))


async def test_what_is_kept_is_there_as_long_as_the_partitions_are_ours() -> None:
    hosts, known, memories = Hosts(2, 0.0, 8), Known(), Memories()
    owned = Ownership(MemoryTables(filled()), hosts, known, memories)
    tenant = owned.tenant = Noting(owned)
    await owned.on_assigned(frozenset({0}))
    assert await _is_held(hosts, "news.example")
    assert not await _is_held(hosts, "other.example")
    assert (len(known), len(memories)) == (1, 1)
    owned.on_closing()
    assert await _is_held(hosts, "other.example"), "who only waits gives up"
    await owned.on_revoked()
    assert tenant.said == [("close", frozenset({0})), ("release", frozenset({0}))]
    assert (owned.numbers, owned.is_assigned, len(known), len(memories)) == (frozenset(), False, 0, 0)
    assert isinstance(known.look(entry("https://news.example/1")), Fresh)
    await owned.on_assigned(frozenset())
    assert owned.is_assigned, "also when there are none left for us"
    assert not await _is_held(hosts, "news.example"), "it is somebody else's business"


async def test_a_host_is_left_alone_for_its_delay_when_it_becomes_ours() -> None:
    hosts = Hosts(2, 600.0, 8)
    owned = Ownership(MemoryTables(MemoryBroker()), hosts, Known(), Memories())
    await owned.on_assigned(frozenset({0}))
    assert await _is_held(hosts, "any.example")


def test_only_hosts_of_ours_are_written() -> None:
    names = [f"site{number}.example" for number in range(30)]
    kept = kept_states([HostState(domain=name) for name in names], frozenset({1, 4}), 6)
    assert [state.domain for state in kept] == [name for name in names if partition_of(name, 6) in (1, 4)]
    assert 0 < len(kept) < len(names)


@pytest.mark.parametrize(("quiet", "lines"), [(3600.0, 0), (0.0, 3)])
def test_a_rebuild_says_how_far_it_is_only_where_it_takes_long(
    monkeypatch: pytest.MonkeyPatch, quiet: float, lines: int
) -> None:
    monkeypatch.setattr("copydesk_fetcher.progress.QUIET_SECONDS", quiet)
    read: list[Record] = []
    counted = Progress("feeds", 2).counting(read.append)
    with structlog.testing.capture_logs() as said:
        _feed_all(counted, [Record(topic, 0, 0, b"k", b"v") for topic in ("feeds", "feeds.state", "feeds")])
    assert (len(read), len(said)) == (3, lines)
    if said:
        assert said[-1]["records"] == {"feeds": 2, "feeds.state": 1}
        assert (said[-1]["what"], said[-1]["partitions"]) == ("feeds", 2)


def _feed_all(each: object, records: Iterable[Record]) -> None:
    assert callable(each)
    for record in records:
        each(record)
