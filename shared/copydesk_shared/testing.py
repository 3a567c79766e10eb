"""A log in memory, so that a stage runs in a test under the real runner with no broker."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from copydesk_shared.log import Log, LogError, Outgoing, Partition, RebalanceListener, Record
from copydesk_shared.runner import OpenLog
from copydesk_shared.service import Service
from copydesk_shared.settings import ServiceSettings


class MemoryBroker:
    """Topics of one partition each, kept in lists, and the committed offsets of groups.

    ``fail_sends`` and ``fail_polls`` make that many sends or polls raise ``failure``, by default as a broker that is
    away would. ``sessions`` were opened so far.
    """

    def __init__(self) -> None:
        self.topics: dict[str, list[Record]] = defaultdict(list)
        self.committed: dict[tuple[str, Partition], int] = {}
        self.fail_sends = 0
        self.fail_polls = 0
        self.sessions = 0
        self.failure: type[LogError] = LogError
        self.producers = 1

    def append(self, record: Outgoing) -> Record:
        """Store a record at the end of its topic."""
        log = self.topics[record.topic]
        stored = Record(record.topic, 0, len(log), record.key, record.value, record.headers, int(time.time() * 1000))
        log.append(stored)
        return stored

    def open_log(self, group: str, *topics: str) -> OpenLog:
        """Opens sessions of that group on those topics."""

        def opener(listener: RebalanceListener) -> AbstractAsyncContextManager[Log]:
            return self._session(group, topics, listener)

        return opener

    @asynccontextmanager
    async def _session(self, group: str, topics: Sequence[str], listener: RebalanceListener) -> AsyncIterator[Log]:
        self.sessions += 1
        assigned = frozenset((topic, 0) for topic in topics)
        starts = await listener.on_assigned(assigned)
        positions = {where: starts.get(where, self.committed.get((group, where), 0)) for where in assigned}
        yield MemoryLog(self, group, positions)


class MemoryLog:
    """A session with a :class:`MemoryBroker`."""

    def __init__(self, broker: MemoryBroker, group: str, positions: dict[Partition, int]) -> None:
        self._broker = broker
        self._group = group
        self._positions = positions
        self._held: AbstractSet[Partition] = frozenset()

    async def poll(self, max_records: int, timeout_seconds: float) -> list[Record]:
        """See :class:`Log`."""
        await asyncio.sleep(0)
        if self._broker.fail_polls > 0:
            self._broker.fail_polls -= 1
            raise self._broker.failure("the broker is away")
        records: list[Record] = []
        for where in sorted(self._positions.keys() - self._held):
            start = self._positions[where]
            records += self._broker.topics[where[0]][start : start + max_records - len(records)]
            self._positions[where] = records[-1].offset + 1 if records and records[-1].where == where else start
        if not records:
            await asyncio.sleep(min(timeout_seconds, 0.01))
        return records

    def hold(self, partitions: AbstractSet[Partition]) -> None:
        """See :class:`Log`."""
        self._held = frozenset(partitions)

    def rewind(self, where: Partition, offset: int) -> None:
        """See :class:`Log`."""
        self._positions[where] = offset

    async def positions(self) -> Mapping[Partition, tuple[int, int]]:
        """See :class:`Log`."""
        return {where: (offset, len(self._broker.topics[where[0]])) for where, offset in self._positions.items()}

    async def send(self, record: Outgoing) -> Awaitable[None]:
        """See :class:`Log`."""
        if self._broker.fail_sends > 0:
            self._broker.fail_sends -= 1
            raise self._broker.failure("the broker is away")
        self._broker.append(record)
        return asyncio.sleep(0)

    async def renew_producer(self) -> None:
        """See :class:`Log`."""
        self._broker.producers += 1

    async def commit(self, next_offsets: Mapping[Partition, int]) -> bool:
        """See :class:`Log`."""
        for where, offset in next_offsets.items():
            self._broker.committed[self._group, where] = offset
        return True

    def assigned(self) -> frozenset[Partition]:
        """See :class:`Log`."""
        return frozenset(self._positions)


def service(name: str = "test", **settings: object) -> Service:
    """A service that is not a process: nothing listens and no signal is caught."""
    return Service(name, ServiceSettings(**{"drain_seconds": 5, **settings}))  # type: ignore[arg-type]
