"""Visits that lead on: to the sitemaps of an index, to the feeds of a site, by way of robots.txt."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from copydesk_fetcher.http import Client
from copydesk_fetcher.parsing.model import ParsedFeed
from copydesk_fetcher.visit import Visitor
from copydesk_shared.messages import Feed, FeedState

from .samples import rss
from .site import Site, answer, in_turn
from .visits import feed_at, titles

Parse = Callable[[bytes, str, str, datetime], Awaitable[ParsedFeed]]


def index_of(*paths: str) -> Callable[[Site], str]:
    def make(site: Site) -> str:
        children = "".join(f"<sitemap><loc>{site.url(path)}</loc></sitemap>" for path in paths)
        return f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{children}</sitemapindex>'

    return make


def urls_of(site: Site, *paths: str) -> str:
    urls = "".join(f"<url><loc>{site.url(path)}</loc></url>" for path in paths)
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>'


async def test_the_sitemaps_of_an_index_are_read_and_asked_for_again_only_with_validators(
    site: Site, visitor: Visitor
) -> None:
    site.pages["/index.xml"] = answer(index_of("/a.xml", "/b.xml")(site), etag='"index"')
    site.pages["/a.xml"] = in_turn(answer(urls_of(site, "/1", "/2"), etag='"a"'), answer("", 304))
    site.pages["/b.xml"] = in_turn(answer(urls_of(site, "/3")), answer(urls_of(site, "/3", "/4")))
    feed = feed_at(site, "/index.xml")
    first = await visitor.visit(feed, None)
    assert sorted(entry.url for entry in first.entries) == [site.url(f"/{n}") for n in (1, 2, 3)]
    assert set(first.state.children) == {site.url("/a.xml"), site.url("/b.xml")}
    second = await visitor.visit(feed, first.state)
    assert [entry.url for entry in second.entries] == [site.url("/4")]
    assert [request.headers.get("if-none-match") for request in site.requests if request.path == "/a.xml"] == [
        None,
        '"a"',
    ]
    site.pages["/index.xml"] = answer(urls_of(site, "/5"))
    third = await visitor.visit(feed, second.state)
    assert ([entry.url for entry in third.entries], third.state.children) == ([site.url("/5")], {})


async def test_sitemaps_of_an_index_obey_robots_txt_though_the_index_was_named(site: Site, visitor: Visitor) -> None:
    site.pages["/robots.txt"] = answer(
        "User-agent: *\nDisallow: /index.xml\nDisallow: /b.xml", content_type="text/plain"
    )
    site.pages["/index.xml"] = answer(index_of("/a.xml", "/b.xml")(site))
    site.pages["/a.xml"] = answer(urls_of(site, "/1"))
    outcome = await visitor.visit(feed_at(site, "/index.xml"), None)
    assert [entry.url for entry in outcome.entries] == [site.url("/1")]
    assert "robots.txt" in str(outcome.state.warning)
    assert site.count("/b.xml") == 0


async def test_robots_txt_keeps_nobody_from_a_feed_that_was_named_but_its_delay_counts(
    site: Site, client: Client, visitor: Visitor
) -> None:
    site.pages["/robots.txt"] = answer("User-agent: *\nCrawl-delay: 7\nDisallow: /", content_type="text/plain")
    site.pages["/feed"] = answer(rss([("One", "/1")]))
    day = datetime.now(UTC).replace(hour=12)
    before = FeedState(feed_id="news", next_poll_at=day, last_poll_at=day - timedelta(days=1))
    visit = asyncio.create_task(visitor.visit(feed_at(site), before))
    while not (delays := [host.delay_seconds for host in client.hosts.changed() if host.delay_seconds]):
        await asyncio.sleep(0.01)
    visit.cancel()
    await asyncio.gather(visit, return_exceptions=True)
    assert delays == [7.0]


async def test_robots_txt_is_asked_for_once_a_day(site: Site, visitor: Visitor) -> None:
    site.pages["/robots.txt"] = answer("User-agent: *\nDisallow: /", content_type="text/plain")
    site.pages["/feed"] = answer(rss([("One", "/1")]))
    first = await visitor.visit(feed_at(site), None)
    assert titles(first) == ["One"]
    await visitor.visit(feed_at(site), first.state)
    assert site.count("/robots.txt") == 1


def page_naming(*feeds: str) -> str:
    links = "".join(f'<link rel="alternate" type="application/rss+xml" href="{feed}">' for feed in feeds)
    return f"<!doctype html><html><head><title>News</title>{links}</head><body><p>Hello</p></body></html>"


async def test_a_site_is_polled_by_the_feed_that_its_page_names_until_that_is_gone(
    site: Site, visitor: Visitor
) -> None:
    site.pages["/"] = answer(page_naming("/old.xml"))
    site.pages["/old.xml"] = answer(rss([("One", "/1")]), etag='"old"')
    feed = feed_at(site, "/")
    first = await visitor.visit(feed, None)
    assert (titles(first), first.state.source_url, first.moved_feed) == (["One"], site.url("/old.xml"), None)
    assert site.count("/old.xml") == 1, "what was found is not asked for again"
    await visitor.visit(feed, first.state)
    assert site.count("/") == 1, "it is not looked for again"

    site.pages["/old.xml"] = answer("", 404)
    site.pages["/"] = answer(page_naming("/new.xml"))
    site.pages["/new.xml"] = answer(rss([("Two", "/2"), ("One", "/1")]))
    second = await visitor.visit(feed, first.state)
    assert (second.result, second.state.failure_kind, second.state.disabled) == ("failed", "permanent", None)
    assert (second.state.source_url, second.state.etag) == (feed.url, None)
    third = await visitor.visit(feed, second.state)
    assert (titles(third), third.state.source_url, third.state.failures) == (["Two"], site.url("/new.xml"), 0)


async def test_a_feed_of_a_site_that_is_gone_does_not_disable_the_site(site: Site, visitor: Visitor) -> None:
    site.pages["/old.xml"] = answer("", 410)
    before = FeedState(feed_id="news", next_poll_at=datetime.now(UTC), source_url=site.url("/old.xml"))
    outcome = await visitor.visit(feed_at(site, "/"), before)
    assert (outcome.state.disabled, outcome.state.source_url) == (None, site.url("/"))
    site.pages["/"] = answer(page_naming("/old.xml"))
    site.pages["/old.xml"] = answer(rss([("One", "/1")]))
    again = await visitor.visit(feed_at(site, "/"), outcome.state)
    assert (titles(again), again.state.last_error) == (["One"], None)


async def test_a_page_where_a_feed_has_been_is_no_site(site: Site, visitor: Visitor) -> None:
    site.pages["/sport.xml"] = in_turn(answer(rss([("One", "/1")])), answer(page_naming("/all.xml")))
    site.pages["/all.xml"] = answer(rss([("Other", "/2")]))
    first = await visitor.visit(feed_at(site, "/sport.xml"), None)
    second = await visitor.visit(feed_at(site, "/sport.xml"), first.state)
    assert (second.result, second.state.source_url, site.count("/all.xml")) == ("failed", None, 0)


async def test_the_feed_of_a_site_follows_a_permanent_redirect_and_the_site_stays(site: Site, visitor: Visitor) -> None:
    site.pages["/"] = answer(page_naming("/feed"))
    site.pages["/feed"] = answer(rss([("One", "/1")]))
    first = await visitor.visit(feed_at(site, "/"), None)
    site.pages["/feed"] = answer("", 301, location="/feeds/all")
    site.pages["/feeds/all"] = answer(rss([("Two", "/2")]))
    second = await visitor.visit(feed_at(site, "/"), first.state)
    assert (titles(second), second.state.source_url, second.moved_feed) == (["Two"], site.url("/feeds/all"), None)


@pytest.mark.parametrize(("kind", "requests"), [("feed", 1), ("sitemap", 1), ("site", 2)])
async def test_only_what_may_be_a_site_is_searched(site: Site, visitor: Visitor, kind: str, requests: int) -> None:
    site.pages["/page"] = answer(page_naming("/feed"))
    site.pages["/feed"] = answer(rss([("One", "/1")]))
    outcome = await visitor.visit(feed_at(site, "/page", kind=kind), None)
    assert outcome.result == ("changed" if kind == "site" else "failed")
    assert len([request for request in site.requests if request.path != "/robots.txt"]) == requests


async def test_what_robots_txt_forbids_is_not_discovered(site: Site, visitor: Visitor) -> None:
    site.pages["/robots.txt"] = answer("User-agent: *\nDisallow: /feed", content_type="text/plain")
    site.pages["/"] = answer(page_naming("/feed"))
    site.pages["/feed"] = answer(rss([("One", "/1")]))
    outcome = await visitor.visit(feed_at(site, "/"), None)
    assert outcome.state.last_error == "a web page, and no feed or sitemap was found at its site"
    assert site.count("/feed") == 0


async def test_what_was_discovered_obeys_a_robots_txt_that_changes(site: Site, visitor: Visitor) -> None:
    site.pages["/robots.txt"] = answer("User-agent: *\nDisallow: /feed", content_type="text/plain")
    before = FeedState(feed_id="news", next_poll_at=datetime.now(UTC), source_url=site.url("/feed"))
    outcome = await visitor.visit(feed_at(site, "/"), before)
    assert (outcome.state.last_error, outcome.state.source_url) == ("robots.txt does not allow it", site.url("/"))
    assert site.count("/feed") == 0


async def test_a_site_that_redirects_to_another_domain_moves_there_only_for_good(site: Site, visitor: Visitor) -> None:
    site.pages["/"] = answer(page_naming("/feed"))
    site.pages["/feed"] = answer(rss([("One", "/1")]))
    old = Feed(feed_id="news", url=site.url("/old").replace("127.0.0.1", "localhost"), name="News")
    site.pages["/old"] = answer("", 302, location=site.url("/"))
    away = await visitor.visit(old, None)
    assert away.state.last_error == f"a redirect leads to another domain: {site.url('/')}"
    site.pages["/old"] = answer("", 301, location=site.url("/"))
    moved = await visitor.visit(old, None)
    assert titles(moved) == ["One"]
    assert moved.moved_feed == old.model_copy(update={"url": site.url("/"), "moved_from": old.url})
