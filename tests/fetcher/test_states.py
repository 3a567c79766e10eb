from datetime import timedelta
from itertools import pairwise

import pytest

from copydesk_fetcher.intervals import DISABLED_AFTER_FAILURES, Bounds, FailureKind
from copydesk_fetcher.parse import ParsedFeed
from copydesk_fetcher.responses import Fetched
from copydesk_fetcher.states import (
    adapted,
    conditional_headers,
    failed,
    fraction,
    is_polled,
    learning,
    plan,
    postponed,
    succeeded,
    unchanged,
    validators,
)
from copydesk_shared.messages import Feed, FeedState, HubState, SeenEntry

from .samples import BASE, NOW

FEED = Feed(feed_id="news", url=BASE, name="The News", interval_seconds=600)
ADAPTIVE = FEED.model_copy(update={"adapts": True})
BOUNDS = Bounds(300, 21_600)
ANSWER = Fetched(200, BASE, {"etag": '"x"', "last-modified": "Sun, 22 Nov 2026 10:00:00 GMT"})
SEEN = {"a": SeenEntry(revision=1, fingerprint="f")}


def state(**given: object) -> FeedState:
    return FeedState.model_validate({"feed_id": "news", "next_poll_at": NOW, **given})


def wait(after: FeedState) -> float:
    return (after.next_poll_at - NOW).total_seconds()


def test_a_new_feed_is_due_soon_and_always_at_the_same_moment() -> None:
    due = {plan(FEED.model_copy(update={"feed_id": str(n)}), None, NOW) - NOW for n in range(50)}
    assert all(timedelta() <= each <= timedelta(seconds=2) for each in due)
    assert len(due) > 40
    assert plan(FEED, None, NOW) == plan(FEED, None, NOW)


def test_a_known_feed_is_due_when_its_state_says_unless_its_interval_was_changed() -> None:
    soon, late = NOW + timedelta(seconds=30), NOW + timedelta(days=1)
    assert plan(FEED, state(next_poll_at=soon), NOW) == soon
    assert plan(FEED, state(next_poll_at=late, interval_seconds=86_400), NOW) == NOW + timedelta(seconds=600)
    assert plan(FEED, state(next_poll_at=late, interval_seconds=600), NOW) == late, "the server asked for it"
    assert plan(ADAPTIVE, state(next_poll_at=late, interval_seconds=900), NOW) == late
    assert plan(FEED, state(next_poll_at=late, failures=3), NOW) == late


def test_paused_and_disabled_feeds_are_not_polled() -> None:
    assert is_polled(FEED, None)
    assert is_polled(FEED, state(failures=9))
    assert not is_polled(FEED, state(disabled="gone"))
    assert not is_polled(FEED.model_copy(update={"paused": True}), None)


def test_fractions_are_spread() -> None:
    values = [fraction(str(number)) for number in range(2000)]
    assert all(0 <= value <= 1 for value in values)
    assert all(150 < sum(low / 10 <= value < (low + 1) / 10 for value in values) < 250 for low in range(10))


def test_success_remembers_what_it_learnt_and_forgets_failures() -> None:
    before = state(failures=3, last_error="bad", failure_kind="permanent", failing_since=NOW, disabled="so bad")
    after = succeeded(FEED, before, ANSWER, NOW, learnt={"seen": SEEN, "entries_seen": 7, **validators(ANSWER)})
    assert conditional_headers(after) == {"if-none-match": '"x"', "if-modified-since": "Sun, 22 Nov 2026 10:00:00 GMT"}
    assert (after.failures, after.last_error, after.failure_kind) == (0, None, None)
    assert (after.failing_since, after.disabled) == (None, None)
    assert (after.last_success_at, after.last_poll_at, after.entries_seen, after.seen) == (NOW, NOW, 7, SEEN)
    assert 540 <= wait(after) <= 600
    assert after.interval_seconds == 600


def test_validators_of_unreasonable_length_are_not_kept() -> None:
    assert validators(Fetched(200, BASE, {"etag": "x" * 5000})) == {"etag": None, "last_modified": None}
    assert conditional_headers(None) == {}


def test_no_change_keeps_what_was_seen_and_counts_as_success() -> None:
    before = state(etag='"x"', failures=3, last_error="bad", seen=SEEN, warning="odd", entries_seen=9)
    after = unchanged(FEED, before, Fetched(304, BASE, {"cache-control": "max-age=1800"}), NOW)
    assert (after.etag, after.seen, after.failures, after.last_error) == ('"x"', SEEN, 0, None)
    assert (after.warning, after.entries_seen) == ("odd", 9)
    assert wait(after) == 1800


def test_an_interval_adapts_to_what_is_new_since_the_last_success() -> None:
    before = state(interval_seconds=900, last_success_at=NOW - timedelta(seconds=900), last_poll_at=NOW)
    quiet = unchanged(ADAPTIVE, before, Fetched(304, BASE, {}), NOW, bounds=BOUNDS)
    busy = learning(ADAPTIVE, before, ParsedFeed(()), 5, NOW, BOUNDS)["interval_seconds"]
    assert quiet.interval_seconds is not None
    assert quiet.interval_seconds > 900 > busy
    assert adapted(FEED, before, 5, 5, NOW, NOW, BOUNDS) == 900, "a fixed interval stays"


def test_a_hub_that_pushed_nothing_of_what_is_new_does_not_count_until_it_pushes_again() -> None:
    hub = HubState(hub="h", topic="t", requested_at=NOW, lease_until=NOW + timedelta(days=9), pushed_at=NOW)
    before = state(hub=hub, interval_seconds=900, last_success_at=NOW - timedelta(hours=6))
    assert learning(ADAPTIVE, before, ParsedFeed(()), 0, NOW, BOUNDS) == {}
    learnt = learning(ADAPTIVE, before, ParsedFeed(()), 2, NOW, BOUNDS)
    assert learnt == {"hub": hub.model_copy(update={"pushed_at": None})}
    assert wait(succeeded(ADAPTIVE, before, ANSWER, NOW, learnt={}, bounds=BOUNDS)) > 19_000
    assert wait(succeeded(ADAPTIVE, before, ANSWER, NOW, learnt=learnt, bounds=BOUNDS)) <= 900
    rare = unchanged(ADAPTIVE, before, Fetched(304, BASE, {}), NOW, bounds=BOUNDS)
    assert rare.interval_seconds == 900, "that polls find nothing says nothing of a feed that is pushed"


@pytest.mark.parametrize(("kind", "last"), [("temporary", 6 * 3600), ("permanent", 24 * 3600)])
def test_failures_wait_longer_and_longer(kind: FailureKind, last: float) -> None:
    after: FeedState | None = None
    waits = []
    for _ in range(15):
        after = failed(FEED, after, "bad", NOW, kind=kind)
        waits.append(wait(after))
    assert last * 0.9 <= waits[-1] <= last
    assert all(later >= earlier * 0.9 for earlier, later in pairwise(waits))
    assert after is not None
    assert (after.failures, after.last_error, after.failing_since, after.disabled) == (15, "bad", NOW, None)


def test_failures_of_another_kind_begin_anew_as_to_when_they_began() -> None:
    first = failed(FEED, None, "away", NOW - timedelta(days=30))
    second = failed(FEED, first, "not found", NOW, kind="permanent")
    assert (second.failures, second.failing_since) == (2, NOW)


def test_a_feed_that_fails_for_good_is_disabled_with_its_reason() -> None:
    after: FeedState | None = None
    now = NOW
    while after is None or after.disabled is None:
        after = failed(FEED, after, "the server answered 404", now, kind="permanent")
        now = after.next_poll_at
    assert after.disabled == f"failed {after.failures} times in a row, since 2026-11-22: the server answered 404"
    assert after.failures == DISABLED_AFTER_FAILURES
    assert not is_polled(FEED, after)


def test_a_feed_that_is_gone_is_disabled_at_once() -> None:
    after = failed(FEED, state(seen=SEEN), "gone: the server answered 410", NOW, kind="gone")
    assert (after.disabled, after.failure_kind) == ("gone: the server answered 410", "gone")
    assert after.seen == SEEN
    assert wait(after) > 300 * 24 * 3600


def test_a_failure_keeps_what_was_seen() -> None:
    after = failed(FEED, state(etag='"x"', seen=SEEN), "x" * 5000, NOW)
    assert (after.seen, after.etag) == (SEEN, '"x"')
    assert len(after.last_error or "") == 500


def test_the_server_may_ask_for_more_time_but_not_for_less() -> None:
    assert 7200 <= wait(failed(FEED, None, "bad", NOW, retry_after=7200)) <= 7920
    assert 540 <= wait(failed(FEED, None, "bad", NOW, retry_after=1)) <= 600


def test_what_is_postponed_has_not_failed() -> None:
    before = state(failures=2, last_error="bad", seen=SEEN)
    after = postponed(FEED, before, 500.0, NOW)
    assert after.model_copy(update={"next_poll_at": NOW}) == before
    assert 500 <= wait(after) <= 550
    assert 30 <= wait(postponed(FEED, None, 0.0, NOW)) <= 33
