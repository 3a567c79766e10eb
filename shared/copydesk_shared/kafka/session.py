"""A session with the brokers: a producer and, for those who read, a consumer in a group."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Coroutine, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from aiokafka import AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from copydesk_shared.brokers import Brokers
from copydesk_shared.errors import CopydeskError
from copydesk_shared.kafka.clients import CONNECT_SECONDS, log_errors, open_consumer, start_producer, stop, text
from copydesk_shared.kafka.connections import Consumer
from copydesk_shared.kafka.deliveries import Delivery
from copydesk_shared.kafka.losses import Losses
from copydesk_shared.kafka.places import partition_of
from copydesk_shared.log import Log, LogError, Outgoing, Partition, RebalanceListener, Record

T = TypeVar("T")

ANSWER_SECONDS = 20.0
LOOK_SECONDS = 0.5
ONE_MS = 500
UNREADABLE = "cannot be read: the name of a header of it, or of one before it in its batch, is not UTF-8"


class KafkaLog:
    """A producer and, for those who read, a consumer; the brokers' errors come out as :class:`LogError`."""

    def __init__(
        self, brokers: Brokers, client_id: str, producer: AIOKafkaProducer, consumer: Consumer | None, group: str = ""
    ) -> None:
        self._brokers = brokers
        self._client_id = client_id
        self._producer = producer
        self._consumer = consumer
        self._sending = asyncio.Lock()
        self._next: dict[TopicPartition, int] = {}
        self._losses = Losses(group)
        self._settled = asyncio.Event()
        self._settled.set()
        self._moves = 0
        self._is_astray = False
        self.rebalance_error: CopydeskError | None = None

    def _reader(self) -> Consumer:
        if self._consumer is None:
            raise RuntimeError("this session only writes")
        return self._consumer

    async def poll(self, max_records: int, timeout_seconds: float) -> list[Record]:
        """See :class:`Log`."""
        if self.rebalance_error is not None:
            raise LogError(f"partitions could not be taken over: {self.rebalance_error}")
        if not self._settled.is_set():
            self._reader().check()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._settled.wait(), timeout_seconds)
            return []
        if not self._reader().assignment():
            self._reader().check()
            await asyncio.sleep(timeout_seconds)
            return []
        batches = None if self._is_astray else await self._poll_all(max_records, timeout_seconds)
        if not self._settled.is_set():
            return []
        if batches is None:
            return await self._poll_one_by_one()
        for where, batch in batches.items():
            self._handed_out(where, batch[0].offset, batch[-1].offset)
        return [as_record(message) for batch in batches.values() for message in batch]

    async def _poll_all(self, max_records: int, timeout_seconds: float) -> Any:
        """What aiokafka has, ``None`` where it cannot read something of it."""
        try:
            with log_errors():
                return await self._reader().getmany(timeout_ms=int(timeout_seconds * 1000), max_records=max_records)
        except UnicodeDecodeError:
            return None

    def _handed_out(self, where: TopicPartition, first: int, last: int) -> None:
        expected = self._next.get(where, first)
        if first > expected:
            self._losses.gap(where, expected, first)
        self._next[where] = last + 1

    async def _poll_one_by_one(self) -> list[Record]:
        """Read past a record that aiokafka cannot: it gives up on the whole poll, and on what it had taken for it.

        Partitions that move meanwhile begin where they begin, whatever was read of them: it is read again next time.
        """
        consumer, moves = self._reader(), self._moves
        self._is_astray = True
        try:
            with log_errors():
                for where in sorted(consumer.assignment()):
                    await self._go_back(where)
                readable = sorted(consumer.assignment() - consumer.paused())
                found = [await self._poll_one(where, moves) for where in readable]
        except LogError as error:
            if isinstance(error.__cause__, IllegalStateError):
                return []  # one is somebody else's by now
            raise
        if moves != self._moves:
            return []
        self._is_astray = False
        return [record for record in found if record is not None]

    async def _go_back(self, where: TopicPartition) -> None:
        """To the first record that was not handed out."""
        consumer = self._reader()
        offset = self._next[where] if where in self._next else await consumer.committed(where)
        if offset is None:
            await consumer.seek_to_beginning(where)
        else:
            consumer.seek(where, offset)

    async def _poll_one(self, where: TopicPartition, moves: int) -> Record | None:
        consumer = self._reader()
        offset = await consumer.position(where)
        try:
            found = await consumer.getmany(where, timeout_ms=ONE_MS, max_records=1)
        except UnicodeDecodeError:
            if moves != self._moves:
                return None
            consumer.seek(where, offset + 1)
            self._next[where] = offset + 1
            return Record(where.topic, where.partition, offset, None, None, fault=UNREADABLE)
        record = next((as_record(message) for batch in found.values() for message in batch), None)
        if record is None or moves != self._moves:
            return None
        self._handed_out(where, record.offset, record.offset)
        return record

    def hold(self, partitions: AbstractSet[Partition]) -> None:
        """See :class:`Log`."""
        consumer = self._reader()
        paused = {(each.topic, each.partition) for each in consumer.paused()}
        if paused == partitions:
            return
        with log_errors():
            assigned = self.assigned()
            consumer.pause(*(TopicPartition(*where) for where in (partitions - paused) & assigned))
            consumer.resume(*(TopicPartition(*where) for where in (paused - partitions) & assigned))

    def rewind(self, where: Partition, offset: int) -> None:
        """See :class:`Log`."""
        if where in self.assigned():
            with log_errors():
                self._reader().seek(TopicPartition(*where), offset)
            self._next[TopicPartition(*where)] = offset

    def moving(self) -> None:
        """Partitions change hands: nothing is handed out until it is known where they begin."""
        self._settled.clear()
        self._moves += 1

    def settled(self) -> None:
        """Partitions may be read, from where they begin."""
        self._settled.set()

    async def starts_at(self, starts: Mapping[Partition, int]) -> None:
        """The partitions were assigned anew: these begin at that offset, the others where the group has got to.

        All are set back at one moment, and read from then on: what a poll under way takes before is dropped, for good
        if it is of a partition that was set back already.
        """
        with log_errors():
            found = {where: await self._stands(where) for where in self.assigned() - starts.keys()}
        self._next.clear()
        for where, offset in (found | dict(starts)).items():
            self.rewind(where, offset)

    async def _stands(self, where: Partition) -> int:
        """Without an offset of the group it is the first: KEDA takes for lag what was deleted long ago too."""
        committed: int | None = await self._reader().committed(TopicPartition(*where))
        if committed is not None:
            return committed
        first: int = (await self._reader().beginning_offsets([TopicPartition(*where)]))[TopicPartition(*where)]
        await self.commit({where: first})
        return first

    async def positions(self) -> Mapping[Partition, tuple[int, int]]:
        """See :class:`Log`."""
        with log_errors():
            return await self._answered(self._positions())

    async def _positions(self) -> Mapping[Partition, tuple[int, int]]:
        consumer = self._reader()
        await self._look_for_topics(consumer)
        assigned = sorted(consumer.assignment())
        firsts = await consumer.beginning_offsets(assigned)
        self._losses.check(firsts, self._next)
        for where in self._next.keys() & firsts.keys():
            self._next[where] = max(self._next[where], firsts[where])
        ends = await consumer.end_offsets(assigned)
        positions: dict[Partition, tuple[int, int]] = {}
        for each in assigned:
            with contextlib.suppress(IllegalStateError):  # it went to somebody else while the brokers were asked
                positions[each.topic, each.partition] = (await consumer.position(each), ends[each])
        return positions

    async def _look_for_topics(self, consumer: Consumer) -> None:
        """Without a topic aiokafka goes on without a word, with the partitions that are left or with none."""
        unknown = {topic for topic in consumer.subscription() if not consumer.partitions_for_topic(topic)}
        gone = sorted(unknown - await consumer.topics()) if unknown else []
        if gone:
            raise LogError(f"the brokers have no topic {', '.join(gone)} any more")

    async def _answered(self, question: Coroutine[Any, Any, T]) -> T:
        """The answer of brokers. aiokafka may ask for ever; here brokers that are away raise :class:`LogError`."""
        asking = asyncio.create_task(question)
        try:
            for _ in range(int(ANSWER_SECONDS / LOOK_SECONDS)):
                await asyncio.wait({asking}, timeout=LOOK_SECONDS)
                if asking.done():
                    return asking.result()
                self._reader().check()
            raise LogError(f"no answer from the brokers at {self._brokers.servers} for {ANSWER_SECONDS:g} s")
        finally:
            asking.cancel()

    async def send(self, record: Outgoing) -> Awaitable[None]:
        """See :class:`Log`. One sender at a time: tasks that wait for room in one batch all wake each other."""
        await self._sending.acquire()
        try:
            with log_errors():
                partition = record.partition
                if partition is None and record.place is not None:
                    partition = partition_of(record.place, len(await self._producer.partitions_for(record.topic)))
                return Delivery(
                    await self._producer.send(
                        record.topic, record.value, record.key, partition, None, list(record.headers)
                    )
                )
        finally:
            self._sending.release()

    async def count(self, topic: str) -> int:
        """See :class:`Log`."""
        with log_errors():
            return len(await self._producer.partitions_for(topic))

    async def renew_producer(self) -> None:
        """See :class:`Log`."""
        async with self._sending:
            await stop(self._producer)
            self._producer = await start_producer(self._brokers, self._client_id)

    async def commit(self, next_offsets: Mapping[Partition, int]) -> bool:
        """See :class:`Log`."""
        try:
            await self._answered(
                self._reader().commit({TopicPartition(*where): offset for where, offset in next_offsets.items()})
            )
        except (CommitFailedError, IllegalStateError):
            return False
        except (KafkaError, OSError, TimeoutError) as error:
            raise LogError(text(error)) from error
        return True

    def assigned(self) -> frozenset[Partition]:
        """See :class:`Log`."""
        return frozenset((each.topic, each.partition) for each in self._reader().assignment())

    def assign(self, starts: Mapping[Partition, int]) -> None:
        """See :class:`Log`."""
        consumer = self._reader()
        self._moves += 1
        self._next.clear()
        # aiokafka takes no empty assignment
        consumer.assign([TopicPartition(*where) for where in starts]) if starts else consumer.unsubscribe()
        for where, offset in starts.items():
            self.rewind(where, offset)

    async def close(self) -> None:
        """Give the producer back."""
        await stop(self._producer)


def as_record(message: Any) -> Record:
    """The record in what aiokafka hands out."""
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=message.key,
        value=message.value,
        headers=tuple(message.headers),
        timestamp_ms=message.timestamp,
    )


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Hands rebalances on. aiokafka swallows what a listener raises, so an error is kept for the next poll."""

    def __init__(self, listener: RebalanceListener, log: KafkaLog) -> None:
        self._listener = listener
        self._log = log

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self._log.moving()
        try:
            await self._listener.on_revoked(frozenset((each.topic, each.partition) for each in revoked))
        except CopydeskError as error:
            self._log.rebalance_error = error

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        try:
            starts = await self._listener.on_assigned(frozenset((each.topic, each.partition) for each in assigned))
            await self._log.starts_at(starts)
            self._log.settled()  # with no turn of the loop in between
        except CopydeskError as error:
            self._log.rebalance_error = error


@asynccontextmanager
async def connect(
    brokers: Brokers,
    *,
    client_id: str,
    group: str | None = None,
    topics: Sequence[str] = (),
    listener: RebalanceListener | None = None,
    instance_id: str | None = None,
) -> AsyncIterator[Log]:
    """A session: writes, and with a group reads the topics. Raises :class:`LogError` when no broker answers."""
    producer = await start_producer(brokers, client_id)
    if group is None:
        async with _closing(KafkaLog(brokers, client_id, producer, None)) as writer:
            yield writer
        return
    # The range assignor gives a member the same partition numbers of every topic, so the retries of a key stay with
    # the member that has the key.
    assignor = {"partition_assignment_strategy": (RangePartitionAssignor,)}
    async with (
        open_consumer(brokers, client_id, group, instance_id, **assignor) as consumer,
        _closing(KafkaLog(brokers, client_id, producer, consumer, group)) as log,
    ):
        if listener is not None:
            # aiokafka hands records of partitions out before the listener has said where they begin
            log.moving()
        consumer.subscribe(list(topics), listener=_Listener(listener, log) if listener else None)
        await _started(consumer)
        yield log


@asynccontextmanager
async def follow(brokers: Brokers, *, client_id: str) -> AsyncIterator[Log]:
    """A session outside any group: writes, and reads the partitions it is told to (``assign``).

    Raises :class:`LogError` when no broker answers.
    """
    producer = await start_producer(brokers, client_id)
    async with (
        open_consumer(brokers, client_id) as consumer,
        _closing(KafkaLog(brokers, client_id, producer, consumer, client_id)) as log,
    ):
        await _started(consumer)
        yield log


@asynccontextmanager
async def _closing(log: KafkaLog) -> AsyncIterator[KafkaLog]:
    try:
        yield log
    finally:
        await log.close()


async def _started(consumer: Consumer) -> None:
    with log_errors():
        async with asyncio.timeout(CONNECT_SECONDS):
            await consumer.start()
