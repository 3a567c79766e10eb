from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from copydesk_fetcher.http import Client
from copydesk_fetcher.parsing.model import NotAFeed, ParsedFeed
from copydesk_fetcher.parsing.worker import FeedParser
from copydesk_fetcher.responses import Unreachable
from copydesk_fetcher.robots import Robots
from copydesk_fetcher.settings import FetcherSettings
from copydesk_fetcher.visit import Visitor
from copydesk_fetcher.websub.links import Offer
from copydesk_shared.messages import Feed, FeedState, HubState, Push

from .samples import atom_of, rss, rss_of
from .site import Handler, Request, Site, answer, in_turn, raw
from .visits import InlineParser, feed_at, later, titles

Parse = Callable[[bytes, str, str, datetime], Awaitable[ParsedFeed]]


async def test_the_first_visit_finds_everything_and_the_second_asks_only_for_changes(
    site: Site, visitor: Visitor
) -> None:
    body = rss([("One", "/1"), ("Two", "/2")])

    async def conditional(request: Request, writer: object) -> None:
        known = request.headers.get("if-none-match") == '"v1"' and "if-modified-since" in request.headers
        headers = {"etag": '"v1"', "last_modified": "Sun, 22 Nov 2026 10:00:00 GMT"}
        await (answer("", 304) if known else answer(body, **headers))(request, writer)  # type: ignore[arg-type]

    site.pages["/feed"] = conditional
    first = await visitor.visit(feed_at(site), None)
    assert (first.result, [entry.title for entry in first.entries]) == ("changed", ["Two", "One"])
    assert first.entries[0].url == site.url("/2")
    second = await visitor.visit(feed_at(site), first.state)
    assert (second.result, second.entries, second.state.seen) == ("unchanged", (), first.state.seen)
    assert second.state.etag == '"v1"'
    assert 530 < later(second.state) <= 600


async def test_a_server_that_ignores_validators_gives_no_entry_twice(site: Site, visitor: Visitor) -> None:
    site.pages["/feed"] = answer(rss([("One", "/1")]), etag='"v1"')
    first = await visitor.visit(feed_at(site), None)
    second = await visitor.visit(feed_at(site), first.state)
    assert (len(first.entries), second.entries, second.result) == (1, (), "unchanged")


async def test_a_body_that_was_read_before_is_not_parsed_again(
    site: Site, visitor: Visitor, parser: InlineParser
) -> None:
    site.pages["/feed"] = in_turn(
        answer(rss([("One", "/1")]), etag='"v1"'),
        answer(rss([("One", "/1")]).replace("<item>", "<lastBuildDate>now</lastBuildDate><item>"), etag='"v2"'),
        answer(rss([("Two", "/2"), ("One", "/1")])),
    )
    first = await visitor.visit(feed_at(site), None)
    second = await visitor.visit(feed_at(site), first.state)
    assert (second.result, second.entries, parser.parsed) == ("unchanged", (), 1)
    assert (second.state.etag, second.state.seen) == ('"v2"', first.state.seen)
    third = await visitor.visit(feed_at(site), second.state)
    assert (titles(third), parser.parsed, third.state.etag) == (["Two"], 2, None)
    assert third.state.entries_seen == 2


async def test_a_feed_that_moved_for_good_is_defined_anew(site: Site, visitor: Visitor) -> None:
    site.pages["/feed"] = answer("", 301, location="/new/feed")
    site.pages["/new/feed"] = answer(rss([("One", "one")]))
    feed = feed_at(site)
    outcome = await visitor.visit(feed, None)
    assert [entry.url for entry in outcome.entries] == [site.url("/new/one")]
    moved = {"url": site.url("/new/feed"), "moved_from": feed.url}
    assert outcome.moved_feed == feed.model_copy(update=moved)
    again = await visitor.visit(feed, outcome.state)
    assert (again.result, again.moved_feed) == ("unchanged", outcome.moved_feed)
    twice = feed.model_copy(update={"moved_from": "http://first.example/"})
    assert (await visitor.visit(twice, None)).moved_feed == twice.model_copy(update={"url": moved["url"]})


@pytest.mark.parametrize(
    ("status", "target"),
    [(302, answer(rss([("One", "/1")]))), (307, answer(rss([("One", "/1")]))), (301, answer("<html>Log in")),
     (308, answer("", 404)), (301, answer(rss([])))],
)  # fmt: skip
async def test_a_feed_stays_where_a_redirect_is_not_for_good_or_leads_to_no_feed(
    site: Site, visitor: Visitor, status: int, target: Handler
) -> None:
    site.pages["/feed"] = answer("", status, location="/new")
    site.pages["/new"] = target
    feed = feed_at(site, kind="feed")
    first = await visitor.visit(feed, None)
    assert first.moved_feed is None
    assert (await visitor.visit(feed, first.state)).moved_feed is None


@pytest.mark.parametrize(
    ("status", "headers", "result", "least", "reason"),
    [
        (404, {}, "failed", 3200, "the server answered 404"),
        (403, {}, "failed", 3200, "the server answered 403"),
        (500, {"retry_after": "7200"}, "failed", 7190, "the server answered 500"),
        (503, {}, "failed", 530, "the server answered 503"),
        (429, {"retry_after": "1"}, "failed", 530, "the server answered 429"),
        (410, {}, "gone", 300 * 86400, "gone: the server answered 410"),
        (204, {}, "failed", 530, "the server answered 204"),
        (304, {}, "unchanged", 530, None),
        (304, {"cache_control": "max-age=1800"}, "unchanged", 1790, None),
    ],
)
async def test_answers_that_are_no_feed(
    site: Site, visitor: Visitor, status: int, headers: dict[str, str], result: str, least: float, reason: str | None
) -> None:
    site.pages["/feed"] = answer("", status, **headers)
    outcome = await visitor.visit(feed_at(site), None)
    assert (outcome.result, outcome.state.last_error) == (result, reason)
    assert later(outcome.state) >= least
    assert (outcome.state.disabled is not None) == (status == 410)


@pytest.mark.parametrize("status", [301, 302])
async def test_a_feed_is_gone_only_where_its_own_url_says_so(site: Site, visitor: Visitor, status: int) -> None:
    site.pages |= {"/feed": answer("", status, location="/there"), "/there": answer("", 410)}
    outcome = await visitor.visit(feed_at(site), None)
    assert (outcome.result, outcome.state.last_error) == ("failed", "the server answered 410")
    assert (outcome.state.disabled, outcome.state.failure_kind) == (None, "permanent")


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (answer("<html><p>Log in"), "web page"),
        (answer("no feed at all"), "neither"),
        (answer("x" * 60_000), "more than 50000"),
        (answer("", 302, location="http://10.0.0.1/feed"), "not a public address"),
        (answer("", 302, location="/feed"), "redirects"),
    ],
)
async def test_what_cannot_be_read_is_a_failure_with_its_reason(
    site: Site, visitor: Visitor, handler: Callable[..., Awaitable[None]], reason: str
) -> None:
    site.pages["/feed"] = handler
    before = FeedState(feed_id="news", next_poll_at=datetime.now(UTC), failures=1, etag='"old"')
    outcome = await visitor.visit(feed_at(site, kind="feed"), before)
    assert outcome.result == "failed"
    assert reason in str(outcome.state.last_error)
    assert (outcome.state.failures, outcome.state.etag) == (2, '"old"')
    assert later(outcome.state) > 1000


@pytest.mark.parametrize("sent", [b"", b"not HTTP\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"])
async def test_an_answer_that_cannot_be_taken_is_a_failure_that_may_pass(
    site: Site, client: Client, visitor: Visitor, sent: bytes
) -> None:
    site.pages["/feed"] = raw(sent)
    with pytest.raises(Unreachable) as raised:
        await client.get(site.url("/feed"), max_bytes=1000)
    outcome = await visitor.visit(feed_at(site), None)
    assert (outcome.result, outcome.state.failure_kind) == ("failed", "temporary")
    assert outcome.state.last_error == str(raised.value)


async def test_broken_xml_with_entries_is_a_success(site: Site, visitor: Visitor) -> None:
    site.pages["/feed"] = answer(rss([("One", "/1"), ("Two", "/2")]).replace("</channel></rss>", "<item><b"))
    outcome = await visitor.visit(feed_at(site), None)
    assert [entry.title for entry in outcome.entries] == ["Two", "One"]
    assert outcome.state.failures == 0


async def test_after_a_failure_a_success_starts_afresh(site: Site, visitor: Visitor) -> None:
    failed = await visitor.visit(feed_at(site, "/missing"), None)
    site.pages["/feed"] = answer(rss([("One", "/1")]))
    outcome = await visitor.visit(feed_at(site), failed.state)
    assert (outcome.state.failures, outcome.state.last_error) == (0, None)
    assert outcome.state.next_poll_at - datetime.now(UTC) < timedelta(seconds=601)


async def test_a_parser_that_gives_up_is_a_failure(site: Site, client: Client, settings: FetcherSettings) -> None:
    class Broken(FeedParser):
        async def __call__(self, *_: object) -> ParsedFeed:
            raise NotAFeed("not parsed within 1 s")

    site.pages["/feed"] = answer(rss([]))
    robots = Robots(client.get, client.hosts, settings)
    outcome = await Visitor(client, Broken(1, 1), settings, robots).visit(feed_at(site), None)
    assert outcome.state.last_error == "not parsed within 1 s"


async def test_what_is_wrong_with_a_feed_is_kept_and_goes_when_it_is_mended(site: Site, visitor: Visitor) -> None:
    site.pages["/feed"] = in_turn(
        answer(rss([("One", "/1"), ("Ad", "javascript:buy()")])), answer(rss([("One", "/1"), ("Two", "/2")]))
    )
    first = await visitor.visit(feed_at(site), None)
    assert first.state.warning == "entries without a usable link: 1"
    assert (await visitor.visit(feed_at(site), first.state)).state.warning is None


async def test_links_to_other_sites_are_counted(site: Site, visitor: Visitor) -> None:
    site.pages["/feed"] = answer(rss([("One", "/1"), ("Two", "/2"), ("Ad", "http://advert.example/")]))
    outcome = await visitor.visit(feed_at(site), None)
    assert (titles(outcome), outcome.off_site) == (["Two", "One"], 1)


async def test_a_host_that_asked_to_be_left_alone_is_no_failure_of_its_feeds(
    site: Site, client: Client, visitor: Visitor
) -> None:
    site.pages["/feed"] = answer(rss([("One", "/1")]))
    client.hosts.hold("127.0.0.1", 500)
    outcome = await visitor.visit(feed_at(site), None)
    assert (outcome.result, outcome.state.failures, outcome.state.last_poll_at) == ("postponed", 0, None)
    assert 490 <= later(outcome.state) <= 550
    assert site.requests == []


async def test_when_nobody_answers_feeds_do_not_wait_longer_for_it(client: Client, visitor: Visitor) -> None:
    refused = await visitor.visit(Feed(feed_id="private", url="http://10.0.0.1/", name="N"), None)
    assert refused.state.failure_kind == "permanent"
    hosts = [f"127.0.0.{number}" for number in range(2, 8)]
    for host in hosts:
        client.hosts.answered(host, 200)
    silent = [await visitor.visit(Feed(feed_id=host, url=f"http://{host}:1/", name="N"), None) for host in hosts]
    assert [outcome.result for outcome in silent] == [*["failed"] * 4, *["postponed"] * 2]
    assert silent[0].state.failure_kind == "temporary"
    assert (silent[-1].state.failures, later(silent[-1].state) < 70) == (0, True)


async def test_an_adaptive_interval_begins_with_the_dates_of_the_entries(site: Site, visitor: Visitor) -> None:
    daily = "".join(
        f"<item><title>{n}</title><link>/{n}</link><pubDate>{format_datetime(datetime.now(UTC) - timedelta(days=n))}"
        "</pubDate></item>"
        for n in range(20)
    )
    site.pages["/feed"] = answer(f'<rss version="2.0"><channel><title>News</title>{daily}</channel></rss>')
    feed = feed_at(site, adapts=True, interval_seconds=900)
    outcome = await visitor.visit(feed, None)
    assert 7000 < (outcome.state.interval_seconds or 0) < 9500
    assert later(outcome.state) > 6000


HUB = '<link rel="hub" href="https://hub.example/"/><link rel="self" href="https://news.example/feed"/>'


@pytest.mark.parametrize(
    ("headers", "content", "offer"),
    [
        ({}, HUB, Offer("https://hub.example/", "https://news.example/feed")),
        ({"link": '<https://h.example/>; rel="hub"'}, "", Offer("https://h.example/", "{feed}")),
        ({"link": '<https://h.example/>; rel="hub"'}, HUB, Offer("https://h.example/", "https://news.example/feed")),
        ({}, "", None),
    ],
)
async def test_the_hub_that_a_feed_names_is_wanted(
    site: Site, visiting: Callable[..., Visitor], headers: dict[str, str], content: str, offer: Offer | None
) -> None:
    site.pages["/feed"] = answer(atom_of(content), 200, content_type="application/atom+xml", **headers)
    subscribing = visiting(websub_url="https://copydesk.example")
    wanted = offer and Offer(offer.hub, offer.topic.replace("{feed}", site.url("/feed")))
    assert (await subscribing.visit(feed_at(site), None)).hub_wanted == wanted
    assert (await subscribing.visit(feed_at(site, websub=False), None)).hub_wanted is None
    assert (await visiting().visit(feed_at(site), None)).hub_wanted is None


def pushed(body: str | bytes) -> Push:
    content = body.encode() if isinstance(body, str) else body
    return Push.model_construct(
        feed_id="news", kind="content", topic="t", received_at=datetime.now(UTC), content_type="text/xml", body=content
    )


async def test_what_a_hub_pushes_is_read_as_if_it_had_been_polled(site: Site, visitor: Visitor) -> None:
    now = datetime.now(UTC)
    site.pages["/feed"] = answer(rss([("One", "/1")]))
    feed = feed_at(site, adapts=True)
    polled = (await visitor.visit(feed, None)).state
    hub = HubState(hub="h", topic="t", requested_at=now, lease_until=now + timedelta(days=9))
    before = polled.model_copy(update={"hub": hub})
    outcome = await visitor.visit_pushed(feed, before, pushed(rss([("Two", "/2"), ("One", "/1")])))
    assert (outcome.result, titles(outcome)) == ("changed", ["Two"])
    assert outcome.entries[0].url == site.url("/2")
    after = outcome.state
    assert (after.entries_seen, after.next_poll_at, after.last_poll_at) == (2, polled.next_poll_at, polled.last_poll_at)
    assert after.hub is not None
    assert after.hub.pushed_at is not None
    assert later((await visitor.visit(feed, after)).state) > 19_000, "from now on it is polled rarely"
    site.pages["/feed"] = answer(rss([("Three", "/3"), ("Two", "/2"), ("One", "/1")]))
    missed = await visitor.visit(feed, after)
    assert titles(missed) == ["Three"]
    assert later(missed.state) < 1000, "the hub has not pushed what is new"


@pytest.mark.parametrize("body", [b"", b"<html><p>Hello", b"\x00\xff"])
async def test_a_push_that_cannot_be_read_makes_us_poll(site: Site, visitor: Visitor, body: bytes) -> None:
    before = FeedState(feed_id="news", next_poll_at=datetime.now(UTC) + timedelta(hours=6))
    outcome = await visitor.visit_pushed(feed_at(site), before, pushed(body))
    assert (outcome.result, outcome.state.failures) == ("unchanged", 0)
    assert later(outcome.state) <= 0
    assert str(outcome.state.warning).startswith("what the hub pushed cannot be read: ")


async def test_what_a_feed_asks_to_skip_is_remembered_where_nothing_is_new(site: Site, visitor: Visitor) -> None:
    now = datetime.now(UTC)
    hours = [(now + timedelta(hours=offset)).hour for offset in range(8)]
    skips = f"<skipHours>{''.join(f'<hour>{hour}</hour>' for hour in hours)}</skipHours>"
    site.pages["/feed"] = answer(rss_of(f"{skips}<item><link>{site.url('/1')}</link></item>"))
    feed = feed_at(site, adapts=True)
    first = await visitor.visit(feed, None)
    assert first.state.skip_hours == tuple(sorted(hours))
    again = await visitor.visit(feed, first.state)
    assert again.result == "unchanged"
    for outcome in (first, again):
        assert outcome.state.next_poll_at.hour not in hours
        assert later(outcome.state) > 6 * 3600
