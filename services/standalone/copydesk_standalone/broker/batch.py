"""Record batches: the 61-byte header and the checksum; ``records`` reads what is inside.

Batches stay opaque: the broker patches the base offset and the leader epoch, which the checksum does not cover.
Source: https://kafka.apache.org/documentation/#recordbatch
"""

import struct
from typing import NamedTuple

from crc32c import crc32c

from .errors import Code, KafkaError

HEADER = struct.Struct(">qiibIhiqqqhii")
HEADER_BYTES = HEADER.size
# Offset and length come before what the length counts.
LENGTH_AT, PREFIX_BYTES, MAGIC_AT, CHECKED_FROM = 8, 12, 16, 21
LEADER_EPOCH = 0
NO_PRODUCER = -1

MAGIC = 2
CODEC_MASK, LOG_APPEND_TIME, TRANSACTIONAL, CONTROL, DELETE_HORIZON = 0x07, 0x08, 0x10, 0x20, 0x40


class Batch(NamedTuple):
    """A batch header. ``size`` is the whole batch in bytes; timestamps are milliseconds since the epoch."""

    base_offset: int
    size: int
    leader_epoch: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int

    @property
    def last_offset(self) -> int:
        return self.base_offset + self.last_offset_delta

    @property
    def is_idempotent(self) -> bool:
        return self.producer_id != NO_PRODUCER

    @property
    def is_transactional(self) -> bool:
        return bool(self.attributes & TRANSACTIONAL)

    @property
    def is_control(self) -> bool:
        """Whether it is a marker and no record of a producer's."""
        return bool(self.attributes & CONTROL)


def read_header(data: bytes | memoryview, at: int = 0) -> Batch:
    """Read a header. Raises KafkaError for another magic or lengths that make no sense."""
    if len(data) - at < HEADER_BYTES:
        raise KafkaError(Code.CORRUPT_MESSAGE, "a batch is cut short")
    offset, length, leader_epoch, magic, crc, *rest = HEADER.unpack_from(data, at)
    if magic != MAGIC:
        raise KafkaError(Code.UNSUPPORTED_FOR_MESSAGE_FORMAT, f"message format {magic} is not supported, only 2")
    batch = Batch(offset, length + PREFIX_BYTES, leader_epoch, crc, *rest)
    if batch.size < HEADER_BYTES or batch.record_count < 0 or batch.last_offset_delta < 0:
        raise KafkaError(Code.CORRUPT_MESSAGE, "a batch header makes no sense")
    return batch


def checksum_ok(batch: Batch, covered: bytes | memoryview) -> bool:
    """Whether ``covered``, the batch from byte ``CHECKED_FROM`` on, carries the checksum of its header."""
    return len(covered) == batch.size - CHECKED_FROM and crc32c(covered) == batch.crc


def split(records: memoryview, max_bytes: int) -> list[tuple[Batch, memoryview]]:
    """Check what a producer sent and cut it into batches. Raises KafkaError with the code for the producer."""
    batches = []
    position = 0
    while position < len(records):
        batch = read_header(records, position)
        data = records[position : position + batch.size]
        _check(batch, data, max_bytes)
        batches.append((batch, data))
        position += batch.size
    if not batches:
        raise KafkaError(Code.INVALID_RECORD, "no records")
    return batches


def _check(batch: Batch, data: memoryview, max_bytes: int) -> None:
    if not checksum_ok(batch, data[CHECKED_FROM:]):
        raise KafkaError(Code.CORRUPT_MESSAGE, "a batch does not match its checksum")
    if batch.size > max_bytes:
        raise KafkaError(
            Code.MESSAGE_TOO_LARGE, f"a batch of {batch.size} bytes is over max.message.bytes = {max_bytes}"
        )
    if batch.record_count < 1 or batch.last_offset_delta != batch.record_count - 1:
        raise KafkaError(Code.INVALID_RECORD, "the record count does not match the offsets")
    if batch.is_control:
        raise KafkaError(Code.INVALID_RECORD, "clients do not write control batches")
    identity = (batch.producer_id, batch.producer_epoch, batch.base_sequence)
    if (batch.is_idempotent or batch.is_transactional) and min(identity) < 0:
        raise KafkaError(Code.INVALID_RECORD, "an idempotent batch lacks its producer id, epoch or sequence")


def end_offset(data: bytes) -> int:
    """The offset after the last of these whole batches."""
    position, end = 0, -1
    while position < len(data):
        batch = read_header(data, position)
        end = batch.last_offset + 1
        position += batch.size
    return end
