from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from copydesk_fetcher.http import Client
from copydesk_fetcher.parsing.dispatch import parse_feed
from copydesk_fetcher.parsing.model import NotAFeed, ParsedFeed
from copydesk_fetcher.parsing.worker import FeedParser
from copydesk_fetcher.visit import Visitor
from copydesk_shared.messages import Feed, FeedState

from .samples import rss
from .site import Request, Site, answer, raw

Parse = Callable[[bytes, str, str, datetime], Awaitable[ParsedFeed]]


class InlineParser(FeedParser):
    """The parser without its worker process, which has tests of its own."""

    async def __call__(self, body: bytes, content_type: str, url: str, now: datetime) -> ParsedFeed:
        return parse_feed(body, content_type, url, self._entries, now)


@pytest.fixture
def visitor(client: Client) -> Visitor:
    return Visitor(client, InlineParser(5, 100), feed_bytes=50_000)


def feed_at(site: Site, path: str = "/feed") -> Feed:
    return Feed(feed_id="news", url=site.url(path), name="News", interval_seconds=600)


def later(state: FeedState) -> float:
    return (state.next_poll_at - datetime.now(UTC)).total_seconds()


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
    assert 590 < later(second.state) <= 600


async def test_a_server_that_ignores_validators_gives_no_entry_twice(site: Site, visitor: Visitor) -> None:
    site.pages["/feed"] = answer(rss([("One", "/1")]), etag='"v1"')
    first = await visitor.visit(feed_at(site), None)
    second = await visitor.visit(feed_at(site), first.state)
    assert (len(first.entries), second.entries, second.result) == (1, (), "unchanged")


async def test_a_feed_that_moved_keeps_working(site: Site, visitor: Visitor) -> None:
    site.pages["/feed"] = answer("", 301, location="/new/feed")
    site.pages["/new/feed"] = answer(rss([("One", "one")]))
    outcome = await visitor.visit(feed_at(site), None)
    assert [entry.url for entry in outcome.entries] == [site.url("/new/one")]


@pytest.mark.parametrize(
    ("status", "headers", "result", "least", "reason"),
    [
        (404, {}, "failed", 590, "the server answered 404"),
        (500, {"retry_after": "7200"}, "failed", 7190, "the server answered 500"),
        (429, {"retry_after": "1"}, "failed", 590, "the server answered 429"),
        (410, {}, "gone", 6 * 86400, "gone: the server answered 410"),
        (204, {}, "failed", 590, "the server answered 204"),
        (304, {}, "unchanged", 590, None),
    ],
)
async def test_answers_that_are_no_feed(
    site: Site, visitor: Visitor, status: int, headers: dict[str, str], result: str, least: float, reason: str | None
) -> None:
    site.pages["/feed"] = answer("", status, **headers)
    outcome = await visitor.visit(feed_at(site), None)
    assert (outcome.result, outcome.state.last_error) == (result, reason)
    assert later(outcome.state) >= least


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (answer("<html><p>Log in"), "neither RSS nor Atom"),
        (answer("x" * 60_000), "more than 50000"),
        (raw(b""), "RemoteProtocolError"),
        (answer("", 302, location="http://10.0.0.1/feed"), "not a public address"),
        (answer("", 302, location="/feed"), "more than 5 redirects"),
    ],
)
async def test_what_cannot_be_read_is_a_failure_with_its_reason(
    site: Site, visitor: Visitor, handler: Callable[..., Awaitable[None]], reason: str
) -> None:
    site.pages["/feed"] = handler
    before = FeedState(feed_id="news", next_poll_at=datetime.now(UTC), failures=1, etag='"old"')
    outcome = await visitor.visit(feed_at(site), before)
    assert outcome.result == "failed"
    assert reason in str(outcome.state.last_error)
    assert (outcome.state.failures, outcome.state.etag) == (2, '"old"')
    assert later(outcome.state) > 1100


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


async def test_a_parser_that_gives_up_is_a_failure(site: Site, client: Client) -> None:
    class Broken(FeedParser):
        async def __call__(self, *_: object) -> ParsedFeed:
            raise NotAFeed("not parsed within 1 s")

    site.pages["/feed"] = answer(rss([]))
    outcome = await Visitor(client, Broken(1, 1), 50_000).visit(feed_at(site), None)
    assert outcome.state.last_error == "not parsed within 1 s"
