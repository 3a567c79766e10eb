"""What the articles of each source say of it: the newest one, and how many there were lately.

All of it comes from the index by domain: a seek for each domain, and for those that are shown a seek for the newest
article and a stretch of the index for the last week. What is older is not looked at, whatever there is of it.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Engine, Select, func, select, type_coerce

from copydesk_api.cursors import MAX_DOMAIN
from copydesk_api.database import retryable
from copydesk_api.rows import indexable
from copydesk_api.schema import MICROSECOND, articles

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
DAYS_SHOWN = 14


@dataclass(frozen=True)
class Newest:
    """The article that was published last."""

    article_id: str
    title: str
    published_at: datetime | None
    fetched_at: datetime
    indexed_at: datetime
    sort_at: datetime
    feed_id: str | None


@dataclass(frozen=True)
class Published:
    """What a domain has published; what is dated in the future does not count."""

    domain: str
    name: str
    newest: Newest
    last_day: int
    last_week: int


def domains(engine: Engine) -> list[str]:
    """All domains that have articles, in the order of their characters. Raises :class:`Retryable`.

    By seeks in the index, one for each: PostgreSQL and SQLite would read all of it.
    """
    domain = articles.c.domain
    is_one = func.length(domain) <= MAX_DOMAIN
    found = select(func.min(domain).label("domain")).where(domain > "", is_one).cte("domains", recursive=True)
    following = select(func.min(domain)).where(domain > found.c.domain, is_one).scalar_subquery()
    every = found.union_all(select(following).where(found.c.domain.is_not(None)))
    with retryable(), engine.connect() as connection:
        listed = connection.scalars(select(every.c.domain).where(every.c.domain.is_not(None))).all()
    # Databases have orders of their own.
    return sorted(listed)


def published(engine: Engine, now: datetime, wanted: Iterable[str]) -> dict[str, Published]:
    """What each of these domains has published, where it has anything. Raises :class:`Retryable`."""
    found: dict[str, Published] = {}
    with retryable(), engine.connect() as connection:
        for domain in wanted:
            row = connection.execute(_facts(indexable(domain), now)).one_or_none()
            if row is not None:
                found[domain] = _published(domain, row)
    return found


def _facts(domain: str, now: datetime) -> Select[Any]:
    newest = (
        select(articles)
        .where(articles.c.domain == domain, articles.c.sort_at <= now)
        .order_by(articles.c.sort_at.desc(), articles.c.row_id.desc())
        .limit(1)
        .subquery()
    )
    return select(newest, _since(domain, now - DAY, now).label("last_day"),
                  _since(domain, now - WEEK, now).label("last_week"))  # fmt: skip


def _since(domain: str, start: datetime, end: datetime) -> Any:
    within = (articles.c.domain == domain, articles.c.sort_at > start, articles.c.sort_at <= end)
    return select(func.count()).select_from(articles).where(*within).scalar_subquery()


def _published(domain: str, row: Any) -> Published:
    document = json.loads(row.document)
    newest = Newest(row.article_id, document["title"], row.published_at, row.fetched_at, row.indexed_at, row.sort_at,
                    document.get("feed_id"))  # fmt: skip
    return Published(domain, document["source"]["name"] or domain, newest, row.last_day, row.last_week)


def by_day(engine: Engine, now: datetime, domain: str) -> list[tuple[date, int]]:
    """How many articles a domain published on each of the last days (UTC), oldest first. Raises :class:`Retryable`."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start = today - (DAYS_SHOWN - 1) * DAY
    day = type_coerce(articles.c.sort_at, BigInteger) // (DAY // MICROSECOND)
    within = (articles.c.domain == indexable(domain), articles.c.sort_at >= start, articles.c.sort_at <= now)
    with retryable(), engine.connect() as connection:
        found = connection.execute(select(day.label("day"), func.count()).where(*within).group_by(day)).all()
    counts = {row[0]: row[1] for row in found}
    days = [(start + number * DAY).date() for number in range(DAYS_SHOWN)]
    return [(each, counts.get((each - date(1970, 1, 1)).days, 0)) for each in days]
