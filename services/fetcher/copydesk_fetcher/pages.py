"""From an answer, or from the text that a feed carried, to a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from copydesk_fetcher.canonical import declared_in_head, declared_in_header, resolve_canonical
from copydesk_fetcher.encoding import decode_text
from copydesk_fetcher.head import Head, read_head
from copydesk_fetcher.responses import Fetched
from copydesk_shared.identity import article_id, registrable_domain
from copydesk_shared.messages import Access, Entry, Page, Rights, Source

# Of what kind a page is, by its media type; a server that names none mostly means HTML.
PAGE_TYPES: Mapping[str, Literal["text/html", "text/plain"]] = {
    "text/html": "text/html",
    "application/xhtml+xml": "text/html",
    "text/plain": "text/plain",
    "": "text/html",
}


@dataclass(frozen=True, slots=True)
class OpenPage:
    """An answer as text, with its head read. Everything that is asked of a page is asked of this."""

    fetched: Fetched
    content_type: Literal["text/html", "text/plain"]
    text: str
    head: Head


def open_page(fetched: Fetched) -> OpenPage:
    """Decode an answer and read its head. ``fetched`` is of a type in :data:`PAGE_TYPES`."""
    text = decode_text(fetched.headers.get("content-type", ""), fetched.body)
    kind = PAGE_TYPES[fetched.media_type]
    return OpenPage(fetched, kind, text, read_head(text) if kind == "text/html" else Head())


def page_of(
    answer: Fetched | OpenPage,
    now: datetime,
    entry: Entry | None = None,
    *,
    access: Access = "full",
    rights: Rights | None = None,
) -> Page:
    """The page in an answer; ``entry`` is what led to it, if a feed did."""
    opened = answer if isinstance(answer, OpenPage) else open_page(answer)
    url = opened.fetched.url
    declared = declared_in_header(opened.fetched.headers.get("link", ""), url) or declared_in_head(opened.head, url)
    canonical = resolve_canonical(url, declared)
    return _page(entry, url, canonical, opened.content_type, opened.text, now, access, rights)


def page_from_feed(entry: Entry, now: datetime, *, access: Access = "full", rights: Rights | None = None) -> Page:
    """The page made of the text that the feed carried."""
    kind = entry.content_type or "text/html"
    canonical = resolve_canonical(entry.url, None)
    return _page(entry, entry.url, canonical, kind, entry.content or "", now, access, rights)


def _page(
    entry: Entry | None,
    url: str,
    canonical: str,
    kind: Literal["text/html", "text/plain"],
    content: str,
    now: datetime,
    access: Access,
    rights: Rights | None,
) -> Page:
    # All at once: each copy with a change costs as much as a page.
    return Page(
        article_id=article_id(canonical), url=url, canonical_url=canonical, content_type=kind, content=content,
        fetched_at=now, access=access, rights=rights or Rights(), **_from_entry(entry, canonical),
    )  # fmt: skip


def _from_entry(entry: Entry | None, canonical: str) -> dict[str, Any]:
    if entry is None:
        domain = registrable_domain(canonical)
        return {"source": Source(name=domain, domain=domain)}
    return {
        "revision": entry.revision,
        "feed_id": entry.feed_id,
        "source": entry.source,
        "entry_title": entry.title,
        "entry_authors": entry.authors,
        "entry_published_at": entry.published_at,
        "known_titles": entry.known_titles,
    }
