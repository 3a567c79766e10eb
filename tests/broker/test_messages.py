"""The layouts against an independent description of the protocol, and decoding of what nobody should send."""

import dataclasses
import io
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kio.schema.index import api_key_map
from kio.serial import entity_reader, entity_writer

from copydesk_standalone.broker import protocol
from copydesk_standalone.broker.messages import APIS, Api
from copydesk_standalone.broker.protocol import Request, UnsupportedRequestError, decode_request, encode_response
from copydesk_standalone.broker.schema import Field, parse
from copydesk_standalone.broker.server import HANDLERS
from copydesk_standalone.broker.wire import MAX_ELEMENTS, Cursor, DecodeError, Output

from .client import request_bytes

VERSIONS = [(api, version) for api in APIS for version in range(api.first, api.last + 1)]
IDS = [f"{api.name}-v{version}" for api, version in VERSIONS]
KINDS = {
    "int8": "i8",
    "int16": "i16",
    "int32": "i32",
    "int64": "i64",
    "error_code": "i16",
    "timedelta_i32": "i32",
    "timedelta_i64": "i64",
    "datetime_i64": "i64",
}
NULLABLE = {"string", "bytes", "records", "array"}

Shape = list[tuple[str, Any, bool]]


def kio_entity(api: Api, version: int, side: str) -> Any:
    module = import_module(f"kio.schema.{api_key_map[api.key]}.v{version}.{side}")
    found = [
        value
        for name, value in vars(module).items()
        if name.endswith(side.capitalize()) and getattr(value, "__type__", None) is not None
    ]
    return next(entity for entity in found if entity.__type__.name == side)


def kio_shape(entity: Any) -> Shape:
    return [kio_field(field) for field in dataclasses.fields(entity) if "tag" not in field.metadata]


def kio_field(field: Any) -> tuple[str, Any, bool]:
    """(kind, what an array holds, nullable) of one field of a kio dataclass."""
    annotation = field.type
    parts = [part for part in getattr(annotation, "__args__", ()) if part is not type(None)]
    nullable = type(None) in getattr(annotation, "__args__", ())
    inner = parts[0] if nullable else annotation
    kind = KINDS.get(field.metadata.get("kafka_type"), field.metadata.get("kafka_type"))
    if dataclasses.is_dataclass(inner):
        assert nullable, "a struct of its own is only used where it may be null"
        return "i8", None, False
    if getattr(inner, "__origin__", None) is not tuple:
        return kind, None, nullable and kind in NULLABLE
    element = inner.__args__[0]
    holds = [(kind, None, False)] if kind else kio_shape(element)
    return "array", holds, nullable


def our_shape(fields: list[Field], version: int) -> Shape:
    return [
        (field.kind, our_shape(field.inner, version) if field.kind == "array" else None, field.nullable)
        for field in fields
        if field.first <= version <= field.last
    ]


def assert_same(ours: Shape, theirs: Shape) -> None:
    """Equal, except that a layout may allow null where a version does not."""
    assert [kind for kind, _, _ in ours] == [kind for kind, _, _ in theirs]
    for (_, our_inner, our_null), (_, their_inner, their_null) in zip(ours, theirs, strict=True):
        assert our_null or not their_null
        if our_inner is not None:
            assert_same(our_inner, their_inner)


@pytest.mark.parametrize(("api", "version"), VERSIONS, ids=IDS)
def test_layouts_match_kio(api: Api, version: int) -> None:
    for side, layout in (("request", api.request), ("response", api.response)):
        entity = kio_entity(api, version, side)
        assert entity.__flexible__ == (version >= api.flexible)
        assert_same(our_shape(parse(layout), version), kio_shape(entity))


@pytest.mark.parametrize(("api", "version"), VERSIONS, ids=IDS)
def test_kio_reads_our_empty_answers_and_writes_them_back(api: Api, version: int) -> None:
    """The bytes, not only the layouts: an answer full of defaults survives another codec."""
    codec = protocol._codecs(api.key, version)[1]
    out = Output()
    codec.write(out, one_of_everything(parse(api.response)))
    data = b"".join(out.finish())
    entity_type = kio_entity(api, version, "response")
    entity, size = entity_reader(entity_type)(data, 0)
    assert size == len(data)
    again = io.BytesIO()
    entity_writer(entity_type)(again, entity)
    cursor = Cursor(memoryview(again.getvalue()))
    assert codec.read(cursor) == codec.read(Cursor(memoryview(data)))


def one_of_everything(fields: list[Field]) -> dict[str, Any]:
    """A message whose arrays hold one element each."""
    samples = {"string": "ab", "bytes": b"xyz", "records": b"", "bool": True}
    message: dict[str, Any] = {}
    for field in fields:
        if field.kind == "array":
            nameless = not field.inner[0].name
            message[field.name] = [samples.get(field.inner[0].kind, 3) if nameless else one_of_everything(field.inner)]
        elif field.kind == "uuid" or field.name in {"error_code", "no_assignment"}:
            continue
        else:
            message[field.name] = samples.get(field.kind, 3)
    return message


def test_every_api_has_a_handler() -> None:
    assert set(HANDLERS) == {api.name for api in APIS}


def test_a_request_survives_encoding_and_decoding() -> None:
    frame = request_bytes("Heartbeat", 4, {"group_id": "g", "generation_id": 3, "member_id": "m"}, 99)
    request = decode_request(memoryview(frame)[4:])
    assert (request.api.name, request.version, request.correlation_id) == ("Heartbeat", 4, 99)
    assert request.client_id == "test"
    assert request.message == {"group_id": "g", "generation_id": 3, "member_id": "m", "instance_id": None}


def test_a_field_of_a_later_version_has_its_default() -> None:
    frame = request_bytes("Metadata", 1, {"topics": None})
    message = decode_request(memoryview(frame)[4:]).message
    assert message["topics"] is None
    assert message["allow_auto_topic_creation"] == 1


def test_api_versions_carry_no_tags_and_the_old_header() -> None:
    frame = request_bytes("ApiVersions", 3, {"software_name": "x", "software_version": "1"}, 5)
    request = decode_request(memoryview(frame)[4:])
    data = b"".join(encode_response(request, protocol.api_versions(request)))
    assert data[4:8] == (5).to_bytes(4, "big")
    entity, size = entity_reader(kio_entity(protocol.BY_KEY[18], 3, "response"))(data[8:], 0)
    assert size == len(data) - 8
    assert {key.api_key for key in entity.api_keys} == set(protocol.BY_KEY)
    assert data[-1] == 0


@pytest.mark.parametrize("body", ["7fff000000000001ffff", "0000006300000001ffff", "0001000000000001ffff"])
def test_what_was_not_advertised_is_refused(body: str) -> None:
    with pytest.raises(UnsupportedRequestError):
        decode_request(memoryview(bytes.fromhex(body)))


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("an array longer than the frame", "00030001000000010000" + "7fffffff"),
        ("a negative array", "00030001000000010000" + "fffffff0"),
        ("a string past the end", "000a000000000001ffff" + "7fff" + "61"),
        ("text that is not UTF-8", "000a000000000001ffff" + "0002" + "fffe"),
        ("bytes left over", "000a000000000001ffff" + "0001" + "61" + "00"),
        ("an endless varint", "00120003000000010000" + "ff" * 9),
        ("a null that may not be", "000a000000000001ffff" + "ffff"),
        ("no header", "0003"),
    ],
)
def test_malformed_requests(name: str, body: str) -> None:
    with pytest.raises(DecodeError):
        decode_request(memoryview(bytes.fromhex(body)))


def test_the_elements_of_a_request_are_bounded() -> None:
    frame = bytes.fromhex("00030001000000010000") + (MAX_ELEMENTS + 1).to_bytes(4, "big")
    with pytest.raises(DecodeError, match="too long"):
        decode_request(memoryview(frame + bytes(4 * MAX_ELEMENTS)))


@given(st.sampled_from(VERSIONS), st.binary(max_size=200))
def test_no_bytes_do_harm(api_version: tuple[Api, int], body: bytes) -> None:
    api, version = api_version
    header = api.key.to_bytes(2, "big") + version.to_bytes(2, "big") + bytes(4) + b"\xff\xff"
    try:
        request = decode_request(memoryview(header + body))
    except DecodeError:
        return
    assert isinstance(request, Request)


@pytest.mark.parametrize("layout", ["name:", "a:i32 ]b", "%"])
def test_a_layout_that_is_no_layout(layout: str) -> None:
    if "%" in layout:
        with pytest.raises(ValueError, match="not understood"):
            parse(layout)
    else:
        assert [field.name for field in parse(layout)] == [layout.partition(":")[0]]
