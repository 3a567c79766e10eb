"""Bodies of batches: packed and unpacked like other implementations do, whatever a client sends."""

import contextlib

import pytest
from aiokafka import codec as theirs
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk_standalone.broker.batch import DELETE_HORIZON, HEADER_BYTES, Batch, checksum_ok, read_header
from copydesk_standalone.broker.codecs import NAMES, CodecError, pack, unpack
from copydesk_standalone.broker.records import Record, payload_of, records_in, varint, without, write_varint

from .test_compaction import found_in, keyed

PACKED = [number for name, number in NAMES.items() if number]
THEIR_DECODE = {1: theirs.gzip_decode, 2: theirs.snappy_decode, 3: theirs.lz4_decode, 4: theirs.zstd_decode}
THEIR_ENCODE = {1: theirs.gzip_encode, 2: theirs.snappy_encode, 3: theirs.lz4_encode, 4: theirs.zstd_encode}
LZ4_BLOCKS_ARE_INDEPENDENT = 0x20


@settings(deadline=None)
@given(st.sampled_from(PACKED), st.binary(min_size=1, max_size=200), st.integers(1, 2_000))
def test_others_read_what_is_packed_and_the_other_way_round(codec: int, piece: bytes, times: int) -> None:
    payload = piece * times
    assert THEIR_DECODE[codec](pack(codec, payload)) == payload
    assert unpack(codec, memoryview(THEIR_ENCODE[codec](payload))) == payload
    assert unpack(codec, memoryview(pack(codec, payload)), len(payload)) == payload


def test_snappy_without_a_frame_is_read() -> None:
    assert unpack(2, memoryview(theirs.snappy_encode(b"abc" * 99, xerial_compatible=False))) == b"abc" * 99


def test_java_is_given_lz4_blocks_that_stand_alone() -> None:
    assert pack(3, b"abc" * 50_000)[4] & LZ4_BLOCKS_ARE_INDEPENDENT


@pytest.mark.parametrize("codec", PACKED)
def test_a_bomb_does_not_grow_beyond_its_room(codec: int) -> None:
    bomb = pack(codec, bytes(1 << 20))
    with pytest.raises(CodecError):
        unpack(codec, memoryview(bomb), (1 << 20) - 1)


@settings(deadline=None)
@given(st.integers(1, 7), st.binary(max_size=200), st.booleans())
def test_garbage_is_refused_or_read(codec: int, garbage: bytes, framed: bool) -> None:
    prefix = pack(2, b"x")[:16] if framed else b""
    with contextlib.suppress(CodecError):
        assert len(unpack(codec, memoryview(prefix + garbage), 10_000)) <= 10_000


@settings(deadline=None)
@given(st.integers(-(2**63), 2**63 - 1), st.binary(max_size=3))
def test_numbers_come_back(value: int, after: bytes) -> None:
    written = write_varint(value)
    assert varint(memoryview(written + after), 0) == (value, len(written))


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, 50))
def test_records_that_are_none_are_refused(garbage: bytes, count: int) -> None:
    try:
        records = list(records_in(memoryview(garbage), count))
    except CodecError:
        return
    assert len(records) == count
    assert b"".join(garbage[record.start : record.end] for record in records) == garbage


@settings(deadline=None)
@given(st.data(), st.binary(max_size=20))
def test_damaged_records_do_no_harm(data: st.DataObject, noise: bytes) -> None:
    whole = bytearray(keyed([(b"k%d" % number, b"v" * number) for number in range(10)])[HEADER_BYTES:])
    position = data.draw(st.integers(0, len(whole) - 1))
    whole[position : position + len(noise)] = noise
    try:
        for record in records_in(memoryview(whole), 10):
            assert 0 <= record.start < record.end <= len(whole)
    except CodecError:
        pass


def parsed(data: bytes) -> tuple[Batch, memoryview, list[Record]]:
    batch = read_header(data)
    payload = payload_of(batch, memoryview(data))
    return batch, payload, list(records_in(payload, batch.record_count))


RECORDS = st.lists(
    st.tuples(st.none() | st.binary(max_size=5), st.none() | st.binary(max_size=90)), min_size=1, max_size=9
)


@settings(deadline=None)
@given(
    RECORDS, st.sampled_from(["none", "gzip", "snappy", "lz4", "zstd"]), st.none() | st.integers(0, 2**45), st.data()
)
def test_what_is_left_of_a_batch_is_what_it_was(
    records: list[tuple[bytes | None, bytes | None]], codec: str, horizon: int | None, data: st.DataObject
) -> None:
    whole = keyed(records, codec=codec, producer=(7, 3, 11))
    batch, payload, everything = parsed(whole)
    kept = [record for record in everything if data.draw(st.booleans())]
    left = without(batch, payload, kept, horizon)
    header = read_header(left)
    offsets = {record.offset_delta for record in kept}
    assert found_in(left) == [record for record in found_in(whole) if record.offset in offsets]
    assert checksum_ok(header, left[21:])
    assert header[5:6] + header[8:11] == batch[5:6] + batch[8:11], "its place in the sequence stays"
    assert header.record_count == len(kept)
    assert bool(header.attributes & DELETE_HORIZON) == (horizon is not None and bool(kept))
    if horizon is not None:
        assert header.base_timestamp == horizon
