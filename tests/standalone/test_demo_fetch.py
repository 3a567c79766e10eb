"""The fetcher's own parsers on the sample publisher's feeds: what it would take from them, poll by poll."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from copydesk_fetcher.canonical import declared_in_head
from copydesk_fetcher.entries import News, entries_from
from copydesk_fetcher.feeds_file import parse_feeds
from copydesk_fetcher.head import read_head
from copydesk_fetcher.parsing.dispatch import parse_feed
from copydesk_shared.messages import Feed, SeenEntry
from copydesk_standalone.demo import Publisher, feeds_yaml
from copydesk_standalone.demo.article import Article, load_articles

STARTED = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PORT = 8099
BASE = f"http://127.0.0.1:{PORT}"
FEEDS = parse_feeds(feeds_yaml(PORT), "feeds.yaml")
EVERY_FEED = pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.feed_id)
BY_TITLE = {article.title: article for article in load_articles()}
LATEST = 3600.0


def carried(feed: Feed) -> set[Article]:
    channel = feed.url.rpartition("/")[2].partition(".")[0]
    return {article for article in load_articles() if channel in article.channels}


def poll(feed: Feed, seconds: float, seen: Mapping[str, SeenEntry] | None = None) -> News:
    now = STARTED + timedelta(seconds=seconds)
    response = Publisher(lambda: now, STARTED, 5, BASE).respond(feed.url.removeprefix(BASE), {})
    parsed = parse_feed(response.body, response.headers["content-type"], feed.url, 100, now)
    assert (parsed.skipped, parsed.problem) == (0, None)
    return entries_from(feed, parsed, seen or {}, now)


@EVERY_FEED
def test_every_entry_is_taken_with_what_the_article_says(feed: Feed) -> None:
    news = poll(feed, LATEST)
    assert {BY_TITLE[entry.title] for entry in news.entries} == carried(feed)
    assert (news.off_site, news.warning) == (0, None)
    for entry in news.entries:
        article = BY_TITLE[entry.title]
        assert entry.url.partition("?")[0] == BASE + article.path
        assert entry.authors == article.authors
        assert entry.summary == article.reads_summary(revised=True)
        assert entry.published_at is not None
        assert entry.published_at.tzinfo is not None


@EVERY_FEED
def test_only_the_wire_brings_its_text_along(feed: Feed) -> None:
    for entry in poll(feed, LATEST).entries:
        if BY_TITLE[entry.title].template == "wire":
            assert entry.content_type == "text/html"
            assert BY_TITLE[entry.title].expected_paragraphs()[0] in (entry.content or "")
        else:
            assert entry.content is None


@EVERY_FEED
def test_polling_as_articles_appear_takes_each_once_and_the_correction_as_a_revision(feed: Feed) -> None:
    seen: dict[str, SeenEntry] = {}
    taken: list[tuple[str, int]] = []
    for seconds in range(0, 90, 3):
        news = poll(feed, float(seconds), seen)
        seen = news.seen
        taken += [(BY_TITLE[entry.title].slug, entry.revision) for entry in news.entries]
    corrected = [(article.slug, 2) for article in carried(feed) if article.corrected_after is not None]
    assert sorted(taken) == sorted([(article.slug, 1) for article in carried(feed)] + corrected)


def test_a_restart_that_keeps_the_start_brings_nothing_new() -> None:
    for feed in FEEDS:
        seen = poll(feed, LATEST).seen
        assert poll(feed, LATEST + 60, seen).entries == ()


@pytest.mark.parametrize("article", [a for a in load_articles() if a.template != "wire"], ids=lambda a: a.slug)
def test_the_page_declares_the_address_without_tracking(article: Article) -> None:
    now = STARTED + timedelta(hours=1)
    body = Publisher(lambda: now, STARTED, 5, BASE).respond(article.path, {}).body.decode()
    url = BASE + article.path
    assert declared_in_head(read_head(body), f"{url}?utm_source=rss") == url
