"""Which sitemaps of an index are asked for first. No I/O, no clock."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from urllib.parse import urlsplit

from copydesk_fetcher.parsing.model import Child
from copydesk_fetcher.parsing.sitemaps import ends, made_at
from copydesk_shared.messages import ChildState

REMEMBERED = 50
LONG_AGO = datetime.min.replace(tzinfo=UTC)

NEWS = re.compile(r"(?:^|[^a-z])(?:google[_-]?)?news(?:[^a-z]|$)", re.IGNORECASE)
# What holds no stories, as a rule.
ASIDE = re.compile(r"image|video|author|categor|(?:^|[^a-z])tags?(?:[^a-z]|$)|product|gallery|profile", re.IGNORECASE)
DATE_IN_NAME = re.compile(
    r"(?<!\d)(?:yyyy=)?(?P<year>(?:19|20)\d\d)(?:[-_./]?(?:&mm=)?(?P<month>0[1-9]|1[0-2]))?"
    r"(?:[-_./]?(?:&dd=)?(?P<day>0[1-9]|[12]\d|3[01]))?(?!\d)"
)


@dataclass(frozen=True, slots=True)
class Known:
    """A sitemap to choose from: when it changed as far as anybody says, and what is remembered of it."""

    url: str
    changed_at: datetime | None
    state: ChildState | None
    turn: int
    """Its place among those remembered, of which the one that was asked for last comes last."""

    @property
    def has_failed(self) -> bool:
        """Whether the last request for it brought nothing."""
        return self.state is not None and self.state.body_digest is None


def period_end(url: str, now: datetime) -> datetime | None:
    """The end of the year, month or day in the URL's path or query, now at the latest: nothing changes behind it."""
    parts = urlsplit(url)
    matches = list(DATE_IN_NAME.finditer(f"{parts.path}?{parts.query}"))
    if not matches:
        return None
    year, month, day = (int(matches[-1][name] or 0) for name in ("year", "month", "day"))
    try:
        start = datetime(year, month or 12, day or 1, tzinfo=UTC)
    except ValueError:
        return None
    end = start + timedelta(days=1 if day else 31)
    return min(end, now)


def dated(children: Sequence[Child], now: datetime) -> dict[str, datetime | None]:
    """When each of the sitemaps changed: as the index says, unless it gives most of them one time; else by name."""
    made = made_at([child.changed_at for child in children])
    said = {child.url: None if made and child.changed_at == made else child.changed_at for child in children}
    return {url: at or period_end(url, now) for url, at in said.items()}


def candidates(children: Sequence[Child], states: Mapping[str, ChildState], now: datetime) -> list[Known]:
    """The sitemaps that may have news, first those to ask for first.

    A remembered one is left out when it has not changed since. One that is not remembered is left out when others,
    older ones, are: an index is an archive, and we were there when it was younger. Each of three queues has its turn:
    new ones and known ones, both freshest first, and those that have waited longest.
    """
    turns = {url: turn for turn, url in enumerate(states)}
    known = [Known(url, at, states.get(url), turns.get(url, -1)) for url, at in dated(children, now).items()]
    floor = min((state.changed_at for state in states.values() if state.changed_at), default=LONG_AGO)
    fresh = [each for each in known if each.state is None and (each.changed_at is None or each.changed_at > floor)]
    again = [each for each in known if each.state is not None and _may_have_changed(each, each.state)]
    undated = [each for each in fresh if each.changed_at is None]
    kept = set(ends(undated, max(REMEMBERED - len(again), 0)))
    fresh = sorted((each for each in fresh if each.changed_at or each in kept), key=_freshness)
    waiting = sorted(again, key=lambda each: each.turn)
    again = sorted((each for each in again if not each.has_failed), key=_freshness)
    return list(dict.fromkeys(_in_turn(fresh, again, waiting)))


def _may_have_changed(each: Known, state: ChildState) -> bool:
    return each.changed_at is None or state.changed_at is None or each.changed_at > state.changed_at


def _freshness(each: Known) -> tuple[int, float, int]:
    path = urlsplit(each.url).path
    rank = 0 if NEWS.search(path) else 2 if ASIDE.search(path) else 1
    return rank, -(each.changed_at or LONG_AGO).timestamp(), each.turn


def _in_turn(*queues: Iterable[Known]) -> Iterator[Known]:
    for row in zip_longest(*queues):
        yield from (each for each in row if each is not None)


def remembered(states: Mapping[str, ChildState], named: Iterable[str]) -> dict[str, ChildState]:
    """At most 50 states: first those that the index still names, of them the last changed. The order stays."""
    names = set(named)
    by_worth = sorted(
        states, key=lambda url: (url in names, states[url].changed_at or LONG_AGO, list(states).index(url))
    )
    kept = set(by_worth[-REMEMBERED:])
    return {url: state for url, state in states.items() if url in kept}
