import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.http import Client
from copydesk_fetcher.origin_files import LONGEST_SECONDS, SHORTEST_SECONDS, SOONEST_SECONDS, UNKNOWN_SECONDS
from copydesk_fetcher.robots import READ_CHARACTERS, Robots, RobotsVerdict, parse_robots, product_token
from tests.fetcher.conftest import Settings
from tests.fetcher.site import Request, Site, answer, in_turn, raw, serve

ALLOWED = RobotsVerdict(allowed=True)
DISALLOWED = RobotsVerdict(allowed=False, directives="disallow")
NO_STORIES = "User-agent: *\nDisallow: /no\n"


class Delays:
    """What was asked of a domain last."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def set_delay(self, domain: str, seconds: float) -> None:
        self.seconds[domain] = seconds


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Desk:
    """A robots.txt reader on a client, with a clock and what it told the hosts."""

    def __init__(self, client: Client, settings_with: Settings, **settings: object) -> None:
        self.delays = Delays()
        self.clock = Clock()
        made = settings_with(**({"user_agent": "Copydesk/1.0 (+https://copydesk.example/contact)"} | settings))
        self.robots = Robots(client.get, self.delays, made, self.clock)


@pytest.fixture
def desk(client: Client, settings_with: Settings) -> Callable[..., Desk]:
    return lambda **settings: Desk(client, settings_with, **settings)


@pytest.fixture
async def other() -> AsyncIterator[Site]:
    async with serve() as running:
        yield running


async def test_it_is_asked_for_once_and_obeyed(site: Site, desk: Callable[..., Desk]) -> None:
    site.pages["/robots.txt"] = answer(NO_STORIES)
    robots = desk().robots
    verdicts = await asyncio.gather(*(robots.check(site.url(path)) for path in ("/no/a", "/yes", "/no", "/")))
    assert verdicts == [DISALLOWED, ALLOWED, DISALLOWED, ALLOWED]
    assert await robots.check(site.url("/robots.txt")) == ALLOWED
    assert site.count("/robots.txt") == 1


async def test_told_to_record_it_allows_and_says_what_was_said(site: Site, desk: Callable[..., Desk]) -> None:
    site.pages["/robots.txt"] = answer(NO_STORIES)
    robots = desk(robots="record").robots
    assert await robots.check(site.url("/no")) == RobotsVerdict(allowed=True, directives="disallow")
    assert await robots.check(site.url("/yes")) == ALLOWED


async def test_told_to_skip_it_asks_nobody(site: Site, desk: Callable[..., Desk]) -> None:
    site.pages["/robots.txt"] = answer(NO_STORIES + "Sitemap: /s.xml")
    robots = desk(robots="skip").robots
    assert await robots.check(site.url("/no")) == ALLOWED
    assert await robots.sitemaps(site.url("/no")) == ()
    assert site.requests == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 418, 451])
async def test_no_file_allows_everything(site: Site, desk: Callable[..., Desk], status: int) -> None:
    site.pages["/robots.txt"] = answer(NO_STORIES, status)
    robots = desk().robots
    assert await robots.check(site.url("/no")) == ALLOWED
    assert await robots.check(site.url("/no")) == ALLOWED
    assert site.count("/robots.txt") == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_server_in_trouble_is_left_alone_and_asked_again(
    site: Site, desk: Callable[..., Desk], status: int
) -> None:
    site.pages["/robots.txt"] = in_turn(answer(b"", status, retry_after="0"), answer(NO_STORIES))
    here = desk()
    assert await here.robots.check(site.url("/a")) == RobotsVerdict(False, "", SOONEST_SECONDS)
    assert site.count("/robots.txt") == 1
    here.clock.now += SOONEST_SECONDS + 1
    assert await here.robots.check(site.url("/a")) == ALLOWED


async def test_the_wait_that_a_server_asks_for_is_kept(site: Site, desk: Callable[..., Desk]) -> None:
    site.pages["/robots.txt"] = answer(b"", 500, retry_after="7200")
    here = desk()
    assert (await here.robots.check(site.url("/a"))).retry_seconds == 7200
    here.clock.now += 7000
    assert (await here.robots.check(site.url("/a"))).retry_seconds == 200
    assert site.count("/robots.txt") == 1


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("20", 20), ("5", 5), ("0", 5), ("Thu, 01 Jan 1970 00:00:00 GMT", 5), ("999999", LONGEST_SECONDS), ("soon", 300)],
)
async def test_a_wait_that_a_server_asks_for_may_be_short(
    site: Site, desk: Callable[..., Desk], said: str, seconds: float
) -> None:
    site.pages["/robots.txt"] = in_turn(answer(b"", 500, retry_after=said), answer(NO_STORIES))
    here = desk()
    assert (await here.robots.check(site.url("/a"))).retry_seconds == seconds
    here.clock.now += seconds
    assert await here.robots.check(site.url("/a")) == ALLOWED


async def test_nobody_there_is_nobody_knows(desk: Callable[..., Desk]) -> None:
    assert (await desk().robots.check("http://127.0.0.1:9/a")).retry_seconds == UNKNOWN_SECONDS
    assert await desk(robots="record").robots.check("http://127.0.0.1:9/a") == ALLOWED


async def test_an_answer_that_breaks_off_is_no_answer(site: Site, desk: Callable[..., Desk]) -> None:
    site.pages["/robots.txt"] = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nUser-agent: *\n")
    assert (await desk().robots.check(site.url("/a"))).retry_seconds == UNKNOWN_SECONDS


async def test_the_last_file_counts_for_a_day_while_the_server_is_in_trouble(
    site: Site, desk: Callable[..., Desk]
) -> None:
    site.pages["/robots.txt"] = in_turn(answer(NO_STORIES, cache_control="max-age=300"), answer(b"", 500))
    here = desk()
    assert await here.robots.check(site.url("/no")) == DISALLOWED
    here.clock.now += LONGEST_SECONDS - 1000
    assert await here.robots.check(site.url("/no")) == DISALLOWED
    assert await here.robots.check(site.url("/yes")) == ALLOWED
    assert site.count("/robots.txt") == 2
    here.clock.now += 2000
    assert (await here.robots.check(site.url("/yes"))).retry_seconds == UNKNOWN_SECONDS


async def test_it_is_kept_as_long_as_it_says(site: Site, desk: Callable[..., Desk]) -> None:
    site.pages["/robots.txt"] = in_turn(
        answer(NO_STORIES, cache_control="public, max-age=3600"), answer("", cache_control="no-store")
    )
    here = desk()
    assert await here.robots.check(site.url("/no")) == DISALLOWED
    here.clock.now += 3599
    assert await here.robots.check(site.url("/no")) == DISALLOWED
    here.clock.now += 2
    assert await here.robots.check(site.url("/no")) == ALLOWED
    here.clock.now += SHORTEST_SECONDS - 1
    assert await here.robots.check(site.url("/no")) == ALLOWED
    assert site.count("/robots.txt") == 2


async def test_redirects_are_followed_also_to_another_authority(
    site: Site, other: Site, desk: Callable[..., Desk]
) -> None:
    site.pages["/robots.txt"] = answer(b"", 301, location="/r1")
    for hop in range(1, 4):
        site.pages[f"/r{hop}"] = answer(b"", 302, location=f"/r{hop + 1}")
    site.pages["/r4"] = answer(b"", 307, location=other.url("/rules"))
    other.pages["/rules"] = answer(NO_STORIES + "Sitemap: /map.xml")
    robots = desk().robots
    assert await robots.check(site.url("/no")) == DISALLOWED
    assert await robots.sitemaps(site.url("/")) == (other.url("/map.xml"),)
    assert other.count("/robots.txt") == 0


async def test_redirects_without_end_are_no_file(site: Site, desk: Callable[..., Desk]) -> None:
    site.pages["/robots.txt"] = answer(b"", 302, location="/r0")
    for hop in range(10):
        site.pages[f"/r{hop}"] = answer(NO_STORIES, 302, location=f"/r{hop + 1}")
    assert await desk().robots.check(site.url("/no")) == ALLOWED
    assert len(site.requests) == 6
    site.pages["/robots.txt"] = answer(b"", 302, location="/robots.txt")
    assert await desk().robots.check(site.url("/no")) == ALLOWED


async def test_each_authority_has_its_own(site: Site, other: Site, desk: Callable[..., Desk]) -> None:
    site.pages["/robots.txt"] = answer("User-agent: *\nDisallow: /\nCrawl-delay: 2")
    other.pages["/robots.txt"] = answer("User-agent: *\nCrawl-delay: 7")
    here = desk()
    assert await here.robots.check(site.url("/")) == DISALLOWED
    assert here.delays.seconds == {"127.0.0.1": 2}
    assert await here.robots.check(other.url("/")) == ALLOWED
    assert here.delays.seconds == {"127.0.0.1": 7}
    await here.robots.check(site.url("/"))
    assert here.delays.seconds == {"127.0.0.1": 7}


@pytest.mark.parametrize(
    ("delay", "seconds"), [("3", 3.0), ("0.5", 0.5), ("9999", 60.0), ("1e999", None), ("-1", None), ("soon", None)]
)
async def test_a_crawl_delay_is_told_within_bounds(
    site: Site, desk: Callable[..., Desk], delay: str, seconds: float | None
) -> None:
    site.pages["/robots.txt"] = answer(f"User-agent: *\nCrawl-delay: {delay}")
    here = desk()
    await here.robots.check(site.url("/"))
    assert here.delays.seconds.get("127.0.0.1") == seconds


async def test_a_crawl_delay_that_is_gone_is_taken_back(site: Site, desk: Callable[..., Desk]) -> None:
    site.pages["/robots.txt"] = in_turn(answer("User-agent: *\nCrawl-delay: 3"), answer(b"", 404))
    here = desk()
    await here.robots.check(site.url("/"))
    here.clock.now += LONGEST_SECONDS + 1
    await here.robots.check(site.url("/"))
    assert here.delays.seconds == {"127.0.0.1": 0}


async def test_the_middle_of_a_crowd_may_leave(site: Site, desk: Callable[..., Desk]) -> None:
    """Whoever asked first is cancelled; the others still get their answer, from the same request."""
    asked, go = asyncio.Event(), asyncio.Event()

    async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await go.wait()
        await answer(NO_STORIES)(request, writer)

    site.pages["/robots.txt"] = slow
    robots = desk().robots
    first, second = (asyncio.create_task(robots.check(site.url("/no"))) for _ in range(2))
    await asked.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    go.set()
    assert await second == DISALLOWED
    assert site.count("/robots.txt") == 1


async def test_when_nobody_waits_any_more_the_request_ends(site: Site, desk: Callable[..., Desk]) -> None:
    asked, never = asyncio.Event(), asyncio.Event()

    async def stuck(_: Request, __: asyncio.StreamWriter) -> None:
        asked.set()
        await never.wait()

    site.pages["/robots.txt"] = stuck
    robots = desk().robots
    asking = asyncio.create_task(robots.check(site.url("/no")))
    await asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    site.pages["/robots.txt"] = answer(NO_STORIES)
    assert await robots.check(site.url("/no")) == DISALLOWED


GROUPS = "User-agent: Other\nDisallow: /\n\nUser-agent: copydesk\nUser-agent: third\nAllow: /news\nDisallow: /news/x\n\nUser-agent: *\nDisallow: /"


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        (GROUPS, "/news", True),
        (GROUPS, "/news/x", False),
        (GROUPS.replace("copydesk", "COPYDESK/9.9"), "/news", True),
        (GROUPS.replace("copydesk", "copydesk*"), "/news", True),
        ("User-agent: copy\nDisallow: /\n", "/a", True),
        ("User-agent: copydesk-images\nDisallow: /\n", "/a", True),
        ("User-agent: desk\nDisallow: /\n", "/a", True),
        ("\ufeffUser-agent: *\nDisallow: /a", "/a", False),
        ("User-agent: *\r\nDisallow: /a\r\nAllow: /a/b\r\n", "/a/b", True),
        ("User-agent: *\rDisallow: /a", "/a", False),
        ("user-agent:*\ndisallow:/a # no", "/a", False),
        ("User-agent *\nDisallow /a", "/a", False),
        ("Disallow: /a", "/a", True),
        ("User-agent: *\nDisallow:", "/a", True),
        ("User-agent: *\nDisallow: /a\n\n\nUser-agent: *\nDisallow: /b", "/b", False),
        ("User-agent: *\nDisallow: /*.php$", "/a/b.php", False),
        ("User-agent: *\nDisallow: /*.php$", "/a/b.php?c", True),
        ("User-agent: *\nDisallow: /a*c", "/abbbcd", False),
        ("User-agent: *\nDisallow: /a\nAllow: /a", "/a", True),
        ("User-agent: *\nDisallow: /caf%C3%A9", "/café", False),
        ("User-agent: *\nDisallow: /café", "/caf%c3%a9/x", False),
        ("User-agent: *\nDisallow: /%7Eme", "/~me", False),
        ("User-agent: *\nDisallow: /a%2Fb", "/a/b", True),
        ("User-agent: *\nDisallow: /a?b=", "/a?b=c", False),
        ("User-agent: *\nDisallow: /x\u2028Disallow: /a", "/a", True),
        ("<!doctype html><html><body><p>Not found: Disallow everything</p></body></html>", "/a", True),
        ("{}", "/a", True),
        ("", "/a", True),
    ],
)
def test_what_a_file_allows(text: str, path: str, allowed: bool) -> None:
    assert (
        parse_robots(text.removeprefix("\ufeff"), "copydesk").can_fetch(f"https://x.example{path}", "copydesk")
        is allowed
    )


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("\ufeffUser-agent: *\nDisallow: /café".encode(), "text/plain"),
        ("User-agent: *\nDisallow: /café".encode(), "text/plain; charset=iso-8859-1"),
        ("User-agent: *\nDisallow: /café".encode("utf-16"), "text/plain; charset=utf-16"),
        (b"User-agent: *\x00\nDis\x00allow: /caf\xc3\xa9", "text/html"),
        ("User-agent: *\nDisallow: /café".encode(), "application/octet-stream"),
    ],
)
async def test_bytes_of_any_kind_are_read(
    site: Site, desk: Callable[..., Desk], body: bytes, content_type: str
) -> None:
    site.pages["/robots.txt"] = answer(body, content_type=content_type)
    assert await desk().robots.check(site.url("/caf%C3%A9")) == DISALLOWED


async def test_500_kib_are_read_and_2_mib_are_too_much(site: Site, desk: Callable[..., Desk]) -> None:
    filler = "# filler\n" * (READ_CHARACTERS // 9)
    site.pages["/robots.txt"] = answer("User-agent: *\nDisallow: /a\n" + filler + "Disallow: /b\n" + filler)
    robots = desk().robots
    assert await robots.check(site.url("/a")) == DISALLOWED
    assert await robots.check(site.url("/b")) == ALLOWED
    site.pages["/robots.txt"] = answer(filler * 5)
    assert (await desk().robots.check(site.url("/a"))).retry_seconds == UNKNOWN_SECONDS


async def test_sitemaps_are_absolute_once_each_and_few(site: Site, desk: Callable[..., Desk]) -> None:
    lines = ["Sitemap: /one.xml", "sitemap: https://cdn.example/two.xml", "Sitemap: /one.xml", "Sitemap: ftp://x/y",
             "Sitemap: http://[::1", *(f"Sitemap: /{number}.xml" for number in range(100))]  # fmt: skip
    site.pages["/robots.txt"] = answer("\n".join(lines))
    found = await desk().robots.sitemaps(site.url("/deep/page"))
    assert found[:3] == (site.url("/one.xml"), "https://cdn.example/two.xml", site.url("/0.xml"))
    assert len(found) == 50


@pytest.mark.parametrize(
    "line",
    [
        "Disallow: /" + "a*" * 100_000,
        "User-agent: " + " " * 400_000,
        "\t" * 500_000,
        "x" * 500_000,
        "Disallow: /*a\n" * 36_000,
    ],
)
def test_no_file_takes_long(line: str) -> None:
    parsed = parse_robots(f"User-agent: *\n{line}", "copydesk")
    assert parsed.can_fetch("https://x.example/" + "b" * 4000, "copydesk")


@given(st.text(alphabet="UserAgnt-:*\n\r Dislow/$%#\x00\ufeffé", max_size=200))
def test_no_file_breaks_it(text: str) -> None:
    assert parse_robots(text, "copydesk").can_fetch("https://x.example/robots.txt", "copydesk")


@pytest.mark.parametrize(
    ("user_agent", "token"),
    [("Copydesk/0.1 (+https://x.example)", "copydesk"), ("my-news_bot", "my-news_bot"), ("A B/1", "a"), ("()", "()")],
)
def test_the_product_token(user_agent: str, token: str) -> None:
    assert product_token(user_agent) == token
