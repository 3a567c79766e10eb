"""Compiles the message layouts of ``messages`` into codecs.

A layout is one string: ``name:type`` fields, ``[...]`` for arrays, ``?`` for nullable, ``=default`` for the value
of a field that is absent, ``@4`` or ``@4-7`` for the versions that carry the field. Messages are plain dicts.
"""

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import wire
from .wire import Codec, Cursor, Output

Message = dict[str, Any]

_TOKEN = re.compile(r"(\w+):|(\[)|(\])|(\w+)|(\?)|=(-?\w+)|@(\d+)(?:-(\d+))?|\s+")
_EMPTY: dict[str, Any] = {"string": "", "bytes": b"", "records": b"", "bool": False, "uuid": None}
_LAST_VERSION = 1 << 15


@dataclass(slots=True)
class Field:
    """One field of a layout; ``inner`` holds the fields of an array's structs, or one nameless field."""

    name: str
    kind: str = ""
    inner: "list[Field]" = dataclasses.field(default_factory=list)
    nullable: bool = False
    default: int | None = None
    first: int = 0
    last: int = _LAST_VERSION

    def absent(self) -> Any:
        if self.default is not None:
            return self.default
        if self.nullable:
            return None
        return [] if self.kind == "array" else _EMPTY.get(self.kind, 0)


def parse(layout: str) -> list[Field]:
    """Turn a layout into fields. Raises ValueError naming the text that is not understood."""
    tokens = _tokens(layout)
    return _fields(tokens)


def _tokens(layout: str) -> Iterator[re.Match[str]]:
    position = 0
    while position < len(layout):
        match = _TOKEN.match(layout, position)
        if match is None:
            raise ValueError(f"layout not understood at {layout[position : position + 20]!r}")
        position = match.end()
        if not match.group().isspace():
            yield match


def _fields(tokens: Iterator[re.Match[str]]) -> list[Field]:
    fields: list[Field] = []
    for token in tokens:
        name, opening, closing, kind, *_ = token.groups()
        if closing:
            break
        if name:
            fields.append(Field(name))
        elif opening:
            fields[-1].kind, fields[-1].inner = "array", _fields(tokens)
        elif kind and not fields:
            # The only word in a pair of brackets is the type of a primitive array.
            fields.append(Field("", kind))
        else:
            _qualify(fields[-1], token)
    return fields


def _qualify(field: Field, token: re.Match[str]) -> None:
    *_, kind, optional, default, first, last = token.groups()
    if kind:
        field.kind = kind
    elif optional:
        field.nullable = True
    elif default:
        field.default = int(default)
    else:
        field.first, field.last = int(first), int(last or _LAST_VERSION)


def compile_message(fields: list[Field], version: int, *, flexible: bool) -> Codec:
    """The codec of a struct at one version. Reading gives every field, absent ones with their default."""
    present = [(f.name, _codec(f, version, flexible), f.absent()) for f in fields if f.first <= version <= f.last]
    readers = [(name, codec.read) for name, codec, _ in present]
    writers = [(name, codec.write, absent) for name, codec, absent in present]
    missing = {f.name: f.absent() for f in fields if not f.first <= version <= f.last}

    def read(cursor: Cursor) -> Message:
        message = dict(missing)
        for name, read_field in readers:
            message[name] = read_field(cursor)
        if flexible:
            wire.skip_tags(cursor)
        return message

    def write(out: Output, message: Message) -> None:
        for name, write_field, absent in writers:
            write_field(out, message.get(name, absent))
        if flexible:
            out.buffer.append(0)

    return Codec(read, write)


_SIZED = {"string": wire.string, "bytes": wire.binary, "records": wire.records}


def _codec(field: Field, version: int, flexible: bool) -> Codec:
    if field.kind == "array":
        return wire.array(_element(field, version, flexible), flexible=flexible, nullable=field.nullable)
    if field.kind == "uuid":
        return wire.UUID
    if field.kind in wire.FIXED:
        return wire.FIXED[field.kind]
    return _SIZED[field.kind](flexible=flexible, nullable=field.nullable)


def _element(field: Field, version: int, flexible: bool) -> Codec:
    first = field.inner[0]
    if not first.name:
        return _codec(first, version, flexible)
    return compile_message(field.inner, version, flexible=flexible)
