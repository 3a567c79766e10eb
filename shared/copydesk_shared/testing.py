"""A log in memory, so that a stage runs in a test under the real runner with no broker."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from copydesk_shared.log import Log, LogError, Outgoing, Partition, RebalanceListener, Record
from copydesk_shared.runner import OpenLog
from copydesk_shared.service import Service
from copydesk_shared.settings import ServiceSettings


class MemoryBroker:
    """Topics of one partition each, kept in lists, and the committed offsets of groups.

    ``fail_sends`` makes that many sends fail as a broker that is away would.
    """

    def __init__(self) -> None:
        self.topics: dict[str, list[Record]] = defaultdict(list)
        self.committed: dict[tuple[str, Partition], int] = {}
        self.fail_sends = 0

    def append(self, record: Outgoing) -> Record:
        """Store a record at the end of its topic."""
        log = self.topics[record.topic]
        stored = Record(record.topic, 0, len(log), record.key, record.value, record.headers)
        log.append(stored)
        return stored

    def open_log(self, group: str, topic: str) -> OpenLog:
        """Opens sessions of that group on that topic."""

        def opener(listener: RebalanceListener) -> AbstractAsyncContextManager[Log]:
            return self._session(group, topic, listener)

        return opener

    @asynccontextmanager
    async def _session(self, group: str, topic: str, listener: RebalanceListener) -> AsyncIterator[Log]:
        where = (topic, 0)
        starts = await listener.on_assigned(frozenset({where}))
        yield MemoryLog(self, group, where, starts.get(where, self.committed.get((group, where), 0)))


class MemoryLog:
    """A session with a :class:`MemoryBroker`."""

    def __init__(self, broker: MemoryBroker, group: str, where: Partition, position: int) -> None:
        self._broker = broker
        self._group = group
        self._where = where
        self._position = position
        self._paused = False

    async def poll(self, max_records: int, timeout_seconds: float) -> list[Record]:
        """See :class:`Log`."""
        await asyncio.sleep(0)
        if self._paused:
            return []
        records = self._broker.topics[self._where[0]][self._position : self._position + max_records]
        if not records:
            await asyncio.sleep(min(timeout_seconds, 0.01))
        self._position += len(records)
        return records

    def pause(self, *, paused: bool) -> None:
        """See :class:`Log`."""
        self._paused = paused

    async def send(self, record: Outgoing) -> Awaitable[None]:
        """See :class:`Log`."""
        if self._broker.fail_sends > 0:
            self._broker.fail_sends -= 1
            raise LogError("the broker is away")
        self._broker.append(record)
        return asyncio.sleep(0)

    async def commit(self, next_offsets: Mapping[Partition, int]) -> bool:
        """See :class:`Log`."""
        for where, offset in next_offsets.items():
            self._broker.committed[self._group, where] = offset
        return True

    def assigned(self) -> frozenset[Partition]:
        """See :class:`Log`."""
        return frozenset({self._where})


def service(name: str = "test", **settings: object) -> Service:
    """A service that is not a process: nothing listens and no signal is caught."""
    return Service(name, ServiceSettings(**{"drain_seconds": 5, **settings}))  # type: ignore[arg-type]
