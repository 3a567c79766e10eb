"""Which parser reads a document. What it is shows in its bytes: content types of feeds are wrong too often."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from copydesk_fetcher.parsing import rss_atom
from copydesk_fetcher.parsing.model import Document, IsHtml, NotAFeed, ParsedFeed

START_BYTES = 65_536
# The longest mark first: that of UTF-32 begins with that of UTF-16.
BYTE_ORDER_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)
PROLOGUE = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE(?:[^\[>]*\[.*?\]\s*>|[^>]*>)", re.DOTALL | re.IGNORECASE)
ELEMENT = re.compile(r"<(?:[\w.-]{1,100}:)?([\w.-]{1,100})")


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one format. Both functions may raise :class:`NotAFeed`; ``recognises`` looks at the beginning only."""

    name: str
    recognises: Callable[[Document], bool]
    read: Callable[[Document], ParsedFeed]


def _refuse_html(_: Document) -> ParsedFeed:
    raise IsHtml("a web page, neither RSS nor Atom")


# The first that recognises a document reads it.
READERS: tuple[Reader, ...] = (
    Reader("web page", lambda document: document.root == "html", _refuse_html),
    Reader("RSS or Atom", lambda document: True, rss_atom.read),  # noqa: ARG005 - whatever is left
)


def parse_feed(body: bytes, content_type: str, url: str, limit: int, now: datetime) -> ParsedFeed:
    """What a feed or sitemap says; ``url`` is where it came from, ``limit`` how many entries are read.

    Raises :class:`NotAFeed`, for a web page :class:`IsHtml`.
    """
    document = look_at(body, content_type, url, limit, now)
    reader = next(reader for reader in READERS if reader.recognises(document))
    return reader.read(document)


def look_at(body: bytes, content_type: str, url: str, limit: int, now: datetime) -> Document:
    """The document with what its beginning tells of it. Raises :class:`NotAFeed` when it is empty."""
    encoding = next((name for mark, name in BYTE_ORDER_MARKS if body.startswith(mark)), "utf-8")
    text = body[:START_BYTES].decode(encoding, "replace").removeprefix("\ufeff").lstrip()
    if not text:
        raise NotAFeed("nothing but blanks" if body else "empty")
    return Document(body, content_type, url, limit, now, start=text, root=root_of(text))


def root_of(start: str) -> str:
    """The local name of the first element of this XML or HTML, in lower case; empty if none begins it."""
    at = 0
    while found := PROLOGUE.match(start, at):
        at = found.end()
    element = ELEMENT.match(start, at)
    return element[1].lower() if element else ""
