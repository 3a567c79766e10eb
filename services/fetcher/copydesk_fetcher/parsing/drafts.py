"""What the feeds of all formats have in common: from what an item says to the entry, its identity and fingerprint."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from copydesk_fetcher.parsing.model import (
    CONTENT_LIMIT,
    SUMMARY_LIMIT,
    ContentType,
    ParsedEntry,
    fingerprint,
    is_full,
    unique,
)
from copydesk_shared.identity import canonical_url, short_digest
from copydesk_shared.text import plain_text, scrubbed
from copydesk_shared.urls import plain_url

SHARED_DATE_ENTRIES = 5


@dataclass(frozen=True, slots=True)
class Draft:
    """What an item of a feed says. ``name`` is its id as it stands there. Title and authors are plain text.

    ``raw_summary`` and ``content`` are as the feed has them. ``unread_dates`` counts the times that could not be read.
    """

    name: str
    url: str
    title: str
    raw_summary: str
    authors: tuple[str, ...]
    published: datetime | None
    updated: datetime | None
    content: str
    content_type: ContentType
    unread_dates: int = 0


def usable_url(candidates: Sequence[str], base: str) -> str | None:
    """The first of them that can be asked for."""
    for candidate in candidates:
        if candidate.strip():
            try:
                return plain_url(scrubbed(candidate), base)
            except ValueError:
                continue
    return None


def finished(drafts: Sequence[Draft]) -> tuple[ParsedEntry, ...]:
    """The entries in the feed's order. Of two with one identity the first counts."""
    generated = generation_time([draft.updated for draft in drafts])
    keys = _keys(drafts)
    return unique(_entry(draft, key, generated) for draft, key in zip(drafts, keys, strict=True))


def date_problem(drafts: Sequence[Draft]) -> str:
    """That some times could not be read; empty when all could."""
    count = sum(draft.unread_dates for draft in drafts)
    return f"{count} dates that cannot be true" if count > 1 else "a date that cannot be true" if count else ""


def generation_time(times: Sequence[datetime | None]) -> datetime | None:
    """The time that most entries claim as their update: that of the feed's making, which says nothing of them."""
    if len(times) < SHARED_DATE_ENTRIES:
        return None
    most, count = Counter(times).most_common(1)[0]
    return most if count * 2 > len(times) else None


def _page(url: str) -> str:
    """One name for the addresses of one page, by whatever scheme. Raises ``ValueError`` when it is no web address."""
    return canonical_url(url).partition("://")[2]


def _keys(drafts: Sequence[Draft]) -> list[str]:
    """The identity of each.

    It is the id, so that neither a new title nor a new address makes a new entry. Some feeds count their edits in the
    fragment of an id that is an address; that is no new entry either. Where a feed gives one id to several pages, as
    those do that have one id for all, or number them anew each time, the page is the identity.
    """
    pages = [_page(draft.url) for draft in drafts]
    names = [_name(draft.name, page) for draft, page in zip(drafts, pages, strict=True)]
    pages_of: Mapping[str, set[str]] = defaultdict(set)
    for name, page in zip(names, pages, strict=True):
        pages_of[name].add(page)
    chosen = (page if len(pages_of[name]) > 1 else name for name, page in zip(names, pages, strict=True))
    return [short_digest(each) for each in chosen]


def _name(name: str, page: str) -> str:
    try:
        return _page(name) if name else page
    except ValueError:
        return name


def _entry(draft: Draft, key: str, generated: datetime | None) -> ParsedEntry:
    summary = plain_text(draft.raw_summary, SUMMARY_LIMIT)
    text = plain_text(draft.content, CONTENT_LIMIT)
    return ParsedEntry(
        key=key,
        url=draft.url,
        title=draft.title,
        summary=summary,
        authors=draft.authors,
        published_at=draft.published or draft.updated,
        updated_at=draft.updated,
        content=draft.content or scrubbed(draft.raw_summary)[:CONTENT_LIMIT],
        content_type=draft.content_type,
        is_full=is_full(text, summary),
        fingerprint=fingerprint(draft.title, draft.updated if draft.updated != generated else None, text or summary),
    )
