"""Looking through a topic outside any group, a record at a time, whatever its size; and deleting its oldest records."""

import asyncio
import heapq
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import RecordsToDelete

from copydesk_shared.brokers import Brokers
from copydesk_shared.kafka.admin import see_topics
from copydesk_shared.kafka.clients import log_errors, open_admin, open_consumer
from copydesk_shared.kafka.session import as_record
from copydesk_shared.log import LogError, Record

T = TypeVar("T")

ANSWER_SECONDS = 15.0
STALL_SECONDS = 30.0
POLL_MS = 500
# A partition that has been read to its end holds the answer for the others back for this long.
FETCH_WAIT_MS = 50


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets of a partition, from ``start`` up to and without ``end``."""

    start: int
    end: int


Spans = Mapping[int, Span]


class Scanner:
    """A reader of one topic. ``on_unreadable`` is told of records that cannot be read at all, as partition/offset."""

    def __init__(
        self, consumer: AIOKafkaConsumer, topic: str, partitions: Iterable[int], on_unreadable: Callable[[str], None]
    ) -> None:
        self._consumer = consumer
        self._all = [TopicPartition(topic, number) for number in sorted(partitions)]
        self._on_unreadable = on_unreadable

    async def spans(self) -> dict[int, Span]:
        """The offsets that each partition holds now. Raises :class:`LogError`."""
        with log_errors():
            starts = await self._consumer.beginning_offsets(self._all)
            ends = await self._consumer.end_offsets(self._all)
        return {where.partition: Span(starts[where], ends[where]) for where in self._all}

    async def since(self, at: datetime, spans: Spans) -> dict[int, Span]:
        """The spans without the records before the first that is not older than ``at``. Raises :class:`LogError`."""
        milliseconds = max(0, int(at.timestamp() * 1000))
        with log_errors():
            found = await self._consumer.offsets_for_times(dict.fromkeys(self._all, milliseconds))
        firsts = {where.partition: place.offset for where, place in found.items() if place is not None}
        return {
            number: Span(min(max(span.start, firsts.get(number, span.end)), span.end), span.end)
            for number, span in spans.items()
        }

    async def records(self, spans: Spans) -> AsyncIterator[Record]:
        """The records of these spans, oldest first as far as each partition is in the order of its times.

        One record of each partition is in memory at a time. Raises :class:`LogError`.
        """
        wanted = {where: spans[where.partition] for where in self._all if where.partition in spans}
        self._assign({where: span.start for where, span in wanted.items()})
        streams = {where.partition: self._partition(where, span.end) for where, span in wanted.items()}
        heads: list[tuple[int, int, Record]] = []
        for number in list(streams):
            await _push(heads, number, streams[number])
        while heads:
            _, number, record = heapq.heappop(heads)
            yield record
            del record
            await _push(heads, number, streams[number])

    async def record(self, partition: int, offset: int) -> Record | None:
        """The record at that place; ``None`` when nothing lies there. Raises :class:`LogError`."""
        async for record in self.records({partition: Span(offset, offset + 1)}):
            return record
        return None

    def _assign(self, starts: Mapping[TopicPartition, int]) -> None:
        self._consumer.assign(list(starts))
        for where, start in starts.items():
            self._consumer.seek(where, start)

    async def _partition(self, where: TopicPartition, end: int) -> AsyncIterator[Record]:
        clock = asyncio.get_running_loop().time
        last, moved_at = -1, clock()
        while True:
            with log_errors():
                position = await self._consumer.position(where)
            if position >= end:
                break
            if position != last:
                last, moved_at = position, clock()
            elif clock() - moved_at > STALL_SECONDS:
                raise LogError(f"no answer for {STALL_SECONDS:g} seconds")
            record = await self._next(where, position)
            if record is not None and record.offset < end:
                yield record
        self._consumer.pause(where)

    async def _next(self, where: TopicPartition, position: int) -> Record | None:
        try:
            with log_errors():
                found = await self._consumer.getmany(where, timeout_ms=POLL_MS, max_records=1)
        except UnicodeDecodeError:
            # aiokafka cannot read a header whose name is not UTF-8, nor what follows in the same batch
            self._on_unreadable(f"{where.partition}/{position}")
            self._consumer.seek(where, position + 1)
            return None
        return next((as_record(message) for messages in found.values() for message in messages), None)


async def _push(heads: list[tuple[int, int, Record]], number: int, stream: AsyncIterator[Record]) -> None:
    record = await anext(stream, None)
    if record is not None:
        heapq.heappush(heads, (record.timestamp_ms, number, record))


@asynccontextmanager
async def open_scanner(
    brokers: Brokers, topic: str, on_unreadable: Callable[[str], None] = lambda _: None
) -> AsyncIterator[Scanner]:
    """A scanner of a topic. Raises :class:`LogError` when no broker answers or there is no such topic."""
    async with open_consumer(brokers, "copydesk-scan", fetch_max_wait_ms=FETCH_WAIT_MS) as consumer:
        found = await _in_time(see_topics(brokers, [topic]))
        await _in_time(consumer.start())
        there = found.found.get(topic)
        if there is None:
            raise LogError(f"there is no topic {topic} that we may read")
        yield Scanner(consumer, topic, range(there.partitions), on_unreadable)


async def _in_time(answer: Awaitable[T]) -> T:
    try:
        with log_errors():
            async with asyncio.timeout(ANSWER_SECONDS) as limit:
                return await answer
    except LogError:
        if limit.expired():
            raise LogError(f"no answer for {ANSWER_SECONDS:g} seconds") from None
        raise


async def delete_records(brokers: Brokers, topic: str, before: Mapping[int, int]) -> dict[int, int]:
    """Delete what lies before an offset of each partition; the first offset that is left. Raises :class:`LogError`."""
    wanted = {TopicPartition(topic, number): RecordsToDelete(offset) for number, offset in before.items()}
    async with open_admin(brokers) as admin:
        with log_errors():
            left = await admin.delete_records(wanted)
    return {where.partition: offset for where, offset in left.items()}
