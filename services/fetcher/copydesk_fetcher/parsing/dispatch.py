"""Which parser reads a document. What it is shows in its bytes: content types of feeds are wrong too often."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from copydesk_fetcher.parsing import json_feed, rss_atom, sitemaps
from copydesk_fetcher.parsing.model import Document, IsHtml, NotAFeed, ParsedFeed, one_line
from copydesk_shared.feed_charset import decode

START_BYTES = 65_536
PROLOGUE = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE(?:[^\[>]*\[.*?\]\s*>|[^>]*>)", re.DOTALL | re.IGNORECASE)
ELEMENT = re.compile(r"<(?:[\w.-]{1,100}:)?([\w.-]{1,100})")
HTML_ROOTS = ("html", "head", "body", "meta")
IN_HTML = re.compile(r"<(?:html|head|body)[\s>]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one format. Both functions may raise :class:`NotAFeed`; ``recognises`` looks at the beginning only."""

    name: str
    recognises: Callable[[Document], bool]
    read: Callable[[Document], ParsedFeed]


def _refuse_html(_: Document) -> ParsedFeed:
    raise IsHtml("a web page, neither RSS nor Atom")


def _read_feed(document: Document) -> ParsedFeed:
    """What is neither feed nor HTML from its start may still be a web page after something else."""
    try:
        return rss_atom.read(document)
    except NotAFeed:
        if document.root not in rss_atom.ROOTS and IN_HTML.search(document.start):
            _refuse_html(document)
        raise


# The first that recognises a document reads it.
READERS: tuple[Reader, ...] = (
    Reader("web page", lambda document: document.root in HTML_ROOTS, _refuse_html),
    Reader("sitemap", sitemaps.is_sitemap, sitemaps.read),
    Reader("text sitemap", sitemaps.is_text_sitemap, sitemaps.read_text),
    Reader("JSON Feed", json_feed.recognises, json_feed.read),
    Reader("RSS or Atom", lambda document: True, _read_feed),  # noqa: ARG005 - whatever is left
)


def parse_feed(body: bytes, content_type: str, url: str, limit: int, now: datetime) -> ParsedFeed:
    """What a feed or sitemap says; ``url`` is where it came from, ``limit`` how many entries are read.

    Raises :class:`NotAFeed`, for a web page :class:`IsHtml`.
    """
    document = look_at(body, content_type, url, limit, now)
    reader = next(reader for reader in READERS if reader.recognises(document))
    feed = reader.read(document)
    problems = (*document.problems, feed.problem or "")
    said = one_line("; ".join(problem for problem in problems if problem)) or None
    return replace(feed, problem=said, format=reader.name)


def look_at(body: bytes, content_type: str, url: str, limit: int, now: datetime) -> Document:
    """The document with what its beginning tells of it. Raises :class:`NotAFeed` when it is empty."""
    decoded = decode(body, content_type)
    if not decoded.body:
        raise NotAFeed("; ".join(decoded.problems) or ("nothing but blanks" if body else "empty"))
    start = decoded.body[:START_BYTES].decode("utf-8", "ignore")
    return Document(decoded.body, content_type, url, limit, now, start, root_of(start), decoded.problems)


def root_of(start: str) -> str:
    """The local name of the first element of this XML or HTML, in lower case; empty if none begins it."""
    at = 0
    while found := PROLOGUE.match(start, at):
        at = found.end()
    element = ELEMENT.match(start, at)
    return element[1].lower() if element else ""
