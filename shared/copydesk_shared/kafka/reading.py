"""Reading topics to their end as it is now, outside any group."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from aiokafka import TopicPartition

from copydesk_shared.brokers import Brokers
from copydesk_shared.kafka.clients import CONNECT_SECONDS, log_errors, open_consumer
from copydesk_shared.kafka.connections import Consumer
from copydesk_shared.kafka.scanning import open_scanner
from copydesk_shared.kafka.session import as_record
from copydesk_shared.log import LogError, Partition, Record
from copydesk_shared.telemetry import get_logger

BATCH = 1_000
POLL_MS = 500
# A partition that has been read to its end holds the answer for the others back for this long.
FETCH_WAIT_MS = 20
STALL_SECONDS = 30.0

Each = Callable[[Record], None]


async def read_partitions(brokers: Brokers, topic: str, partitions: Sequence[int]) -> list[Record]:
    """Every record of these partitions from the beginning to the end as it is now, in order within each partition.

    Records that cannot be read at all are left out, with a line in the log. Raises :class:`LogError`.
    """
    if not partitions:
        return []

    async with open_scanner(brokers, topic, lambda where: _left_out(topic, where)) as scanner:
        spans = await scanner.spans()
        return [record async for record in scanner.records({number: spans[number] for number in partitions})]


def _left_out(topic: str, where: str) -> None:
    get_logger().warning("a record that cannot be read is left out", topic=topic, where=where)


class KafkaTables:
    """See :class:`copydesk_shared.tables.Tables`."""

    def __init__(self, brokers: Brokers) -> None:
        self._brokers = brokers

    async def read(self, topics: Collection[str], numbers: Collection[int], each: Each) -> dict[Partition, int]:
        """See :class:`Tables`."""
        places = [TopicPartition(topic, number) for topic in topics for number in numbers]
        if not places:
            return {}
        async with self._reader() as consumer:
            with log_errors():
                starts = await consumer.beginning_offsets(places)
                ends = await consumer.end_offsets(places)
            await _Reading(consumer, starts, ends, each).run()
        return {(where.topic, where.partition): end for where, end in ends.items()}

    async def since(self, topic: str, numbers: Collection[int], at: datetime) -> dict[Partition, int]:
        """See :class:`Tables`."""
        places = [TopicPartition(topic, number) for number in numbers]
        if not places:
            return {}
        async with self._reader() as consumer:
            with log_errors():
                ends = await consumer.end_offsets(places)
                found = await consumer.offsets_for_times(dict.fromkeys(places, max(0, int(at.timestamp() * 1000))))
        firsts = {where: place.offset for where, place in found.items() if place is not None}
        return {(where.topic, where.partition): firsts.get(where, end) for where, end in ends.items()}

    async def tail(self, starts: Mapping[Partition, int], each: Each) -> None:
        """See :class:`Tables`."""
        begin = {TopicPartition(*where): offset for where, offset in starts.items()}
        if not begin:
            return
        async with self._reader() as consumer:
            with log_errors():
                ends = await consumer.end_offsets(list(begin))
            await _Reading(consumer, begin, ends, each).run()

    @asynccontextmanager
    async def _reader(self) -> AsyncIterator[Consumer]:
        async with open_consumer(self._brokers, "copydesk-tables", fetch_max_wait_ms=FETCH_WAIT_MS) as consumer:
            with log_errors():
                async with asyncio.timeout(CONNECT_SECONDS):
                    await consumer.start()
            yield consumer


class _Reading:
    """One pass over some partitions; ``next`` is where each goes on."""

    def __init__(
        self,
        consumer: Consumer,
        starts: Mapping[TopicPartition, int],
        ends: Mapping[TopicPartition, int],
        each: Each,
    ) -> None:
        self._consumer = consumer
        self._next = {where: offset for where, offset in starts.items() if offset < ends[where]}
        self._ends = ends
        self._each = each

    async def run(self) -> None:
        """Read until each partition is at its end. Raises :class:`LogError`, also when nothing comes for long."""
        if not self._next:
            return
        with log_errors():
            self._consumer.assign(list(self._next))
            for where, offset in self._next.items():
                self._consumer.seek(where, offset)
            moved_at = time.monotonic()
            while self._next:
                if await self._step():
                    moved_at = time.monotonic()
                elif time.monotonic() - moved_at > STALL_SECONDS:
                    raise LogError(f"no answer for {STALL_SECONDS:g} seconds")

    async def _step(self) -> bool:
        """Whether anything moved."""
        before = dict(self._next)
        try:
            batches = await self._consumer.getmany(*before, timeout_ms=POLL_MS, max_records=BATCH)
        except UnicodeDecodeError:
            await self._one_by_one()
        else:
            for where, batch in batches.items():
                self._take(where, [as_record(message) for message in batch])
        for where in before:
            await self._look_for_end(where)
        await asyncio.sleep(0)
        return self._next != before

    def _take(self, where: TopicPartition, records: Sequence[Record]) -> None:
        for record in records:
            if record.offset < self._ends[where]:
                self._each(record)
            self._next[where] = record.offset + 1

    async def _look_for_end(self, where: TopicPartition) -> None:
        """Not every offset is a record: compaction and transactions leave gaps, also at the end."""
        position = await self._consumer.position(where)
        self._next[where] = max(self._next[where], position)
        if self._next[where] >= self._ends[where]:
            self._consumer.pause(where)
            del self._next[where]

    async def _one_by_one(self) -> None:
        """Read past a record that aiokafka cannot: it gives up on the whole poll, and on what it had taken for it."""
        for where, offset in self._next.items():
            self._consumer.seek(where, offset)
        for where, offset in list(self._next.items()):
            try:
                batches = await self._consumer.getmany(where, timeout_ms=POLL_MS, max_records=1)
            except UnicodeDecodeError:
                _left_out(where.topic, f"{where.partition}/{offset}")
                self._consumer.seek(where, offset + 1)
                self._next[where] = offset + 1
            else:
                self._take(where, [as_record(message) for batch in batches.values() for message in batch])
