import gzip
import tracemalloc
import zlib
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.encoding import Body, choose_encoding, decode_text
from copydesk_fetcher.responses import TooLarge, Unreachable, Unsupported

TEXT = "Žluťoučký kůň – “quoted” café"


def collect(name: str, data: bytes, limit: int = 1_000_000, step: int = 7) -> bytes:
    body = Body(name, limit)
    for start in range(0, len(data), step):
        body.feed(data[start : start + step])
    return body.finish()


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKERS: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "": bytes,
    "identity": bytes,
}


@pytest.mark.parametrize("name", PACKERS)
@given(data=st.binary(max_size=500), step=st.integers(min_value=1, max_value=50))
def test_what_was_packed_comes_out(name: str, data: bytes, step: int) -> None:
    assert collect(name, PACKERS[name](data), step=step) == data


def test_raw_deflate_and_several_gzip_members_come_out_too() -> None:
    assert collect("deflate", raw_deflate(b"hello " * 50)) == b"hello " * 50
    assert collect("gzip", gzip.compress(b"one ", mtime=0) + gzip.compress(b"two")) == b"one two"
    assert collect("gzip", gzip.compress(b"one", mtime=0) + b"junk after the end") == b"one"


def test_a_bomb_is_refused_before_it_takes_memory() -> None:
    packer = zlib.compressobj(level=9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    assert len(bomb) < 300_000
    tracemalloc.start()
    with pytest.raises(TooLarge, match="larger than 1000000 bytes"):
        collect("gzip", bomb, step=65_536)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_empty_members_without_end_are_refused() -> None:
    with pytest.raises(TooLarge):
        collect("gzip", gzip.compress(b"", mtime=0) * 1000, limit=10_000, step=1000)


@pytest.mark.parametrize("name", ["br", "zstd", "gzip, gzip", "compress", "<script>"])
def test_a_compression_that_was_not_asked_for_is_unsupported(name: str) -> None:
    with pytest.raises(Unsupported, match="was not asked for"):
        Body(name, 1000)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("gzip", b"this is no gzip"),
        ("gzip", gzip.compress(b"x" * 1000, mtime=0)[:-20]),
        ("deflate", b"\xff\xff\xff\xff"),
    ],
)
def test_broken_data_is_a_passing_fault(name: str, data: bytes) -> None:
    with pytest.raises(Unreachable):
        collect(name, data)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html; charset=utf-8", TEXT.encode()),
        ("text/html", TEXT.encode()),
        ("text/html", b"\xef\xbb\xbf" + TEXT.encode()),
        ("text/html; charset=iso-8859-1", b"\xef\xbb\xbf" + TEXT.encode()),
        ("text/html; charset=iso-8859-1", TEXT.encode()),
        ("text/html; charset=hex", TEXT.encode()),
        ("text/html; charset=punycode", TEXT.encode()),
        ("text/html; charset=no-such-thing", TEXT.encode()),
        ("text/html; charset=utf-16", TEXT.encode("utf-16")),
        ("text/html", TEXT.encode("utf-16")),
        ("text/html; charset=windows-1250", "Žluťoučký kůň – “quoted” café".encode("cp1250")),
    ],
)
def test_the_charset_is_found(content_type: str, body: bytes) -> None:
    assert decode_text(content_type, body) == TEXT


def test_a_charset_in_the_page_counts_when_the_header_is_silent_or_wrong() -> None:
    page = '<html><head><meta charset="shift_jis"><title>新聞</title>'
    assert decode_text("text/html", page.encode("cp932")) == page
    assert decode_text("text/html; charset=utf-8", page.encode("cp932")) == page


def test_bytes_that_nobody_declared_are_western() -> None:
    assert decode_text("text/html", "café “x”".encode("cp1252")) == "café “x”"


def test_what_cannot_be_decoded_is_replaced_and_nul_goes() -> None:
    assert decode_text("text/html; charset=utf-8", b"a\xff\x00b") == "a�b"


@given(st.binary(max_size=300), st.text(max_size=40))
def test_any_bytes_become_text_that_json_takes(body: bytes, label: str) -> None:
    text = decode_text(f"text/html; charset={label}", body)
    assert text.encode("utf-8").decode() == text


@given(st.text(alphabet=st.characters(min_codepoint=0x80, exclude_categories=["Cs", "Cc"]), min_size=1))
def test_utf8_text_is_known_as_such(text: str) -> None:
    assert choose_encoding("text/html; charset=latin1", text.encode()) == "utf-8"
