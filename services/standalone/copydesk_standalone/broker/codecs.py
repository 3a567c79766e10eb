"""Packing and unpacking the bodies of record batches, by the codec number in their attributes.

Everything unpacked came from a client: no body grows beyond the room its caller gives it.
Source: https://kafka.apache.org/documentation/#recordbatch, KIP-57 (lz4), KIP-110 (zstd), KIP-390 (levels).
"""

import functools
import struct
from collections.abc import Callable
from importlib import import_module
from typing import Any

NAMES = {"uncompressed": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
MAX_UNPACKED = 64 << 20

_GZIP, _SNAPPY, _LZ4, _ZSTD = 1, 2, 3, 4
_GZIP_LEVEL, _LZ4_LEVEL, _ZSTD_LEVEL = 6, 9, 3
_XERIAL_MAGIC = b"\x82SNAPPY\x00"
_XERIAL_HEADER = _XERIAL_MAGIC + struct.pack(">ii", 1, 1)
_XERIAL_BLOCK = 32 << 10
_LENGTH = struct.Struct(">i")
_USUAL_RATIO = 16


class CodecError(Exception):
    """The body cannot be unpacked here: damaged, too large, or of an unknown codec."""


@functools.cache
def _cramjam() -> Any:
    # It comes with the Kafka client's zstd support and releases the interpreter while it works.
    try:
        return import_module("cramjam")
    except ImportError as error:
        raise CodecError("cramjam is not installed") from error


def unpack(codec: int, body: memoryview, room: int = MAX_UNPACKED) -> memoryview:
    """The records of a batch. Raises CodecError when they cannot be had in ``room`` bytes."""
    if codec == 0:
        return body
    try:
        unpacker = _UNPACKERS[codec]
    except KeyError as error:
        raise CodecError(f"unknown codec {codec}") from error
    try:
        return unpacker(body, room)
    except (ValueError, struct.error, _cramjam().DecompressionError) as error:
        raise CodecError(str(error)) from error


def pack(codec: int, payload: bytes) -> bytes:
    """The body of a batch with these records. Raises CodecError for an unknown codec."""
    if codec == 0:
        return payload
    if codec not in _PACKERS:
        raise CodecError(f"unknown codec {codec}")
    return bytes(_PACKERS[codec](payload))


def _streamed(name: str) -> Callable[[memoryview, int], memoryview]:
    def unpack_into(body: memoryview, room: int) -> memoryview:
        # The target is fixed, so that no bomb can grow it; most bodies fit the first one.
        unpacker = getattr(_cramjam(), name)
        usual = min(_USUAL_RATIO * len(body), room)
        target = bytearray(usual)
        try:
            return memoryview(target)[: unpacker.decompress_into(body, target)]
        except _cramjam().DecompressionError:
            if usual == room:
                raise
        target = bytearray(room)
        return memoryview(target)[: unpacker.decompress_into(body, target)]

    return unpack_into


def _unsnappy(body: memoryview, room: int) -> memoryview:
    if body[: len(_XERIAL_MAGIC)] != _XERIAL_MAGIC:
        return memoryview(_snappy_block(body, room))
    whole = bytearray()
    position = len(_XERIAL_HEADER)
    while position < len(body):
        start = position + _LENGTH.size
        length = _LENGTH.unpack_from(body, position)[0]
        if not 0 < length <= len(body) - start:
            raise ValueError("a snappy block leaves the batch")
        whole += _snappy_block(body[start : start + length], room - len(whole))
        position = start + length
    return memoryview(whole)


def _snappy_block(block: memoryview, room: int) -> bytearray:
    snappy = _cramjam().snappy
    length = snappy.decompress_raw_len(block)
    if length > room:
        raise ValueError(f"a snappy block of {length} bytes")
    target = bytearray(length)
    snappy.decompress_raw_into(block, target)
    return target


def _snappy(payload: bytes) -> bytes:
    out = bytearray(_XERIAL_HEADER)
    for start in range(0, len(payload), _XERIAL_BLOCK):
        block = bytes(_cramjam().snappy.compress_raw(payload[start : start + _XERIAL_BLOCK]))
        out += _LENGTH.pack(len(block)) + block
    return bytes(out)


def _lz4(payload: bytes) -> Any:
    # Java clients refuse blocks that lean on each other.
    compressor = _cramjam().lz4.Compressor(level=_LZ4_LEVEL, content_checksum=False, block_linked=False)
    compressor.compress(payload)
    return compressor.finish()


_UNPACKERS: dict[int, Callable[[memoryview, int], memoryview]] = {
    _GZIP: _streamed("gzip"),
    _SNAPPY: _unsnappy,
    _LZ4: _streamed("lz4"),
    _ZSTD: _streamed("zstd"),
}
_PACKERS: dict[int, Callable[[bytes], Any]] = {
    _GZIP: lambda payload: _cramjam().gzip.compress(payload, level=_GZIP_LEVEL),
    _SNAPPY: _snappy,
    _LZ4: _lz4,
    _ZSTD: lambda payload: _cramjam().zstd.compress(payload, level=_ZSTD_LEVEL),
}
