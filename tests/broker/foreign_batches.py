"""Batches that no client of ours would write."""

import time

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from crc32c import crc32c


def batch_with_headers(names: list[bytes]) -> bytes:
    """A batch of records with one header each, whose name need not be UTF-8 and whose value is null."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    for number, name in enumerate(names):
        builder.append(number, int(time.time() * 1000), b"k", b"v", [("N" * len(name), None)])
    data = bytearray(builder.build())
    for name in names:
        data[:] = data.replace(b"N" * len(name), name, 1)
    data[17:21] = crc32c(bytes(data[21:])).to_bytes(4, "big")
    return bytes(data)
