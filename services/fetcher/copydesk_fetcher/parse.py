"""From the bytes of a feed to what its entries say. Runs in a worker process: feeds come from strangers, and some keep
a parser busy for minutes or make it ask for gigabytes.
"""

import io
import re
import resource
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import feedparser
from anyio import BrokenWorkerProcess, CapacityLimiter, fail_after, to_process

from copydesk_fetcher.text import plain_text, scrubbed
from copydesk_fetcher.urls import plain_url
from copydesk_shared.errors import CopydeskError
from copydesk_shared.identity import short_digest

TITLE_LIMIT = 1_000
SUMMARY_LIMIT = 5_000
AUTHOR_LIMIT = 200
AUTHORS_LIMIT = 20
CONTENT_LIMIT = 2_000_000
WORKER_MEMORY_BYTES = 1024 * 1024 * 1024
EARLIEST = datetime(1971, 1, 1, tzinfo=UTC)
FUTURE = timedelta(days=2)
SHARED_DATE_ENTRIES = 5

FULL_TEXT_CHARACTERS = 500
FULL_TEXT_RATIO = 1.5
CUT_SHORT = re.compile(r"(?:\[?(?:…|\.\.\.)\]?|read more|continue reading)[\W_]{0,8}$", re.IGNORECASE)

END_OF_ENTRY = re.compile(rb"</(?:[\w.-]{1,40}:)?(?:item|entry)\s{0,9}>", re.IGNORECASE)
CONTENT_TYPES: Mapping[str, Literal["text/html", "text/plain"]] = {
    "text/html": "text/html",
    "application/xhtml+xml": "text/html",
    "text/plain": "text/plain",
}
# What feedparser raises on input that it was not written for.
PARSER_ERRORS = (ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, RecursionError, TypeError,
                 ValueError)  # fmt: skip

# Labels that are wrong while the feed itself is right.
HARMLESS = (feedparser.NonXMLContentType, feedparser.CharacterEncodingOverride)

Parsed = Mapping[str, Any]


class NotAFeed(CopydeskError):
    """Nothing can be read from it. ``str(error)`` says why, in one line."""


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
    content_type: Literal["text/html", "text/plain"]
    is_full: bool
    fingerprint: str


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """The entries in the feed's order; how many had no usable link; what is wrong with the feed, if anything."""

    entries: tuple[ParsedEntry, ...]
    skipped: int = 0
    problem: str | None = None


def first_entries(body: bytes, limit: int) -> bytes:
    """The feed with no more than its first ``limit`` entries, still closed by its own end."""
    ends = [match.end() for match in END_OF_ENTRY.finditer(body)]
    return body if len(ends) <= limit else body[: ends[limit - 1]] + body[ends[-1] :]


def parse_feed(body: bytes, content_type: str, url: str, limit: int, now: datetime) -> ParsedFeed:
    """What the feed says; ``url`` is where it came from. Raises :class:`NotAFeed`."""
    headers = {"content-location": url}
    if content_type:
        headers["content-type"] = content_type
    try:
        # A file object: feedparser opens byte strings as file names.
        parsed = feedparser.parse(
            io.BytesIO(first_entries(body, limit)),
            response_headers=headers, sanitize_html=False, resolve_relative_uris=True,
        )  # fmt: skip
        found = list(_entries(parsed, url, limit, now))
    except PARSER_ERRORS as error:
        raise NotAFeed(f"cannot be parsed: {type(error).__name__}: {error}"[:300]) from None
    problem = _problem(parsed)
    if not parsed.get("entries") and (problem or not parsed.get("version")):
        kind = "broken and without entries" if parsed.get("version") else "neither RSS nor Atom"
        raise NotAFeed(f"{kind} ({problem})" if problem else kind)
    entries = [entry for entry in found if entry is not None]
    return ParsedFeed(_unique(entries), skipped=len(found) - len(entries), problem=problem)


def _problem(parsed: Parsed) -> str | None:
    error = parsed.get("bozo_exception")
    if not parsed.get("bozo") or error is None or isinstance(error, HARMLESS):
        return None
    return scrubbed(f"{type(error).__name__}: {error}".replace("\n", " "))[:300]


def _unique(entries: list[ParsedEntry]) -> tuple[ParsedEntry, ...]:
    """The first of each key: where a feed has one twice, the newer stands first."""
    by_key: dict[str, ParsedEntry] = {}
    for entry in entries:
        by_key.setdefault(entry.key, entry)
    return tuple(by_key.values())


def _entries(parsed: Parsed, base: str, limit: int, now: datetime) -> Iterator[ParsedEntry | None]:
    raw_entries = parsed["entries"][:limit]
    generated = _generation_time(raw_entries, now)
    for raw in raw_entries:
        url = _url(raw, base)
        yield None if url is None else _entry(raw, url, generated, now)


def _generation_time(raw_entries: list[Parsed], now: datetime) -> datetime | None:
    """The time that most entries claim as their update: that of the feed's making, which says nothing of them."""
    times = [_date(raw, "updated_parsed", now) for raw in raw_entries]
    if len(times) < SHARED_DATE_ENTRIES:
        return None
    most = max(set(times), key=times.count)
    return most if times.count(most) * 2 > len(times) else None


def _entry(raw: Parsed, url: str, generated: datetime | None, now: datetime) -> ParsedEntry:
    title = plain_text(_string(raw, "title"), TITLE_LIMIT)
    summary = plain_text(_string(raw, "summary"), SUMMARY_LIMIT)
    updated = _date(raw, "updated_parsed", now)
    content, content_type = _content(raw)
    text = plain_text(content, CONTENT_LIMIT)
    says = "\n".join((title, str(updated if updated != generated else None), text or summary))
    return ParsedEntry(
        key=short_digest(_string(raw, "id") or url),
        url=url,
        title=title,
        summary=summary,
        authors=_authors(raw),
        published_at=_date(raw, "published_parsed", now) or _date(raw, "created_parsed", now) or updated,
        updated_at=updated,
        content=content or scrubbed(_string(raw, "summary"))[:CONTENT_LIMIT],
        content_type=content_type,
        is_full=_is_full(text, summary),
        fingerprint=short_digest(says)[:12],
    )


def _string(raw: Parsed, name: str) -> str:
    value = raw.get(name)
    return value if isinstance(value, str) else ""


def _url(raw: Parsed, base: str) -> str | None:
    """The first of the entry's links that can be asked for."""
    candidates = [_string(raw, "feedburner_origlink"), _string(raw, "link")]
    candidates += [
        _string(link, "href") for link in raw.get("links", ()) if link.get("rel", "alternate") == "alternate"
    ]
    for candidate in candidates:
        if candidate.strip():
            try:
                return plain_url(scrubbed(candidate), base)
            except ValueError:
                continue
    try:
        return plain_url(scrubbed(_string(raw, "id")))
    except ValueError:
        return None


def _date(raw: Parsed, name: str, now: datetime) -> datetime | None:
    """A plausible time. ``dict.get`` because feedparser's own guesses one date from another and warns."""
    value = dict.get(raw, name)  # type: ignore[call-overload]
    if not isinstance(value, time.struct_time):
        return None
    try:
        at = datetime(*value[:5], second=min(value[5], 59), tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return at if EARLIEST <= at <= now + FUTURE else None


def _authors(raw: Parsed) -> tuple[str, ...]:
    named = [plain_text(_string(author, "name"), AUTHOR_LIMIT) for author in raw.get("authors", ())]
    names = [name for name in named if name] or [plain_text(_string(raw, "author"), AUTHOR_LIMIT)]
    return tuple(dict.fromkeys(name for name in names if name))[:AUTHORS_LIMIT]


def _content(raw: Parsed) -> tuple[str, Literal["text/html", "text/plain"]]:
    """The longest of the contents that are text."""
    texts = [(_string(each, "value"), CONTENT_TYPES.get(_string(each, "type"))) for each in raw.get("content", ())]
    value, kind = max(
        ((value, kind) for value, kind in texts if kind), key=lambda pair: len(pair[0]), default=("", None)
    )
    if len(value) > CONTENT_LIMIT:
        return "", "text/html"
    return scrubbed(value), kind or "text/html"


def _is_full(text: str, summary: str) -> bool:
    """Whether the content is the whole story: long, clearly longer than the summary, and not cut short."""
    is_copy = summary == text[:SUMMARY_LIMIT].rstrip()  # feedparser makes a summary of the content where there is none
    longer = is_copy or len(text) >= FULL_TEXT_RATIO * len(summary)
    return len(text) >= FULL_TEXT_CHARACTERS and longer and not CUT_SHORT.search(text[-40:])


def _in_worker(body: bytes, content_type: str, url: str, limit: int, now: datetime) -> ParsedFeed:
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (WORKER_MEMORY_BYTES, hard))
    return parse_feed(body, content_type, url, limit, now)


class FeedParser:
    """Parses feeds in worker processes that are killed when they take too long."""

    def __init__(self, seconds: float, entries: int, workers: int = 2) -> None:
        self._seconds = seconds
        self._entries = entries
        self._free = CapacityLimiter(workers)

    async def __call__(self, body: bytes, content_type: str, url: str, now: datetime) -> ParsedFeed:
        """See :func:`parse_feed`."""
        async with self._free:
            try:
                with fail_after(self._seconds):
                    return await to_process.run_sync(
                        _in_worker, body, content_type, url, self._entries, now, cancellable=True
                    )
            except TimeoutError:
                raise NotAFeed(f"not parsed within {self._seconds:g} s") from None
            except BrokenWorkerProcess:
                raise NotAFeed("the parser died of it") from None
