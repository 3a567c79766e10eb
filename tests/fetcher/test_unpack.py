import gzip
import tracemalloc
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.responses import FetchError, FetchReason, TooLarge, Unreachable, Unsupported
from copydesk_fetcher.unpack import PIECE, Body

MIB = 1024 * 1024


def collect(name: str, data: bytes, limit: int = 1_000_000, step: int = 7) -> bytes:
    body = Body(name, limit)
    for start in range(0, len(data), step):
        for _ in body.feed(data[start : start + step]):
            pass
    return body.finish()


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def zstd_window(bits: int) -> bytes:
    """A frame that asks for a window of this many bits, without its content's size."""
    packer = zstandard.ZstdCompressor(compression_params=zstandard.ZstdCompressionParameters(window_log=bits))
    stream = packer.compressobj()
    return stream.compress(b"x" * 100_000) + stream.flush()


PACKERS: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd,
    "gzip, br": lambda data: bytes(brotli.compress(gzip.compress(data))),
    "Zstd,GZIP": lambda data: gzip.compress(zstd(data)),
    "": bytes,
    "identity": bytes,
}


@pytest.mark.parametrize("name", PACKERS)
@given(data=st.binary(max_size=500), step=st.integers(min_value=1, max_value=50))
def test_what_was_packed_comes_out(name: str, data: bytes, step: int) -> None:
    assert collect(name, PACKERS[name](data), step=step) == data


@pytest.mark.parametrize("name", PACKERS)
def test_what_is_larger_than_a_piece_comes_out_whole(name: str) -> None:
    data = bytes(range(256)) * (PIECE // 100)
    assert collect(name, PACKERS[name](data), limit=4 * PIECE, step=65_536) == data


def test_raw_deflate_and_several_members_come_out_too() -> None:
    assert collect("deflate", raw_deflate(b"hello " * 50)) == b"hello " * 50
    assert collect("gzip", gzip.compress(b"one ", mtime=0) + gzip.compress(b"two")) == b"one two"
    assert collect("gzip", gzip.compress(b"one", mtime=0) + b"junk after the end") == b"one"
    assert collect("zstd", zstd(b"one ") + zstd(b"two")) == b"one two"


def bombs(mebibytes: int) -> Mapping[str, bytes]:
    """Zeros, packed as small as each coding can."""
    gzipper = zlib.compressobj(level=9, wbits=31)
    gzipped = b"".join(gzipper.compress(bytes(MIB)) for _ in range(mebibytes)) + gzipper.flush()
    brotlier = brotli.Compressor(quality=5)
    brotlied = b"".join(brotlier.process(bytes(MIB)) for _ in range(mebibytes)) + brotlier.finish()
    zstdier = zstandard.ZstdCompressor().compressobj()
    zstdied = b"".join(zstdier.compress(bytes(MIB)) for _ in range(mebibytes)) + zstdier.flush()
    return {"gzip": gzipped, "br": brotlied, "zstd": zstdied, "gzip, gzip": gzip.compress(gzipped)}


BOMBS = bombs(200)


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_it_takes_memory(name: str) -> None:
    assert len(BOMBS[name]) < 300_000
    tracemalloc.start()
    with pytest.raises(TooLarge, match=r"^a bomb: larger than 1000000 bytes") as caught:
        collect(name, BOMBS[name], step=65_536)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()
    assert caught.value.reason == FetchReason.BOMB


@pytest.mark.parametrize("name", ["gzip", "br", "gzip, gzip"])
def test_the_work_on_one_chunk_is_done_in_pieces(name: str) -> None:
    body = Body(name, 500 * MIB)
    sizes = []
    for start in range(0, len(BOMBS[name]), 65_536):
        before = body._size
        for _ in body.feed(BOMBS[name][start : start + 65_536]):
            sizes.append(body._size - before)
            before = body._size
    assert len(sizes) > 50
    assert max(sizes) <= 2 * PIECE + 1


def test_members_without_end_are_refused() -> None:
    with pytest.raises(TooLarge):
        collect("gzip", gzip.compress(b"", mtime=0) * 1000, limit=10_000, step=1000)
    with pytest.raises(TooLarge, match=r"^a bomb: more than 1000 gzip members"):
        collect("gzip", gzip.compress(b"", mtime=0) * 2000, limit=MIB, step=1000)


@pytest.mark.parametrize("name", ["compress", "gzip, sdch", "<script>"])
def test_a_compression_that_was_not_asked_for_is_unsupported(name: str) -> None:
    with pytest.raises(Unsupported, match="was not asked for"):
        Body(name, 1000)


def test_no_more_than_two_compressions_are_undone() -> None:
    with pytest.raises(Unsupported, match="3 content-encodings"):
        Body("gzip, br, gzip", 1000)


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("gzip", b"this is no gzip", FetchReason.ENCODING),
        ("gzip", gzip.compress(b"x" * 1000, mtime=0)[:-20], FetchReason.ENCODING),
        ("deflate", b"\xff\xff\xff\xff", FetchReason.ENCODING),
        ("br", b"\xff this is no brotli", FetchReason.ENCODING),
        ("br", brotli.compress(b"x" * 1000 + bytes(range(256)))[:-20], FetchReason.ENCODING),
        ("zstd", b"this is no zstd", FetchReason.ENCODING),
        ("zstd", zstd_window(27), FetchReason.ENCODING),
        ("gzip, br", brotli.compress(b"this is no gzip"), FetchReason.ENCODING),
    ],
)
def test_broken_data_is_a_passing_fault(name: str, data: bytes, reason: FetchReason) -> None:
    with pytest.raises(Unreachable) as caught:
        collect(name, data)
    assert caught.value.reason == reason


def test_the_window_that_rfc_9659_allows_is_taken() -> None:
    assert collect("zstd", zstd_window(23)) == b"x" * 100_000


@pytest.mark.parametrize("name", [name for name in PACKERS if name not in ("", "identity")])
@given(data=st.binary(max_size=200), noise=st.binary(min_size=1, max_size=8), at=st.integers(0, 200))
def test_damaged_data_ends_in_bytes_or_in_an_error_of_ours(name: str, data: bytes, noise: bytes, at: int) -> None:
    packed = PACKERS[name](data)
    at = min(at, len(packed))
    with suppress(FetchError):
        collect(name, packed[:at] + noise + packed[at + len(noise) :])


def test_a_body_in_pieces_of_a_few_bytes_takes_little_more_memory_than_its_size() -> None:
    count, body = 300_000, Body("", MIB)
    tracemalloc.start()
    try:
        for number in range(count):
            assert list(body.feed(b"%03d" % (number % 1000))) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(body.finish()) == 3 * count
    assert peak < 2 * MIB
