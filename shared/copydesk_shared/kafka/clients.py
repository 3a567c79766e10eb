"""The aiokafka clients with our options, and its errors as ours."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    ConsumerStoppedError,
    GroupAuthorizationFailedError,
    InvalidProducerEpoch,
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    ProducerFenced,
    RecordListTooLargeError,
    RecordTooLargeError,
    TopicAuthorizationFailedError,
    UnknownProducerId,
)

from copydesk_shared.brokers import Brokers
from copydesk_shared.errors import DeadLetterReason, Poison
from copydesk_shared.kafka.connections import Admin, Consumer, Producer
from copydesk_shared.log import LogError, ProducerLostError
from copydesk_shared.topics import HEADER_ROOM_BYTES, MAX_MESSAGE_BYTES

STOP_SECONDS = 2.0
# A broker that is there and answers nothing costs this long, each time it is asked. It has to be longer than members
# may take to hand over their partitions (REVOKE_SECONDS of the runner): a request to join waits for them.
REQUEST_MS = 20_000
CONNECT_SECONDS = 60.0
SESSION_MS = 10_000
MAX_POLL_MS = 300_000
METADATA_MS = 30_000
PRODUCER_BATCH_BYTES = 131_072
FETCH_BYTES_PER_PARTITION = 2 * 1024 * 1024
FETCH_BYTES = 16 * 1024 * 1024
TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError, RecordTooLargeError)
# aiokafka has no KIP-360: after one of these every further send of that producer fails.
PRODUCER_LOST = (OutOfOrderSequenceNumber, UnknownProducerId, ProducerFenced, InvalidProducerEpoch)


# What an authorizer of the brokers has not given us; docs/security-kafka.md has the table.
RIGHTS: Mapping[type[BaseException], str] = {
    ClusterAuthorizationFailedError: "write to any topic",
    TopicAuthorizationFailedError: "use topics",
    GroupAuthorizationFailedError: "read in the group",
}


def text(error: BaseException) -> str:
    """The error as one line."""
    if type(error) in RIGHTS:
        named = ", ".join(str(each) for each in error.args)
        return f"the brokers give us no right to {RIGHTS[type(error)]}{f': {named}' if named else ''}"
    return f"{type(error).__name__}: {error}"


class _LogErrors:
    """A class, not a generator: it is entered for every record."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None:
            _raise_as_ours(error)


def _raise_as_ours(error: BaseException) -> None:
    if isinstance(error, TOO_LARGE):
        raise Poison(text(error), DeadLetterReason.TOO_LARGE) from None
    if isinstance(error, PRODUCER_LOST):
        raise ProducerLostError(text(error)) from error
    if isinstance(error, (KafkaError, ConsumerStoppedError, OSError, TimeoutError)):
        raise LogError(text(error)) from error


_LOG_ERRORS = _LogErrors()


def log_errors() -> _LogErrors:
    """What goes wrong with the brokers as :class:`LogError`, a record that is too large as :class:`Poison`."""
    return _LOG_ERRORS


async def stop(client: AIOKafkaConsumer | AIOKafkaProducer | AIOKafkaAdminClient, method: str = "stop") -> None:
    """Stop a client, without waiting long for brokers that may be away."""
    # aiokafka lets the cancellation of its own tasks out; that of ours must not be mixed up with it.
    closing = asyncio.ensure_future(getattr(client, method)())
    await asyncio.wait({closing}, timeout=STOP_SECONDS)
    if not closing.done():
        closing.cancel()
        await asyncio.wait({closing}, timeout=STOP_SECONDS)
    if closing.done() and not closing.cancelled():
        with contextlib.suppress(KafkaError, OSError, TimeoutError):
            closing.result()


async def start_producer(brokers: Brokers, client_id: str) -> AIOKafkaProducer:
    """A producer that is connected. Raises :class:`LogError`."""
    producer = Producer(
        brokers, client_id=client_id, acks="all", enable_idempotence=True, compression_type="zstd",
        max_batch_size=PRODUCER_BATCH_BYTES, max_request_size=MAX_MESSAGE_BYTES + HEADER_ROOM_BYTES,
        linger_ms=0, request_timeout_ms=REQUEST_MS,
    )  # fmt: skip
    async with contextlib.AsyncExitStack() as otherwise:
        otherwise.push_async_callback(stop, producer)
        with log_errors():
            async with asyncio.timeout(CONNECT_SECONDS):
                await producer.start()
        otherwise.pop_all()
    return producer


@asynccontextmanager
async def open_consumer(
    brokers: Brokers, client_id: str, group: str | None = None, instance_id: str | None = None, **options: Any
) -> AsyncIterator[Consumer]:
    """A consumer that is not started yet and is stopped at the end."""
    consumer = Consumer(
        brokers, client_id=client_id, group_id=group, group_instance_id=instance_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest", isolation_level="read_committed", session_timeout_ms=SESSION_MS,
        heartbeat_interval_ms=1_000, max_poll_interval_ms=MAX_POLL_MS,
        max_partition_fetch_bytes=FETCH_BYTES_PER_PARTITION, fetch_max_bytes=FETCH_BYTES,
        metadata_max_age_ms=METADATA_MS, request_timeout_ms=REQUEST_MS, **options,
    )  # fmt: skip
    try:
        yield consumer
    finally:
        await stop(consumer)


@asynccontextmanager
async def open_admin(brokers: Brokers) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client. Raises :class:`LogError`, also for what goes wrong while it is used."""
    admin = Admin(brokers, client_id="copydesk-admin")
    try:
        with log_errors():
            await admin.start()
            yield admin
    finally:
        await stop(admin, "close")
