"""The loop of a sink: records go into a store together with the offsets, in one transaction of the store.

The store is the truth about what was read, so its effects are exactly once; the group's committed offsets only let
ordinary tools show the lag.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import Generic, NamedTuple, Protocol, TypeVar

from copydesk_shared.dead_letters import dead_letter
from copydesk_shared.errors import Poison, Retryable
from copydesk_shared.ledger import Lag
from copydesk_shared.log import Log, OpenLog, Partition, Record, stay
from copydesk_shared.message import Message
from copydesk_shared.meter import Meter
from copydesk_shared.runner import OBSERVE_SECONDS
from copydesk_shared.service import Service
from copydesk_shared.sessions import kafka_log, keep_session, wait_for_topics
from copydesk_shared.telemetry import CURRENT_RECORD, RECORDS, STORE_FAILURES, OutcomeKind, get_logger
from copydesk_shared.topics import DEAD_LETTER, Topic
from copydesk_shared.tracing import Span, process_span
from copydesk_shared.wire import LONG_AGO, decode, written_at

BATCH = 200
POLL_SECONDS = 0.5
FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 10.0

M = TypeVar("M", bound=Message)


class Delivered(NamedTuple, Generic[M]):
    """A message by its key, ``None`` for a tombstone, and when it was written (see :func:`written_at`)."""

    key: str
    message: M | None
    written_at: datetime = LONG_AGO


def delivered(topic: Topic[M], record: Record) -> Delivered[M]:
    """What a record brings. Raises :class:`Poison`, or ``UnicodeDecodeError`` for a key that is no text."""
    key = (record.key or b"").decode()
    if record.is_tombstone:
        return Delivered(key, None, written_at(record))
    message = decode(topic, record)
    if topic.key(message) != key:
        raise Poison(f"key is {key!r}, the message is of {topic.key(message)!r}")
    return Delivered(key, message, written_at(record))


class Sink(Protocol[M]):
    """A store that takes the messages of a topic. Its methods run in a thread, one call at a time.

    They raise :class:`Retryable` while the store cannot be used; the same batch is then written again.
    """

    @property
    def name(self) -> str:
        """The consumer group."""

    @property
    def source(self) -> Topic[M]:
        """The topic."""

    def positions(self, partitions: Sequence[int]) -> Mapping[int, int]:
        """The next offset to read of each partition the store knows."""

    def write(self, changes: Sequence[Delivered[M]], next_offsets: Mapping[int, int]) -> None:
        """Take the changes and the offsets, in one transaction."""


class SinkRun(Generic[M]):
    """One session of a sink."""

    def __init__(self, sink: Sink[M], service: Service) -> None:
        self._sink = sink
        self._service = service
        self._meter = Meter(sink.name)
        self._in_hand: Sequence[Record] = ()
        self._done_until_ms: dict[Partition, float] = {}
        self._store = asyncio.Lock()
        self._assignments = 0

    async def run(self, open_log: OpenLog) -> None:
        """Work until the service stops. Raises :class:`LogError`."""
        async with open_log(self) as log:
            self._service.health.ready(self._sink.name, value=True)
            self._service.health.progressed(self._sink.name)
            observer = asyncio.create_task(self._observe(log))
            try:
                while not self._service.stopping.is_set():
                    if observer.done():
                        observer.result()
                    await self._step(log)
            finally:
                observer.cancel()

    async def on_assigned(self, partitions: frozenset[Partition]) -> Mapping[Partition, int]:
        """Start where the store says; from the beginning where it knows nothing."""
        self._assignments += 1
        numbers = sorted(number for _, number in partitions)
        async with self._store:
            known = await asyncio.to_thread(self._sink.positions, numbers)
        self._meter.assigned(partitions)
        return {where: known.get(where[1], 0) for where in partitions}

    async def on_revoked(self, partitions: frozenset[Partition]) -> None:
        """Nothing to do: what was written is committed already, what was not is read again."""

    async def _step(self, log: Log) -> None:
        records = await log.poll(BATCH, POLL_SECONDS)
        if records:
            with ExitStack() as stack:
                spans = [stack.enter_context(process_span(self._sink.name, record)) for record in records]
                await self._take(log, records, spans)
        if not self._meter.is_stuck(self._service.settings.stall_seconds):
            self._service.health.progressed(self._sink.name)

    async def _observe(self, log: Log) -> None:
        while True:
            positions = await log.positions()
            self._meter.observe({where: self._lag(where, *position) for where, position in positions.items()}, held=())
            await asyncio.sleep(OBSERVE_SECONDS)

    def _lag(self, where: Partition, position: int, end: int) -> Lag:
        """The age is that of the oldest record in hand. Of one that is not read yet it is not known: it came after the
        last that was stored, and after the last look that found nothing to do.
        """
        now_ms = time.time() * 1000
        hand = [record.timestamp_ms for record in self._in_hand if record.where == where]
        waiting = max(0, end - position) + len(hand)
        if not waiting:
            self._done_until_ms[where] = now_ms
            return Lag(0, 0.0)
        oldest = min(hand, default=self._done_until_ms.get(where, now_ms))
        return Lag(waiting, max(0.0, (now_ms - oldest) / 1000))

    async def _take(self, log: Log, records: list[Record], spans: Sequence[Span]) -> None:
        changes: list[Delivered[M]] = []
        stored: list[Span] = []
        for record, span in zip(records, spans, strict=True):
            try:
                changes.append(delivered(self._sink.source, record))
                stored.append(span)
            except (Poison, UnicodeDecodeError) as error:
                await self._bury(log, record, error, span)
        self._in_hand = records
        try:
            if await self._write(log, changes, {record.partition: record.offset + 1 for record in records}):
                await self._stored(log, records, changes)
                for span in stored:
                    span.ended(OutcomeKind.STORED)
        finally:
            self._in_hand = ()

    async def _stored(self, log: Log, records: list[Record], changes: Sequence[Delivered[M]]) -> None:
        RECORDS.labels(self._sink.name, OutcomeKind.STORED, "").inc(len(changes))
        for each in changes:
            if (published_at := getattr(each.message, "published_at", None)) is not None:
                self._meter.arrived(published_at)
        self._meter.committed()
        for record in records:
            self._done_until_ms[record.where] = max(self._done_until_ms.get(record.where, 0), record.timestamp_ms)
        await log.commit({record.where: record.offset + 1 for record in records})

    async def _bury(self, log: Log, record: Record, error: Poison | UnicodeDecodeError, span: Span) -> None:
        problem = error if isinstance(error, Poison) else Poison(f"key is not UTF-8: {error}")
        said = CURRENT_RECORD.set(record)
        get_logger().warning("dead letter", reason=problem.reason.value, error=str(problem))
        CURRENT_RECORD.reset(said)
        letter = dead_letter(record, stage=self._sink.name, reason=problem.reason, error=str(problem))
        await (await log.send(letter))
        RECORDS.labels(self._sink.name, OutcomeKind.DEAD_LETTERED, problem.reason.value).inc()
        span.ended(OutcomeKind.DEAD_LETTERED, problem.reason.value)

    async def _write(self, log: Log, changes: list[Delivered[M]], offsets: Mapping[int, int]) -> bool:
        """Whether the batch is stored; it is tried until it is, or the service stops, or it is assigned anew."""
        backoff = FIRST_BACKOFF_SECONDS
        assignments = self._assignments
        while True:
            try:
                async with self._store:
                    if self._assignments != assignments:
                        return False
                    await asyncio.to_thread(self._sink.write, changes, offsets)
            except Retryable as error:
                self._service.health.progressed(self._sink.name)  # a store that is away is no reason to be killed
                self._service.health.ready(self._sink.name, value=False, why=str(error))
                STORE_FAILURES.labels(self._sink.name).inc()
                get_logger().warning("the store cannot be used", error=str(error), again_in_seconds=backoff)
                await stay(log)
                await self._service.pause(backoff)
                backoff = min(backoff * 2, LONGEST_BACKOFF_SECONDS)
                if self._service.stopping.is_set():
                    return False
            else:
                self._service.health.ready(self._sink.name, value=True)
                log.hold(frozenset())
                return True


async def run_sink(sink: Sink[M], service: Service, open_log: OpenLog | None = None) -> None:
    """Run a sink until the service stops, with one session after another."""
    opener = open_log or kafka_log(service, sink.name, (sink.source.name,))

    async def session() -> None:
        if open_log is None:
            await wait_for_topics(service, (sink.source.name, DEAD_LETTER.name))
        if not service.stopping.is_set():
            await SinkRun(sink, service).run(opener)

    await keep_session(service, sink.name, session)
