"""One visit to a feed: ask, read, and say what came of it."""

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

from copydesk_fetcher.asking import Robots
from copydesk_fetcher.entries import News, Outcome, entries_from
from copydesk_fetcher.http import Client
from copydesk_fetcher.intervals import Bounds, FailureKind
from copydesk_fetcher.parse import FeedParser, NotAFeed, ParsedFeed
from copydesk_fetcher.reading import Reader, Reading, Unanswered
from copydesk_fetcher.responses import Fetched, FetchError, Held, Unreachable
from copydesk_fetcher.settings import FetcherSettings
from copydesk_fetcher.states import adapted, base, failed, learning, postponed, succeeded, unchanged
from copydesk_fetcher.websub.links import Offer, hub_from_headers
from copydesk_shared.errors import DependencyDown
from copydesk_shared.messages import Feed, FeedState, Push
from copydesk_shared.telemetry import get_logger

GONE = 410
SERVER_ERRORS = 500
# Answers below 500 that say nothing of the feed itself.
TEMPORARY = frozenset((204, 205, 408, 425, 429))
WARNING_CHARACTERS = 500
UPLINK_SECONDS = 60.0
# What was learnt of a place where a site's feed was, once it is not there any more.
FORGOTTEN: Mapping[str, Any] = {"etag": None, "last_modified": None, "body_digest": None, "children": {}}


class Visitor:
    """Visits feeds, with the client and the parser they share.

    A feed that an operator named is asked whatever robots.txt says of it, as readers of feeds do; what was discovered
    is asked only if robots.txt allows it.
    """

    def __init__(self, client: Client, parser: FeedParser, settings: FetcherSettings, robots: Robots) -> None:
        self._client = client
        self._parser = parser
        self._settings = settings
        self._reader = Reader(client.get, parser, robots, settings)
        self._bounds = Bounds(settings.shortest_interval_seconds, settings.longest_interval_seconds)

    async def visit(self, feed: Feed, state: FeedState | None) -> Outcome:
        """What came of polling this feed now. A feed's failures are an outcome, never raised."""
        try:
            return await self._visit(feed, state)
        except Held as error:
            return Outcome((), postponed(feed, state, error.seconds, _now()), "postponed")
        except Unreachable as error:
            return self._unreachable(feed, state, str(error))
        except Unanswered as error:
            return self._refused(feed, state, error)
        except (FetchError, NotAFeed) as error:
            return self._failed(feed, state, str(error), "permanent")

    async def visit_pushed(self, feed: Feed, state: FeedState | None, push: Push) -> Outcome:
        """What came of reading what a hub pushed, as if it had been polled.

        What cannot be read is no failure of the feed: it is polled at once instead.
        """
        now = _now()
        before = base(feed, state, now)
        try:
            parsed = await self._parser(push.body, push.content_type, before.source_url or feed.url, now)
        except NotAFeed as error:
            said = _one_line("what the hub pushed cannot be read", error)
            return Outcome((), before.model_copy(update={"warning": said, "next_poll_at": now}), "unchanged")
        news = entries_from(feed, parsed, before.seen, now, homes=_homes(feed, before, parsed), shrinks_to=1.0)
        learnt: dict[str, Any] = {"seen": news.seen, "entries_seen": before.entries_seen + news.new}
        if before.hub is not None:
            if before.hub.pushed_at != push.received_at:
                learnt["interval_seconds"] = adapted(
                    feed, before, news.new, math.inf, before.hub.pushed_at, now, self._bounds
                )
            learnt["hub"] = before.hub.model_copy(update={"pushed_at": push.received_at})
        return _outcome(news, before.model_copy(update=learnt))

    async def _visit(self, feed: Feed, state: FeedState | None) -> Outcome:
        reading = await self._reader.read(feed, state)
        return _moved(self._judged(feed, state, reading), feed, reading)

    def _judged(self, feed: Feed, state: FeedState | None, reading: Reading) -> Outcome:
        fetched, parsed, now = reading.fetched, reading.parsed, _now()
        if parsed is None:
            after = unchanged(feed, state, fetched, now, learnt=reading.learnt, bounds=self._bounds)
            return Outcome((), after, "unchanged")
        before = base(feed, state, now)
        homes = (fetched.url, *_homes(feed, before, parsed))
        news = entries_from(feed, parsed, before.seen, now, homes=homes)
        learnt = {
            "seen": news.seen,
            "entries_seen": before.entries_seen + news.new,
            "warning": _warning(parsed, news),
            "skip_hours": parsed.skip_hours,
            "skip_days": parsed.skip_days,
            **learning(feed, before, parsed, news.new, now, self._bounds),
            **reading.learnt,
        }
        ttl = parsed.ttl_seconds
        after = succeeded(feed, before, fetched, now, learnt=learnt, ttl=ttl, bounds=self._bounds)
        if after.warning and after.warning != before.warning:
            get_logger().info("feed with faults", feed=feed.feed_id, problem=after.warning)
        return _outcome(news, after, hub_wanted=self._hub(feed, fetched, parsed))

    def _hub(self, feed: Feed, fetched: Fetched, parsed: ParsedFeed) -> Offer | None:
        if not feed.websub or not self._settings.websub_url:
            return None
        links = hub_from_headers(fetched.headers.get("link", ""), fetched.url)
        hub = links.hub or parsed.hub
        return Offer(hub, links.self_url or parsed.self_url or fetched.url) if hub else None

    def _unreachable(self, feed: Feed, state: FeedState | None, reason: str) -> Outcome:
        """Where nobody answers, it is our own network that is away: no feed has to wait longer for that."""
        try:
            self._client.hosts.uplink.check()
        except DependencyDown as error:
            get_logger().warning("poll postponed", feed=feed.feed_id, reason=str(error))
            return Outcome((), postponed(feed, state, UPLINK_SECONDS, _now()), "postponed")
        return self._failed(feed, state, reason, "temporary")

    def _refused(self, feed: Feed, state: FeedState | None, error: Unanswered) -> Outcome:
        status = error.fetched.status
        if status == GONE and error.is_own:
            return self._failed(feed, state, f"gone: {error}", "gone")
        kind: FailureKind = "temporary" if status in TEMPORARY or status >= SERVER_ERRORS else "permanent"
        return self._failed(feed, state, str(error), kind, error.fetched.retry_after(_now()))

    def _failed(
        self,
        feed: Feed,
        state: FeedState | None,
        reason: str,
        kind: FailureKind,
        retry_after: float | None = None,
    ) -> Outcome:
        after = failed(feed, state, reason, _now(), kind=kind, retry_after=retry_after, bounds=self._bounds)
        if kind == "permanent" and after.source_url is not None:
            # It is a site: it is asked for its feeds again.
            after = after.model_copy(update={**FORGOTTEN, "source_url": feed.url})
        return Outcome((), after, "gone" if kind == "gone" else "failed")


def _homes(feed: Feed, state: FeedState, parsed: ParsedFeed) -> tuple[str, ...]:
    return tuple(url for url in (feed.moved_from, state.source_url, parsed.self_url) if url)


def _outcome(news: News, state: FeedState, *, hub_wanted: Offer | None = None) -> Outcome:
    result: Literal["changed", "unchanged"] = "changed" if news.entries else "unchanged"
    return Outcome(news.entries, state, result, off_site=news.off_site, hub_wanted=hub_wanted)


def _moved(outcome: Outcome, feed: Feed, reading: Reading) -> Outcome:
    """Permanent redirects have led to something that is a feed: there it is polled from now on."""
    if reading.moves_to is None:
        return outcome
    moved = feed.model_copy(update={"url": reading.moves_to, "moved_from": feed.moved_from or feed.url})
    return replace(outcome, moved_feed=moved)


def _warning(parsed: ParsedFeed, news: News) -> str | None:
    unusable = f"entries without a usable link: {parsed.skipped}" if parsed.skipped else None
    said = "; ".join(filter(None, (parsed.problem, unusable, news.warning)))
    return said[:WARNING_CHARACTERS] or None


def _one_line(what: str, error: Exception) -> str:
    return f"{what}: {error}"[:WARNING_CHARACTERS]


def _now() -> datetime:
    return datetime.now(UTC)
