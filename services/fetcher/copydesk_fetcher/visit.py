"""One visit to a feed: ask, read, and say what came of it."""

from datetime import UTC, datetime

from copydesk_fetcher.entries import Outcome, conditional_headers, entries_from, failed, succeeded, unchanged
from copydesk_fetcher.http import Client
from copydesk_fetcher.parsing.model import NotAFeed
from copydesk_fetcher.parsing.worker import FeedParser
from copydesk_fetcher.responses import Fetched, FetchError
from copydesk_shared.messages import Feed, FeedState
from copydesk_shared.telemetry import get_logger

FEED_ACCEPT = "application/rss+xml, application/atom+xml, application/rdf+xml, application/xml;q=0.9, */*;q=0.5"
OK = 200
NOT_MODIFIED = 304
GONE = 410


class Visitor:
    """Visits feeds, with the client and the parser they share."""

    def __init__(self, client: Client, parser: FeedParser, feed_bytes: int) -> None:
        self._client = client
        self._parser = parser
        self._feed_bytes = feed_bytes

    async def visit(self, feed: Feed, state: FeedState | None) -> Outcome:
        """What came of polling this feed now. A feed's failures are an outcome, never raised."""
        headers = {"accept": FEED_ACCEPT, **conditional_headers(state)}
        try:
            fetched = await self._client.get(feed.url, max_bytes=self._feed_bytes, headers=headers)
            return await self._read(feed, state, fetched)
        except (FetchError, NotAFeed) as error:
            return Outcome((), failed(feed, state, str(error), _now()), "failed")

    async def _read(self, feed: Feed, state: FeedState | None, fetched: Fetched) -> Outcome:
        now = _now()
        if fetched.status == NOT_MODIFIED:
            return Outcome((), unchanged(feed, state, now), "unchanged")
        if fetched.status != OK:
            return _refused(feed, state, fetched, now)
        parsed = await self._parser(fetched.body, fetched.headers.get("content-type", ""), fetched.url, now)
        if parsed.problem or parsed.skipped:
            get_logger().info("feed with faults", feed=feed.feed_id, problem=parsed.problem, skipped=parsed.skipped)
        entries, seen = entries_from(feed, parsed, state.seen if state else {}, now)
        return Outcome(entries, succeeded(feed, fetched, seen, now), "changed" if entries else "unchanged")


def _refused(feed: Feed, state: FeedState | None, fetched: Fetched, now: datetime) -> Outcome:
    gone = fetched.status == GONE
    reason = "gone: the server answered 410" if gone else f"the server answered {fetched.status}"
    after = failed(feed, state, reason, now, retry_after=fetched.retry_after(now), gone=gone)
    return Outcome((), after, "gone" if gone else "failed")


def _now() -> datetime:
    return datetime.now(UTC)
