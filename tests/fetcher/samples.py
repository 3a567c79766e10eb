"""Feeds for the tests."""

from collections.abc import Iterable
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from copydesk_fetcher.parsing.dispatch import parse_feed
from copydesk_fetcher.parsing.model import NotAFeed, ParsedFeed

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BASE = "https://news.example/feed.xml"


def rss(items: Iterable[tuple[str, str]]) -> str:
    """An RSS 2.0 feed of titles and links."""
    body = "".join(f"<item><title>{escape(title)}</title><link>{escape(link)}</link></item>" for title, link in items)
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>{body}</channel></rss>'


def rss_of(items: str) -> bytes:
    """An RSS 2.0 feed with these items as they are."""
    return (
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0">'
        f"<channel><title>News</title>{items}</channel></rss>"
    ).encode()


def atom_of(entries: str) -> bytes:
    """An Atom feed with these entries as they are."""
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title>{entries}</feed>'.encode()


def parse(body: bytes, content_type: str = "application/xml", limit: int = 100) -> ParsedFeed:
    """What :func:`parse_feed` makes of a feed at :data:`BASE`, :data:`NOW`."""
    return parse_feed(body, content_type, BASE, limit, NOW)


def complaint(body: bytes) -> str:
    """Why this is no feed; empty when it is one."""
    try:
        parse(body)
    except NotAFeed as error:
        return str(error)
    return ""
