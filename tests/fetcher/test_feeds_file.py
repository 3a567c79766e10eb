from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.feeds_file import (
    SyncResult,
    changes,
    load_feeds,
    parse_feeds,
)
from copydesk_shared.errors import InputError
from copydesk_shared.feed_records import Known, known_feeds
from copydesk_shared.feeds import LONGEST_INTERVAL_SECONDS, SHORTEST_INTERVAL_SECONDS, parse_duration
from copydesk_shared.identity import short_digest
from copydesk_shared.log import Outgoing, Record
from copydesk_shared.messages import Feed
from copydesk_shared.topics import FEEDS
from copydesk_shared.wire import encode


def test_a_feed_with_nothing_but_a_url() -> None:
    assert parse_feeds("feeds:\n  - url: https://www.news.example/rss.xml\n", "f") == (
        Feed(
            feed_id=short_digest("https://www.news.example/rss.xml"), url="https://www.news.example/rss.xml",
            name="news.example", interval_seconds=900, content="auto", adapts=True,
        ),
    )  # fmt: skip


def test_a_feed_with_everything() -> None:
    text = (
        "feeds:\n- url: https://news.example/rss.xml # comment\n  name: '  The\n    News '\n  interval: 2h\n"
        "  content: feed\n  id: the-news\n  kind: sitemap\n  off_site: follow\n  websub: false\n  paused: true\n"
    )
    assert parse_feeds(text, "f") == (
        Feed(feed_id="the-news", url="https://news.example/rss.xml", name="The News", interval_seconds=7200,
             content="feed", kind="sitemap", off_site="follow", websub=False, paused=True),
    )  # fmt: skip


def test_no_feeds_at_all_is_a_list_too() -> None:
    assert parse_feeds("feeds: []", "f") == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "f:1: empty; it needs a list 'feeds'"),
        ("# only a comment\n", "f:1: empty; it needs a list 'feeds'"),
        ("- url: https://a.example/", "f:1: expected a mapping, found a list"),
        ("just text", "f:1: expected a mapping, found text"),
        ("42", "f:1: expected a mapping, found int"),
        ("{}", "f:1: feeds: expected a list, found nothing"),
        ("feeds:", "f:1: feeds: expected a list, found nothing"),
        ("feeds: https://a.example/", "f:1: feeds: expected a list, found text"),
        ("feeds: {url: x}", "f:1: feeds: expected a list, found a mapping"),
        ("feed: []", "f:1: feed: unknown key; did you mean 'feeds'?"),
        ("feeds: []\nother: 1", "f:2: other: unknown key; known: feeds"),
        ("feeds:\n- https://a.example/", "f:2: feeds[0]: expected a mapping, found text"),
        ("feeds:\n-", "f:2: feeds[0]: expected a mapping, found nothing"),
        ("feeds:\n- name: x", "f:2: feeds[0]: url is missing"),
        ("feeds:\n- url: https://a.example/\n  intervall: 1m", "f:3: feeds[0].intervall: unknown key; did you mean 'interval'?"),
        ("feeds:\n- url: https://a.example/\n  1: x", "f:3: feeds[0].1: unknown key; known: url, name"),
        ("feeds:\n- url: ftp://a.example/", "f:2: feeds[0].url: not an absolute http or https URL"),
        ("feeds:\n- url: /rss.xml", "f:2: feeds[0].url: not an absolute http or https URL"),
        ("feeds:\n- url: [1]", "f:2: feeds[0].url: [1] is not a URL"),
        ("feeds:\n- url: 7", "f:2: feeds[0].url: 7 is not a URL"),
        ("feeds:\n- url:", "f:2: feeds[0].url: None is not a URL"),
        ("feeds:\n- url: 'http://[::1'", "f:2: feeds[0].url: Invalid IPv6 URL"),
        ("feeds:\n- url: https://me:secret@a.example/", "f:2: feeds[0].url: a URL with a user name or password"),
        ("feeds:\n- url: https://a.example/\n  interval: soon", "f:3: feeds[0].interval: 'soon' is not a duration"),
        ("feeds:\n- url: https://a.example/\n  interval: -5", "f:3: feeds[0].interval: -5 is not a duration"),
        ("feeds:\n- url: https://a.example/\n  interval: yes", "f:3: feeds[0].interval: True is not a duration"),
        ("feeds:\n- url: https://a.example/\n  interval: 1.5", "f:3: feeds[0].interval: 1.5 is not a duration"),
        ("feeds:\n- url: https://a.example/\n  interval: 0", "f:3: feeds[0].interval: 0 is not between 1s and 7d"),
        ("feeds:\n- url: https://a.example/\n  interval: 8d", "f:3: feeds[0].interval: '8d' is not between 1s and 7d"),
        ("feeds:\n- url: https://a.example/\n  content: both", "f:3: feeds[0].content: 'both' is none of auto, page, feed"),
        ("feeds:\n- url: https://a.example/\n  name: ''", "f:3: feeds[0].name: '' is not a name"),
        ("feeds:\n- url: https://a.example/\n  id: a b", "f:3: feeds[0].id: 'a b' is not an id"),
        ("feeds:\n- url: https://a.example/\n  id: 7", "f:3: feeds[0].id: '7' is not an id"),
        ("feeds:\n- url: https://a.example/\n- url: https://A.example:443/?utm_source=x", "f:3: feeds[1].url: the same as that of feeds[0]"),
        ("feeds:\n- {url: 'https://a.example/', id: x}\n- {url: 'https://b.example/', id: x}", "f:3: feeds[1].id: the same as that of feeds[0]"),
        ("feeds:\n- url: https://a.example/\n  url: https://b.example/", "f:3: 'url' is given twice"),
        ("feeds: [", "f:1: not valid YAML"),
        ("\tfeeds:", "f:1: not valid YAML"),
        ("feeds: !!python/object/apply:os.system [ls]", "f:1: not valid YAML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_feeds(text, "f")
    assert str(caught.value).startswith(problem)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "feeds.yaml"
    with pytest.raises(InputError, match=r"feeds\.yaml: cannot be read: No such file"):
        load_feeds(missing)
    with pytest.raises(InputError, match="directory"):
        load_feeds(tmp_path)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"feeds: \xff")
    with pytest.raises(InputError, match=r"binary\.yaml: not UTF-8 at byte 7"):
        load_feeds(binary)


@given(st.text(max_size=80))
def test_any_text_is_a_list_of_feeds_or_one_line(text: str) -> None:
    error = complaint(text)
    assert error is None or ("\n" not in error and error.startswith("f:"))


def complaint(text: str) -> str | None:
    try:
        parse_feeds(text, "f")
    except InputError as error:
        return str(error)
    return None


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(), max_size=2)


@given(VALUES)
def test_a_duration_is_within_its_bounds_or_refused(value: object) -> None:
    try:
        seconds = parse_duration(value)
    except ValueError:
        return
    assert SHORTEST_INTERVAL_SECONDS <= seconds <= LONGEST_INTERVAL_SECONDS


@given(st.integers(min_value=1, max_value=7), st.sampled_from(["s", "m", "h", "d", ""]))
def test_durations_count_in_their_unit(number: int, unit: str) -> None:
    expected = number * {"s": 1, "m": 60, "h": 3600, "d": 86400, "": 1}[unit]
    assert parse_duration(f"{number}{unit}") == parse_duration(f" {number} {unit} ") == expected


def feed(feed_id: str, **more: object) -> Feed:
    given = {"feed_id": feed_id, "url": f"https://{feed_id}.example/", "name": feed_id, **more}
    return Feed.model_validate(given)


def stored(outgoing: Outgoing, offset: int = 0) -> Record:
    return Record(outgoing.topic, 0, offset, outgoing.key, outgoing.value, outgoing.headers)


def test_only_differences_are_written_and_only_feeds_of_a_file_removed() -> None:
    by_file = {name: Known(feed(name), from_file=True) for name in ("same", "different", "removed")}
    by_hand = {"by-hand": Known(feed("by-hand"), from_file=False)}
    wanted = (feed("same"), feed("different", interval_seconds=60), feed("new"))
    records, result = changes(wanted, by_file | by_hand)
    assert result == SyncResult(added=1, changed=1, removed=1, unchanged=1)
    assert {record.key: record.value is None for record in records} == {
        b"new": False,
        b"different": False,
        b"removed": True,
    }


def test_what_was_written_is_what_is_known_the_next_time() -> None:
    feeds = (feed("a"), feed("b"))
    records, _ = changes(feeds, {})
    known = known_feeds([stored(record) for record in records])
    assert changes(feeds, known) == ([], SyncResult(unchanged=2))
    records, result = changes(feeds[:1], known)
    assert result == SyncResult(removed=1, unchanged=1)
    assert list(known_feeds([stored(each) for each in [*changes(feeds, {})[0], *records]])) == ["a"]


def test_what_somebody_has_done_since_survives_what_the_file_says_nothing_of() -> None:
    (told,) = parse_feeds("feeds: [{url: https://old.example/feed, interval: 5m}]", "f")
    moved = {"url": "https://new.example/feed", "moved_from": "https://old.example/feed", "paused": True}
    known = {told.feed_id: Known(told.model_copy(update=moved), from_file=True, partition=3)}
    assert changes((told,), known) == ([], SyncResult(unchanged=1))
    (resumed,) = parse_feeds("feeds: [{url: https://old.example/feed, interval: 10m, paused: false}]", "f")
    (record,), result = changes((resumed,), known)
    assert (record.partition, result) == (3, SyncResult(changed=1))
    after = Feed.model_validate_json(record.value or b"")
    assert (after.url, after.moved_from) == (moved["url"], moved["moved_from"])
    assert (after.paused, after.interval_seconds, after.adapts) == (False, 600, False)
    (elsewhere,) = parse_feeds(f"feeds: [{{url: https://third.example/, id: {told.feed_id}}}]", "f")
    (record,), _ = changes((elsewhere,), known)
    after = Feed.model_validate_json(record.value or b"")
    assert (after.url, after.moved_from, after.paused, after.adapts) == ("https://third.example/", None, True, True)


def test_new_feeds_have_their_place_and_others_are_changed_and_removed_where_they_lie() -> None:
    known = {name: Known(feed(name), from_file=True, partition=4) for name in ("changed", "removed")}
    records, _ = changes((feed("changed", name="Another"), feed("new")), known)
    by_key = {record.key: record for record in records}
    assert (by_key[b"new"].place, by_key[b"new"].partition) == ("new.example", None)
    assert [by_key[key].partition for key in (b"changed", b"removed")] == [4, 4]


def test_of_a_feed_in_two_partitions_the_newer_counts() -> None:
    older, newer = (encode(FEEDS, feed("a", name=name), stage="s", version="1") for name in ("older", "newer"))
    records = [
        Record("feeds", 1, 0, newer.key, newer.value, newer.headers, 2000),
        Record("feeds", 2, 0, older.key, older.value, older.headers, 1000),
    ]
    for order in (records, records[::-1]):
        assert known_feeds(order)["a"].feed.name == "newer"
    gone = Record("feeds", 2, 1, b"a", None, (), 3000)
    assert known_feeds([*records, gone])["a"].partition == 1


def test_feeds_that_others_wrote_are_known_as_such_and_broken_ones_passed_over() -> None:
    by_api = encode(FEEDS, feed("a"), stage="api", version="1")
    known = known_feeds([stored(by_api), Record("feeds", 0, 1, b"broken", b"{", ())])
    assert known == {"a": Known(feed("a"), from_file=False)}
    assert changes((), known) == ([], SyncResult())
