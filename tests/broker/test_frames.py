"""Cutting a stream into frames, however it arrives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_standalone.broker.frames import FrameError, FrameReader

LIMIT = 2 << 20


def feed(reader: FrameReader, data: bytes, chunk: int) -> list[bytes]:
    frames: list[bytes] = []
    while data:
        buffer = reader.buffer()
        count = min(len(buffer), len(data), chunk)
        assert count > 0
        buffer[:count] = data[:count]
        del buffer
        frames += [bytes(frame) for frame in reader.received(count)]
        data = data[count:]
    return frames


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


@given(
    st.lists(st.tuples(st.sampled_from([8, 9, 100, 65_531, 65_532, 65_533, 300_000]), st.integers(0, 255)), max_size=6),
    st.sampled_from([1_000, 4_096, 65_536, 1 << 20]),
)
def test_frames_come_out_as_they_went_in(sizes: list[tuple[int, int]], chunk: int) -> None:
    bodies = [bytes([fill]) * size for size, fill in sizes]
    reader = FrameReader(LIMIT)
    assert feed(reader, b"".join(map(framed, bodies)), chunk) == bodies
    assert not reader.is_inside_frame


@given(st.lists(st.binary(min_size=8, max_size=20), max_size=8), st.integers(1, 7))
def test_small_frames_byte_by_byte(bodies: list[bytes], chunk: int) -> None:
    assert feed(FrameReader(LIMIT), b"".join(map(framed, bodies)), chunk) == bodies


@pytest.mark.parametrize("length", [-1, 0, 7, LIMIT + 1, 2**31 - 1])
def test_a_length_that_no_request_has(length: int) -> None:
    with pytest.raises(FrameError, match=str(length)):
        feed(FrameReader(LIMIT), length.to_bytes(4, "big", signed=True), 4)


def test_a_length_alone_reserves_little() -> None:
    reader = FrameReader(1 << 30)
    feed(reader, (1 << 30).to_bytes(4, "big"), 4)
    assert reader.is_inside_frame
    assert len(reader.buffer()) <= 256 << 10
