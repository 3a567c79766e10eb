"""RSS, RDF, Atom and CDF, by feedparser."""

import io
import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import feedparser

from copydesk_fetcher.parsing.model import (
    AUTHOR_LIMIT,
    AUTHORS_LIMIT,
    CONTENT_LIMIT,
    SUMMARY_LIMIT,
    TITLE_LIMIT,
    ContentType,
    Document,
    NotAFeed,
    ParsedEntry,
    ParsedFeed,
    fingerprint,
    is_full,
    one_line,
    plausible,
    unique,
)
from copydesk_fetcher.text import plain_text, scrubbed
from copydesk_fetcher.urls import plain_url
from copydesk_shared.identity import short_digest

SHARED_DATE_ENTRIES = 5

END_OF_ENTRY = re.compile(rb"</(?:[\w.-]{1,40}:)?(?:item|entry)\s{0,9}>", re.IGNORECASE)
CONTENT_TYPES: Mapping[str, ContentType] = {
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


def first_entries(body: bytes, limit: int) -> bytes:
    """The feed with no more than its first ``limit`` entries, still closed by its own end."""
    ends = [match.end() for match in END_OF_ENTRY.finditer(body)]
    return body if len(ends) <= limit else body[: ends[limit - 1]] + body[ends[-1] :]


def read(document: Document) -> ParsedFeed:
    """What the feed says. Raises :class:`NotAFeed`."""
    headers = {"content-location": document.url}
    if document.content_type:
        headers["content-type"] = document.content_type
    try:
        # A file object: feedparser opens byte strings as file names.
        parsed = feedparser.parse(
            io.BytesIO(first_entries(document.body, document.limit)),
            response_headers=headers, sanitize_html=False, resolve_relative_uris=True,
        )  # fmt: skip
        found = list(_entries(parsed, document.url, document.limit, document.now))
    except PARSER_ERRORS as error:
        raise NotAFeed(f"cannot be parsed: {type(error).__name__}: {error}"[:300]) from None
    problem = _problem(parsed)
    if not parsed.get("entries") and (problem or not parsed.get("version")):
        kind = "broken and without entries" if parsed.get("version") else "neither RSS nor Atom"
        raise NotAFeed(f"{kind} ({problem})" if problem else kind)
    entries = [entry for entry in found if entry is not None]
    return ParsedFeed(unique(entries), skipped=len(found) - len(entries), problem=problem)


def _problem(parsed: Parsed) -> str | None:
    error = parsed.get("bozo_exception")
    if not parsed.get("bozo") or error is None or isinstance(error, HARMLESS):
        return None
    return one_line(f"{type(error).__name__}: {error}")


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
        is_full=is_full(text, summary),
        fingerprint=fingerprint(title, updated if updated != generated else None, text or summary),
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
    return plausible(at, now)


def _authors(raw: Parsed) -> tuple[str, ...]:
    named = [plain_text(_string(author, "name"), AUTHOR_LIMIT) for author in raw.get("authors", ())]
    names = [name for name in named if name] or [plain_text(_string(raw, "author"), AUTHOR_LIMIT)]
    return tuple(dict.fromkeys(name for name in names if name))[:AUTHORS_LIMIT]


def _content(raw: Parsed) -> tuple[str, ContentType]:
    """The longest of the contents that are text."""
    texts = [(_string(each, "value"), CONTENT_TYPES.get(_string(each, "type"))) for each in raw.get("content", ())]
    value, kind = max(
        ((value, kind) for value, kind in texts if kind), key=lambda pair: len(pair[0]), default=("", None)
    )
    if len(value) > CONTENT_LIMIT:
        return "", "text/html"
    return scrubbed(value), kind or "text/html"
