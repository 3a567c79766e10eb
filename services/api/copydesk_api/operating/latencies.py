"""How long articles took from their fetching until they were to be seen here. In seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, select

from copydesk_api.database import retryable
from copydesk_api.planning import Kind
from copydesk_api.schema import articles, changes

LATEST = 200
RECENT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Arrival:
    """An article at its position in the change feed, when it got there, and how long it took."""

    position: int
    at: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Of so many articles: half of them were as quick as ``p50`` or quicker, 19 of 20 as quick as ``p95``."""

    articles: int
    p50: float
    p95: float


def latest(engine: Engine) -> list[Arrival]:
    """The articles that came last, the newest first, without what was only tagged anew. Raises :class:`Retryable`."""
    statement = (
        select(articles.c.position, articles.c.fetched_at, articles.c.indexed_at)
        .join(changes, changes.c.position == articles.c.position)
        .where(changes.c.kind == Kind.ARTICLE.value, articles.c.document.is_not(None))
        .order_by(articles.c.position.desc())
        .limit(LATEST)
    )
    with retryable(), engine.connect() as connection:
        return [
            Arrival(row.position, row.indexed_at, max(0.0, (row.indexed_at - row.fetched_at).total_seconds()))
            for row in connection.execute(statement)
        ]


def recent(arrivals: Sequence[Arrival], now: datetime) -> Sequence[Arrival]:
    """Those of the last minute, or the last one; the newest come first."""
    return [each for each in arrivals if now - each.at < RECENT] or arrivals[:1]


def latency(arrivals: Sequence[Arrival]) -> Latency | None:
    """What they have in common; ``None`` where there are none."""
    seconds = sorted(each.seconds for each in arrivals)
    if not seconds:
        return None
    return Latency(len(seconds), _at(seconds, 0.5), _at(seconds, 0.95))


def _at(seconds: Sequence[float], share: float) -> float:
    """The nearest-rank percentile."""
    return round(seconds[max(0, -(-int(len(seconds) * share * 100) // 100) - 1)], 3)
