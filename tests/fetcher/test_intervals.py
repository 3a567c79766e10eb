import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.intervals import (
    DISABLED_AFTER,
    DISABLED_AFTER_FAILURES,
    JITTER,
    LONGEST_TTL,
    Bounds,
    FailureKind,
    Hints,
    after_skips,
    backed_off,
    first_interval,
    followed,
    fresh_seconds,
    is_hopeless,
    next_poll,
)
from copydesk_shared.messages import Feed, FeedState, HubState

from .samples import BASE, NOW

BOUNDS = Bounds(300, 21_600)
DAY = 86_400.0
FIXED = Feed(feed_id="news", url=BASE, name="News", interval_seconds=600)
ADAPTIVE = FIXED.model_copy(update={"adapts": True, "interval_seconds": 900})


def state(**given: object) -> FeedState:
    return FeedState.model_validate({"feed_id": "news", "next_poll_at": NOW, **given})


def wait(feed: Feed, before: FeedState, hints: Hints | None = None, fraction: float = 0.0) -> float:
    at, _ = next_poll(feed, before, hints or Hints(), BOUNDS, NOW, fraction)
    return (at - NOW).total_seconds()


def settled(gap: float, interval: float = 900.0, days: int = 60) -> list[float]:
    """The intervals of a feed with an entry every ``gap`` seconds."""
    now = published = 0.0
    intervals: list[float] = []
    while now < days * DAY and len(intervals) < 5000:
        now += interval
        new = int(now / gap) - int(published / gap)
        published = now
        interval = followed(interval, 900.0, interval, new, 30, BOUNDS)
        intervals.append(interval)
    return intervals[len(intervals) // 2 :]


@pytest.mark.parametrize(
    ("gap", "least", "most"),
    [(60, 300, 330), (900, 780, 1100), (3600, 1400, 2200), (DAY, 6500, 11_500), (30 * DAY, 18_000, 21_600)],
)
def test_the_interval_follows_the_square_root_of_the_time_between_entries(
    gap: float, least: float, most: float
) -> None:
    intervals = settled(gap)
    assert least <= sum(intervals) / len(intervals) <= most


def test_a_quiet_feed_drifts_to_the_longest_interval_and_a_burst_shortens_it_at_once() -> None:
    intervals = settled(gap=1000 * DAY)
    assert intervals[-1] == BOUNDS.longest
    assert intervals == sorted(intervals)
    assert followed(BOUNDS.longest, 900, BOUNDS.longest, 20, 50, BOUNDS) < BOUNDS.longest / 2


def test_a_feed_whose_entries_are_all_new_is_polled_twice_as_often_at_least() -> None:
    assert followed(3600, 900, 3600, 10, 10, BOUNDS) <= 1800
    assert followed(3600, 900, 3600, 1, 1, BOUNDS) > 1800
    assert followed(7200, 900, 7200, 6, 6, BOUNDS) < followed(7200, 900, 7200, 6, math.inf, BOUNDS)


def ages(*hours: float) -> list[datetime]:
    return [NOW - timedelta(hours=each) for each in hours]


@pytest.mark.parametrize(
    ("dates", "least", "most"),
    [
        pytest.param([], 900, 900, id="no dates"),
        pytest.param(ages(*range(20)), 1500, 1900, id="one an hour"),
        pytest.param(ages(*(24 * n for n in range(20))), 7000, 9500, id="one a day"),
        pytest.param(ages(*range(18), 8760 * 20, 8760 * 40), 1500, 1900, id="two of another age"),
        pytest.param(ages(*(8760 * n for n in range(1, 9))), 21_600, 21_600, id="a dead feed"),
        pytest.param(ages(*([1] * 20)), 900, 900, id="all the same date"),
        pytest.param(ages(*range(-40, -20)), 900, 900, id="all to come"),
        pytest.param(ages(0), 500, 900, id="one entry, just now"),
    ],
)
def test_the_first_interval_is_read_from_the_dates(dates: list[datetime], least: float, most: float) -> None:
    assert least <= first_interval(dates, 900.0, BOUNDS, NOW) <= most


SECONDS = st.floats(0, 1e9, allow_nan=False)
HINTS = st.builds(Hints, fresh=st.none() | SECONDS, retry_after=st.none(), ttl=st.none() | SECONDS)


@given(st.none() | SECONDS, HINTS, st.floats(0, 1), st.integers(1, 604_800))
def test_an_adaptive_interval_stays_in_bounds_whatever_the_hints(
    interval: float | None, hints: Hints, fraction: float, pivot: int
) -> None:
    feed = ADAPTIVE.model_copy(update={"interval_seconds": pivot})
    at, remembered = next_poll(feed, state(interval_seconds=interval), hints, BOUNDS, NOW, fraction)
    assert BOUNDS.shortest <= remembered <= BOUNDS.longest
    assert BOUNDS.shortest <= (at - NOW).total_seconds() <= BOUNDS.longest


@given(SECONDS, st.integers(1, 604_800), SECONDS, st.integers(0, 10_000), st.integers(0, 10_000))
def test_what_is_learnt_stays_in_bounds(interval: float, pivot: int, elapsed: float, new: int, size: int) -> None:
    assert BOUNDS.shortest <= followed(interval, float(pivot), elapsed, new, size, BOUNDS) <= BOUNDS.longest


@given(st.lists(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)), max_size=50))  # noqa: DTZ001 - made aware below
def test_no_dates_break_the_first_interval(dates: list[datetime]) -> None:
    aware = [date.replace(tzinfo=UTC) for date in dates]
    assert BOUNDS.shortest <= first_interval(aware, 900.0, BOUNDS, NOW) <= BOUNDS.longest


@given(HINTS, st.floats(0, 1), st.integers(0, 30), SECONDS)
def test_the_server_is_never_asked_sooner_than_it_says(
    hints: Hints, fraction: float, failures: int, retry_after: float
) -> None:
    asked = Hints(hints.fresh, retry_after, hints.ttl)
    for feed in (FIXED, ADAPTIVE):
        least = max(min(hints.fresh or 0.0, BOUNDS.longest), retry_after)
        before = state(failures=failures, failure_kind="temporary" if failures else None)
        assert wait(feed, before, asked, fraction) >= least * (1 - 1e-9)


def test_jitter_makes_polls_a_little_earlier_and_retries_a_little_later() -> None:
    assert wait(FIXED, state(), fraction=0.0) == 600
    assert wait(FIXED, state(), fraction=1.0) == pytest.approx(600 * (1 - JITTER))
    assert wait(FIXED, state(), Hints(retry_after=7200), fraction=1.0) == pytest.approx(7200 * (1 + JITTER))


def test_what_a_feed_says_of_itself_counts_for_adaptive_intervals_up_to_an_hour() -> None:
    assert wait(ADAPTIVE, state(), Hints(ttl=1800)) == 1800
    assert wait(ADAPTIVE, state(), Hints(ttl=DAY)) == LONGEST_TTL
    assert wait(FIXED, state(), Hints(ttl=1800)) == 600
    assert wait(FIXED, state(), Hints(fresh=1800)) == 1800
    assert wait(FIXED, state(), Hints(fresh=1e9)) == BOUNDS.longest


def hub(**given: object) -> HubState:
    usual = {"hub": "https://hub.example/", "topic": BASE, "requested_at": NOW, "lease_until": NOW + timedelta(days=1)}
    return HubState.model_validate({**usual, "pushed_at": NOW, **given})


def test_a_feed_that_is_pushed_is_polled_rarely() -> None:
    assert wait(FIXED, state(hub=hub())) == BOUNDS.longest
    assert wait(ADAPTIVE, state(hub=hub())) == BOUNDS.longest
    assert wait(FIXED, state(hub=hub(pushed_at=None))) == 600, "a hub has to show that it pushes"
    assert wait(FIXED, state(hub=hub(lease_until=NOW))) == 600, "the lease is over"
    assert wait(FIXED.model_copy(update={"websub": False}), state(hub=hub())) == 600
    assert wait(FIXED.model_copy(update={"interval_seconds": 86_400}), state(hub=hub())) == DAY
    assert wait(FIXED, state(hub=hub(failures=1))) == 600, "the lease may not be renewed"


def test_a_feed_is_polled_rarely_only_while_the_lease_runs() -> None:
    hour, minute = timedelta(hours=1), timedelta(minutes=1)
    assert wait(FIXED, state(hub=hub(lease_until=NOW + hour, next_request_at=NOW + hour * 2 / 3))) == 3600
    assert wait(FIXED, state(hub=hub(lease_until=NOW + minute))) == 600, "as seldom as ever it is polled anyhow"
    short = hub(lease_until=NOW + 20 * minute, next_request_at=NOW + 21 * minute)
    assert wait(FIXED, state(hub=short)) == 600, "the lease ends before it is renewed"


@pytest.mark.parametrize(
    ("kind", "first", "second", "last"),
    [("temporary", 600, 1200, 6 * 3600), ("permanent", 3600, 7200, DAY), ("gone", 365 * DAY, 365 * DAY, 365 * DAY)],
)
def test_failures_wait_longer_and_longer_by_their_kind(
    kind: FailureKind, first: float, second: float, last: float
) -> None:
    waits = [backed_off(600, failures, kind) for failures in range(1, 60)]
    assert (waits[0], waits[1], waits[-1]) == (first, second, last)
    assert waits == sorted(waits)
    assert backed_off(2 * DAY, 1, kind) >= 2 * DAY, "no sooner than it would be polled anyhow"


def test_a_feed_is_hopeless_after_many_permanent_failures_over_a_long_time() -> None:
    long_ago = NOW - DISABLED_AFTER
    many = DISABLED_AFTER_FAILURES
    assert is_hopeless(state(failures=many, failure_kind="permanent", failing_since=long_ago), NOW)
    assert not is_hopeless(state(failures=many - 1, failure_kind="permanent", failing_since=long_ago), NOW)
    assert not is_hopeless(state(failures=many, failure_kind="temporary", failing_since=long_ago), NOW)
    assert not is_hopeless(
        state(failures=many, failure_kind="permanent", failing_since=long_ago + timedelta(seconds=1)), NOW
    )


def dated(**given: datetime) -> dict[str, str]:
    return {name: format_datetime(at, usegmt=True) for name, at in given.items()}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"cache-control": "max-age=600"}, 600),
        ({"cache-control": "public, Max-Age = 600, must-revalidate"}, 600),
        ({"cache-control": 'private,max-age="60"'}, 60),
        ({"cache-control": "max-age=600", "age": "500"}, 100),
        ({"cache-control": "max-age=600", "age": "700"}, 0),
        ({"cache-control": "max-age=600", "age": "some"}, 600),
        ({"cache-control": "s-maxage=600"}, None),
        ({"cache-control": "no-cache, max-age=600"}, None),
        ({"cache-control": "no-store", "expires": "Sun, 22 Nov 2026 13:00:00 GMT"}, None),
        ({"cache-control": "max-age=10", "expires": "Sun, 22 Nov 2026 13:00:00 GMT"}, 10),
        ({"expires": "Sun, 22 Nov 2026 13:00:00 GMT"}, 3600),
        ({"expires": "Sun, 22 Nov 2026 13:00:00 GMT", "date": "Sun, 22 Nov 2026 12:59:00 GMT"}, 60),
        ({"expires": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0),
        ({"expires": "0"}, None),
        ({"expires": "-1"}, None),
        ({"expires": "Sun, 99 Nov 2026 13:00:00 GMT"}, None),
        ({"cache-control": "max-age=99999999999999999999"}, 9_999_999_999),
    ],
)
def test_how_long_an_answer_stays_good(headers: dict[str, str], seconds: float | None) -> None:
    assert fresh_seconds(headers, NOW) == seconds


@given(st.dictionaries(st.sampled_from(["cache-control", "expires", "date", "age"]), st.text(max_size=40)))
def test_any_headers_give_a_time_or_none(headers: dict[str, str]) -> None:
    fresh = fresh_seconds(headers, NOW)
    assert fresh is None or fresh >= 0


@given(
    st.integers(min_value=0, max_value=365 * 24 * 3600),
    st.sets(st.integers(min_value=0, max_value=23), max_size=23),
    st.sets(st.integers(min_value=0, max_value=6), max_size=6),
    st.floats(min_value=0, max_value=1),
)
def test_hours_and_days_that_a_feed_asks_to_skip_are_skipped_and_no_others(
    seconds: int, hours: set[int], days: set[int], fraction: float
) -> None:
    at = NOW + timedelta(seconds=seconds)
    after = after_skips(at, hours, days, fraction)
    assert after.hour not in hours
    assert after.weekday() not in days
    if at.hour not in hours and at.weekday() not in days:
        assert after == at
    between = (at + timedelta(hours=n) for n in range(int((after - at).total_seconds() // 3600)))
    assert all(each.hour in hours or each.weekday() in days for each in between)


def test_an_interval_that_was_given_is_kept_whatever_a_feed_asks_to_skip() -> None:
    skipping = state(skip_hours=[(NOW + timedelta(hours=offset)).hour for offset in range(5)])
    assert wait(FIXED, skipping) == 600
    assert wait(ADAPTIVE, skipping) > 4 * 3600
    assert (
        wait(ADAPTIVE, state(skip_days=[NOW.weekday()])) >= 86_400 - (NOW - NOW.replace(hour=0)).total_seconds() - 3600
    )
