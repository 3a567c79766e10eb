"""Record batches: the 61-byte header, the checksum, and - only for time look-ups - the records inside.

Batches stay opaque: the broker patches the base offset and the leader epoch, which the checksum does not cover.
Source: https://kafka.apache.org/documentation/#recordbatch
"""

import contextlib
import gzip
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import NamedTuple

from crc32c import crc32c

from .errors import Code, KafkaError

HEADER = struct.Struct(">qiibIhiqqqhii")
HEADER_BYTES = HEADER.size
# Offset and length come before what the length counts.
LENGTH_AT, PREFIX_BYTES, CHECKED_FROM = 8, 12, 21
LEADER_EPOCH = 0
NO_PRODUCER = -1

MAGIC = 2
TRANSACTIONAL, CONTROL = 0x10, 0x20

_CODEC_MASK, _LOG_APPEND_TIME = 0x07, 0x08
_MAX_UNPACKED = 16 << 20


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


def find_timestamp(batch: Batch, data: bytes, timestamp: int) -> tuple[int, int]:
    """The (offset, timestamp) of the first record at or after ``timestamp`` (ms).

    Where the records cannot be read (snappy and lz4, or zstd without cramjam) it is the batch's first offset,
    so that a reader who seeks there never misses a record.
    """
    payload = _unpacked(batch, data)
    if payload is not None and not batch.attributes & _LOG_APPEND_TIME:
        for offset_delta, timestamp_delta in _records(payload, batch.record_count):
            if batch.base_timestamp + timestamp_delta >= timestamp:
                return batch.base_offset + offset_delta, batch.base_timestamp + timestamp_delta
    return batch.base_offset, batch.max_timestamp


def _unpacked(batch: Batch, data: bytes) -> bytes | memoryview | None:
    body = memoryview(data)[HEADER_BYTES:]
    unpack = _UNPACKERS.get(batch.attributes & _CODEC_MASK)
    try:
        return unpack(body) if unpack else None
    except (OSError, EOFError, ValueError, ImportError, zlib.error):
        # The producer's bytes are opaque: what cannot be unpacked here may still be fine for its consumer.
        return None


def _gunzip(body: memoryview) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(body)) as stream:
        return stream.read(_MAX_UNPACKED)


def _unzstd(body: memoryview) -> memoryview | None:
    # cramjam comes with the Kafka client's zstd support; its target buffer is fixed, so no bomb can grow it.
    cramjam = import_module("cramjam")
    for room in (min(16 * len(body), _MAX_UNPACKED), _MAX_UNPACKED):
        target = bytearray(room)
        with contextlib.suppress(cramjam.DecompressionError):
            return memoryview(target)[: cramjam.zstd.decompress_into(bytes(body), target)]
    return None


_UNPACKERS: dict[int, Callable[[memoryview], bytes | memoryview | None]] = {
    0: lambda body: body,
    1: _gunzip,
    4: _unzstd,
}


def _records(payload: bytes | memoryview, count: int) -> Iterator[tuple[int, int]]:
    """Offset and timestamp deltas of the records; stops at the first that makes no sense."""
    position = 0
    for _ in range(count):
        try:
            length, body = _varint(payload, position)
            timestamp_delta, after = _varint(payload, body + 1)
            offset_delta, _ = _varint(payload, after)
        except IndexError:
            return
        yield offset_delta, timestamp_delta
        position = body + length


def _varint(data: bytes | memoryview, position: int) -> tuple[int, int]:
    """A zigzag varint at ``position`` and where it ends."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:  # noqa: PLR2004 - the continuation bit
            return (value >> 1) ^ -(value & 1), position
