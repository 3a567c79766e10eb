"""The records inside a batch: read, checked, and written back with some of them gone.

Source: https://kafka.apache.org/documentation/#record, KIP-534 (delete horizons).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from crc32c import crc32c

from .batch import (
    CHECKED_FROM,
    CODEC_MASK,
    DELETE_HORIZON,
    HEADER,
    HEADER_BYTES,
    LEADER_EPOCH,
    LOG_APPEND_TIME,
    MAGIC,
    PREFIX_BYTES,
    Batch,
)
from .codecs import MAX_UNPACKED, CodecError, pack, unpack

_MAX_SHIFT = 63
# Look-ups by time unpack on the event loop, so they go less far than ``codecs.MAX_UNPACKED``.
_LOOK_UP_ROOM = 16 << 20


class Record(NamedTuple):
    """Where a record lies in its payload, and what the broker needs to know of it. Deltas count from its batch."""

    start: int
    timestamp_at: int
    offset_at: int
    end: int
    timestamp_delta: int
    offset_delta: int
    key: memoryview | None
    is_tombstone: bool


def payload_of(batch: Batch, data: memoryview, room: int = MAX_UNPACKED) -> memoryview:
    """The records of a batch, unpacked. Raises CodecError."""
    return unpack(batch.attributes & CODEC_MASK, data[HEADER_BYTES:], room)


def find_timestamp(batch: Batch, data: bytes, timestamp: int, start_offset: int = 0) -> tuple[int, int] | None:
    """The (offset, timestamp) of the first record at or after ``timestamp`` (ms) and ``start_offset``, if any.

    Where the records cannot be read it is the batch's first offset, so that a reader who seeks there never misses
    a record.
    """
    whole = max(batch.base_offset, start_offset), batch.max_timestamp
    if batch.attributes & LOG_APPEND_TIME:
        return whole
    try:
        for record in records_in(payload_of(batch, memoryview(data), _LOOK_UP_ROOM), batch.record_count):
            offset, at = batch.base_offset + record.offset_delta, batch.base_timestamp + record.timestamp_delta
            if at >= timestamp and offset >= start_offset:
                return offset, at
    except CodecError:
        # The producer's bytes are opaque: what cannot be read here may still be fine for its consumer.
        return whole
    return None


def records_in(payload: memoryview, count: int) -> Iterator[Record]:
    """The ``count`` records of a payload. Raises CodecError at the first that is not well formed."""
    position = 0
    try:
        for _ in range(count):
            record = _record(payload, position)
            yield record
            position = record.end
    except IndexError as error:
        raise CodecError(f"a record leaves the batch at byte {position}") from error
    if position != len(payload):
        raise CodecError(f"{len(payload) - position} bytes after the last record")


def _record(payload: memoryview, start: int) -> Record:
    length, body = varint(payload, start)
    timestamp_delta, offset_at = varint(payload, body + 1)
    offset_delta, position = varint(payload, offset_at)
    key_length, position = varint(payload, position)
    key = None
    if key_length >= 0:
        key = payload[position : position + key_length]
        position += key_length
    value_length, position = varint(payload, position)
    end = body + length
    if length < 0 or end > len(payload) or position + max(value_length, 0) > end:
        raise CodecError(f"a record leaves the batch at byte {start}")
    return Record(start, body + 1, offset_at, end, timestamp_delta, offset_delta, key, value_length < 0)


def varint(data: memoryview, position: int) -> tuple[int, int]:
    """A zigzag varint at ``position`` and where it ends. Raises IndexError and CodecError."""
    value = data[position]
    position += 1
    if value >= 0x80:  # noqa: PLR2004 - the continuation bit
        value &= 0x7F
        shift = 7
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:  # noqa: PLR2004 - the continuation bit
                break
            shift += 7
            if shift > _MAX_SHIFT:
                raise CodecError(f"a varint is too long at byte {position}")
    return (value >> 1) ^ -(value & 1), position


def write_varint(value: int) -> bytes:
    """A number from -2^63 to 2^63 - 1 as a zigzag varint."""
    left = (value << 1) ^ (value >> 63)
    out = bytearray()
    while left > 0x7F:  # noqa: PLR2004 - seven bits a byte
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)


def without(batch: Batch, payload: memoryview, kept: Sequence[Record], horizon: int | None = None) -> bytes:
    """The batch with only ``kept`` of its records: offsets, times, keys and its place in a sequence stay.

    ``horizon`` (ms) is noted in the batch as the time from which its tombstones may go; it takes the place of the
    base timestamp (KIP-534). A batch without records has a header only.
    """
    base = batch.base_timestamp if horizon is None else horizon
    shift = batch.base_timestamp - base
    body = b"".join(
        _shifted(payload, record, shift) if shift else payload[record.start : record.end] for record in kept
    )
    newest = batch.max_timestamp
    if kept and not batch.attributes & LOG_APPEND_TIME:
        newest = max(batch.base_timestamp + record.timestamp_delta for record in kept)
    attributes = batch.attributes | (0 if horizon is None else DELETE_HORIZON)
    if not kept:
        attributes &= ~(CODEC_MASK | DELETE_HORIZON)
    return assemble(
        batch._replace(attributes=attributes, base_timestamp=base, max_timestamp=newest, record_count=len(kept)),
        pack(attributes & CODEC_MASK, body),
    )


def _shifted(payload: memoryview, record: Record, shift: int) -> bytes:
    """The record with ``shift`` added to its timestamp delta."""
    content = b"".join(
        (
            payload[record.timestamp_at - 1 : record.timestamp_at],
            write_varint(record.timestamp_delta + shift),
            payload[record.offset_at : record.end],
        )
    )
    return write_varint(len(content)) + content


def assemble(batch: Batch, body: bytes | memoryview) -> bytes:
    """The bytes of a batch with this header and body; its length and checksum are computed."""
    size = HEADER_BYTES + len(body)
    head = HEADER.pack(batch.base_offset, size - PREFIX_BYTES, LEADER_EPOCH, MAGIC, 0, *batch[4:])
    crc = crc32c(body, crc32c(head[CHECKED_FROM:]))
    return HEADER.pack(batch.base_offset, size - PREFIX_BYTES, LEADER_EPOCH, MAGIC, crc, *batch[4:]) + body
