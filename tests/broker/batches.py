"""Record batches as producers make them, by an independent builder, and what readers find in them."""

from collections.abc import Sequence

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


def batch(
    values: Sequence[bytes],
    *,
    timestamps: Sequence[int] = (),
    codec: str = "none",
    producer: tuple[int, int, int] = (-1, -1, -1),
    transactional: bool = False,
) -> bytes:
    """A batch of ``values``; ``producer`` is (id, epoch, first sequence)."""
    builder = DefaultRecordBatchBuilder(2, CODECS[codec], int(transactional), *producer, 1 << 30)
    for number, value in enumerate(values):
        timestamp = timestamps[number] if timestamps else 1_700_000_000_000
        builder.append(number, timestamp, None, value, [])
    return bytes(builder.build())


def read(data: bytes) -> list[tuple[int, bytes]]:
    """(offset, value) of every record in ``data``; checks every checksum."""
    records = MemoryRecords(bytes(data))
    found = []
    while records.has_next():
        next_batch = records.next_batch()
        assert next_batch.validate_crc()
        found += [(record.offset, bytes(record.value)) for record in next_batch]
    return found
