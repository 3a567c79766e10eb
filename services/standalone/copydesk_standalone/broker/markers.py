"""Control batches: the commit and abort markers that end a transaction in a partition.

A marker is one record: key (version, type), value (version, coordinator epoch).
Source: KIP-98 and https://kafka.apache.org/documentation/#controlbatch
"""

import struct
from enum import IntEnum

from crc32c import crc32c

from .batch import CHECKED_FROM, CONTROL, HEADER, HEADER_BYTES, LEADER_EPOCH, MAGIC, PREFIX_BYTES, TRANSACTIONAL, Batch

# Length, attributes, two deltas and the key's length, as varints of a byte; the key; the value; no headers.
_RECORD = struct.Struct(">5b hh b hi b")
_BODY_BYTES = _RECORD.size - 1
_KEY_BYTES, _VALUE_BYTES = 4, 6
_CRC = struct.Struct(">I")
_CRC_AT = CHECKED_FROM - _CRC.size
_COORDINATOR_EPOCH = 0


class Ending(IntEnum):
    """How a transaction ends, by the number in the marker's key."""

    ABORT = 0
    COMMIT = 1


def marker(producer_id: int, epoch: int, ending: Ending, now_ms: int) -> tuple[Batch, memoryview]:
    """A marker ready to be stored; the log gives it its offset."""
    # Lengths are zigzag varints: twice the number.
    record = _RECORD.pack(
        2 * _BODY_BYTES, 0, 0, 0, 2 * _KEY_BYTES, 0, ending, 2 * _VALUE_BYTES, 0, _COORDINATOR_EPOCH, 0
    )
    size = HEADER_BYTES + len(record)
    attributes = TRANSACTIONAL | CONTROL
    fields = (attributes, 0, now_ms, now_ms, producer_id, epoch, -1, 1)
    data = bytearray(HEADER.pack(0, size - PREFIX_BYTES, LEADER_EPOCH, MAGIC, 0, *fields) + record)
    crc = crc32c(bytes(data[CHECKED_FROM:]))
    _CRC.pack_into(data, _CRC_AT, crc)
    return Batch(0, size, LEADER_EPOCH, crc, *fields), memoryview(data)


def ending_of(data: bytes | memoryview) -> Ending:
    """How the marker in this control batch ends its transaction."""
    kind = _RECORD.unpack_from(data, HEADER_BYTES)[6]
    return Ending.COMMIT if kind == Ending.COMMIT else Ending.ABORT
