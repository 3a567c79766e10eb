"""Produce, Fetch, ListOffsets and what else touches records."""

import functools
import logging
from collections.abc import Callable

from .admission import RecordsRefusedError, admitted
from .batch import HEADER_BYTES, LEADER_EPOCH, LOG_APPEND_TIME, MAGIC, MAGIC_AT, Batch, read_header, split
from .broker import Broker
from .errors import Code, KafkaError
from .log import PartitionLog
from .protocol import Request
from .schema import Message
from .turns import in_turns, in_waiting_turns, once
from .waiting import Waiting, Wanted

logger = logging.getLogger(__name__)

MAX_RESPONSE_BYTES = 32 << 20
MAX_WAIT_MS = 5 * 60_000
_ACKS = (-1, 0, 1)
_READ_COMMITTED = 1


async def produce(broker: Broker, request: Request) -> Message | None:
    """Append; with acks 0 there is no answer."""
    message = request.message
    bad_acks = message["acks"] not in _ACKS
    changed: list[PartitionLog] = []

    async def append(name: str, data: Message) -> Message:
        if bad_acks:
            return _refused(data["index"], KafkaError(Code.INVALID_REQUIRED_ACKS))
        return await _append(broker, message["transactional_id"], name, data, changed)

    topics = []
    for topic in message["topics"]:
        answers = await in_waiting_turns(topic["partitions"], functools.partial(append, topic["name"]))
        topics.append({"name": topic["name"], "partitions": answers})
    if broker.options.fsync == "always":
        await broker.disk.force(*changed)
    return None if message["acks"] == 0 else {"topics": topics}


async def _append(
    broker: Broker, transactional_id: str | None, name: str, data: Message, changed: list[PartitionLog]
) -> Message:
    index = data["index"]
    try:
        topic = broker.topics.find(name)
        log = topic.log(index)
        batches = await admitted(topic, _checked(data["records"] or memoryview(b""), topic.number("max.message.bytes")))
        if log.closed:
            raise KafkaError(Code.UNKNOWN_TOPIC_OR_PARTITION, f"{name} was deleted")  # noqa: TRY301 - answered below
        for batch, _ in batches:
            broker.transactions.check_batch(transactional_id, batch, (name, index), log.isolation.open)
        offset = log.append(batches)
    except KafkaError as error:
        return _refused(index, error)
    except OSError as error:
        logger.error("%s-%d: cannot append: %s", name, index, error)  # noqa: TRY400 - the disk's message is enough
        return _refused(index, KafkaError(Code.STORAGE_ERROR, str(error)))
    changed.append(log)
    stamped = bool(batches[0][0].attributes & LOG_APPEND_TIME)
    return {
        "index": index,
        "error_code": Code.NONE,
        "base_offset": offset,
        "log_append_time_ms": batches[0][0].max_timestamp if stamped else -1,
        "log_start_offset": log.start_offset,
    }


def _checked(records: memoryview, max_bytes: int) -> list[tuple[Batch, memoryview]]:
    """The one batch that a request may have for a partition; raises KafkaError, as Kafka does, for anything else."""
    if len(records) < HEADER_BYTES or records[MAGIC_AT] != MAGIC or len(records) != read_header(records).size:
        raise KafkaError(Code.INVALID_RECORD, f"a request has one whole batch of format {MAGIC} for a partition")
    return split(records, max_bytes)


def _refused(index: int, error: KafkaError) -> Message:
    indices = error.indices if isinstance(error, RecordsRefusedError) else ()
    return {
        "index": index,
        "error_code": error.code,
        "base_offset": -1,
        "record_errors": [{"batch_index": index, "message": error.message} for index in indices],
        "error_message": error.message,
    }


async def fetch(broker: Broker, request: Request) -> Message:
    """Read from each partition, waiting for ``min_bytes`` until ``max_wait_ms`` is over."""
    message = request.message
    if message["session_id"]:
        # No session was ever given out: every fetch is a full one (KIP-227).
        return {"error_code": Code.FETCH_SESSION_ID_NOT_FOUND}
    asked = _asked(message["topics"])
    committed = message["isolation_level"] == _READ_COMMITTED
    wait_s = min(message["max_wait_ms"], MAX_WAIT_MS) / 1000
    parts = [_wanted(broker, topic, part) for topic, parts in asked for part in parts]
    await Waiting(parts, message["min_bytes"], committed=committed).wait(wait_s)
    left = min(message["max_bytes"], broker.memory.share(MAX_RESPONSE_BYTES))
    any_data = False

    def read(topic: Message, part: Message) -> Message:
        # Looked up again: a topic may have been deleted during the wait, or while others had their turn.
        nonlocal left, any_data
        wanted = _wanted(broker, topic, part)
        data = _read(wanted, min(wanted.max_bytes, left), first=not any_data, committed=committed)
        any_data = any_data or bool(data)
        left -= len(data)
        return _fetched(wanted, data, committed=committed)

    topics = []
    for topic, several in asked:
        answers = await in_turns(several, functools.partial(read, topic))
        topics.append({"topic": topic["topic"], "topic_id": topic["topic_id"], "partitions": answers})
    return {"topics": topics}


def _asked(topics: list[Message]) -> list[tuple[Message, list[Message]]]:
    """The topics and partitions of a fetch, each once."""
    distinct = once(topics, lambda topic: (topic["topic"], topic["topic_id"]))
    return [(topic, once(topic["partitions"], lambda part: part["partition"])) for topic in distinct]


def _wanted(broker: Broker, topic: Message, asked: Message) -> Wanted:
    part = Wanted(asked["partition"], asked["fetch_offset"], asked["partition_max_bytes"])
    try:
        check_epoch(asked["current_leader_epoch"])
        log = broker.topics.find(topic["topic"], topic["topic_id"]).log(part.index)
        if not log.reaches(part.offset):
            part.error = Code.OFFSET_OUT_OF_RANGE
        part.log = log
    except KafkaError as error:
        part.error = error.code
    return part


def check_epoch(epoch: int) -> None:
    """There is one leader for ever, in epoch 0; -1 is a client that does not say."""
    if epoch > LEADER_EPOCH:
        raise KafkaError(Code.UNKNOWN_LEADER_EPOCH)


def _read(part: Wanted, budget: int, *, first: bool, committed: bool) -> bytes:
    """Up to ``budget`` bytes; a first batch that is larger still goes out, so that every fetch makes progress."""
    if part.log is None or part.error or (budget <= 0 and not first):
        return b""
    data = part.log.read(part.offset, max(budget, 0), committed=committed)
    return data if first or len(data) <= budget else b""


def _fetched(part: Wanted, data: bytes, *, committed: bool) -> Message:
    aborted = part.log.aborted(part.offset, data) if committed and part.log else []
    return {
        "index": part.index,
        "error_code": part.error,
        "high_watermark": part.log.next_offset if part.log else -1,
        "last_stable_offset": part.log.last_stable_offset if part.log else -1,
        "log_start_offset": part.log.start_offset if part.log else -1,
        "aborted_transactions": [
            {"producer_id": producer_id, "first_offset": offset} for producer_id, offset in aborted
        ]
        if committed
        else None,
        "records": data,
    }


_LATEST = -1
_SPECIAL: dict[int, Callable[[PartitionLog], tuple[int, int] | None]] = {
    _LATEST: lambda log: (log.next_offset, -1),
    -2: lambda log: (log.start_offset, -1),
    -3: PartitionLog.newest,
    # The local log is the whole log (KIP-405).
    -4: lambda log: (log.start_offset, -1),
}
_STARTS = (-2, -4)


async def list_offsets(broker: Broker, request: Request) -> Message:
    """Earliest, latest, newest, or the first offset at or after a time; below the last stable one when committed."""
    committed = request.message["isolation_level"] == _READ_COMMITTED
    topics = []
    for topic in request.message["topics"]:
        find = functools.partial(_offset, broker, topic["name"], committed=committed)
        topics.append({"name": topic["name"], "partitions": await in_turns(topic["partitions"], find)})
    return {"topics": topics}


def _offset(broker: Broker, name: str, asked: Message, *, committed: bool) -> Message:
    index, timestamp = asked["index"], asked["timestamp"]
    try:
        check_epoch(asked["current_leader_epoch"])
        log = broker.topics.find(name).log(index)
    except KafkaError as error:
        return {"index": index, "error_code": error.code}
    special = _SPECIAL.get(timestamp)
    found = special(log) if special else log.at_timestamp(timestamp)
    if committed and timestamp == _LATEST:
        found = log.last_stable_offset, -1
    elif committed and timestamp not in _STARTS and found is not None and found[0] >= log.last_stable_offset:
        found = None
    if found is None:
        return {"index": index, "error_code": Code.NONE}
    offset, at = found
    return {"index": index, "error_code": Code.NONE, "offset": offset, "timestamp": at, "leader_epoch": LEADER_EPOCH}


async def offset_for_leader_epoch(broker: Broker, request: Request) -> Message:
    """Where an epoch ended. There is one epoch, so it is the end of the log."""
    return {
        "topics": [
            {"name": topic["name"], "partitions": [_epoch_end(broker, topic["name"], p) for p in topic["partitions"]]}
            for topic in request.message["topics"]
        ]
    }


def _epoch_end(broker: Broker, name: str, asked: Message) -> Message:
    try:
        check_epoch(asked["current_leader_epoch"])
        log = broker.topics.find(name).log(asked["index"])
    except KafkaError as error:
        return {"index": asked["index"], "error_code": error.code}
    if asked["leader_epoch"] != LEADER_EPOCH:
        return {"index": asked["index"], "error_code": Code.NONE}
    return {
        "index": asked["index"],
        "error_code": Code.NONE,
        "leader_epoch": LEADER_EPOCH,
        "end_offset": log.next_offset,
    }
