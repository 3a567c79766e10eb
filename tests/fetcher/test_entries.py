from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.entries import (
    GONE_BACKOFF,
    KNOWN_TITLE_CHARACTERS,
    KNOWN_TITLES,
    LONGEST_BACKOFF,
    SEEN_AT_LEAST,
    SEEN_PER_ENTRY,
    conditional_headers,
    entries_from,
    failed,
    plan,
    succeeded,
    unchanged,
)
from copydesk_fetcher.parsing.model import ParsedEntry, ParsedFeed
from copydesk_fetcher.responses import Fetched
from copydesk_shared.messages import Feed, FeedState, SeenEntry

from .samples import BASE, NOW

FEED = Feed(feed_id="news", url=BASE, name="The News", interval_seconds=600)
FOUND = ParsedEntry(
    key="k", url="https://www.news.example/a", title="T", summary="S", authors=("Ann",), published_at=NOW, updated_at=NOW,
    content="<p>Full", content_type="text/html", is_full=True, fingerprint="f1",
)  # fmt: skip


def feed_of(*keys: str, fingerprint: str = "f1") -> ParsedFeed:
    return ParsedFeed(tuple(replace(FOUND, key=key, title=f"T {key}", fingerprint=fingerprint) for key in keys))


def test_a_new_entry_says_all_that_the_feed_says() -> None:
    (entry,), seen = entries_from(FEED, ParsedFeed((FOUND,)), {}, NOW)
    assert (entry.feed_id, entry.url, entry.title, entry.summary) == ("news", FOUND.url, "T", "S")
    assert (entry.source.name, entry.source.domain) == ("The News", "news.example")
    assert (entry.authors, entry.published_at, entry.updated_at, entry.discovered_at) == (("Ann",), NOW, NOW, NOW)
    assert entry.revision == 1
    assert seen == {"k": SeenEntry(revision=1, fingerprint="f1")}


def test_what_was_seen_is_not_news_and_what_changed_is_the_next_revision() -> None:
    _, seen = entries_from(FEED, feed_of("a", "b"), {}, NOW)
    again, seen = entries_from(FEED, feed_of("a", "b"), seen, NOW)
    assert again == ()
    mixed = ParsedFeed((*feed_of("a").entries, *feed_of("b", fingerprint="f2").entries))
    changed, seen = entries_from(FEED, mixed, seen, NOW)
    assert [(entry.title, entry.revision) for entry in changed] == [("T b", 2)]
    back, _ = entries_from(FEED, feed_of("a", "b"), seen, NOW)
    assert [(entry.title, entry.revision) for entry in back] == [("T b", 3)]


def test_the_oldest_entry_goes_first() -> None:
    entries, _ = entries_from(FEED, feed_of("newest", "middle", "oldest"), {}, NOW)
    assert [entry.title for entry in entries] == ["T oldest", "T middle", "T newest"]


@pytest.mark.parametrize(
    ("wish", "is_full", "content"),
    [("page", True, None), ("page", False, None), ("feed", True, "<p>Full"), ("feed", False, "<p>Full"),
     ("auto", True, "<p>Full"), ("auto", False, None)],
)  # fmt: skip
def test_where_the_text_is_taken_from(wish: str, is_full: bool, content: str | None) -> None:
    feed = FEED.model_copy(update={"content": wish})
    (entry,), _ = entries_from(feed, ParsedFeed((replace(FOUND, is_full=is_full),)), {}, NOW)
    assert entry.content == content
    assert (entry.content_type is None) == (content is None)


def test_known_titles_are_those_of_the_others_within_bounds() -> None:
    many = ParsedFeed(tuple(replace(FOUND, key=str(n), title=f"{n} {'x' * 400}") for n in range(300)))
    entries, _ = entries_from(FEED, many, {}, NOW)
    assert len(entries) == 300
    for entry in entries:
        assert len(entry.known_titles) == KNOWN_TITLES
        assert entry.title[:KNOWN_TITLE_CHARACTERS] not in entry.known_titles
        assert max(map(len, entry.known_titles)) == KNOWN_TITLE_CHARACTERS


@given(st.lists(st.lists(st.integers(min_value=0, max_value=3000), unique=True, max_size=60), max_size=40))
def test_the_window_is_bounded_and_keeps_what_is_in_the_feed(polls: list[list[int]]) -> None:
    seen: dict[str, SeenEntry] = {}
    for poll in polls:
        keys = [str(number) for number in poll]
        _, seen = entries_from(FEED, feed_of(*keys), seen, NOW)
        assert set(keys) <= set(seen)
        assert len(seen) <= max(SEEN_AT_LEAST, SEEN_PER_ENTRY * len(keys))
        again, _ = entries_from(FEED, feed_of(*keys), seen, NOW)
        assert again == ()


def test_the_window_drops_the_oldest_first() -> None:
    seen: dict[str, SeenEntry] = {}
    for number in range(SEEN_AT_LEAST + 10):
        _, seen = entries_from(FEED, feed_of(str(number)), seen, NOW)
    assert list(seen) == [str(number) for number in range(10, SEEN_AT_LEAST + 10)]


def test_a_feed_larger_than_the_least_window_keeps_all_of_itself() -> None:
    keys = [str(number) for number in range(SEEN_AT_LEAST * 2)]
    _, seen = entries_from(FEED, feed_of(*keys), {"gone": SeenEntry(revision=1, fingerprint="x")}, NOW)
    assert set(keys) | {"gone"} == set(seen)


def state(**given: object) -> FeedState:
    return FeedState.model_validate({"feed_id": "news", "next_poll_at": NOW, **given})


def test_a_new_feed_is_due_soon_and_always_at_the_same_moment() -> None:
    due = {plan(FEED.model_copy(update={"feed_id": str(n)}), None, NOW) - NOW for n in range(50)}
    assert all(timedelta() <= each <= timedelta(seconds=2) for each in due)
    assert len(due) > 10
    assert plan(FEED, None, NOW) == plan(FEED, None, NOW)


def test_a_known_feed_is_due_when_its_state_says_but_no_later_than_its_interval() -> None:
    soon = NOW + timedelta(seconds=30)
    late = NOW + timedelta(days=1)
    assert plan(FEED, state(next_poll_at=soon), NOW) == soon
    assert plan(FEED, state(next_poll_at=late), NOW) == NOW + timedelta(seconds=600)
    assert plan(FEED, state(next_poll_at=late, failures=3), NOW) == late


def test_success_remembers_validators_and_forgets_failures() -> None:
    fetched = Fetched(200, BASE, {"etag": '"x"', "last-modified": "Sun, 22 Nov 2026 10:00:00 GMT"})
    after = succeeded(FEED, fetched, {}, NOW)
    assert conditional_headers(after) == {"if-none-match": '"x"', "if-modified-since": "Sun, 22 Nov 2026 10:00:00 GMT"}
    assert (after.failures, after.last_error, after.last_success_at) == (0, None, NOW)
    assert after.next_poll_at == NOW + timedelta(seconds=600)
    assert conditional_headers(succeeded(FEED, Fetched(200, BASE, {"etag": "x" * 5000}), {}, NOW)) == {}
    assert conditional_headers(None) == {}


def test_no_change_keeps_what_was_seen_and_counts_as_success() -> None:
    before = state(etag='"x"', failures=3, last_error="bad", seen={"a": SeenEntry(revision=1, fingerprint="f")})
    after = unchanged(FEED, before, NOW)
    assert (after.etag, after.seen, after.failures, after.last_error) == ('"x"', before.seen, 0, None)
    assert after.next_poll_at == NOW + timedelta(seconds=600)


def test_failures_wait_longer_and_longer_up_to_six_hours() -> None:
    after: FeedState | None = None
    waits = []
    for _ in range(30):
        after = failed(FEED, after, "bad", NOW)
        waits.append(after.next_poll_at - NOW)
    assert [wait.total_seconds() for wait in waits[:4]] == [600, 1200, 2400, 4800]
    assert waits[-1] == LONGEST_BACKOFF
    assert waits == sorted(waits)
    assert after is not None
    assert (after.failures, after.last_error) == (30, "bad")


def test_a_failure_keeps_what_was_seen() -> None:
    before = state(etag='"x"', seen={"a": SeenEntry(revision=1, fingerprint="f")})
    after = failed(FEED, before, "x" * 5000, NOW)
    assert (after.seen, after.etag) == (before.seen, '"x"')
    assert len(after.last_error or "") == 500


def test_the_server_may_ask_for_more_time_but_not_for_less() -> None:
    assert failed(FEED, None, "bad", NOW, retry_after=7200).next_poll_at == NOW + timedelta(hours=2)
    assert failed(FEED, None, "bad", NOW, retry_after=1).next_poll_at == NOW + timedelta(seconds=600)


def test_a_feed_that_is_gone_waits_a_week() -> None:
    after = failed(FEED, None, "gone", NOW, gone=True)
    assert after.next_poll_at == NOW + GONE_BACKOFF
    assert plan(FEED, after, NOW) == NOW + GONE_BACKOFF
