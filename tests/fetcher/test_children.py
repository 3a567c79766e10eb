from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.asking import Asker
from copydesk_fetcher.child_order import REMEMBERED, candidates, period_end, remembered
from copydesk_fetcher.children import INDEX, REQUESTS, Children, read_children
from copydesk_fetcher.http import Client
from copydesk_fetcher.parsing.dispatch import parse_feed
from copydesk_fetcher.parsing.model import Child, NotAFeed, ParsedFeed
from copydesk_fetcher.responses import FetchError, Unreachable
from copydesk_fetcher.robots import Robots
from copydesk_fetcher.settings import FetcherSettings
from copydesk_shared.messages import ChildState

from .site import Site, answer, in_turn, raw

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
Read = Callable[..., Awaitable[Children]]


async def parse(body: bytes, content_type: str, url: str, now: datetime) -> ParsedFeed:
    return parse_feed(body, content_type, url, 100, now)


def pages(*paths: str, lastmod: str = "2026-11-22T10:00:00Z") -> str:
    return (
        "<urlset>"
        + "".join(f"<url><loc>{path}</loc><lastmod>{lastmod}</lastmod></url>" for path in paths)
        + "</urlset>"
    )


def index(*urls: str) -> str:
    return "<sitemapindex>" + "".join(f"<sitemap><loc>{url}</loc></sitemap>" for url in urls) + "</sitemapindex>"


@pytest.fixture
def read(site: Site, client: Client, settings: FetcherSettings) -> Read:
    async def do(
        children: Iterable[Child], states: dict[str, ChildState] | None = None, *, now: datetime = NOW, limit: int = 100,
        requests: int = REQUESTS, seconds: float = 60,
    ) -> Children:  # fmt: skip
        asker = Asker(client.get, Robots(client.get, client.hosts, settings), site.url("/"), requests, 1_000_000)
        return await read_children(
            asker, parse, list(children), states or {}, now, limit, index_url=site.url("/index.xml"), seconds=seconds
        )

    return do


def paths_of(found: Children) -> list[str]:
    return ["/" + entry.url.split("/", 3)[3] for entry in found.entries]


def asked(site: Site) -> list[str]:
    return [request.path for request in site.requests if request.path != "/robots.txt"]


async def test_the_newest_come_first_and_only_what_changed_is_asked_for_again(site: Site, read: Read) -> None:
    for name in "abc":
        site.pages[f"/{name}.xml"] = answer(pages(f"/{name}/1"))
    children = [Child(site.url(f"/{name}.xml"), NOW - hours * HOUR) for name, hours in (("a", 3), ("b", 1), ("c", 2))]
    first = await read(children)
    assert asked(site) == ["/b.xml", "/c.xml", "/a.xml"]
    assert sorted(paths_of(first)) == ["/a/1", "/b/1", "/c/1"]
    assert first.problem is None
    site.requests.clear()
    children[0] = Child(children[0].url, NOW)
    second = await read(children, first.states)
    assert asked(site) == ["/a.xml"]
    assert list(second.states)[-1] == children[0].url
    assert paths_of(second) == []


async def test_validators_are_sent_and_a_304_says_nothing_new(site: Site, read: Read) -> None:
    same = answer(b"", 304, etag='"1"')
    site.pages["/a.xml"] = in_turn(answer(pages("/1"), etag='"1"', last_modified="Sun, 22 Nov 2026 10:00:00 GMT"), same)
    child = Child(site.url("/a.xml"))
    first = await read([child])
    second = await read([child], first.states)
    headers = site.requests[-1].headers
    assert (headers["if-none-match"], headers["if-modified-since"]) == ('"1"', "Sun, 22 Nov 2026 10:00:00 GMT")
    assert (second.entries, second.problem) == ((), None)
    assert second.states == first.states


async def test_a_body_that_is_the_same_is_not_read_again(site: Site, read: Read) -> None:
    site.pages["/a.xml"] = answer(pages("/1"))
    first = await read([Child(site.url("/a.xml"))])
    second = await read([Child(site.url("/a.xml"))], first.states)
    assert (len(first.entries), len(second.entries), site.count("/a.xml")) == (1, 0, 2)


async def test_no_more_than_ten_are_asked_and_those_left_have_their_turn(site: Site, read: Read) -> None:
    children = [Child(site.url(f"/{number}.xml")) for number in range(25)]
    for number in range(25):
        site.pages[f"/{number}.xml"] = answer(pages(f"/page/{number}"))
    states: dict[str, ChildState] = {}
    seen: set[str] = set()
    for _ in range(5):
        found = await read(children, states)
        states = found.states
        seen.update(paths_of(found))
    assert len(asked(site)) == 5 * REQUESTS
    assert seen == {f"/page/{number}" for number in range(25)}


async def test_one_that_never_changes_starves_nobody(site: Site, read: Read) -> None:
    dead = [Child(site.url(f"/dead-{number}.xml"), NOW - HOUR) for number in range(12)]
    for child in dead:
        site.pages["/" + child.url.rpartition("/")[2]] = answer(pages("/old"))
    site.pages["/fresh.xml"] = answer(pages("/new"))
    states = {child.url: ChildState(body_digest="x", changed_at=NOW - 2 * HOUR) for child in dead}
    found = await read([*dead, Child(site.url("/fresh.xml"), NOW - HOUR / 2)], states)
    assert asked(site)[0] == "/fresh.xml"
    assert "/new" in paths_of(found)


async def test_failing_ones_come_last_and_are_tried_again(site: Site, read: Read) -> None:
    site.pages["/bad.xml"] = in_turn(answer("", 500), answer(pages("/bad")))
    site.pages["/good.xml"] = in_turn(answer(pages("/good")), answer(pages("/better")))
    children = [Child(site.url("/bad.xml"), NOW), Child(site.url("/good.xml"), NOW - HOUR)]
    first = await read(children)
    assert first.problem == f"{site.url('/bad.xml')}: the server answered 500"
    children[1] = Child(site.url("/good.xml"), NOW - HOUR / 2)
    second = await read(children, first.states)
    assert asked(site)[2:] == ["/good.xml", "/bad.xml"]
    assert sorted(paths_of(second)) == ["/bad", "/better"]


async def test_an_archive_is_not_read_to_its_end(site: Site, read: Read) -> None:
    """The first visit takes as many entries as a feed may have; what is older than what was read is left alone."""
    months = [f"{year}-{month:02}" for year in (2026, 2025) for month in range(11, 0, -1)]
    for month in months:
        site.pages[f"/sitemap-{month}.xml"] = answer(pages(*(f"/{month}/{n}" for n in range(40)), lastmod=month))
    children = [Child(site.url(f"/sitemap-{month}.xml")) for month in months]
    first = await read(children, limit=100)
    assert asked(site) == [f"/sitemap-2026-{month}.xml" for month in ("11", "10", "09")]
    assert len(first.entries) == 100
    site.requests.clear()
    await read(children, first.states, now=NOW + HOUR)
    assert asked(site) == ["/sitemap-2026-11.xml"]


async def test_one_that_is_met_later_brings_no_old_stories(site: Site, read: Read) -> None:
    site.pages["/a.xml"] = answer(pages("/old", lastmod="2026-01-01"))
    site.pages["/b.xml"] = answer(pages("/old", lastmod="2026-01-01").replace("</urlset>", pages("/new")[8:]))
    first = await read([Child(site.url("/a.xml"))])
    assert paths_of(first) == ["/old"]
    second = await read([Child(site.url("/a.xml")), Child(site.url("/b.xml"))], first.states)
    assert paths_of(second) == ["/new"]


async def test_what_stood_in_a_sitemap_before_is_left_out(site: Site, read: Read) -> None:
    site.pages["/a.xml"] = answer(pages("/old", lastmod="2026-11-10") + "<!-- 1 -->")
    child = Child(site.url("/a.xml"), NOW - HOUR)
    states = {child.url: ChildState(body_digest="x", changed_at=NOW - timedelta(days=5))}
    assert paths_of(await read([child], states)) == []
    site.pages["/a.xml"] = answer(pages("/recent", lastmod="2026-11-16"))
    assert paths_of(await read([child], states)) == ["/recent"]
    failed = {child.url: ChildState(changed_at=NOW - timedelta(days=5))}
    site.pages["/a.xml"] = answer(pages("/old", lastmod="2026-11-10"))
    assert paths_of(await read([child], failed)) == ["/old"]


async def test_the_entries_of_one_visit_are_bounded_and_the_rest_waits(site: Site, read: Read) -> None:
    children = [Child(site.url(f"/{number}.xml")) for number in range(9)]
    for number in range(9):
        site.pages[f"/{number}.xml"] = answer(pages(*(f"/{number}/{entry}" for entry in range(10))))
    states = {child.url: ChildState(body_digest="x") for child in children}
    seen: set[str] = set()
    for expected in (30, 60, 90):
        found = await read(children, states, limit=10)
        states = found.states
        seen.update(paths_of(found))
        assert len(found.entries) == 30
        assert len(seen) == expected


async def test_nested_indexes_two_levels_deep_and_no_loops(site: Site, read: Read) -> None:
    site.pages["/1.xml"] = answer(index("/2.xml", "/1.xml", "/index.xml", "/pages.xml"))
    site.pages["/2.xml"] = answer(index("/3.xml"))
    site.pages["/pages.xml"] = answer(pages("/a"))
    found = await read([Child(site.url("/1.xml"))])
    assert asked(site) == ["/1.xml", "/2.xml", "/pages.xml"]
    assert paths_of(found) == ["/a"]
    assert found.problem == "indexes nested more than 2 deep were passed over"
    assert found.states[site.url("/1.xml")] == ChildState(body_digest=INDEX)
    again = await read([Child(site.url("/1.xml"))], found.states)
    assert asked(site)[3:] == ["/1.xml", "/2.xml", "/pages.xml"]
    assert again.entries == ()


async def test_nothing_but_indexes_without_end_is_a_failure(site: Site, read: Read) -> None:
    for number in range(40):
        site.pages[f"/{number}.xml"] = answer(index(*(f"/{number * 3 + each}.xml" for each in (1, 2, 3))))
    with pytest.raises(NotAFeed, match=r"^nothing but indexes of sitemaps, nested more than 2 deep$"):
        await read([Child(site.url("/0.xml"))])
    site.pages["/9.xml"] = answer(pages("/a"))
    found = await read([Child(site.url("/0.xml")), Child(site.url("/1.xml")), Child(site.url("/9.xml"))])
    assert paths_of(found) == ["/a"]
    assert found.problem == "indexes nested more than 2 deep were passed over"
    again = await read([Child(site.url("/0.xml")), Child(site.url("/1.xml"))], found.states)
    assert again.entries == ()


async def test_other_domains_are_passed_over(site: Site, read: Read) -> None:
    site.pages["/a.xml"] = answer(pages("/a"))
    site.pages["/moved.xml"] = answer("", 302, location="https://elsewhere.example/")
    found = await read(
        [Child("https://elsewhere.example/s.xml"), Child(site.url("/a.xml")), Child(site.url("/moved.xml"))]
    )
    assert paths_of(found) == ["/a"]
    assert found.problem is not None
    assert found.problem.startswith("1 sitemaps on other domains were passed over; ")
    assert "another domain" in found.problem


async def test_robots_txt_is_obeyed(site: Site, read: Read) -> None:
    site.pages["/robots.txt"] = answer("User-agent: *\nDisallow: /closed", content_type="text/plain")
    site.pages["/closed.xml"] = site.pages["/open.xml"] = answer(pages("/a"))
    found = await read([Child(site.url("/closed.xml")), Child(site.url("/open.xml"))])
    assert asked(site) == ["/open.xml"]
    assert found.problem == f"{site.url('/closed.xml')}: robots.txt does not allow it"


async def test_what_cannot_be_read_at_all_is_a_failure(site: Site, read: Read) -> None:
    site.pages["/a.xml"] = raw(b"HTTP/1.1 200 OK\r\ncontent-le")
    with pytest.raises(FetchError):
        await read([Child(site.url("/a.xml"))])
    site.pages["/a.xml"] = answer("<html><body>Not found</body></html>")
    with pytest.raises(NotAFeed):
        await read([Child(site.url("/a.xml"))])


async def test_a_host_that_wants_to_be_left_alone_is(site: Site, read: Read, client: Client) -> None:
    site.pages["/a.xml"] = answer("", 503, retry_after="3600")
    site.pages["/b.xml"] = answer(pages("/b"))
    with pytest.raises(Unreachable):
        await read([Child(site.url("/a.xml"), NOW), Child(site.url("/b.xml"), NOW - HOUR)])
    assert asked(site) == ["/a.xml"]


async def test_the_visit_ends_when_its_time_is_over(site: Site, read: Read) -> None:
    found = await read([Child(site.url("/a.xml"))], seconds=0)
    assert (asked(site), found.entries, found.states) == ([], (), {})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/sitemap-2024.xml", datetime(2025, 1, 1, tzinfo=UTC)),
        ("/sitemap-2024-02.xml", datetime(2024, 3, 3, tzinfo=UTC)),
        ("/2024/02/03/sitemap.xml", datetime(2024, 2, 4, tzinfo=UTC)),
        ("/sitemap_20240203.xml.gz", datetime(2024, 2, 4, tzinfo=UTC)),
        ("/sitemap.xml?yyyy=2024&mm=02&dd=03", datetime(2024, 2, 4, tzinfo=UTC)),
        ("/sitemap-2026-11.xml", NOW), ("/sitemap-2026.xml", NOW), ("/9999.xml", None), ("/sitemap-1.xml", None),
        ("/2024/02/31/sitemap.xml", None), ("/post-120240.xml", None),
    ],
)  # fmt: skip
def test_the_time_that_a_name_tells(path: str, expected: datetime | None) -> None:
    assert period_end(f"https://2001.example{path}", NOW) == expected


def test_news_first_and_authors_last() -> None:
    names = ("author-sitemap", "post-sitemap", "news-sitemap", "newsletter")
    children = [Child(f"https://news.example/{name}.xml", NOW - n * HOUR) for n, name in enumerate(names)]
    order = [each.url.rpartition("/")[2] for each in candidates(children, {}, NOW)]
    assert order == ["news-sitemap.xml", "post-sitemap.xml", "newsletter.xml", "author-sitemap.xml"]


def test_one_time_for_all_is_that_of_the_making() -> None:
    children = [Child(f"https://news.example/sitemap-2026-{month:02}.xml", NOW) for month in range(1, 12)]
    assert [each.url[-6:-4] for each in candidates(children, {}, NOW)][:3] == ["11", "10", "09"]


STATES = st.builds(
    ChildState,
    body_digest=st.none() | st.just("x"),
    changed_at=st.none() | st.integers(0, 99).map(lambda n: NOW - n * HOUR),
)
URLS = st.integers(0, 80).map(lambda number: f"https://news.example/{number}.xml")
CHILDREN = st.lists(st.builds(Child, URLS, st.none() | st.integers(0, 99).map(lambda n: NOW - n * HOUR)), max_size=90)


@given(CHILDREN, st.dictionaries(URLS, STATES, max_size=60))
def test_each_is_asked_once_and_what_is_remembered_is_bounded(
    children: list[Child], states: dict[str, ChildState]
) -> None:
    order = [each.url for each in candidates(children, states, NOW)]
    assert len(order) == len(set(order))
    assert set(order) <= {child.url for child in children}
    kept = remembered(states, order)
    assert len(kept) == min(len(states), REMEMBERED)
    assert list(kept) == [url for url in states if url in kept]
