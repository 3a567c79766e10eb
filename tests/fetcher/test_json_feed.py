import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk_fetcher.parsing.model import NotAFeed, ParsedEntry, ParsedFeed

from .samples import complaint, parse

VERSION = "https://jsonfeed.org/version/1.1"
LONG = "<p>" + "The harbour was quiet that morning and the boats lay still. " * 20 + "</p>"


def feed_of(*items: Any, **about: Any) -> ParsedFeed:
    return parse(json.dumps({"version": VERSION, "title": "News", "items": items, **about}).encode(), "text/plain")


def entry_of(**item: Any) -> ParsedEntry:
    (entry,) = feed_of({"id": "1", "url": "https://news.example/a", **item}).entries
    return entry


def test_an_item() -> None:
    entry = entry_of(
        title="Storm &amp; tide",
        content_html=LONG,
        summary="It blew.",
        authors=[{"name": "Ann"}, {"name": "Bob"}, {"url": "https://x.example"}],
        date_published="2026-11-20T10:00:00+01:00",
        date_modified="2026-11-21T10:00:00Z",
    )
    assert (entry.title, entry.summary, entry.authors) == ("Storm & tide", "It blew.", ("Ann", "Bob"))
    assert entry.published_at == datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert entry.updated_at == datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert (entry.content, entry.content_type, entry.is_full) == (LONG, "text/html", True)


def test_the_feed_itself() -> None:
    hubs = [{"type": "rssCloud", "url": "https://cloud.example/"}, {"type": "WebSub", "url": "https://hub.example/"}]
    feed = feed_of(feed_url="https://news.example/feed.json", hubs=hubs)
    assert (feed.title, feed.hub, feed.self_url) == ("News", "https://hub.example/", "https://news.example/feed.json")
    assert (feed.entries, feed.problem) == ((), None)


@pytest.mark.parametrize(
    ("item", "url"),
    [
        ({"url": "/a"}, "https://news.example/a"),
        ({"url": "/a", "external_url": "https://other.example/b"}, "https://news.example/a"),
        ({"external_url": "https://other.example/b"}, "https://other.example/b"),
        ({"url": "javascript:alert(1)", "external_url": "https://other.example/b"}, "https://other.example/b"),
        ({"id": "https://news.example/id"}, "https://news.example/id"),
    ],
)
def test_which_link_an_item_has(item: dict[str, Any], url: str) -> None:
    assert [entry.url for entry in feed_of(item).entries] == [url]


def test_authors_of_an_item_come_before_those_of_the_feed_and_those_of_1_0_count() -> None:
    item = {"id": "1", "url": "/a"}
    assert feed_of(item, authors=[{"name": "Desk"}]).entries[0].authors == ("Desk",)
    assert feed_of({**item, "author": {"name": "Ann"}}, author={"name": "Desk"}).entries[0].authors == ("Ann",)
    assert feed_of({**item, "authors": ["Ann", 5, None, {"name": 7}]}).entries[0].authors == ("Ann",)


def test_text_is_the_content_where_there_is_no_html() -> None:
    entry = entry_of(content_text="Plain words.", content_html="  ")
    assert (entry.content, entry.content_type, entry.summary) == ("Plain words.", "text/plain", "Plain words.")


def test_a_number_is_an_id_as_its_digits_are() -> None:
    assert entry_of(id=17).key == entry_of(id="17").key != entry_of(id=18).key


@pytest.mark.parametrize("date", ["yesterday", 5, [], {"a": 1}, "2026-13-01T00:00:00Z", "2099-01-01T00:00:00Z"])
def test_a_date_that_cannot_be_true_is_none(date: Any) -> None:
    assert entry_of(date_published=date).published_at is None


def test_dates_that_cannot_be_read_are_a_problem_of_the_feed() -> None:
    items = [{"id": str(number), "url": f"/{number}", "date_published": "soon"} for number in range(3)]
    assert feed_of(*items).problem == "3 dates that cannot be true"


@pytest.mark.parametrize("wrong", [None, 5, "x", [], [1], True, 1.5])
def test_an_item_of_a_wrong_type_is_counted_and_the_others_are_read(wrong: Any) -> None:
    feed = feed_of(wrong, {"id": "1", "url": "/a"})
    assert [entry.url for entry in feed.entries] == ["https://news.example/a"]
    assert feed.skipped == 1
    assert feed.problem == "1 of its items are no objects"


def test_a_feed_that_broke_off_gives_the_items_that_are_whole() -> None:
    whole = {"version": VERSION, "title": "News", "items": [{"id": str(n), "url": f"/{n}"} for n in range(3)]}
    feed = parse(json.dumps(whole)[:-8].encode())
    assert [entry.url for entry in feed.entries] == ["https://news.example/0", "https://news.example/1"]
    assert feed.title == "News"
    assert "broken JSON" in str(feed.problem)


def test_a_feed_that_forgot_its_version_is_read() -> None:
    body = json.dumps({"items": [{"id": 1, "url": "/a", "content_text": "x"}]}).encode()
    assert parse(body).problem == "no version of JSON Feed"


def test_no_more_than_the_first_items_are_read() -> None:
    items = [{"id": n, "url": f"/{n}"} for n in range(500)]
    assert len(parse(json.dumps({"version": VERSION, "items": items}).encode(), limit=20).entries) == 20


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"{}", "no JSON Feed"),
        (b"[]", "no JSON Feed"),
        (b"[1, 2", "broken JSON"),
        (b'{"items": 5}', "no JSON Feed"),
        (b'{"items": [{"url": "https://news.example/a"}]}', "no JSON Feed"),
        (b'{"version": "https://jsonfeed.org/version/1.1"}', "no JSON Feed"),
        (b'{"version": "https://jsonfeed.org/version/1.1", "items": {}}', "no JSON Feed"),
        (b"[" * 1_000_000, "nested too deep"),
        (b'{"a":' * 1_000_000, "nested too deep"),
    ],
)
def test_what_is_no_json_feed_says_so(body: bytes, problem: str) -> None:
    with pytest.raises(NotAFeed, match=problem):
        parse(body)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_the_encoding_is_found_without_a_declaration(encoding: str) -> None:
    body = json.dumps({"version": VERSION, "items": [{"id": "1", "url": "/a", "title": "Fjäll"}]}, ensure_ascii=False)
    assert parse(f"\n {body}".encode(encoding)).entries[0].title == "Fjäll"


NAMES = st.sampled_from(
    "id url external_url title summary content_html content_text date_published date_modified authors author "
    "name version items hubs feed_url type".split()
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("https://news.example/a"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=5), st.lists(st.dictionaries(NAMES, VALUES, max_size=8), max_size=4))
def test_any_json_is_a_feed_or_is_not(about: dict[str, Any], items: list[dict[str, Any]]) -> None:
    good = {"id": "good", "url": "https://news.example/good", "title": "Good"}
    feed = parse(json.dumps({**about, "version": VERSION, "items": [good, *items]}).encode())
    assert feed.entries[0].title == "Good"
    for entry in feed.entries:
        assert entry.url.startswith("https://")
        assert "".join((entry.url, entry.title, entry.summary, entry.content, *entry.authors)).encode()
    for url in (feed.hub, feed.self_url):
        assert url is None or url.startswith("https://")


@settings(max_examples=100, deadline=None)
@given(VALUES, st.integers(min_value=0, max_value=200))
def test_json_that_is_cut_anywhere_never_breaks_the_reader(value: Any, at: int) -> None:
    body = json.dumps({"version": VERSION, "items": value})[:at].encode()
    assert "\n" not in complaint(body)
