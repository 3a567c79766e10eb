"""Which partitions this process owns, and what is kept of their hosts and pages.

The download stage's group hands the partitions out. Everything that asks a host follows: a partition is the place of a
registrable domain, so one process makes all requests to it, of polls, pages and robots.txt alike.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Protocol

from copydesk_fetcher.hosts import Hosts
from copydesk_fetcher.progress import Progress
from copydesk_shared.errors import Poison
from copydesk_shared.kafka import partition_of
from copydesk_shared.log import Record
from copydesk_shared.messages import HostMemory, HostState, KnownPage
from copydesk_shared.tables import Tables
from copydesk_shared.telemetry import get_logger
from copydesk_shared.topics import HOSTS_MEMORY, HOSTS_STATE, PAGES_KNOWN
from copydesk_shared.wire import decode

BATCH = 500
# What is kept of a host that nobody has asked for so long is of no use any more.
STALE_SECONDS = 30 * 86_400.0


class Pages(Protocol):
    """See :class:`copydesk_fetcher.known.Known`."""

    def restore(self, pages: Iterable[KnownPage]) -> None:
        """Go on from what was kept."""

    def forget(self) -> None:
        """All pages are somebody else's now."""


class Memories(Protocol):
    """See :class:`copydesk_fetcher.memory.Memories`."""

    def restore(self, memories: Iterable[HostMemory]) -> None:
        """Go on from what was kept."""

    def forget(self) -> None:
        """All hosts are somebody else's now."""


class Tenant(Protocol):
    """What works on the partitions beside the stage: the poll loop."""

    def close(self) -> None:
        """Begin nothing more: the partitions are about to go."""

    async def release(self) -> None:
        """The partitions go: end what runs, and keep what is to be kept."""


class Ownership:
    """The partitions that are ours; see :class:`copydesk_shared.companion.Companion`.

    ``changes`` counts the times that they changed. ``is_assigned`` also when there are none left for us. ``stale`` are
    hosts, with their partitions, that were not asked for long: what is kept of them may go.
    """

    def __init__(self, tables: Tables, hosts: Hosts, pages: Pages, memories: Memories) -> None:
        self._tables = tables
        self._hosts = hosts
        self._pages = pages
        self._memories = memories
        self.numbers: frozenset[int] = frozenset()
        self.changes = 0
        self.is_assigned = False
        self.stale: tuple[tuple[int, str], ...] = ()
        self.tenant: Tenant | None = None

    async def on_assigned(self, numbers: frozenset[int]) -> None:
        """Read what is kept of hosts and pages, so that none is asked too soon or again. Raises :class:`LogError`."""
        self._forget()
        kept = _Kept(self._pages, self._memories)
        reading = Progress("hosts and pages", len(numbers)).counting(kept.take)
        await self._tables.read((HOSTS_STATE.name, HOSTS_MEMORY.name, PAGES_KNOWN.name), numbers, reading)
        kept.flush()
        self._hosts.restore(kept.hosts.values(), delay_first=True)
        self._hosts.open()
        self.stale = tuple(kept.stale())
        self.numbers, self.is_assigned = numbers, True
        self.changes += 1

    def on_closing(self) -> None:
        """The partitions are about to go: whoever waits for a host gives up, requests that run are finished."""
        if self.tenant is not None:
            self.tenant.close()
        self._hosts.close()

    async def on_revoked(self) -> None:
        """Forget what belongs to the partitions; nothing of ours asks their hosts any more after this."""
        self.is_assigned = False
        if self.tenant is not None:
            await self.tenant.release()
        self.numbers = frozenset()
        self.changes += 1
        self._forget()

    def _forget(self) -> None:
        self._hosts.forget()
        self._pages.forget()
        self._memories.forget()


class _Kept:
    """What is kept of hosts and pages while it is read. Pages go on at once: they may be half a million."""

    def __init__(self, pages: Pages, memories: Memories) -> None:
        self._pages = pages
        self._memories = memories
        self._batch: list[KnownPage] = []
        self._written: dict[str, tuple[int, float]] = {}
        self.hosts: dict[str, HostState] = {}

    def stale(self) -> Iterator[tuple[int, str]]:
        """Partitions and domains of hosts of which nothing was written for long, and that are not held."""
        now = datetime.now(UTC)
        for domain, (number, at) in self._written.items():
            held_until = self.hosts[domain].held_until
            if now.timestamp() - at >= STALE_SECONDS and (held_until is None or held_until <= now):
                yield number, domain

    def take(self, record: Record) -> None:
        if record.value is None:
            if record.topic == HOSTS_STATE.name:
                domain = (record.key or b"").decode("utf-8", "replace")
                self.hosts.pop(domain, None)
                self._written.pop(domain, None)
            return
        try:
            if record.topic == HOSTS_STATE.name:
                host = decode(HOSTS_STATE, record)
                self.hosts[host.domain] = host
                self._written[host.domain] = record.partition, record.timestamp_ms / 1000
            elif record.topic == HOSTS_MEMORY.name:
                self._memories.restore([decode(HOSTS_MEMORY, record)])
            else:
                self._batch.append(decode(PAGES_KNOWN, record))
        except Poison as error:
            get_logger().warning("a record that cannot be read is passed over", topic=record.topic, error=str(error))
        if len(self._batch) >= BATCH:
            self.flush()

    def flush(self) -> None:
        self._pages.restore(self._batch)
        self._batch = []


def kept_states(states: Iterable[HostState], numbers: frozenset[int], partitions: int) -> list[HostState]:
    """Those of hosts that are ours to keep: a redirect may lead to a host of somebody else's."""
    return [state for state in states if partition_of(state.domain, partitions) in numbers]
