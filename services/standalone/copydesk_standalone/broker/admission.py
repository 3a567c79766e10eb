"""What a topic's settings demand of batches before they are stored: keys, times, compression.

Only what needs it is unpacked: batches of other topics are stored as they come.
Source: kafka's LogValidator.
"""

import asyncio
import time
from collections.abc import Iterable

from .batch import CODEC_MASK, HEADER_BYTES, LOG_APPEND_TIME, Batch, read_header
from .codecs import NAMES, CodecError, pack
from .errors import Code, KafkaError
from .records import Record, assemble, payload_of, records_in
from .registry import Topic

Batches = list[tuple[Batch, memoryview]]

# Above this the records are read in a thread.
MANY_RECORDS = 2_000
_NO_TIMESTAMP = -1
_NO_LIMIT = 2**63 - 1


class RecordsRefusedError(KafkaError):
    """Some records cannot be in this topic; ``indices`` are their places in the batch."""

    def __init__(self, code: Code, message: str, indices: Iterable[int]) -> None:
        super().__init__(code, message)
        self.indices = tuple(indices)


async def admitted(topic: Topic, batches: Batches) -> Batches:
    """The batches as the topic stores them. Raises KafkaError when one cannot be in it.

    May take a while: look again whether the topic is still there.
    """
    now_ms = int(time.time() * 1000)
    if sum(batch.record_count for batch, _ in batches) > MANY_RECORDS:
        return await asyncio.to_thread(_admit_all, topic, batches, now_ms)
    return _admit_all(topic, batches, now_ms)


def _admit_all(topic: Topic, batches: Batches, now_ms: int) -> Batches:
    return [_admit(topic, batch, data, now_ms) for batch, data in batches]


def _admit(topic: Topic, batch: Batch, data: memoryview, now_ms: int) -> tuple[Batch, memoryview]:
    before_ms = topic.number("message.timestamp.before.max.ms")
    codec = NAMES.get(topic.setting("compression.type"), batch.attributes & CODEC_MASK)
    stamps = topic.setting("message.timestamp.type") == "LogAppendTime"
    if not stamps:
        _check_newest(batch, now_ms + topic.number("message.timestamp.after.max.ms"))
    limited = before_ms != _NO_LIMIT and not stamps
    if limited or "compact" in topic.policies:
        _check_records(topic, batch, data, now_ms - before_ms if limited else None)
    if codec == batch.attributes & CODEC_MASK and not stamps:
        return batch, data
    return _changed(batch, data, codec, now_ms if stamps else None)


def _check_newest(batch: Batch, latest_ms: int) -> None:
    if batch.max_timestamp > latest_ms:
        raise KafkaError(
            Code.INVALID_TIMESTAMP, f"a record is of {batch.max_timestamp}, the topic takes them up to {latest_ms}"
        )


def _check_records(topic: Topic, batch: Batch, data: memoryview, earliest_ms: int | None) -> None:
    records = _read(batch, data)[1]
    if "compact" in topic.policies and (keyless := [r.offset_delta for r in records if r.key is None]):
        raise RecordsRefusedError(
            Code.INVALID_RECORD, f"the compacted topic {topic.name} takes no record without key", keyless
        )
    if earliest_ms is None:
        return
    times = [(record.offset_delta, batch.base_timestamp + record.timestamp_delta) for record in records]
    if late := [index for index, at in times if _NO_TIMESTAMP != at < earliest_ms]:
        raise RecordsRefusedError(Code.INVALID_TIMESTAMP, f"the topic takes no record from before {earliest_ms}", late)


def _read(batch: Batch, data: memoryview) -> tuple[memoryview, list[Record]]:
    try:
        payload = payload_of(batch, data)
        return payload, list(records_in(payload, batch.record_count))
    except CodecError as error:
        raise KafkaError(Code.CORRUPT_MESSAGE, f"the records of a batch cannot be read: {error}") from error


def _changed(batch: Batch, data: memoryview, codec: int, stamp_ms: int | None) -> tuple[Batch, memoryview]:
    """The batch in another codec, and with the time at which it was appended."""
    attributes = batch.attributes & ~CODEC_MASK | codec
    newest = batch.max_timestamp
    if stamp_ms is not None:
        attributes, newest = attributes | LOG_APPEND_TIME, stamp_ms
    body: bytes | memoryview = data[HEADER_BYTES:]
    if codec != batch.attributes & CODEC_MASK:
        body = pack(codec, bytes(_read(batch, data)[0]))
    new = assemble(batch._replace(attributes=attributes, max_timestamp=newest), body)
    return read_header(new), memoryview(new)
