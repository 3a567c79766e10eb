"""Frames: which API a request is for, its decoded message, and the bytes of its response."""

import functools
from dataclasses import dataclass

from . import wire
from .errors import Code
from .messages import APIS, Api
from .schema import Message, compile_message, parse
from .wire import Codec, Cursor, DecodeError, Output

PRODUCE, METADATA, API_VERSIONS = 0, 3, 18
# librdkafka 2.16 leaves three bytes behind where it asks for all topics; Apache Kafka looks at no byte it need not.
_MAY_BE_LONGER = frozenset({METADATA})
BY_KEY = {api.key: api for api in APIS}
_LAYOUTS = {api.key: (parse(api.request), parse(api.response)) for api in APIS}
_CLIENT_ID = wire.string(flexible=False, nullable=True)

Chunks = list[bytes | bytearray | memoryview]


class UnsupportedRequestError(Exception):
    """An API or version that was not advertised; the connection is closed, as Kafka does."""


@dataclass(frozen=True, slots=True)
class Request:
    """A decoded request. ``client_id`` is what the client calls itself, ``host`` where it connects from."""

    api: Api
    version: int
    correlation_id: int
    client_id: str
    message: Message
    host: str = ""


@functools.cache
def _codecs(key: int, version: int) -> tuple[Codec, Codec]:
    request, response = _LAYOUTS[key]
    flexible = version >= BY_KEY[key].flexible
    return (
        compile_message(request, version, flexible=flexible),
        compile_message(response, version, flexible=flexible),
    )


def carries_records(frame: memoryview) -> bool:
    """Whether it is the one kind of request that may be large."""
    return int.from_bytes(frame[:2], "big") == PRODUCE


def decode_request(frame: memoryview, host: str = "") -> Request:
    """Read one frame (without its length). Raises DecodeError and UnsupportedRequestError."""
    cursor = Cursor(frame)
    key, version = wire.FIXED["i16"].read(cursor), wire.FIXED["i16"].read(cursor)
    correlation_id = wire.FIXED["i32"].read(cursor)
    api = BY_KEY.get(key)
    if api is None:
        raise UnsupportedRequestError(f"unknown API key {key}")
    if not api.first <= version <= api.last:
        if key == API_VERSIONS:
            # KIP-511: the answer to a version that is too new is version 0 with error 35.
            return Request(api, 0, correlation_id, "", {"unsupported": True}, host)
        raise UnsupportedRequestError(f"{api.name} version {version} is not supported")
    client_id = _CLIENT_ID.read(cursor) or ""
    if version >= api.flexible:
        wire.skip_tags(cursor)
    message = _codecs(key, version)[0].read(cursor)
    if cursor.pos != len(frame) and key not in _MAY_BE_LONGER:
        raise DecodeError(f"{len(frame) - cursor.pos} bytes left over after {api.name} version {version}")
    return Request(api, version, correlation_id, client_id, message, host)


def encode_response(request: Request, message: Message) -> Chunks:
    """The whole response frame, length first, as chunks to be written in order."""
    out = Output()
    out.buffer += bytes(4) + request.correlation_id.to_bytes(4, "big", signed=True)
    # ApiVersions answers with the old header for ever, so that any client can read it.
    if request.version >= request.api.flexible and request.api.key != API_VERSIONS:
        out.buffer.append(0)
    _codecs(request.api.key, request.version)[1].write(out, message)
    chunks = out.finish()
    first = chunks[0]
    assert isinstance(first, bytearray)  # noqa: S101 - narrows the type: the header is always built here
    first[:4] = (sum(map(len, chunks)) - 4).to_bytes(4, "big")
    return chunks


def advertised() -> list[Message]:
    return [{"api_key": api.key, "first": api.first, "last": api.last} for api in APIS]


def api_versions(request: Request) -> Message:
    unsupported = request.message.get("unsupported")
    return {
        "error_code": Code.UNSUPPORTED_VERSION if unsupported else Code.NONE,
        "api_keys": advertised(),
    }
