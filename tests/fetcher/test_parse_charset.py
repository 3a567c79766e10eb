import gzip
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.parsing.model import NotAFeed, ParsedFeed
from copydesk_shared import feed_charset as charset
from copydesk_shared.feed_charset import decode

from .samples import parse

XML = "application/xml"


def feed(title: str, declared: str = "") -> str:
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    item = f"<item><title>{title}</title><link>https://news.example/a</link></item>"
    return f"{declaration}<rss version='2.0'><channel><title>News</title>{item}</channel></rss>"


def title_and_problem(parsed: ParsedFeed) -> tuple[str, str | None]:
    return parsed.entries[0].title, parsed.problem


@pytest.mark.parametrize(
    ("body", "content_type", "title", "problem"),
    [
        (feed("Fjäll").encode(), XML, "Fjäll", None),
        (feed("Fjäll", "utf-8").encode("utf-8-sig"), XML, "Fjäll", None),
        (feed("Fjäll", "utf-16").encode("utf-16"), XML, "Fjäll", None),
        (feed("Fjäll").encode("utf-16-le"), XML, "Fjäll", None),
        (feed("Fjäll", "utf-32").encode("utf-32"), XML, "Fjäll", None),
        (feed("Fjäll", "iso-8859-1").encode("latin-1"), "text/xml", "Fjäll", None),
        (feed("“Fjäll”", "iso-8859-1").encode("cp1252"), XML, "“Fjäll”", None),
        (feed("Привет", "windows-1251").encode("cp1251"), XML, "Привет", None),
        (feed("Привет").encode("koi8-r"), XML + "; charset=KOI8-R", "Привет", None),
        (feed("日本", "Shift_JIS").encode("shift_jis"), XML, "日本", None),
        (feed("嗞", "gb2312").encode("gb18030"), XML, "嗞", None),
        (feed("Fjäll", "cp037").encode("cp037"), XML, "Fjäll", None),
        # Wrong, mixed, and none.
        (feed("Fjäll", "iso-8859-1").encode(), XML, "Fjäll", "declared as cp1252, read as utf-8"),
        (feed("Fjäll", "utf-8").encode(), XML + "; charset=iso-8859-1", "Fjäll", "declared as cp1252, read as utf-8"),
        (feed("Fjäll", "utf-16").encode(), XML, "Fjäll", None),
        (feed("Fjäll", "klingon").encode(), XML, "Fjäll", "unknown charset klingon"),
        (feed("Fjäll").encode("latin-1"), XML, "Fjäll", "no charset declared, read as utf-8 and windows-1252"),
        (
            feed("新 Fj\udce4ll", "utf-8").encode("utf-8", "surrogateescape"), XML, "新 Fjäll",
            "declared as utf-8, read as utf-8 and windows-1252",
        ),
        (feed("Fj\x07\x00äll\x1f").encode(), XML, "Fjäll", "control characters"),
    ],
)  # fmt: skip
def test_the_charset_is_what_the_bytes_are(body: bytes, content_type: str, title: str, problem: str | None) -> None:
    assert title_and_problem(parse(body, content_type)) == (title, problem)


def test_much_that_is_no_utf_8_is_of_one_charset() -> None:
    body = feed("é " * 400).encode("latin-1")
    assert parse(body).problem == "no charset declared, read as utf-8 and windows-1252"
    assert parse(feed("é " * 900).encode("latin-1")).problem == "no charset declared, read as cp1252"


@pytest.mark.parametrize("claim", ["idna", "unicode_escape", "rot13", "hex", "utf-7", "\x00", "x" * 300])
def test_what_is_no_charset_is_not_used(claim: str) -> None:
    assert decode(b"<a>+ADw-\\u0041</a>", f"text/xml; charset={claim}").body == b"<a>+ADw-\\u0041</a>"


@pytest.mark.parametrize("start", ["\ufeff", "\n \n", "\x00", '<?xml version="1.1" standalone="no"?>\n', "\ufeff \t"])
def test_what_stands_before_the_feed_does_no_harm(start: str) -> None:
    declaration = "" if start.startswith("<?") else '<?xml version="1.0"?>'
    assert parse((start + declaration + feed("T")).encode()).entries[0].title == "T"


def test_a_gzip_file_is_opened_within_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = gzip.compress(feed("T").encode())
    assert title_and_problem(parse(packed, "application/x-gzip")) == ("T", None)
    cut = parse(packed[:-12])
    assert "gzip data broke off" in str(cut.problem)
    with pytest.raises(NotAFeed, match="broken gzip data"):
        parse(b"\x1f\x8b not really")
    monkeypatch.setattr(charset, "UNPACKED_LIMIT", 1000)
    bomb = parse(gzip.compress(feed("T").encode() + b" " * 10_000_000))
    assert title_and_problem(bomb) == ("T", "cut at 1000 bytes")


@given(st.binary(max_size=200), st.text(max_size=40))
def test_any_bytes_become_utf_8(body: bytes, content_type: str) -> None:
    for each in (body, b"\xff\xfe" + body, b"\x4c\x6f\xa7\x94" + body, b"\x1f\x8b\x08" + body):
        decode(each, content_type).body.decode("utf-8")


@given(st.text(max_size=50), st.sampled_from(["utf-8", "utf-16", "utf-32", "utf-8-sig"]))
def test_text_with_a_mark_or_in_utf_8_is_read_as_it_is(text: str, encoding: str) -> None:
    clean: Callable[[str], str] = lambda value: "".join(  # noqa: E731 - used twice below
        character for character in value if character >= " " or character in "\t\n\r"
    )
    found = decode(f"<a>{text}</a>".encode(encoding), "").body.decode("utf-8")
    assert clean(found) == clean(f"<a>{text}</a>")
