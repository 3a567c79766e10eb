"""What tests of visits have in common."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from copydesk_fetcher.entries import Outcome
from copydesk_fetcher.parsing.dispatch import parse_feed
from copydesk_fetcher.parsing.model import ParsedFeed
from copydesk_fetcher.parsing.worker import FeedParser
from copydesk_shared.messages import Feed, FeedState

from .site import Site

Parse = Callable[[bytes, str, str, datetime], Awaitable[ParsedFeed]]


class InlineParser(FeedParser):
    """The parser without its worker process, which has tests of its own."""

    parsed = 0

    async def __call__(self, body: bytes, content_type: str, url: str, now: datetime) -> ParsedFeed:
        self.parsed += 1
        return parse_feed(body, content_type, url, self._entries, now)


def feed_at(site: Site, path: str = "/feed", **given: object) -> Feed:
    usual = {"feed_id": "news", "url": site.url(path), "name": "News", "interval_seconds": 600}
    return Feed.model_validate({**usual, **given})


def later(state: FeedState) -> float:
    return (state.next_poll_at - datetime.now(UTC)).total_seconds()


def titles(outcome: Outcome) -> list[str]:
    return [entry.title for entry in outcome.entries]
