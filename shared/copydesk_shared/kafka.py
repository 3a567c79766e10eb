"""The log as Kafka gives it. The only module that imports aiokafka.

Never auto-commits; the producer is idempotent with acks from all; whatever goes wrong with the brokers becomes
:class:`LogError`, so that the runner has one thing to react to: give the session up and start another.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    CommitFailedError,
    ConsumerStoppedError,
    IllegalStateError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    RecordTooLargeError,
)

from copydesk_shared.errors import CopydeskError, DeadLetterReason, Poison
from copydesk_shared.log import Log, LogError, Outgoing, Partition, RebalanceListener, Record
from copydesk_shared.topics import ALL_TOPICS, MAX_MESSAGE_BYTES

STOP_SECONDS = 2.0
PRODUCER_BATCH_BYTES = 131_072
FETCH_BYTES_PER_PARTITION = 2 * 1024 * 1024
FETCH_BYTES = 16 * 1024 * 1024
TOPIC_EXISTS = 36
MOST_COPIES = 3
TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError, RecordTooLargeError)


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


@contextlib.contextmanager
def _log_errors() -> Iterator[None]:
    try:
        yield
    except TOO_LARGE as error:
        raise Poison(_text(error), DeadLetterReason.TOO_LARGE) from None
    except (KafkaError, ConsumerStoppedError, OSError, TimeoutError) as error:
        raise LogError(_text(error)) from error


async def _delivered(future: Awaitable[object]) -> None:
    with _log_errors():
        await future


class KafkaLog:
    """A producer and, for those who read, a consumer; the brokers' errors come out as :class:`LogError`."""

    def __init__(self, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer | None) -> None:
        self._producer = producer
        self._consumer = consumer
        self._sending = asyncio.Lock()
        self.rebalance_error: CopydeskError | None = None

    def _reader(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise RuntimeError("this session only writes")
        return self._consumer

    async def poll(self, max_records: int, timeout_seconds: float) -> list[Record]:
        """See :class:`Log`."""
        if self.rebalance_error is not None:
            raise LogError(f"partitions could not be taken over: {self.rebalance_error}")
        with _log_errors():
            batches = await self._reader().getmany(timeout_ms=int(timeout_seconds * 1000), max_records=max_records)
        return [_record(message) for batch in batches.values() for message in batch]

    def pause(self, *, paused: bool) -> None:
        """See :class:`Log`."""
        consumer = self._reader()
        with _log_errors():
            if paused:
                consumer.pause(*consumer.assignment())
            else:
                consumer.resume(*consumer.paused())

    async def send(self, record: Outgoing) -> Awaitable[None]:
        """See :class:`Log`. One sender at a time: tasks that wait for room in one batch all wake each other."""
        async with self._sending:
            with _log_errors():
                future = await self._producer.send(
                    record.topic, key=record.key, value=record.value, headers=list(record.headers)
                )
        return _delivered(future)

    async def commit(self, next_offsets: Mapping[Partition, int]) -> bool:
        """See :class:`Log`."""
        try:
            await self._reader().commit({TopicPartition(*where): offset for where, offset in next_offsets.items()})
        except (CommitFailedError, IllegalStateError):
            return False
        except (KafkaError, OSError, TimeoutError) as error:
            raise LogError(_text(error)) from error
        return True

    def assigned(self) -> frozenset[Partition]:
        """See :class:`Log`."""
        return frozenset((each.topic, each.partition) for each in self._reader().assignment())


def _record(message: object) -> Record:
    return Record(
        topic=message.topic,  # type: ignore[attr-defined]
        partition=message.partition,  # type: ignore[attr-defined]
        offset=message.offset,  # type: ignore[attr-defined]
        key=message.key,  # type: ignore[attr-defined]
        value=message.value,  # type: ignore[attr-defined]
        headers=tuple(message.headers),  # type: ignore[attr-defined]
        timestamp_ms=message.timestamp,  # type: ignore[attr-defined]
    )


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Hands rebalances on. aiokafka swallows what a listener raises, so an error is kept for the next poll."""

    def __init__(self, listener: RebalanceListener, consumer: AIOKafkaConsumer, log: KafkaLog) -> None:
        self._listener = listener
        self._consumer = consumer
        self._log = log

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        try:
            await self._listener.on_revoked(frozenset((each.topic, each.partition) for each in revoked))
        except CopydeskError as error:
            self._log.rebalance_error = error

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        try:
            starts = await self._listener.on_assigned(frozenset((each.topic, each.partition) for each in assigned))
        except CopydeskError as error:
            self._log.rebalance_error = error
            return
        for where, offset in starts.items():
            self._consumer.seek(TopicPartition(*where), offset)


async def _stop(client: AIOKafkaConsumer | AIOKafkaProducer | AIOKafkaAdminClient, method: str = "stop") -> None:
    with contextlib.suppress(KafkaError, OSError, TimeoutError):
        await asyncio.wait_for(getattr(client, method)(), STOP_SECONDS)


@asynccontextmanager
async def _producer(servers: str, client_id: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(
        bootstrap_servers=servers, client_id=client_id, acks="all", enable_idempotence=True, compression_type="zstd",
        max_batch_size=PRODUCER_BATCH_BYTES, max_request_size=MAX_MESSAGE_BYTES, linger_ms=0,
    )  # fmt: skip
    try:
        with _log_errors():
            await producer.start()
        yield producer
    finally:
        await _stop(producer)


@asynccontextmanager
async def _consumer(
    servers: str, client_id: str, group: str | None, instance_id: str | None = None
) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers, client_id=client_id, group_id=group, group_instance_id=instance_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest", isolation_level="read_committed", session_timeout_ms=10_000,
        heartbeat_interval_ms=1_000, max_partition_fetch_bytes=FETCH_BYTES_PER_PARTITION, fetch_max_bytes=FETCH_BYTES,
        metadata_max_age_ms=30_000,
    )  # fmt: skip
    try:
        yield consumer
    finally:
        await _stop(consumer)


@asynccontextmanager
async def connect(
    servers: str,
    *,
    client_id: str,
    group: str | None = None,
    topics: Sequence[str] = (),
    listener: RebalanceListener | None = None,
    instance_id: str | None = None,
) -> AsyncIterator[Log]:
    """A session: writes, and with a group reads the topics. Raises :class:`LogError` when no broker answers."""
    async with _producer(servers, client_id) as producer:
        if group is None:
            yield KafkaLog(producer, None)
            return
        async with _consumer(servers, client_id, group, instance_id) as consumer:
            log = KafkaLog(producer, consumer)
            consumer.subscribe(list(topics), listener=_Listener(listener, consumer, log) if listener else None)
            with _log_errors():
                await consumer.start()
            yield log


async def read_partitions(servers: str, topic: str, partitions: Sequence[int]) -> list[Record]:
    """Every record of these partitions from the beginning to the end as it is now. Raises :class:`LogError`."""
    if not partitions:
        return []
    async with _consumer(servers, "copydesk-read", None) as consumer:
        with _log_errors():
            await consumer.start()
            where = [TopicPartition(topic, partition) for partition in partitions]
            consumer.assign(where)
            await consumer.seek_to_beginning(*where)
            ends = await consumer.end_offsets(where)
            records: list[Record] = []
            while any([await consumer.position(each) < ends[each] for each in where]):
                for batch in (await consumer.getmany(timeout_ms=500)).values():
                    records += [_record(message) for message in batch]
            return records


async def ensure_topics(servers: str) -> None:
    """Create the topics of :mod:`copydesk_shared.topics` that are not there. Raises :class:`LogError`."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers, client_id="copydesk-topics")
    try:
        with _log_errors():
            await admin.start()
            existing = set(await admin.list_topics())
            missing = [topic for topic in ALL_TOPICS if topic.name not in existing]
            if not missing:
                return
            copies = min(MOST_COPIES, len((await admin.describe_cluster())["brokers"]))
            answer = await admin.create_topics(
                [NewTopic(topic.name, topic.partitions, copies, topic_configs=topic.config()) for topic in missing]
            )
        failed = [f"{row[0]}: {row[2] or row[1]}" for row in answer.topic_errors if row[1] not in (0, TOPIC_EXISTS)]
        if failed:
            raise LogError(f"topics could not be created: {'; '.join(failed)}")
    finally:
        await _stop(admin, "close")


async def missing_topics(servers: str, names: Sequence[str]) -> list[str]:
    """Those of the topics that the brokers do not have. Raises :class:`LogError`."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers, client_id="copydesk-topics")
    try:
        with _log_errors():
            await admin.start()
            existing = set(await admin.list_topics())
    finally:
        await _stop(admin, "close")
    return [name for name in names if name not in existing]
