"""When a feed is polled next. Pure functions: no clock, no chance.

An interval that adapts follows the square root of the mean time between two entries: with a given number of requests
this makes the sum of all delays from publication to poll least (Sia, Cho and Cho, "Efficient Monitoring Algorithm for
Fast News Alerts", IEEE TKDE 19(7), 2007). A feed with one entry per ``Feed.interval_seconds`` is polled once in that
time, one with a quarter of the entries half as often. Times are seconds where nothing else is said.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

from copydesk_shared.messages import Feed, FeedState

FailureKind = Literal["temporary", "permanent", "gone"]

# What is known of a feed counts as much as this many entries: fewer follow faster, more are steadier.
MEMORY_ENTRIES = 3
# More at once is a feed that was filled anew.
BURST_ENTRIES = 20
# A feed of so many entries that are all new may have lost some in between.
TURNED_OVER_ENTRIES = 5
DATED_ENTRIES = 10

JITTER = 0.1
WEEK_HOURS = 7 * 24
SPREAD_SECONDS = 600.0
LONGEST_TTL = 3600.0
LONGEST_BACKOFF: Mapping[FailureKind, float] = {"temporary": 6 * 3600.0, "permanent": 24 * 3600.0, "gone": 0.0}
SHORTEST_BACKOFF: Mapping[FailureKind, float] = {"temporary": 0.0, "permanent": 3600.0, "gone": 0.0}
DOUBLINGS = 20
DISABLED_AFTER_FAILURES = 20
DISABLED_AFTER = timedelta(days=14)
# Only for readers of a state that do not know that it is disabled.
DISABLED_SECONDS = 365 * 24 * 3600.0

MAX_AGE = re.compile(r"(?:^|,)\s*max-age\s*=\s*\"?([0-9]{1,10})", re.IGNORECASE)
NO_AGE = re.compile(r"(?:^|,)\s*no-(?:cache|store)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the most time between two polls of a feed whose interval adapts."""

    shortest: float = 300.0
    longest: float = 21_600.0

    def clamp(self, seconds: float) -> float:
        """The nearest interval within the bounds."""
        return min(max(seconds, self.shortest), self.longest)


DEFAULT_BOUNDS = Bounds()


@dataclass(frozen=True, slots=True)
class Hints:
    """What the server and the feed say of the next poll: ``fresh`` for how long the answer stays good (RFC 9111),
    ``retry_after`` how long to stay away (RFC 9110), ``ttl`` what the feed says of itself.
    """

    fresh: float | None = None
    retry_after: float | None = None
    ttl: float | None = None


def fresh_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long this answer stays good (RFC 9111 section 4.2.1), ``None`` where it does not say; names in lower case."""
    control = headers.get("cache-control", "")
    if NO_AGE.search(control):
        return None
    if match := MAX_AGE.search(control):
        age = headers.get("age", "").strip()
        return max(0.0, float(match[1]) - (int(age[:10]) if age.isascii() and age.isdigit() else 0))
    expires = _http_date(headers.get("expires", ""))
    # The server's own clock: it may be wrong, but it is the same for both dates.
    made = _http_date(headers.get("date", "")) or now
    return None if expires is None else max(0.0, (expires - made).total_seconds())


def _http_date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError, IndexError):
        return None
    return at if at.tzinfo else None


def first_interval(dates: Collection[datetime], pivot: float, bounds: Bounds, now: datetime) -> float:
    """The interval of a feed seen for the first time, by the dates of its entries, else the pivot.

    Dates to come say nothing, nor do dates that are all the same: those are the feed's. The newer half is counted, so
    that a few very old entries do not matter.
    """
    past = sorted({at for at in dates if at <= now}, reverse=True)
    if len(past) * 2 < len(dates) or not past:
        return bounds.clamp(pivot)
    newer = past[: min((len(past) + 1) // 2, DATED_ENTRIES)]
    return _interval((pivot + (now - newer[-1]).total_seconds()) / (1 + len(newer)), pivot, bounds)


def followed(interval: float, pivot: float, elapsed: float, new: int, size: float, bounds: Bounds) -> float:
    """The interval after a poll ``elapsed`` seconds after the one before, with ``new`` entries of ``size`` in the feed,
    which is infinite where that says nothing.

    The rate is the mean of a gamma distribution of which no more is kept than :data:`MEMORY_ENTRIES`.
    """
    gap = bounds.clamp(interval) ** 2 / pivot
    after = (MEMORY_ENTRIES * gap + elapsed) / (MEMORY_ENTRIES + min(new, BURST_ENTRIES))
    adapted = _interval(after, pivot, bounds)
    return bounds.clamp(min(adapted, elapsed / 2)) if new >= max(size, TURNED_OVER_ENTRIES) else adapted


def _interval(gap: float, pivot: float, bounds: Bounds) -> float:
    return round(bounds.clamp((gap * pivot) ** 0.5), 1)


def is_pushed(state: FeedState, now: datetime) -> bool:
    """Whether a hub tells us what is new, and has shown that it does."""
    hub = state.hub
    return hub is not None and hub.pushed_at is not None and hub.lease_until is not None and hub.lease_until > now


def is_relied_on(feed: Feed, state: FeedState, now: datetime) -> bool:
    """Whether a hub makes it needless to poll often: it pushes, and its lease is going to be renewed before it ends."""
    hub = state.hub
    if hub is None or hub.lease_until is None or hub.failures or not feed.websub or not is_pushed(state, now):
        return False
    return hub.next_request_at is None or hub.next_request_at < hub.lease_until


def base_interval(feed: Feed, state: FeedState, bounds: Bounds) -> float:
    """The interval without hints, failures and pushes: as it was adapted, or as it is given."""
    if not feed.adapts:
        return float(feed.interval_seconds)
    return bounds.clamp(state.interval_seconds or feed.interval_seconds)


def backed_off(interval: float, failures: int, kind: FailureKind) -> float:
    """The wait after so many failures in a row: doubled with each, within the limits of the kind."""
    if kind == "gone":
        return DISABLED_SECONDS
    doubled = max(interval, SHORTEST_BACKOFF[kind]) * 2.0 ** min(max(failures, 1) - 1, DOUBLINGS)
    return max(interval, min(doubled, LONGEST_BACKOFF[kind]))


def is_hopeless(state: FeedState, now: datetime) -> bool:
    """Whether a feed has failed for good: so often in a row and for so long that nobody expects it back."""
    return (
        state.failure_kind == "permanent"
        and state.failures >= DISABLED_AFTER_FAILURES
        and state.failing_since is not None
        and now - state.failing_since >= DISABLED_AFTER
    )


def next_poll(
    feed: Feed, state: FeedState, hints: Hints, bounds: Bounds, now: datetime, fraction: float
) -> tuple[datetime, float]:
    """When to poll next, and the interval to remember, for the state as it is after a poll.

    ``fraction`` (0 to 1) spreads feeds: a poll comes up to a tenth of the interval earlier, and that much later than
    the server allows. A fixed interval is kept whatever the feed says of itself: publishing software writes a ``ttl``
    that nobody chose. What the server says of its answer holds for both, up to the longest interval.
    """
    interval = base_interval(feed, state, bounds)
    if state.disabled is not None:
        return now + timedelta(seconds=DISABLED_SECONDS), interval
    wait = _usual(feed, state, interval, bounds, now)
    if state.failures:
        wait = backed_off(interval, state.failures, state.failure_kind or "temporary")
    floor = max(_floor(feed, hints, bounds), bounds.shortest if feed.adapts else 0.0)
    wait = max(wait * (1 - JITTER * fraction), floor)
    asked = (hints.retry_after or 0.0) * (1 + JITTER * fraction)
    at = now + timedelta(seconds=max(wait, asked))
    return (after_skips(at, state.skip_hours, state.skip_days, fraction) if feed.adapts else at), interval


def after_skips(at: datetime, hours: Collection[int], days: Collection[int], fraction: float) -> datetime:
    """The first time from then on that is not in these hours of the day, nor on these days of the week, of UTC.

    Feeds that ask for the same come within :data:`SPREAD_SECONDS` of it, by ``fraction``.
    """
    moment = at.astimezone(UTC)
    for _ in range(WEEK_HOURS):
        if moment.hour not in hours and moment.weekday() not in days:
            return at if moment == at else moment + timedelta(seconds=SPREAD_SECONDS * fraction)
        moment = moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return at


def _usual(feed: Feed, state: FeedState, interval: float, bounds: Bounds, now: datetime) -> float:
    """Rarely while a hub is relied on, but by the end of its lease: nobody says when that ends."""
    lease_until = state.hub.lease_until if state.hub is not None and is_relied_on(feed, state, now) else None
    return interval if lease_until is None else max(interval, min(bounds.longest, (lease_until - now).total_seconds()))


def _floor(feed: Feed, hints: Hints, bounds: Bounds) -> float:
    ttl = min(hints.ttl or 0.0, LONGEST_TTL) if feed.adapts else 0.0
    return min(max(hints.fresh or 0.0, ttl), bounds.longest)
