"""The state of a feed after each of the things a poll can come to. No I/O, no clock, no chance."""

import hashlib
import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from copydesk_fetcher.intervals import (
    DEFAULT_BOUNDS,
    JITTER,
    Bounds,
    FailureKind,
    Hints,
    base_interval,
    first_interval,
    followed,
    fresh_seconds,
    is_hopeless,
    is_pushed,
    is_relied_on,
    next_poll,
)
from copydesk_fetcher.parse import ParsedFeed
from copydesk_fetcher.responses import Fetched
from copydesk_shared.messages import Feed, FeedState, HubState

FIRST_POLL_JITTER = timedelta(seconds=2)
LEAST_POSTPONEMENT_SECONDS = 30.0
MOST_POSTPONEMENT_SECONDS = 24 * 3600.0
VALIDATOR_CHARACTERS = 1000
ERROR_CHARACTERS = 500


def plan(feed: Feed, state: FeedState | None, now: datetime) -> datetime:
    """When to poll next. A feed without a state is new and due within seconds, not all new ones at once.

    A state from before the interval was changed must not make anybody wait for the old one.
    """
    interval = timedelta(seconds=feed.interval_seconds)
    if state is None:
        return now + min(interval * JITTER, FIRST_POLL_JITTER) * fraction(feed.feed_id)
    if feed.adapts or state.failures or state.disabled or state.interval_seconds == feed.interval_seconds:
        return state.next_poll_at
    return min(state.next_poll_at, now + interval)


def is_polled(feed: Feed, state: FeedState | None) -> bool:
    """Whether a feed is to be polled at all: neither paused by somebody nor disabled by its failures."""
    return not feed.paused and (state is None or state.disabled is None)


def fraction(text: str) -> float:
    """A number from 0 to 1 that is always the same for this text, and another for any other."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big") / 0xFFFFFFFF


def conditional_headers(state: FeedState | None) -> dict[str, str]:
    """The headers that let a server answer 304 (RFC 9110 section 13)."""
    pairs = (("if-none-match", state.etag), ("if-modified-since", state.last_modified)) if state else ()
    return {name: value for name, value in pairs if value}


def validators(fetched: Fetched) -> dict[str, str | None]:
    """What of an answer is sent back with the next request."""
    return {"etag": _validator(fetched, "etag"), "last_modified": _validator(fetched, "last-modified")}


def _validator(fetched: Fetched, name: str) -> str | None:
    value = fetched.headers.get(name, "")
    return value if value and len(value) <= VALIDATOR_CHARACTERS else None


def succeeded(
    feed: Feed,
    state: FeedState | None,
    fetched: Fetched,
    now: datetime,
    *,
    learnt: Mapping[str, Any],
    ttl: float | None = None,
    bounds: Bounds = DEFAULT_BOUNDS,
) -> FeedState:
    """The state after an answer that could be used. ``learnt`` are the fields that this poll has changed."""
    after = base(feed, state, now).model_copy(
        update={
            "last_poll_at": now,
            "last_success_at": now,
            "failures": 0,
            "failing_since": None,
            "failure_kind": None,
            "last_error": None,
            "disabled": None,
            **learnt,
        }
    )
    return _planned(feed, after, Hints(fresh_seconds(fetched.headers, now), ttl=ttl), bounds, now)


def unchanged(
    feed: Feed,
    state: FeedState | None,
    fetched: Fetched,
    now: datetime,
    *,
    learnt: Mapping[str, Any] | None = None,
    bounds: Bounds = DEFAULT_BOUNDS,
) -> FeedState:
    """The state after an answer that says that nothing is new."""
    before = base(feed, state, now)
    quieter = (
        {}
        if is_pushed(before, now)
        else {"interval_seconds": adapted(feed, before, 0, math.inf, before.last_success_at, now, bounds)}
    )
    return succeeded(feed, before, fetched, now, learnt={**quieter, **(learnt or {})}, bounds=bounds)


def learning(
    feed: Feed, state: FeedState, parsed: ParsedFeed, new: int, now: datetime, bounds: Bounds
) -> dict[str, Any]:
    """What a poll that read a feed teaches about when to poll it: the interval, and whether its hub can be relied on.

    A hub that has not pushed what is new does not count as one until it pushes again. While it does push, polls find
    nothing, which says nothing of the feed.
    """
    if is_pushed(state, now):
        return {} if not new or state.hub is None else {"hub": state.hub.model_copy(update={"pushed_at": None})}
    if feed.adapts and state.last_success_at is None:
        dates = [at for entry in parsed.entries if (at := entry.published_at or entry.updated_at) is not None]
        return {"interval_seconds": first_interval(dates, float(feed.interval_seconds), bounds, now)}
    size = math.inf if parsed.children else len(parsed.entries)
    return {"interval_seconds": adapted(feed, state, new, size, state.last_success_at, now, bounds)}


def adapted(
    feed: Feed, state: FeedState, new: int, size: float, since: datetime | None, now: datetime, bounds: Bounds
) -> float | None:
    """The interval after so many new entries of ``size`` since then; a fixed one stays."""
    if not feed.adapts or since is None:
        return state.interval_seconds
    elapsed = max((now - since).total_seconds(), 0.0)
    return followed(base_interval(feed, state, bounds), float(feed.interval_seconds), elapsed, new, size, bounds)


def failed(
    feed: Feed,
    state: FeedState | None,
    reason: str,
    now: datetime,
    *,
    kind: FailureKind = "temporary",
    retry_after: float | None = None,
    bounds: Bounds = DEFAULT_BOUNDS,
) -> FeedState:
    """The state after a poll that failed: later and later, no sooner than the server asks, and one day not at all."""
    before = base(feed, state, now)
    since = before.failing_since if before.failures and before.failure_kind == kind else None
    after = before.model_copy(
        update={
            "last_poll_at": now,
            "failures": before.failures + 1,
            "failure_kind": kind,
            "failing_since": since or now,
            "last_error": reason[:ERROR_CHARACTERS],
        }
    )
    if kind == "gone":
        after = after.model_copy(update={"disabled": reason[:ERROR_CHARACTERS]})
    elif is_hopeless(after, now):
        said = f"failed {after.failures} times in a row, since {after.failing_since:%Y-%m-%d}: {reason}"
        after = after.model_copy(update={"disabled": said[:ERROR_CHARACTERS]})
    return _planned(feed, after, Hints(retry_after=retry_after), bounds, now)


def postponed(feed: Feed, state: FeedState | None, seconds: float, now: datetime) -> FeedState:
    """The state of a feed that could not be asked now, through no fault of its own."""
    wait = min(max(seconds, LEAST_POSTPONEMENT_SECONDS), MOST_POSTPONEMENT_SECONDS)
    spread = 1 + JITTER * fraction(f"{feed.feed_id} {now.timestamp()}")
    return base(feed, state, now).model_copy(update={"next_poll_at": now + timedelta(seconds=wait * spread)})


def with_hub(feed: Feed, state: FeedState, hub: HubState | None, now: datetime) -> FeedState:
    """The state with what is known of its hub now. A poll that was put off because of the hub comes when it would have
    come without, once the hub is not relied on any more, and else by the end of the lease.
    """
    after = state.model_copy(update={"hub": hub})
    if state.failures or not is_relied_on(feed, state, now):
        return after
    seconds = (state.interval_seconds if feed.adapts else None) or float(feed.interval_seconds)
    latest = (state.last_poll_at or now) + timedelta(seconds=seconds)
    if hub is not None and hub.lease_until is not None and is_relied_on(feed, after, now):
        latest = max(latest, hub.lease_until)
    return after.model_copy(update={"next_poll_at": min(state.next_poll_at, max(latest, now))})


def base(feed: Feed, state: FeedState | None, now: datetime) -> FeedState:
    """The state to begin with."""
    return state if state is not None else FeedState(feed_id=feed.feed_id, next_poll_at=now)


def _planned(feed: Feed, state: FeedState, hints: Hints, bounds: Bounds, now: datetime) -> FeedState:
    at, interval = next_poll(feed, state, hints, bounds, now, fraction(f"{feed.feed_id} {now.timestamp()}"))
    return state.model_copy(update={"next_poll_at": at, "interval_seconds": interval})
