"""Which articles a list shows, and in which order, apart from the HTTP call and from the database."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime, time, timedelta
from re import compile as pattern
from typing import Any, Literal

from sqlalchemy import ColumnElement, or_

from copydesk_api.schema import articles
from copydesk_shared.identity import short_digest
from copydesk_shared.messages import Access

Order = Literal["newest", "oldest", "relevance"]

RELATIVE = pattern(r"([0-9]{1,5})([mhdw])")
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_ZONE = rf"(Z|[+-]{_CLOCK})"
_MONTH, _OF_MONTH = "(0[1-9]|1[0-2])", "(0[1-9]|[12][0-9]|3[01])"
_DAY = rf"[0-9]{{4}}(-{_MONTH}-{_OF_MONTH}|{_MONTH}{_OF_MONTH})"
# What the OpenAPI document says of a time; a calendar says more.
MOMENT = pattern(rf"[0-9]{{1,5}}[mhdw]|{_DAY}([T ]{_CLOCK}(:[0-5][0-9](\.[0-9]{{1,9}})?)?{_ZONE}?)?")
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
WHEN = "use a date (2026-03-01), a time (2026-03-01T12:00:00Z) or how long ago (90m, 12h, 7d, 2w)"


@dataclass(frozen=True)
class When:
    """A moment, and how it was asked for: "7d" is another moment each time, and the same list."""

    asked: str
    at: datetime


def when(asked: str, *, is_end: bool = False, now: datetime | None = None) -> When:
    """Read ISO 8601, or how long ago; a day as the end of a range is all of that day, a time without zone is in UTC.

    Raises ``ValueError`` with what can be used.
    """
    now = now or datetime.now(UTC)
    if ago := RELATIVE.fullmatch(asked):
        return When(asked, now - int(ago[1]) * UNITS[ago[2]])
    if not MOMENT.fullmatch(asked):
        raise ValueError(WHEN)
    try:
        at = datetime.fromisoformat(asked)
        if len(asked) <= len("2026-03-01") and at.time() == time.min and is_end:
            at += timedelta(days=1, microseconds=-1)
        return When(asked, at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC))
    except (ValueError, OverflowError):
        raise ValueError(WHEN) from None


@dataclass(frozen=True)
class Filters:
    """All have to hold. ``terms`` as of :func:`copydesk_api.search.parse_terms`; the texts in lower case.

    ``published_from`` and ``published_to`` are about the time of publication, or of fetching where that is not known;
    both ends are included. ``only_leads`` leaves out articles that repeat another. ``relevance`` needs terms.
    """

    tags: tuple[str, ...] = ()
    tag_mode: Literal["any", "all"] = "any"
    terms: tuple[str, ...] = ()
    source: str | None = None
    domain: str | None = None
    language: str | None = None
    published_from: When | None = None
    published_to: When | None = None
    access: Access | None = None
    only_leads: bool = False
    order: Order = "newest"

    def digest(self) -> str:
        """Equal for filters that give the same list; part of the cursor."""
        asked = {
            field.name: value.asked if isinstance(value := getattr(self, field.name), When) else value
            for field in fields(self)
        }
        return short_digest(json.dumps(asked | {"tags": sorted(set(self.tags))}))


def conditions(filters: Filters) -> Iterator[ColumnElement[bool]]:
    """What has to hold of the row of an article; tags, times and words are for :mod:`copydesk_api.listing`."""
    yield articles.c.document.is_not(None)
    if filters.source is not None:
        yield articles.c.source == filters.source
    if filters.domain is not None:
        yield articles.c.domain == filters.domain
    if filters.access is not None:
        yield articles.c.access == filters.access
    if filters.only_leads:
        yield articles.c.follows.is_(None)
    if filters.language is not None:
        yield from _language_conditions(filters.language)


def _language_conditions(wanted: str) -> Iterator[ColumnElement[bool]]:
    """As RFC 4647, section 3.3.1: "en" finds "en-gb" as well."""
    primary, _, rest = wanted.partition("-")
    yield articles.c.primary_language == primary
    if rest:
        language = articles.c.language
        yield or_(language == wanted, language.startswith(f"{wanted}-", autoescape=True))


def holds(filters: Filters, article: dict[str, Any]) -> bool:
    """Whether they hold for a document, without the terms: as :func:`conditions` tells it of a row."""
    tags = {tag["tag"] for tag in article["tags"]}
    wanted = [tag in tags for tag in filters.tags]
    language = (article["language"] or "").lower()
    return (
        (not wanted or (any(wanted) if filters.tag_mode == "any" else all(wanted)))
        and filters.source in (None, article["source"]["name"].casefold())
        and filters.access in (None, article["access"])
        and filters.domain in (None, article["source"]["domain"].lower())
        and (filters.language is None or f"{language}-".startswith(f"{filters.language}-"))
    )
