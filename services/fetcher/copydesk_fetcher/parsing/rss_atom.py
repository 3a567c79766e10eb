"""RSS 0.9x, 1.0 (RDF) and 2.0, Atom 0.3 and 1.0, and CDF, by feedparser."""

import io
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import feedparser

from copydesk_fetcher.parsing.bounds import first_entries, without_bombs
from copydesk_fetcher.parsing.dates import read_date
from copydesk_fetcher.parsing.drafts import Draft, date_problem, finished, usable_url
from copydesk_fetcher.parsing.model import (
    AUTHOR_LIMIT,
    AUTHORS_LIMIT,
    CONTENT_LIMIT,
    TITLE_LIMIT,
    ContentType,
    Document,
    NotAFeed,
    ParsedFeed,
    one_line,
    plausible,
)
from copydesk_fetcher.parsing.relative import with_absolute_addresses
from copydesk_fetcher.parsing.skips import read_skips
from copydesk_shared.text import plain_text, scrubbed

# Of a name for the relation "alternate" that is an address only the end counts (RFC 4287 section 4.2.7.2).
RELATION = re.compile(r"^(?:https?://www\.iana\.org/assignments/relation/)", re.IGNORECASE)
HTML_TYPES = ("", "text/html", "application/xhtml+xml")
CONTENT_TYPES: Mapping[str, ContentType] = {
    "text/html": "text/html",
    "application/xhtml+xml": "text/html",
    "text/plain": "text/plain",
}
ROOTS = ("rss", "rdf", "feed", "channel")
END_BYTES = 1000
MINUTE = 60.0
LONGEST_TTL = 31 * 24 * 60 * MINUTE
# RDF Site Summary 1.0 Modules: Syndication.
PERIODS = {"hourly": 3600.0, "daily": 86_400.0, "weekly": 604_800.0, "monthly": 2_678_400.0, "yearly": 31_536_000.0}
NUMBER = re.compile(r"\s*(\d{1,9}(?:\.\d{1,3})?)\s*")
EXTENSIONS = re.compile(
    rb"</?(?:(?:georss|geo|gml|media|itunes|psc|cc|creativeCommons):[\w.-]+"
    rb"|textinput|image|width|height|cloud|category|keywords|tags|license|where|point|pos)\b[^<>]*>",
    re.IGNORECASE,
)
# What feedparser raises on input that it was not written for.
PARSER_ERRORS = (ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, RecursionError, TypeError,
                 ValueError)  # fmt: skip

Parsed = Mapping[str, Any]


def read(document: Document) -> ParsedFeed:
    """What the feed says. Raises :class:`NotAFeed`."""
    if "<" not in document.start:
        raise NotAFeed("neither RSS nor Atom")
    safe, bombs = without_bombs(first_entries(document.body, document.limit))
    try:
        parsed = _parsed(safe, document.url)
    except PARSER_ERRORS as error:
        bombs = [*bombs, f"the parser cannot do with it: {type(error).__name__}: {error}"]
        parsed = _parsed_without_extensions(safe, document.url)
    drafts = [_draft(raw, document) for raw in parsed["entries"][: document.limit]]
    broken = _broken(parsed)
    is_known = bool(parsed.get("version")) or document.root in ROOTS
    if not drafts and (not is_known or (broken and not _is_closed(document))):
        kind = "broken and without entries" if is_known else "neither RSS nor Atom"
        raise NotAFeed(f"{kind} ({broken})" if broken else kind)
    usable = [draft for draft in drafts if draft is not None]
    skips = read_skips(safe)
    return ParsedFeed(
        finished(usable),
        skipped=len(drafts) - len(usable),
        problem="; ".join(filter(None, (*bombs, broken, date_problem(usable)))) or None,
        **_about(parsed.get("feed", {}), document.url),
        skip_hours=skips.hours,
        skip_days=skips.days,
    )


def _parsed(body: bytes, url: str) -> Parsed:
    # A file object: feedparser opens byte strings as file names.
    result: Parsed = feedparser.parse(
        io.BytesIO(body),
        response_headers={"content-location": url, "content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    return result


def _parsed_without_extensions(body: bytes, url: str) -> Parsed:
    """Without the elements that we do not need and that feedparser stumbles over when they are broken."""
    try:
        return _parsed(EXTENSIONS.sub(b"", body), url)
    except PARSER_ERRORS as error:
        raise NotAFeed(one_line(f"cannot be parsed: {type(error).__name__}: {error}")) from None


def _is_closed(document: Document) -> bool:
    """Whether it ends with the end of its first element, so that no entries can have been lost."""
    end = document.body[-END_BYTES:].decode("utf-8", "ignore").lower()
    return bool(document.root) and re.search(rf"</(?:[\w.-]+:)?{document.root}\b", end) is not None


def _broken(parsed: Parsed) -> str:
    error = parsed.get("bozo_exception") if parsed.get("bozo") else None
    if error is None:
        return ""
    where = f", line {error.getLineNumber()}" if hasattr(error, "getLineNumber") else ""
    says = error.getMessage() if hasattr(error, "getMessage") else str(error)
    return one_line(f"broken XML: {says}{where}")


def _about(feed: Parsed, url: str) -> dict[str, Any]:
    """What the feed says of itself, by the names of :class:`ParsedFeed`."""
    links = [link for link in feed.get("links", ()) if isinstance(link, Mapping)]
    links += [link for name in ("atom_link", "atom10_link") if isinstance(link := feed.get(name), Mapping)]
    return {
        "title": plain_text(_string(feed, "title"), TITLE_LIMIT),
        "ttl_seconds": _ttl(feed),
        "hub": usable_url(list(_hrefs(links, "hub")), url),
        "self_url": usable_url(list(_hrefs(links, "self")), url),
        "site_url": usable_url(list(_hrefs(links, "alternate")), url),
    }


def _ttl(feed: Parsed) -> float | None:
    """Seconds between two looks at the feed: ``ttl`` (RSS 2.0), else the period and frequency of Syndication."""
    minutes = NUMBER.fullmatch(_string(feed, "ttl"))
    if minutes and float(minutes[1]):
        return min(float(minutes[1]) * MINUTE, LONGEST_TTL)
    period = PERIODS.get(_string(feed, "sy_updateperiod").strip().lower())
    times = NUMBER.fullmatch(_string(feed, "sy_updatefrequency") or "1")
    if period and times and float(times[1]):
        return min(period / float(times[1]), LONGEST_TTL)
    return None


def _draft(raw: Parsed, document: Document) -> Draft | None:
    url = usable_url(list(_addresses(raw)), document.url) or _address_of_id(raw, document.body)
    if url is None:
        return None
    published, wrong_published = _date(raw, "published", document.now)
    created, _ = _date(raw, "created", document.now)
    updated, wrong_updated = _date(raw, "updated", document.now)
    content, content_type = _content(raw)
    return Draft(
        name=_string(raw, "id"),
        url=url,
        title=plain_text(_string(raw, "title"), TITLE_LIMIT),
        raw_summary=_markup(raw.get("summary_detail", {})) or _string(raw, "summary"),
        authors=_authors(raw),
        published=published or created,
        updated=updated,
        content=content,
        content_type=content_type,
        unread_dates=wrong_published + wrong_updated,
    )


def _string(raw: Parsed, name: str) -> str:
    """The text of that name. ``dict.get`` because feedparser's own guesses one date from another and warns."""
    value = dict.get(raw, name) if isinstance(raw, dict) else None
    return value if isinstance(value, str) else ""


def _hrefs(links: Iterable[Parsed], relation: str) -> Iterator[str]:
    """Where the links of that relation lead, those to web pages first."""
    of_relation = [link for link in links if RELATION.sub("", _string(link, "rel") or "alternate") == relation]
    for link in sorted(of_relation, key=lambda link: _string(link, "type") not in HTML_TYPES):
        yield _string(link, "href")


def _addresses(raw: Parsed) -> Iterator[str]:
    """Where an entry may be found, best first; enclosures, comments and pictures are other relations."""
    yield _string(raw, "feedburner_origlink")
    yield from _hrefs((link for link in raw.get("links", ()) if isinstance(link, Mapping)), "alternate")


def _address_of_id(raw: Parsed, body: bytes) -> str | None:
    """The id, where it is an address as it stands there: feedparser makes an address of every number and name."""
    name = _string(raw, "id")
    url = usable_url([name], "")
    if url is None:
        return None
    spellings = (name, escape(name), f">{urlsplit(name).path}")
    return url if any(spelling.encode("utf-8", "ignore") in body for spelling in spellings) else None


def _date(raw: Parsed, name: str, now: datetime) -> tuple[datetime | None, bool]:
    """A plausible time, and whether there was one that is not."""
    value = dict.get(raw, f"{name}_parsed") if isinstance(raw, dict) else None
    at = _from_struct(value) if isinstance(value, time.struct_time) else None
    at = plausible(at, now) or plausible(read_date(_string(raw, name)), now)
    return at, at is None and bool(_string(raw, name).strip())


def _from_struct(value: time.struct_time) -> datetime | None:
    try:
        return datetime(*value[:5], second=min(value[5], 59), tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _authors(raw: Parsed) -> tuple[str, ...]:
    named = [plain_text(_string(author, "name"), AUTHOR_LIMIT) for author in raw.get("authors", ())]
    names = [name for name in named if name] or [plain_text(_string(raw, "author"), AUTHOR_LIMIT)]
    return tuple(dict.fromkeys(name for name in names if name))[:AUTHORS_LIMIT]


def _content(raw: Parsed) -> tuple[str, ContentType]:
    """The longest of the contents that are text."""
    readable = [each for each in raw.get("content", ()) if _string(each, "type") in CONTENT_TYPES]
    short = [each for each in readable if len(_string(each, "value")) <= CONTENT_LIMIT]
    longest: Parsed = max(short, key=lambda each: len(_string(each, "value")), default={"type": "text/html"})
    return _markup(longest), CONTENT_TYPES[_string(longest, "type")]


def _markup(value: Parsed) -> str:
    text = scrubbed(_string(value, "value"))
    is_html = CONTENT_TYPES.get(_string(value, "type")) == "text/html"
    return with_absolute_addresses(text, _string(value, "base")) if is_html else text
