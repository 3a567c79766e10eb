import codecs
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_cleaner.oneshot import decode, looks_like_html, page_from
from copydesk_shared.errors import InputError
from copydesk_shared.identity import article_id
from copydesk_shared.messages import Page
from tests.cleaner.pages import NOW


def page(content: str | bytes, url: str | None = None) -> Page:
    return page_from(content, kind="auto", url=url, now=NOW)


def test_text_without_an_address_has_one_made_of_its_digest() -> None:
    made = page("Grüße")
    digest = hashlib.sha256("Grüße".encode()).hexdigest()
    assert made.url == made.canonical_url == f"urn:sha256:{digest}"
    assert made.article_id == article_id(made.url)
    assert (made.source.domain, made.content_type, made.fetched_at) == ("unknown", "text/plain", NOW)


def test_an_address_decides_identity_and_source() -> None:
    made = page("Text", "HTTPS://www.Example.co.uk/a?utm_source=x&b=1#top")
    assert made.canonical_url == "https://www.example.co.uk/a?b=1"
    assert (made.source.name, made.source.domain) == ("example.co.uk", "example.co.uk")


@pytest.mark.parametrize(
    "url", ["", "example.org", "file:///etc/passwd", "ftp://example.org/a", "http://", "javascript:alert(1)"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="not an absolute http or https URL"):
        page("Text", url)


@pytest.mark.parametrize(
    "text",
    [
        "<!doctype html><p>a",
        "  <html>",
        "<?xml version='1.0'?><html/>",
        "<p>One</p>",
        "Text <b>and</b> a line<br>and <br/> more",
        "A</p><p>B</p>",
    ],
)
def test_html_is_recognised(text: str) -> None:
    assert looks_like_html(text)
    assert page(text).content_type == "text/html"


@pytest.mark.parametrize("text", ["Plain text.", "a < b and c > d", "<3 is a heart", "He wrote </p> once.", "5 <6"])
def test_text_is_recognised(text: str) -> None:
    assert not looks_like_html(text)


def test_the_kind_can_be_given() -> None:
    assert page_from("Plain", kind="html", url=None, now=NOW).content_type == "text/html"
    assert page_from("<p>x</p>", kind="text", url=None, now=NOW).content_type == "text/plain"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Grüße".encode(), "Grüße"),
        (codecs.BOM_UTF8 + "Grüße".encode(), "Grüße"),
        ("Grüße".encode("utf-16"), "Grüße"),
        (codecs.BOM_UTF16_BE + "Grüße".encode("utf-16-be"), "Grüße"),
        ("Grüße".encode("utf-32"), "Grüße"),
        ("Grüße “so”".encode("windows-1252"), "Grüße “so”"),
        ('<meta charset="koi8-r"><p>Привет'.encode("koi8-r"), '<meta charset="koi8-r"><p>Привет'),
        ('<meta charset="iso-2022-jp"><p>日本'.encode("iso-2022-jp"), '<meta charset="iso-2022-jp"><p>日本'),
        ('<meta charset="latin1"><p>Grüße “so”'.encode(), '<meta charset="latin1"><p>Grüße “so”'),
        ('<meta charset="no-such"><p>Grüße'.encode(), '<meta charset="no-such"><p>Grüße'),
        ('<meta charset="hex"><p>Grüße'.encode(), '<meta charset="hex"><p>Grüße'),
        ('<meta charset="utf-8"><p>Grüße'.encode("windows-1252"), '<meta charset="utf-8"><p>Grüße'),
    ],
)
def test_bytes_are_decoded(content: bytes, expected: str) -> None:
    assert decode(content) == expected


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "empty"),
        (" \n\t", "empty"),
        (b"abc\0def", "NUL"),
        ("abc\0", "NUL"),
        (b"%PDF-1.7 ...", "a PDF"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"PK\x03\x04 etc", "a zip archive"),
        (bytes(range(1, 9)) * 20, "control characters"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8a", "byte order mark"),
    ],
)
def test_what_is_no_text_is_refused_in_one_line(content: str | bytes, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint) as caught:
        page(content)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_page_or_refused(content: bytes) -> None:
    try:
        made = page(content)
    except InputError:
        return
    assert Page.model_validate_json(made.model_dump_json()) == made


def test_a_lone_surrogate_does_not_break_the_page() -> None:
    assert page("a \ud800 b").content == "a ? b"
