"""A log in memory, so that a stage runs in a test under the real runner with no broker."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Generator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Any

from copydesk_shared.kafka import partition_of
from copydesk_shared.log import Log, LogError, OpenLog, Outgoing, Partition, RebalanceListener, Record
from copydesk_shared.service import Service
from copydesk_shared.settings import ServiceSettings


class MemoryBroker:
    """Topics, kept in lists, and the committed offsets of groups. Each topic has so many ``partitions``.

    ``fail_sends`` and ``fail_polls`` make that many sends or polls raise ``failure``, by default as a broker that is
    away would. ``sessions`` were opened so far.
    """

    def __init__(self, partitions: int = 1) -> None:
        self.partitions = partitions
        self.topics: dict[str, list[Record]] = defaultdict(list)
        self.committed: dict[tuple[str, Partition], int] = {}
        self.fail_sends = 0
        self.fail_polls = 0
        self.sessions = 0
        self.failure: type[LogError] = LogError
        self.producers = 1

    def append(self, record: Outgoing) -> Record:
        """Store a record at the end of its partition."""
        number = self._partition(record)
        offset, now = len(self.records((record.topic, number))), int(time.time() * 1000)
        stored = Record(record.topic, number, offset, record.key, record.value, record.headers, now)
        self.topics[record.topic].append(stored)
        return stored

    def _partition(self, record: Outgoing) -> int:
        if record.partition is not None:
            return record.partition
        place = (record.key or b"").decode("utf-8", "replace") if record.place is None else record.place
        return partition_of(place, self.partitions)

    def records(self, where: Partition) -> list[Record]:
        """What lies in a partition; the offsets count from 0."""
        topic, number = where
        return [record for record in self.topics[topic] if record.partition == number]

    def open_log(self, group: str, *topics: str) -> OpenLog:
        """Opens sessions of that group on those topics."""

        def opener(listener: RebalanceListener) -> AbstractAsyncContextManager[Log]:
            return self._session(group, topics, listener)

        return opener

    @asynccontextmanager
    async def follow(self) -> AsyncIterator[Log]:
        """A session outside any group."""
        self.sessions += 1
        yield MemoryLog(self, "", {})

    @asynccontextmanager
    async def _session(self, group: str, topics: Sequence[str], listener: RebalanceListener) -> AsyncIterator[Log]:
        self.sessions += 1
        assigned = frozenset((topic, number) for topic in topics for number in range(self.partitions))
        starts = await listener.on_assigned(assigned)
        positions = {where: starts.get(where, self.committed.get((group, where), 0)) for where in assigned}
        yield MemoryLog(self, group, positions)


class _Stored:
    """A delivery; as with Kafka's, nobody has to wait for it."""

    def __await__(self) -> Generator[Any, None, None]:
        yield


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
            records += self._broker.records(where)[start : start + max_records - len(records)]
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
        return {where: (offset, len(self._broker.records(where))) for where, offset in self._positions.items()}

    async def send(self, record: Outgoing) -> Awaitable[None]:
        """See :class:`Log`."""
        if self._broker.fail_sends > 0:
            self._broker.fail_sends -= 1
            raise self._broker.failure("the broker is away")
        self._broker.append(record)
        return _Stored()

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

    def assign(self, starts: Mapping[Partition, int]) -> None:
        """See :class:`Log`."""
        self._positions = dict(starts)

    async def count(self, topic: str) -> int:  # noqa: ARG002 - all topics have as many
        """See :class:`Log`."""
        return self._broker.partitions


class MemoryTables:
    """See :class:`copydesk_shared.tables.Tables`."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def read(
        self, topics: Collection[str], numbers: Collection[int], each: Callable[[Record], None]
    ) -> dict[Partition, int]:
        """See :class:`Tables`."""
        starts = {(topic, number): 0 for topic in topics for number in numbers}
        await self.tail(starts, each)
        return {where: len(self._broker.records(where)) for where in starts}

    async def since(self, topic: str, numbers: Collection[int], at: datetime) -> dict[Partition, int]:
        """See :class:`Tables`."""
        oldest = at.timestamp() * 1000
        return {
            (topic, number): sum(record.timestamp_ms < oldest for record in self._broker.records((topic, number)))
            for number in numbers
        }

    async def tail(self, starts: Mapping[Partition, int], each: Callable[[Record], None]) -> None:
        """See :class:`Tables`."""
        await asyncio.sleep(0)
        if self._broker.fail_polls > 0:
            self._broker.fail_polls -= 1
            raise self._broker.failure("the broker is away")
        for where, start in starts.items():
            for record in self._broker.records(where)[start:]:
                each(record)


def service(name: str = "test", **settings: object) -> Service:
    """A service that is not a process: nothing listens and no signal is caught."""
    return Service(name, ServiceSettings(**{"drain_seconds": 5, **settings}))  # type: ignore[arg-type]
