"""Reading and writing the primitive types of the Kafka protocol.

Everything read here comes from a socket and is taken as hostile: every length is checked against what is left of
the frame before anything is allocated, and the number of array elements in one request is bounded. That is why kio,
whose typed codecs the tests compare with, is not used here: its reader (0.6.5) allocates what an array length
claims and takes the process down with it.
Source: https://kafka.apache.org/protocol#protocol_types
"""

import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

MAX_ELEMENTS = 20_000
_MAX_VARINT_BYTES = 5
_NO_UUID = uuid.UUID(int=0)

type_formats = {"bool": ">?", "i8": ">b", "i16": ">h", "i32": ">i", "i64": ">q"}


class DecodeError(Exception):
    """The bytes are not a well-formed request."""


@dataclass(slots=True)
class Cursor:
    """A place in a frame. ``elements`` counts down what the arrays of this frame may still hold."""

    data: memoryview
    pos: int = 0
    elements: int = MAX_ELEMENTS

    def take(self, length: int) -> memoryview:
        end = self.pos + length
        if length < 0 or end > len(self.data):
            raise DecodeError(f"a length of {length} at byte {self.pos} leaves the frame")
        piece = self.data[self.pos : end]
        self.pos = end
        return piece

    def count(self, length: int) -> int:
        """Check an array's length: each element takes at least a byte."""
        self.elements -= length
        if length < 0 or length > len(self.data) - self.pos or self.elements < 0:
            raise DecodeError(f"an array of {length} at byte {self.pos} is too long")
        return length


@dataclass(slots=True)
class Output:
    """A response under construction. Large byte strings are kept by reference, never copied into the buffer."""

    chunks: list[bytes | bytearray | memoryview] = field(default_factory=list)
    buffer: bytearray = field(default_factory=bytearray)

    def attach(self, data: bytes | memoryview) -> None:
        self.chunks.append(self.buffer)
        self.chunks.append(data)
        self.buffer = bytearray()

    def finish(self) -> list[bytes | bytearray | memoryview]:
        self.chunks.append(self.buffer)
        return self.chunks


Read = Callable[[Cursor], Any]
Write = Callable[[Output, Any], None]


@dataclass(frozen=True, slots=True)
class Codec:
    read: Read
    write: Write


def read_uvarint(cursor: Cursor) -> int:
    value = 0
    for index in range(_MAX_VARINT_BYTES):
        byte = cursor.take(1)[0]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:  # noqa: PLR2004 - the continuation bit
            return value
    raise DecodeError(f"a varint at byte {cursor.pos} is too long")


def write_uvarint(out: Output, value: int) -> None:
    while value > 0x7F:  # noqa: PLR2004 - seven bits a byte
        out.buffer.append(value & 0x7F | 0x80)
        value >>= 7
    out.buffer.append(value)


def _fixed(layout: str) -> Codec:
    packer = struct.Struct(layout)
    size = packer.size

    def read(cursor: Cursor) -> Any:
        return packer.unpack(cursor.take(size))[0]

    def write(out: Output, value: Any) -> None:
        out.buffer += packer.pack(value)

    return Codec(read, write)


FIXED = {name: _fixed(layout) for name, layout in type_formats.items()}


def _read_uuid(cursor: Cursor) -> uuid.UUID:
    return uuid.UUID(bytes=bytes(cursor.take(16)))


def _write_uuid(out: Output, value: uuid.UUID | None) -> None:
    out.buffer += (value or _NO_UUID).bytes


UUID = Codec(_read_uuid, _write_uuid)


def _compact_length(nothing: int) -> Codec:
    """Lengths of flexible versions: an unsigned varint of the length plus one, 0 for null."""
    return Codec(
        lambda cursor: read_uvarint(cursor) - 1,
        lambda out, value: write_uvarint(out, 0 if value == nothing else value + 1),
    )


COMPACT = _compact_length(-1)
SHORT, LONG = FIXED["i16"], FIXED["i32"]


def _text(piece: memoryview) -> str:
    try:
        return str(piece, "utf-8")
    except UnicodeDecodeError as error:
        raise DecodeError("a string is not UTF-8") from error


def _sized(length: Codec, decode: Callable[[memoryview], Any], append: Write, *, nullable: bool) -> Codec:
    def read(cursor: Cursor) -> Any:
        size = length.read(cursor)
        if size == -1 and nullable:
            return None
        return decode(cursor.take(size))

    def write(out: Output, value: Any) -> None:
        if value is None and nullable:
            length.write(out, -1)
            return
        length.write(out, len(value))
        append(out, value)

    return Codec(read, write)


def string(*, flexible: bool, nullable: bool) -> Codec:
    inner = _sized(COMPACT if flexible else SHORT, _text, _append, nullable=nullable)

    def write(out: Output, value: str | None) -> None:
        inner.write(out, None if value is None else value.encode())

    return Codec(inner.read, write)


def _append(out: Output, value: bytes) -> None:
    out.buffer += value


def binary(*, flexible: bool, nullable: bool) -> Codec:
    return _sized(COMPACT if flexible else LONG, bytes, _append, nullable=nullable)


def records(*, flexible: bool, nullable: bool) -> Codec:
    """Record batches: a view into the request, a reference in the response."""
    return _sized(COMPACT if flexible else LONG, lambda view: view, Output.attach, nullable=nullable)


def array(element: Codec, *, flexible: bool, nullable: bool) -> Codec:
    length = COMPACT if flexible else LONG

    def read(cursor: Cursor) -> Any:
        size = length.read(cursor)
        if size == -1 and nullable:
            return None
        return [element.read(cursor) for _ in range(cursor.count(size))]

    def write(out: Output, values: Any) -> None:
        if values is None and nullable:
            length.write(out, -1)
            return
        length.write(out, len(values))
        for value in values:
            element.write(out, value)

    return Codec(read, write)


def skip_tags(cursor: Cursor) -> None:
    """Pass over tagged fields: none of them matters to this broker."""
    for _ in range(cursor.count(read_uvarint(cursor))):
        read_uvarint(cursor)
        cursor.take(read_uvarint(cursor))
