from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.asking import Asker
from copydesk_fetcher.discovery import REQUESTS, discover, list_candidates
from copydesk_fetcher.feed_links import FEED_PATHS, Kind, declared, elsewhere
from copydesk_fetcher.http import Client
from copydesk_fetcher.parsing.dispatch import parse_feed
from copydesk_fetcher.parsing.model import ParsedFeed
from copydesk_fetcher.responses import Fetched, Held, Unreachable
from copydesk_fetcher.robots import Robots
from copydesk_fetcher.settings import FetcherSettings

from .samples import rss
from .site import Site, answer, raw

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
FRONT = "https://news.example/"
RSS = rss([("One", "https://news.example/1")])
EMPTY = rss([])
INDEX = "<sitemapindex><sitemap><loc>/s-1.xml</loc></sitemap></sitemapindex>"
NEWS = "<urlset><url><loc>/1</loc></url></urlset>"


async def parse(body: bytes, content_type: str, url: str, now: datetime) -> ParsedFeed:
    return parse_feed(body, content_type, url, 100, now)


def link(href: str, media_type: str = "application/rss+xml", rel: str = "alternate", title: str = "") -> str:
    return f'<link rel="{rel}" type="{media_type}" title="{title}" href="{href}">'


def urls(html: str, header: str = "", page: str = FRONT) -> list[str]:
    return [each.url.removeprefix("https://news.example") for each in declared(html, header, page)]


class Around:
    """A site to look around at, asked as the poller asks."""

    def __init__(self, site: Site, client: Client, settings: FetcherSettings) -> None:
        self.site = site
        self.client = client
        self.asker = Asker(client.get, Robots(client.get, client.hosts, settings), site.url("/"), REQUESTS, 1_000_000)

    def page(self, html: str = "<p>Hello", path: str = "/", **headers: str) -> Fetched:
        return Fetched(200, self.site.url(path), {"content-type": "text/html", **headers}, html.encode())

    async def discover(self, html: str = "<p>Hello", path: str = "/", **headers: str) -> tuple[str, Kind] | None:
        """The path and the kind of what is found."""
        found = await discover(self.asker, parse, self.page(html, path, **headers), NOW)
        if found is None:
            return None
        assert parse_feed(found.fetched.body, "", found.url, 100, NOW) == found.parsed
        return urlsplit(found.url).path, found.kind

    def asked(self) -> list[str]:
        return [request.path for request in self.site.requests]


@pytest.fixture
def around(site: Site, client: Client, settings: FetcherSettings) -> Around:
    return Around(site, client, settings)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (link("/rss.xml"), ["/rss.xml"]),
        (link("rss.xml"), ["/rss.xml"]),
        ('<base href="/de/">' + link("rss.xml"), ["/de/rss.xml"]),
        (link("/atom", "application/atom+xml; charset=utf-8"), ["/atom"]),
        (link("/feed.json", "application/feed+json"), ["/feed.json"]),
        (link("/feed.json", "application/json"), ["/feed.json"]),
        (link("/a?x=1&amp;y=2", "text/xml"), ["/a?x=1&y=2"]),
        ("<LINK REL='feed' HREF=/x>", ["/x"]),
        ('<link rel="alternate" href="/rss">', ["/rss"]),
        ('<link rel="sitemap" href="/map.xml">' + link("/rss"), ["/rss", "/map.xml"]),
        (link("/wp-json/wp/v2/pages/2", "application/json"), []),
        (link("/wp-json/oembed", "application/json+oembed"), []),
        ('<link rel="alternate" hreflang="de" href="/de/">', []),
        (link("/rss", rel="stylesheet alternate"), []),
        (link(""), []),
        (link("javascript:x()"), []),
        (link("http://["), []),
        (link("/a") + link("/a") + link("/b"), ["/a", "/b"]),
        ("<!--" + link("/a") + "-->" + link("/b"), ["/b"]),
        ("<script>'" + link("/a") + "'</script>" + link("/b"), ["/b"]),
        ("<title>" + link("/a") + "</title>" + link("/b"), ["/b"]),
        ("</head>" + link("/a"), []),
        ("<!--" + link("/a"), []),
    ],
)
def test_what_a_page_declares(html: str, expected: list[str]) -> None:
    assert urls(html) == expected


def test_what_a_link_header_declares() -> None:
    header = '</style.css>; rel=preload, <rss>; type="application/rss+xml"; rel="alternate"; title="News"'
    assert urls("", header) == ["/rss"]
    assert declared("", header, FRONT)[0].why == "named by the Link header"


def test_feeds_of_comments_and_of_stories_come_last() -> None:
    html = (
        link("/comments/feed/") + link("/x", title="Alle Kommentare") + link("/2026/11/story/feed/") + link("/?feed=rss2&p=7")
        + link("/feed/") + link("/politics/feed/")
    )  # fmt: skip
    aside = ["/comments/feed/", "/x", "/2026/11/story/feed/", "/?feed=rss2&p=7"]
    assert urls(html) == ["/feed/", "/politics/feed/", *aside]
    assert urls(html, page="https://news.example/politics/") == ["/politics/feed/", "/feed/", *aside]


def test_guesses_leave_room_for_sitemaps() -> None:
    places = [each.url.removeprefix("https://news.example") for each in elsewhere(FRONT, (), 11)]
    assert places == [*FEED_PATHS[:8], "/sitemap_news.xml", "/news-sitemap.xml", "/sitemap.xml"]
    named = ["https://news.example/map.xml", "https://news.example/news.xml"]
    places = [each.url.removeprefix("https://news.example") for each in elsewhere(f"{FRONT}sport/", named, 5)]
    assert places == ["/news.xml", "/sport/feed", "/feed", "/rss", "/map.xml"]
    assert elsewhere(FRONT, (), 0) == []


async def test_the_declared_feed_takes_one_request(around: Around) -> None:
    around.site.pages["/rss.xml"] = answer(RSS)
    assert await around.discover(link("/rss.xml")) == ("/rss.xml", "feed")
    assert around.asked() == ["/robots.txt", "/rss.xml"]


async def test_what_was_declared_and_is_not_there_is_passed_over(around: Around) -> None:
    around.site.pages["/html"] = answer("<html><p>Not here")
    around.site.pages["/empty.xml"] = answer(EMPTY)
    around.site.pages["/atom.xml"] = answer(RSS)
    found = await around.discover(link("/gone.xml") + link("/html") + link("/empty.xml") + link("/atom.xml"))
    assert found == ("/atom.xml", "feed")


async def test_an_empty_feed_is_better_than_none(around: Around) -> None:
    around.site.pages["/empty.xml"] = answer(EMPTY)
    assert await around.discover(link("/empty.xml")) == ("/empty.xml", "feed")


async def test_a_feed_that_has_moved_for_good_is_known_by_its_new_url(around: Around) -> None:
    around.site.pages["/old.xml"] = answer("", 301, location="/new.xml")
    around.site.pages["/new.xml"] = answer(RSS)
    assert await around.discover(link("/old.xml")) == ("/new.xml", "feed")


async def test_a_well_known_path(around: Around) -> None:
    around.site.pages["/feed.xml"] = answer(RSS)
    assert await around.discover() == ("/feed.xml", "feed")
    assert around.asked() == ["/robots.txt", "/feed", "/rss", "/rss.xml", "/feed.xml"]


async def test_a_news_sitemap_of_robots_txt_comes_before_guesses(around: Around) -> None:
    lines = (
        f"User-agent: *\nDisallow:\nSitemap: {around.site.url('/map.xml')}\nSitemap: /news-map.xml\nSitemap: http:///x"
    )
    around.site.pages["/robots.txt"] = answer(lines, content_type="text/plain")
    around.site.pages["/news-map.xml"] = answer(NEWS)
    assert await around.discover() == ("/news-map.xml", "sitemap")
    assert around.asked() == ["/robots.txt", "/news-map.xml"]


async def test_an_index_of_sitemaps_is_the_last_resort(around: Around) -> None:
    around.site.pages["/sitemap.xml"] = answer(INDEX)
    assert await around.discover() == ("/sitemap.xml", "sitemap")
    assert len(around.asked()) == 12


async def test_no_more_than_twelve_requests(around: Around) -> None:
    links = "".join(link(f"/{number}.xml") for number in range(50))
    assert await around.discover(links) is None
    assert len(around.asked()) == len(set(around.asked())) == 12


async def test_feeds_on_other_domains_are_not_asked(around: Around) -> None:
    around.site.pages["/rss"] = answer(RSS)
    html = link("https://elsewhere.example/rss")
    assert await around.discover(html) == ("/rss", "feed")
    (usable, foreign) = await list_candidates(around.asker, parse, around.page(html), NOW)
    assert (foreign.url, foreign.problem) == ("https://elsewhere.example/rss", "on another domain: not asked")
    assert usable.is_usable


async def test_robots_txt_is_obeyed(around: Around) -> None:
    around.site.pages["/robots.txt"] = answer("User-agent: *\nDisallow: /rss", content_type="text/plain")
    around.site.pages["/rss.xml"] = around.site.pages["/atom.xml"] = answer(RSS)
    assert await around.discover(link("/rss.xml") + link("/atom.xml")) == ("/atom.xml", "feed")
    assert "/rss.xml" not in around.asked()


async def test_a_site_that_does_not_answer_is_left_alone(around: Around) -> None:
    for path in FEED_PATHS:
        around.site.pages[path] = raw(b"HTTP/1.1 200 OK\r\ncontent-le")
    with pytest.raises(Unreachable):
        await around.discover()
    findings = await list_candidates(around.asker, parse, around.page(), NOW)
    assert findings[-1].why == "the site itself"
    assert around.site.count("/rss.xml") == 0


async def test_a_site_that_wants_to_be_left_alone_is(around: Around) -> None:
    around.site.pages["/feed"] = answer("", 429, retry_after="7200")
    with pytest.raises(Held):
        await around.discover()
    assert around.asked() == ["/robots.txt", "/feed"]


async def test_people_see_all_that_was_found_and_why(around: Around) -> None:
    around.site.pages["/rss.xml"] = answer(RSS)
    around.site.pages["/feed"] = answer(EMPTY)
    around.site.pages["/sitemap.xml"] = answer(INDEX)
    html = link("/gone.xml", title="Gone") + link("/rss.xml", title="All &amp; sundry")
    rss_feed, index, feed, gone = await list_candidates(around.asker, parse, around.page(html), NOW)
    assert (gone.title, gone.problem, gone.is_usable) == ("Gone", "the server answered 404", False)
    assert (rss_feed.title, rss_feed.entries, rss_feed.why) == ("All & sundry", 1, "named by the page")
    assert (feed.entries, feed.is_usable, feed.is_empty, feed.title) == (0, True, True, "News")
    assert (index.kind, index.sitemaps, index.is_empty, index.why) == ("sitemap", 1, False, "where many sites have one")


TEXTS = st.lists(
    st.sampled_from(
        ["<link ", "rel=", '"alternate"', "'feed'", " href=", "/rss", 'type="text/xml"', ">", "<!--", "-->", "<script>", "</script>",
         "<base href='//x'>", "</head>", "http://[", "<", "&amp;", ";", ",", "\x00", "é", "<title>"],
    )
).map("".join)  # fmt: skip


@given(TEXTS | st.text(), TEXTS | st.text())
def test_whatever_a_page_says_its_feeds_are_urls(html: str, header: str) -> None:
    assert all(each.url.startswith(("http://", "https://")) for each in declared(html, header, FRONT))


@pytest.mark.parametrize("piece", ["<link ", "<!--", "<script ", "<link rel=alternate href=/rss ", "<title><svg>", "<"])
def test_a_page_without_end_is_read_to_its_limit(piece: str) -> None:
    assert declared(piece * 100_000, "<" * 100_000, FRONT) == []
