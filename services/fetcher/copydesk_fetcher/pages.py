"""From an answer, or from the text that a feed carried, to a page."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from copydesk_fetcher.canonical import declared_in_header, declared_in_html, resolve_canonical
from copydesk_fetcher.encoding import decode_text
from copydesk_fetcher.responses import Fetched
from copydesk_shared.identity import article_id, registrable_domain
from copydesk_shared.messages import Entry, Page, Source

# Of what kind a page is, by its media type; a server that names none mostly means HTML.
PAGE_TYPES: Mapping[str, Literal["text/html", "text/plain"]] = {
    "text/html": "text/html",
    "application/xhtml+xml": "text/html",
    "text/plain": "text/plain",
    "": "text/html",
}


def page_of(fetched: Fetched, now: datetime, entry: Entry | None = None) -> Page:
    """The page in an answer; ``entry`` is what led to it, if a feed did."""
    content = decode_text(fetched.headers.get("content-type", ""), fetched.body)
    kind = PAGE_TYPES[fetched.media_type]
    declared = declared_in_header(fetched.headers.get("link", ""), fetched.url)
    if declared is None and kind == "text/html":
        declared = declared_in_html(content, fetched.url)
    canonical = resolve_canonical(fetched.url, declared)
    return _page(entry, fetched.url, canonical, kind, content, now)


def page_from_feed(entry: Entry, now: datetime) -> Page:
    """The page made of the text that the feed carried."""
    kind = entry.content_type or "text/html"
    return _page(entry, entry.url, resolve_canonical(entry.url, None), kind, entry.content or "", now)


def _page(
    entry: Entry | None, url: str, canonical: str, kind: Literal["text/html", "text/plain"], content: str, now: datetime
) -> Page:
    domain = registrable_domain(canonical)
    page = Page(
        article_id=article_id(canonical), url=url, canonical_url=canonical, source=Source(name=domain, domain=domain),
        content_type=kind, content=content, fetched_at=now,
    )  # fmt: skip
    if entry is None:
        return page
    return page.model_copy(
        update={
            "revision": entry.revision,
            "feed_id": entry.feed_id,
            "source": entry.source,
            "entry_title": entry.title,
            "entry_authors": entry.authors,
            "entry_published_at": entry.published_at,
            "known_titles": entry.known_titles,
        }
    )
