"""How fresh each source is: what its articles say together with what its feeds say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from threading import Lock
from typing import TypeVar

from copydesk_api.operating.feed_table import FeedTable, Host, Polled
from copydesk_api.operating.sources import WEEK, Newest, Published, by_day, domains, published
from copydesk_api.store import Store
from copydesk_shared.messages import Feed

T = TypeVar("T")

# Counting is done anew this often at most, however many ask.
KEPT_SECONDS = 10
REMEMBERED = 500
# A source is late after so many times its mean interval without an article, but not before so long.
PATIENCE = 4
LEAST_PATIENCE = timedelta(hours=1)


class State(StrEnum):
    """How a source goes, in a word."""

    OK = "ok"
    LATE = "late"
    SILENT = "silent"
    FAILING = "failing"
    PAUSED = "paused"


@dataclass(frozen=True)
class Source:
    """A publisher. ``feeds`` with how polling them went, ``host`` with the last request: where these are known."""

    domain: str
    name: str
    state: State
    newest: Newest | None
    last_day: int
    last_week: int
    feeds: Sequence[tuple[Feed, Polled | None]]
    host: Host | None

    @property
    def per_day(self) -> float:
        """Articles a day, the mean of the last week."""
        return round(self.last_week / WEEK.days, 1)

    @property
    def failing(self) -> int:
        """How many feeds fail, or are not polled any more because they did."""
        return sum(is_failing(polled) for _, polled in self.feeds)

    @property
    def last_poll_at(self) -> datetime | None:
        """When a feed was polled last."""
        return max((polled.last_poll_at for _, polled in self.feeds if polled and polled.last_poll_at), default=None)

    @property
    def last_success_at(self) -> datetime | None:
        """When a feed was polled last with success."""
        times = (polled.last_success_at for _, polled in self.feeds if polled and polled.last_success_at)
        return max(times, default=None)


def is_failing(polled: Polled | None) -> bool:
    """Whether the last poll of a feed failed."""
    return polled is not None and (polled.failures > 0 or polled.disabled is not None)


def _state(newest: Newest | None, last_week: int, feeds: Sequence[tuple[Feed, Polled | None]],
           now: datetime) -> State:  # fmt: skip
    active = [polled for feed, polled in feeds if not feed.paused]
    if feeds and not active:
        return State.PAUSED
    if active and all(map(is_failing, active)):
        return State.FAILING
    if newest is None or not last_week:
        return State.SILENT
    return State.LATE if now - newest.sort_at > max(LEAST_PATIENCE, PATIENCE * WEEK / last_week) else State.OK


@dataclass(frozen=True)
class SourcePage:
    """Sources by their domains, and the domain to go on after when there are more."""

    sources: tuple[Source, ...]
    next: str | None
    feeds_known: bool


@dataclass(frozen=True)
class SourceHealth:
    """A source with how many articles it published on each of the last days."""

    source: Source
    days: Sequence[tuple[date, int]]
    feeds_known: bool


class Freshness:
    """Answers for a short time what was counted before. Its methods block and may be called from any thread."""

    def __init__(self, store: Store, table: Callable[[], FeedTable]) -> None:
        self._store = store
        self._table = table
        self._kept = _Kept()

    def page(self, after: str, limit: int) -> SourcePage:
        """Up to so many sources that come after this domain. Raises :class:`Retryable`."""
        now, table = _now(), self._table()
        every = self._kept.get(now, ("domains",), lambda: domains(self._store.engine))
        listed = sorted({domain for domain in every if domain > after}.union(table.domains_after(after)))
        shown = listed[:limit]
        found = self._kept.get(now, ("page", *shown), lambda: published(self._store.engine, now, shown))
        told = tuple(_source(domain, found.get(domain), table, now) for domain in shown)
        return SourcePage(told, shown[-1] if len(listed) > limit else None, table.is_known)

    def health(self, domain: str) -> SourceHealth | None:
        """One source; ``None`` where neither an article nor a feed is of this domain. Raises :class:`Retryable`."""
        now, table = _now(), self._table()
        found, days = self._kept.get(now, ("health", domain), lambda: self._counted(domain, now))
        if found is None and not table.of(domain):
            return None
        return SourceHealth(_source(domain, found, table, now), days, table.is_known)

    def _counted(self, domain: str, now: datetime) -> tuple[Published | None, list[tuple[date, int]]]:
        found = published(self._store.engine, now, [domain])
        return found.get(domain), by_day(self._store.engine, now, domain)


def _now() -> datetime:
    seconds = datetime.now(UTC).timestamp()
    return datetime.fromtimestamp(seconds - seconds % KEPT_SECONDS, UTC)


def _source(domain: str, found: Published | None, table: FeedTable, now: datetime) -> Source:
    feeds = table.of(domain)
    newest, last_week = (found.newest, found.last_week) if found else (None, 0)
    first_feed = feeds[0][0].name if feeds else domain
    return Source(
        domain=domain,
        name=found.name if found else first_feed,
        state=_state(newest, last_week, feeds, now),
        newest=newest,
        last_day=found.last_day if found else 0,
        last_week=last_week,
        feeds=feeds,
        host=table.host(domain),
    )


class _Kept:
    """Answers of one moment by their questions."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._at: datetime | None = None
        self._answers: dict[tuple[str, ...], object] = {}

    def get(self, at: datetime, question: tuple[str, ...], ask: Callable[[], T]) -> T:
        with self._lock:
            if self._at != at:
                self._at, self._answers = at, {}
            if question in self._answers:
                return self._answers[question]  # type: ignore[return-value]
        answer = ask()
        with self._lock:
            if self._at == at and len(self._answers) < REMEMBERED:
                self._answers[question] = answer
        return answer
