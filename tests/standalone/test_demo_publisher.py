"""The publisher over time: what appears when, what changes, and conditional requests."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import Any

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.feeds_file import parse_feeds
from copydesk_standalone.demo import Publisher, Response, feeds_yaml
from copydesk_standalone.demo.article import load_articles

STARTED = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
EVERY = 5.0
FEEDS = ("/rss.xml", "/atom.xml", "/wire.xml")
FIRST = [article for article in load_articles() if article.age_minutes is not None]
LATER = [article for article in load_articles() if article.age_minutes is None]
CORRECTED = next(article for article in load_articles() if article.corrected_after is not None)
CORRECTED_AT = EVERY * (CORRECTED.corrected_after or 0)


def publisher(seconds: float, started: datetime = STARTED) -> Publisher:
    return Publisher(lambda: started + timedelta(seconds=seconds), started, EVERY, "http://127.0.0.1:8099")


def get(path: str, seconds: float = 3600, **headers: str) -> Response:
    return publisher(seconds).respond(path, {name.replace("_", "-"): value for name, value in headers.items()})


def entries(path: str, seconds: float = 3600) -> dict[str, Any]:
    feed = feedparser.parse(get(path, seconds).body)
    assert not feed.bozo, feed.get("bozo_exception")
    return {entry.title: entry for entry in feed.entries}


def slugs(seconds: float) -> list[str]:
    return [item.article.slug for item in publisher(seconds).printed()]


def test_the_first_batch_is_there_at_once_and_nothing_else() -> None:
    assert set(slugs(0)) == {article.slug for article in FIRST}
    assert all(item.published < STARTED for item in publisher(0).printed())


def test_one_article_appears_with_each_tick_in_the_order_of_the_files() -> None:
    for ticks, article in enumerate(LATER, start=1):
        assert article.slug not in slugs(ticks * EVERY - 0.001)
        assert slugs(ticks * EVERY)[0] == article.slug
        assert get(article.path, ticks * EVERY - 0.001).status == 404
    assert len(slugs(3600)) == len(load_articles())


def test_an_article_is_dated_at_the_moment_it_appears() -> None:
    dates = {item.article.slug: item.published for item in publisher(3600).printed()}
    for ticks, article in enumerate(LATER, start=1):
        assert dates[article.slug] == STARTED + timedelta(seconds=ticks * EVERY)


@given(st.floats(0, 200), st.floats(0, 200))
def test_what_is_out_stays_out_and_newest_comes_first(one: float, other: float) -> None:
    early, late = sorted((one, other))
    assert set(slugs(early)) <= set(slugs(late))
    assert all(a.published >= b.published for a, b in pairwise(publisher(late).printed()))
    assert all(item.updated <= STARTED + timedelta(seconds=late) for item in publisher(late).printed())


@given(st.integers(0, 999_999))
def test_no_date_lies_in_the_future_wherever_in_a_second_it_starts(microsecond: int) -> None:
    paper = publisher(0.0, STARTED.replace(microsecond=microsecond))
    assert all(item.published <= paper.clock() for item in paper.printed())
    assert not {item.published.microsecond for item in paper.printed()} - {0}


def test_dates_are_utc_whatever_the_offset_of_the_start() -> None:
    elsewhere = STARTED.astimezone(datetime.strptime("+0530", "%z").tzinfo)
    assert publisher(60, elsewhere).respond("/rss.xml", {}).body == get("/rss.xml", 60).body


@pytest.mark.parametrize("every", [0, -1, float("nan")])
def test_a_pace_that_is_not_above_zero_is_refused(every: float) -> None:
    with pytest.raises(ValueError, match="every_seconds must be above zero"):
        Publisher(lambda: STARTED, STARTED, every)


def test_the_correction_changes_text_and_dates_once() -> None:
    before, after = get(CORRECTED.path, CORRECTED_AT - 0.001), get(CORRECTED.path, CORRECTED_AT)
    assert before.body != after.body == get(CORRECTED.path).body
    assert before.headers["etag"] != after.headers["etag"]
    old, new = (entries("/rss.xml", at)[CORRECTED.title] for at in (CORRECTED_AT - 0.001, CORRECTED_AT))
    assert old.published == new.published
    assert old.updated_parsed < new.updated_parsed
    assert old.summary == CORRECTED.summary
    assert new.summary == CORRECTED.corrected_summary


@pytest.mark.parametrize("path", FEEDS)
def test_a_feed_parses_cleanly_and_holds_what_it_should(path: str) -> None:
    channel = path.strip("/").partition(".")[0]
    wanted = [article for article in load_articles() if channel in article.channels]
    found = entries(path)
    assert set(found) == {article.title for article in wanted}
    for article in wanted:
        entry = found[article.title]
        assert entry.id == f"tag:harbour-courier.example,2024:{article.slug}"
        assert entry.link.partition("?")[0] == f"http://127.0.0.1:8099{article.path}"
        assert entry.summary == article.reads_summary(revised=True)
        assert entry.published_parsed


def test_the_feeds_together_hold_every_article_and_one_is_in_two() -> None:
    found = [title for path in FEEDS for title in entries(path)]
    assert set(found) == {article.title for article in load_articles()}
    assert len(found) == len(load_articles()) + 1


def test_rss_dates_are_rfc_822_in_gmt() -> None:
    body = get("/rss.xml").body.decode()
    dates = [line.partition(">")[2].partition("<")[0] for line in body.splitlines() if "<pubDate>" in line]
    assert len(dates) == len(entries("/rss.xml"))
    assert all(date.endswith(" GMT") and parsedate_to_datetime(date) for date in dates)


def test_the_wire_carries_the_full_text_and_has_no_pages() -> None:
    for article in load_articles():
        if article.template == "wire":
            text = entries("/wire.xml")[article.title].content[0].value
            plain = text.replace("&#34;", '"').replace("&#39;", "'")
            assert all(paragraph in plain for paragraph in article.expected_paragraphs())
            assert get(article.path).status == 404


def test_the_other_feeds_do_not_carry_the_text() -> None:
    story = load_articles()[0].expected_paragraphs()[0]
    assert story.encode() not in get("/rss.xml").body + get("/atom.xml").body


@pytest.mark.parametrize("path", [*FEEDS, "/", "/world", "/robots.txt", "/style.css", "/about", CORRECTED.path])
def test_a_conditional_get_of_what_has_not_changed_is_a_304(path: str) -> None:
    full = get(path)
    assert (full.status, int(full.headers["content-length"])) == (200, len(full.body))
    for condition in ({"if_none_match": full.headers["etag"]}, {"if_modified_since": full.headers["last-modified"]}):
        again = get(path, 7200, **condition)
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == full.headers["etag"]
        assert "content-length" not in again.headers


@pytest.mark.parametrize("path", ["/rss.xml", "/", "/local"])
def test_a_conditional_get_sees_a_new_article(path: str) -> None:
    old = get(path, 3 * EVERY - 0.5)
    condition = {"if_none_match": old.headers["etag"]}
    assert get(path, 3 * EVERY - 0.1, **condition).status == 304
    assert get(path, 3 * EVERY, **condition).status == 200
    assert get(path, 3 * EVERY, if_modified_since=old.headers["last-modified"]).status == 200


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ({"if_none_match": '"other"'}, 200),
        ({"if_none_match": "*"}, 304),
        ({"if_none_match": '"other", W/{etag}'}, 304),
        ({"if_none_match": '"other"', "if_modified_since": "{last-modified}"}, 200),
        ({"if_modified_since": "yesterday, or so"}, 200),
        ({"if_modified_since": ""}, 200),
        ({"if_modified_since": "Mon, 05 Jan 2026 08:00:00 GMT"}, 200),
        ({"if_modified_since": "Tue, 06 Jan 2026 08:00:00 -0000"}, 304),
    ],
)
def test_conditions_as_rfc_9110_has_them(condition: dict[str, str], status: int) -> None:
    known = get("/rss.xml").headers
    filled = {name: value.format_map(known) for name, value in condition.items()}
    assert get("/rss.xml", 3600, **filled).status == status


def test_no_last_modified_within_the_second_of_the_change() -> None:
    fresh, settled = get("/rss.xml", EVERY + 0.4), get("/rss.xml", EVERY + 1)
    assert "last-modified" not in fresh.headers
    assert parsedate_to_datetime(settled.headers["last-modified"]) == STARTED + timedelta(seconds=EVERY)


@given(st.text(max_size=40))
def test_any_other_path_is_not_found(path: str) -> None:
    assert get(f"/nowhere/{path}").status == 404


@pytest.mark.parametrize("number", ["0", "3", "99", "1000000", "01", "-1", ""])
def test_a_picture_that_the_article_does_not_have_is_not_found(number: str) -> None:
    assert get(f"/pictures/{CORRECTED.slug}-{number}.svg").status == 404


def test_robots_txt_lets_readers_in() -> None:
    assert get("/robots.txt").body.startswith(b"User-agent: *\nDisallow: /comments/\n")


def test_the_fetcher_takes_the_feeds_file() -> None:
    feeds = parse_feeds(feeds_yaml(4711), "feeds.yaml")
    assert [feed.url for feed in feeds] == [f"http://127.0.0.1:4711{path}" for path in FEEDS]
    assert [feed.content for feed in feeds] == ["page", "page", "feed"]
    assert len({feed.feed_id for feed in feeds}) == len(feeds)
    assert {feed.interval_seconds for feed in feeds} == {5}
