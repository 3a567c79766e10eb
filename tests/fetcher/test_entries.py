import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.entries import (
    FORM_ENTRIES,
    KNOWN_TITLE_CHARACTERS,
    KNOWN_TITLES,
    SEEN_AT_LEAST,
    SEEN_GONE_AT_MOST,
    SEEN_PER_ENTRY,
    SHRINKS_TO,
    News,
    entries_from,
    link_digest,
)
from copydesk_fetcher.parse import ParsedEntry, ParsedFeed
from copydesk_shared.identity import short_digest
from copydesk_shared.messages import Feed, FeedState, SeenEntry

from .samples import BASE, NOW

FEED = Feed(feed_id="news", url=BASE, name="The News", interval_seconds=600)
FOLLOWING = FEED.model_copy(update={"off_site": "follow"})
FOUND = ParsedEntry(
    key="k", url="https://www.news.example/a", title="T", summary="S", authors=("Ann",), published_at=NOW, updated_at=NOW,
    content="<p>Full", content_type="text/html", is_full=True, fingerprint="f1",
)  # fmt: skip


def found(key: str, *, url: str | None = None, fingerprint: str = "f1") -> ParsedEntry:
    return replace(
        FOUND, key=key, url=url or f"https://www.news.example/{key}", title=f"T {key}", fingerprint=fingerprint
    )


def feed_of(*keys: str, fingerprint: str = "f1") -> ParsedFeed:
    return ParsedFeed(tuple(found(key, fingerprint=fingerprint) for key in keys))


def linking(*urls: str) -> ParsedFeed:
    return ParsedFeed(tuple(found(str(number), url=url) for number, url in enumerate(urls)))


def told(news: News) -> list[tuple[str, int]]:
    return [(entry.title, entry.revision) for entry in news.entries]


def poll(
    parsed: ParsedFeed, seen: dict[str, SeenEntry] | None = None, feed: Feed = FEED, **given: Iterable[str]
) -> News:
    return entries_from(feed, parsed, seen or {}, NOW, homes=given.get("homes", ()))


def test_a_new_entry_says_all_that_the_feed_says() -> None:
    news = poll(ParsedFeed((FOUND,)))
    (entry,) = news.entries
    assert (entry.feed_id, entry.url, entry.title, entry.summary) == ("news", FOUND.url, "T", "S")
    assert (entry.source.name, entry.source.domain) == ("The News", "news.example")
    assert (entry.authors, entry.published_at, entry.updated_at, entry.discovered_at) == (("Ann",), NOW, NOW, NOW)
    assert (entry.revision, entry.is_off_site) == (1, False)
    assert news.seen == {"k": SeenEntry(revision=1, fingerprint="f1", link=link_digest(FOUND.url))}
    assert (news.new, news.off_site, news.warning) == (1, 0, None)


def test_what_was_seen_is_not_news_and_what_changed_is_the_next_revision() -> None:
    first = poll(feed_of("a", "b"))
    again = poll(feed_of("a", "b"), first.seen)
    assert again.entries == ()
    changed = poll(ParsedFeed((found("a"), found("b", fingerprint="f2"))), again.seen)
    assert (told(changed), changed.new) == ([("T b", 2)], 0)
    assert told(poll(feed_of("a", "b"), changed.seen)) == [("T b", 3)]


def test_the_oldest_entry_goes_first() -> None:
    assert [title for title, _ in told(poll(feed_of("newest", "middle", "oldest")))] == [
        "T oldest",
        "T middle",
        "T newest",
    ]


@pytest.mark.parametrize(
    ("wish", "is_full", "content"),
    [("page", True, None), ("page", False, None), ("feed", True, "<p>Full"), ("feed", False, "<p>Full"),
     ("auto", True, "<p>Full"), ("auto", False, None)],
)  # fmt: skip
def test_where_the_text_is_taken_from(wish: str, is_full: bool, content: str | None) -> None:
    feed = FEED.model_copy(update={"content": wish})
    (entry,) = poll(ParsedFeed((replace(FOUND, is_full=is_full),)), feed=feed).entries
    assert entry.content == content
    assert (entry.content_type is None) == (content is None)


def test_known_titles_are_those_of_the_others_within_bounds() -> None:
    many = ParsedFeed(tuple(replace(found(str(n)), title=f"{n} {'x' * 400}") for n in range(300)))
    entries = poll(many).entries
    assert len(entries) == 300
    for entry in entries:
        assert len(entry.known_titles) == KNOWN_TITLES
        assert entry.title[:KNOWN_TITLE_CHARACTERS] not in entry.known_titles
        assert max(map(len, entry.known_titles)) == KNOWN_TITLE_CHARACTERS


def test_one_url_twice_in_a_feed_is_one_entry_the_newer_one_whatever_the_order() -> None:
    older = replace(found("a", url="https://news.example/live"), updated_at=NOW - timedelta(hours=1), fingerprint="old")
    newer = found("b", url="http://www.news.example/live/")
    first = poll(ParsedFeed((older, newer)))
    assert told(first) == [("T b", 1)]
    assert poll(ParsedFeed((newer, older)), first.seen).entries == ()
    undated = ParsedFeed(tuple(replace(each, updated_at=None, published_at=None) for each in (older, newer)))
    assert told(poll(undated)) == [("T a", 1)]


def test_one_id_for_all_entries_does_not_hide_them() -> None:
    same = ParsedFeed((found("id", url="https://news.example/1"), found("id", url="https://news.example/2")))
    first = poll(same)
    assert len(first.entries) == 2
    assert poll(same, first.seen).entries == ()
    third = ParsedFeed((found("id", url="https://news.example/3"), *same.entries))
    assert [entry.url for entry in poll(third, first.seen).entries] == ["https://news.example/3"]


def test_an_entry_whose_link_was_changed_is_the_same_entry() -> None:
    first = poll(feed_of("a"))
    moved = poll(ParsedFeed((found("a", url="https://www.news.example/better-slug"),)), first.seen)
    assert moved.entries == ()
    edited = poll(ParsedFeed((found("a", url="https://www.news.example/best-slug", fingerprint="f2"),)), moved.seen)
    assert told(edited) == [("T a", 2)]


def test_a_feed_that_gives_all_its_entries_new_ids_brings_nothing_new() -> None:
    first = poll(ParsedFeed(tuple(found(f"old{n}", url=f"http://news.example/{n}") for n in range(30))))
    renamed = ParsedFeed(tuple(found(f"new{n}", url=f"https://www.news.example/{n}") for n in range(31)))
    second = poll(renamed, first.seen)
    assert told(second) == [("T new30", 1)]
    assert set(second.seen) == {f"new{n}" for n in range(31)}, "nothing is remembered twice"
    edited = replace(renamed.entries[3], fingerprint="f2", key="newer3")
    third = poll(ParsedFeed((*renamed.entries[:3], edited)), second.seen)
    assert [entry.revision for entry in third.entries] == [2]


def test_a_state_with_longer_keys_is_understood() -> None:
    key, fingerprint = short_digest("id"), short_digest("text")[:12]
    seen = {key: SeenEntry(revision=4, fingerprint=fingerprint)}
    parsed = ParsedFeed((found(key, fingerprint=fingerprint),))
    news = poll(parsed, seen)
    assert news.entries == ()
    assert [each.revision for each in news.seen.values()] == [4]


def test_nearly_all_entries_changed_at_once_are_a_new_form_of_the_feed() -> None:
    keys = [f"k{n}" for n in range(FORM_ENTRIES)]
    first = poll(feed_of(*keys))
    changed = poll(feed_of("new", *keys, fingerprint="f2"), first.seen)
    assert told(changed) == [("T new", 1)]
    assert changed.warning == "nearly all entries changed at once: taken for a change of the feed's form"
    one = poll(ParsedFeed((found("k0", fingerprint="f3"), *feed_of(*keys[1:], fingerprint="f2").entries)), changed.seen)
    assert told(one) == [("T k0", 2)], "the new form is what later changes are measured by"
    few = keys[: FORM_ENTRIES - 1]
    assert len(poll(feed_of(*few, fingerprint="f2"), poll(feed_of(*few)).seen).entries) == len(few)


OWN = [f"https://www.news.example/{n}" for n in range(6)]
AD = "https://shop.advert.example/buy"


def test_links_to_other_sites_are_passed_over_and_counted_once() -> None:
    first = poll(linking(*OWN, AD))
    assert [entry.url for entry in first.entries] == OWN[::-1]
    assert (first.new, first.off_site, first.warning) == (6, 1, None)
    again = poll(linking(*OWN, AD), first.seen)
    assert (again.entries, again.off_site) == ((), 0)


def test_links_to_other_sites_are_marked_where_they_are_followed() -> None:
    marks = {entry.url: entry.is_off_site for entry in poll(linking(*OWN, AD), feed=FOLLOWING).entries}
    assert marks == dict.fromkeys(OWN, False) | {AD: True}


def test_what_was_passed_over_comes_when_it_is_wanted_after_all() -> None:
    passed = poll(linking(*OWN, AD))
    wanted = poll(linking(*OWN, AD), passed.seen, FOLLOWING)
    assert [(entry.url, entry.revision) for entry in wanted.entries] == [(AD, 1)]
    assert poll(linking(*OWN, AD), wanted.seen, FOLLOWING).entries == ()


@pytest.mark.parametrize(
    ("urls", "homes", "kept"),
    [
        pytest.param([*OWN, AD], [], 6, id="its own site"),
        pytest.param([*(f"https://paper.example/{n}" for n in range(9)), AD], [], 9, id="hosted elsewhere"),
        pytest.param(
            [*(f"https://b.example/{n}" for n in range(5)), *(f"https://c.example/{n}" for n in range(4)), AD], [], 9,
            id="hosted elsewhere, with two sites",
        ),
        pytest.param(
            [*(f"https://moved.example/{n}" for n in range(9)), OWN[0], AD], [], 10, id="a site that has moved"
        ),
        pytest.param([AD], [], 1, id="one entry on a host of feeds"),
        pytest.param([OWN[0], AD], [], 1, id="as many advertisements as entries"),
        pytest.param([*OWN, AD], ["https://advert.example/"], 7, id="a home by another name"),
        pytest.param([f"https://site{n}.example/" for n in range(10)], [], 0, id="a list of links to everywhere"),
        pytest.param(["http://10.0.0.1/a", "http://10.0.0.1/b"], [], 2, id="addresses"),
    ],
)  # fmt: skip
def test_which_links_are_the_feeds_own(urls: list[str], homes: list[str], kept: int) -> None:
    news = poll(linking(*urls), homes=homes)
    assert (len(news.entries), news.off_site) == (kept, len(urls) - kept)


PAPER = [f"https://paper.example/{number}" for number in range(6)]
MIRROR = [f"https://mirror.example/{number}" for number in range(4)]


@pytest.mark.parametrize(
    ("urls", "site_url", "kept"),
    [
        pytest.param([*PAPER, *[f"{AD}{n}" for n in range(4)]], None, 10, id="hosted elsewhere, and many links"),
        pytest.param([*PAPER, *[f"{AD}{n}" for n in range(4)]], "https://www.paper.example/", 6, id="of a site"),
        pytest.param([PAPER[0], *(f"https://site{n}.example/" for n in range(9))], PAPER[0], 1, id="one of its own"),
        pytest.param([*OWN, PAPER[0], AD], "https://paper.example/", 7, id="of its own host and of a site"),
        pytest.param([*PAPER, *MIRROR, AD], "https://advert.example/", 11, id="an advertiser named as the site"),
        pytest.param([*PAPER, *MIRROR, AD], "https://nobody.example/", 10, id="a site that nothing leads to"),
    ],
)
def test_the_site_that_a_feed_names_is_a_home_of_it(urls: list[str], site_url: str | None, kept: int) -> None:
    assert len(poll(replace(linking(*urls), site_url=site_url)).entries) == kept


def test_a_feed_of_links_to_everywhere_says_why_it_brings_nothing() -> None:
    news = poll(linking(*(f"https://site{n}.example/" for n in range(10))))
    assert news.warning == "10 of 10 entries link to other sites and are passed over (off_site: follow takes them)"


@given(st.lists(st.lists(st.integers(min_value=0, max_value=3000), unique=True, max_size=60), max_size=40))
def test_the_window_is_bounded_and_no_entry_of_an_unchanged_feed_comes_twice(polls: list[list[int]]) -> None:
    seen: dict[str, SeenEntry] = {}
    for numbers in polls:
        keys = [str(number) for number in numbers]
        known = set(seen)
        news = poll(feed_of(*keys), seen)
        assert {entry.title for entry in news.entries} == {f"T {key}" for key in set(keys) - known}
        assert set(keys) <= set(news.seen)
        assert len(news.seen) <= max(SEEN_AT_LEAST, SEEN_PER_ENTRY * len(keys), SHRINKS_TO * len(seen))
        seen = news.seen
        assert poll(feed_of(*keys), seen).entries == ()


@given(st.lists(st.sets(st.integers(0, 99), max_size=30), max_size=20))
def test_every_new_entry_comes_once_however_the_feed_comes_and_goes(polls: list[set[int]]) -> None:
    seen: dict[str, SeenEntry] = {}
    told: list[str] = []
    for numbers in polls:
        news = poll(feed_of(*map(str, sorted(numbers))), seen)
        seen = news.seen
        told += [entry.title for entry in news.entries]
    assert sorted(told) == sorted({f"T {number}" for numbers in polls for number in numbers})


def test_the_window_drops_the_oldest_first() -> None:
    seen: dict[str, SeenEntry] = {}
    for number in range(SEEN_AT_LEAST + 10):
        seen = poll(feed_of(str(number)), seen).seen
    assert list(seen) == [str(number) for number in range(10, SEEN_AT_LEAST + 10)]


def test_a_large_feed_keeps_all_of_itself_and_only_so_much_of_the_past() -> None:
    keys = [str(number) for number in range(SEEN_GONE_AT_MOST * 2)]
    seen = poll(feed_of(*(f"gone{key}" for key in keys))).seen
    for _ in range(40):
        seen = poll(feed_of(*keys), seen).seen
    assert set(keys) < set(seen)
    assert len(seen) == len(keys) + SEEN_GONE_AT_MOST


def test_a_feed_that_is_cut_short_once_does_not_come_back_as_news() -> None:
    keys = [str(number) for number in range(1000)]
    whole = poll(feed_of(*keys))
    cut = poll(feed_of(*keys[:3]), whole.seen)
    assert len(poll(feed_of(*keys), cut.seen).entries) <= round((1 - SHRINKS_TO) * 1000)
    pushed = entries_from(FEED, feed_of(*keys[:3]), whole.seen, NOW, shrinks_to=1.0)
    assert poll(feed_of(*keys), pushed.seen).entries == ()


def test_an_entry_takes_little_room_in_the_state() -> None:
    keys = [short_digest(str(number)) for number in range(SEEN_AT_LEAST)]
    seen = poll(feed_of(*keys, fingerprint=short_digest("text")[:12])).seen
    assert len(seen) == SEEN_AT_LEAST
    state = FeedState(feed_id="news", next_poll_at=NOW, seen=seen)
    size = len(json.dumps(state.model_dump(mode="json")["seen"], separators=(",", ":")))
    assert size / SEEN_AT_LEAST < 70
