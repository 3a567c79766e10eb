"""What every format of feed becomes, and the limits that hold for all of them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from copydesk_shared.errors import CopydeskError
from copydesk_shared.identity import short_digest
from copydesk_shared.text import scrubbed

TITLE_LIMIT = 1_000
SUMMARY_LIMIT = 5_000
AUTHOR_LIMIT = 200
AUTHORS_LIMIT = 20
CONTENT_LIMIT = 2_000_000
PROBLEM_LIMIT = 300
EARLIEST = datetime(1971, 1, 1, tzinfo=UTC)
FUTURE = timedelta(days=2)

FULL_TEXT_CHARACTERS = 500
FULL_TEXT_RATIO = 1.5
CUT_SHORT = re.compile(r"(?:\[?(?:…|\.\.\.)\]?|read more|continue reading)[\W_]{0,8}$", re.IGNORECASE)

ContentType = Literal["text/html", "text/plain"]


class NotAFeed(CopydeskError):
    """Nothing can be read from it. ``str(error)`` says why, in one line."""


class IsHtml(NotAFeed):
    """It is a web page; it may name its feeds."""


@dataclass(frozen=True, slots=True)
class ParsedEntry:
    """What a feed says of an entry. Title and summary are plain text; ``content`` is as the feed has it.

    ``is_full`` tells whether the content looks like the whole text. ``key`` is its identity in the feed.
    """

    key: str
    url: str
    title: str
    summary: str
    authors: tuple[str, ...]
    published_at: datetime | None
    updated_at: datetime | None
    content: str
    content_type: ContentType
    is_full: bool
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Child:
    """A sitemap that an index names, and when the index says it changed."""

    url: str
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """The entries in the feed's order; how many had no usable link; what is wrong with the feed, if anything.

    ``ttl_seconds`` is how long the feed says that a copy of it is good, ``skip_hours`` (0 to 23, UTC) and ``skip_days``
    (Monday is 0) when it asks not to be polled. ``hub`` and ``self_url`` are where it may be
    subscribed to and under what name (WebSub). ``site_url`` is the page that the feed says it is of: what it says, not
    what is known. ``children`` are the sitemaps of an index.
    """

    entries: tuple[ParsedEntry, ...]
    skipped: int = 0
    problem: str | None = None
    ttl_seconds: float | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()
    hub: str | None = None
    self_url: str | None = None
    site_url: str | None = None
    children: tuple[Child, ...] = ()
    title: str = ""
    format: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """What a server sent as a feed, as UTF-8 without byte order mark, XML declaration and control characters.

    ``start`` is the beginning of ``body``. ``root`` is the local name of the first XML or HTML element in lower case,
    empty when there is none. Of the entries no more than the first ``limit`` are read. ``problems`` are those found
    so far; whoever reads the document adds none of them to its own.
    """

    body: bytes
    content_type: str
    url: str
    limit: int
    now: datetime
    start: str
    root: str
    problems: tuple[str, ...] = ()


def plausible(at: datetime | None, now: datetime) -> datetime | None:
    """The time in UTC, unless no story can have it."""
    return at.astimezone(UTC) if at is not None and EARLIEST <= at <= now + FUTURE else None


def unique(entries: Iterable[ParsedEntry]) -> tuple[ParsedEntry, ...]:
    """The first of each key: where a feed has one twice, the newer stands first."""
    by_key: dict[str, ParsedEntry] = {}
    for entry in entries:
        by_key.setdefault(entry.key, entry)
    return tuple(by_key.values())


def one_line(problem: str) -> str:
    """A problem as one line of bounded length that can be stored and printed."""
    return " ".join(scrubbed(problem[: PROBLEM_LIMIT * 4]).split())[:PROBLEM_LIMIT]


def is_full(text: str, summary: str) -> bool:
    """Whether the content is the whole story: long, clearly longer than the summary, and not cut short."""
    is_copy = summary == text[:SUMMARY_LIMIT].rstrip()  # where there is no summary, it is made of the content
    longer = is_copy or len(text) >= FULL_TEXT_RATIO * len(summary)
    return len(text) >= FULL_TEXT_CHARACTERS and longer and not CUT_SHORT.search(text[-40:])


def fingerprint(title: str, updated: datetime | None, text: str) -> str:
    """A digest of what an entry says: it changes when the entry does."""
    return short_digest("\n".join((title, str(updated), text)))[:12]
