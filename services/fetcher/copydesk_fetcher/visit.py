"""One visit to a feed: ask, read, and say what came of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from copydesk_fetcher.bodies import body_digest
from copydesk_fetcher.entries import News, Outcome, entries_from
from copydesk_fetcher.http import Client
from copydesk_fetcher.intervals import Bounds, FailureKind
from copydesk_fetcher.parse import FeedParser, NotAFeed, ParsedFeed
from copydesk_fetcher.responses import Fetched, FetchError, Held, Unreachable
from copydesk_fetcher.settings import FetcherSettings
from copydesk_fetcher.states import (
    adapted,
    base,
    conditional_headers,
    failed,
    learning,
    postponed,
    succeeded,
    unchanged,
    validators,
)
from copydesk_fetcher.uplink import Uplink
from copydesk_fetcher.websub.links import Offer, hub_from_headers
from copydesk_shared.errors import CopydeskError, DependencyDown
from copydesk_shared.messages import Feed, FeedState, Push
from copydesk_shared.telemetry import get_logger

FEED_ACCEPT = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml, "
    "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"
)
OK = 200
NOT_MODIFIED = 304
GONE = 410
SERVER_ERRORS = 500
# Answers below 500 that say nothing of the feed itself.
TEMPORARY = frozenset((204, 205, 408, 425, 429))
WARNING_CHARACTERS = 500
UPLINK_SECONDS = 60.0
# What was learnt of a place where a site's feed was, once it is not there any more.
FORGOTTEN: Mapping[str, Any] = {
    "source_url": None, "etag": None, "last_modified": None, "body_digest": None, "children": {},
}  # fmt: skip


class Verdict(Protocol):
    """What a robots.txt says of a URL: see :class:`copydesk_fetcher.robots.RobotsVerdict`."""

    @property
    def allowed(self) -> bool:
        """Whether it may be asked for."""

    @property
    def retry_seconds(self) -> float | None:
        """Where nobody knows now, when to ask again."""


class Robots(Protocol):
    """See :class:`copydesk_fetcher.robots.Robots`."""

    async def check(self, url: str) -> Verdict:
        """Whether this URL may be asked for."""


class Disallowed(CopydeskError):
    """robots.txt does not allow what was discovered."""


class Unanswered(CopydeskError):
    """The server answered something else than a feed."""

    def __init__(self, fetched: Fetched) -> None:
        super().__init__(f"the server answered {fetched.status}")
        self.fetched = fetched


class Visitor:
    """Visits feeds, with the client and the parser they share.

    A feed that an operator named is asked whatever robots.txt says of it, as readers of feeds do; what was discovered
    is asked only if robots.txt allows it.
    """

    def __init__(self, client: Client, parser: FeedParser, settings: FetcherSettings, robots: Robots) -> None:
        self._client = client
        self._parser = parser
        self._settings = settings
        self._robots = robots
        self._bounds = Bounds(settings.shortest_interval_seconds, settings.longest_interval_seconds)
        self._uplink = Uplink()

    async def visit(self, feed: Feed, state: FeedState | None) -> Outcome:
        """What came of polling this feed now. A feed's failures are an outcome, never raised."""
        try:
            outcome = await self._visit(feed, state)
        except Held as error:
            return Outcome((), postponed(feed, state, error.seconds, _now()), "postponed")
        except Unreachable as error:
            return self._unreachable(feed, state, str(error))
        except Unanswered as error:
            self._uplink.answered()
            return self._refused(feed, state, error.fetched)
        except (FetchError, NotAFeed, Disallowed) as error:
            return self._failed(feed, state, str(error), "permanent")
        self._uplink.answered()
        return outcome

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
                learnt["interval_seconds"] = adapted(feed, before, news.new, 0, before.hub.pushed_at, now, self._bounds)
            learnt["hub"] = before.hub.model_copy(update={"pushed_at": push.received_at})
        return _outcome(news, before.model_copy(update=learnt))

    async def _visit(self, feed: Feed, state: FeedState | None) -> Outcome:
        source = state.source_url if state and state.source_url else feed.url
        if source != feed.url:
            await self._check(source)
        fetched = await self._get(source, conditional_headers(state))
        now = _now()
        if fetched.status == NOT_MODIFIED:
            return Outcome((), unchanged(feed, state, fetched, now, bounds=self._bounds), "unchanged")
        if fetched.status != OK:
            raise Unanswered(fetched)
        learnt = {"body_digest": body_digest(fetched.url, fetched.body), **validators(fetched)}
        if state is not None and state.body_digest == learnt["body_digest"]:
            after = unchanged(feed, state, fetched, now, learnt=learnt, bounds=self._bounds)
            return _moved(Outcome((), after, "unchanged"), feed, source, fetched)
        parsed = await self._parsed(fetched, now)
        return _moved(self._read(feed, state, fetched, parsed, learnt, now), feed, source, fetched)

    def _read(
        self,
        feed: Feed,
        state: FeedState | None,
        fetched: Fetched,
        parsed: ParsedFeed,
        learnt: Mapping[str, Any],
        now: datetime,
    ) -> Outcome:
        before = base(feed, state, now)
        homes = (fetched.url, *_homes(feed, before, parsed))
        news = entries_from(feed, parsed, before.seen, now, homes=homes)
        after = succeeded(
            feed,
            before,
            fetched,
            now,
            learnt={
                "seen": news.seen,
                "entries_seen": before.entries_seen + news.new,
                "warning": _warning(parsed, news),
                **learning(feed, before, parsed, news.new, now, self._bounds),
                **learnt,
            },
            ttl=parsed.ttl_seconds,
            bounds=self._bounds,
        )
        if after.warning and after.warning != before.warning:
            get_logger().info("feed with faults", feed=feed.feed_id, problem=after.warning)
        return _outcome(news, after, hub_wanted=self._hub(feed, fetched, parsed))

    def _hub(self, feed: Feed, fetched: Fetched, parsed: ParsedFeed) -> Offer | None:
        if not feed.websub or not self._settings.websub_url:
            return None
        links = hub_from_headers(fetched.headers.get("link", ""), fetched.url)
        hub = links.hub or parsed.hub
        return Offer(hub, links.self_url or parsed.self_url or fetched.url) if hub else None

    async def _get(self, url: str, headers: Mapping[str, str]) -> Fetched:
        return await self._client.get(
            url, max_bytes=self._settings.feed_bytes, headers={"accept": FEED_ACCEPT, **headers}
        )

    async def _parsed(self, fetched: Fetched, now: datetime) -> ParsedFeed:
        return await self._parser(fetched.body, fetched.headers.get("content-type", ""), fetched.url, now)

    async def _check(self, url: str) -> None:
        verdict = await self._robots.check(url)
        if verdict.retry_seconds is not None:
            raise Held(verdict.retry_seconds)
        if not verdict.allowed:
            raise Disallowed(f"robots.txt does not allow {url}")

    def _unreachable(self, feed: Feed, state: FeedState | None, reason: str) -> Outcome:
        """Where nobody answers, it is our own network that is away: no feed has to wait longer for that."""
        try:
            self._uplink.failed(feed.url)
        except DependencyDown as error:
            get_logger().warning("poll postponed", feed=feed.feed_id, reason=str(error))
            return Outcome((), postponed(feed, state, UPLINK_SECONDS, _now()), "postponed")
        return self._failed(feed, state, reason, "temporary")

    def _refused(self, feed: Feed, state: FeedState | None, fetched: Fetched) -> Outcome:
        now = _now()
        reason = f"the server answered {fetched.status}"
        is_own = state is None or state.source_url in (None, feed.url)
        if fetched.status == GONE and is_own:
            return self._failed(feed, state, f"gone: {reason}", "gone")
        is_temporary = fetched.status in TEMPORARY or fetched.status >= SERVER_ERRORS
        kind: FailureKind = "temporary" if is_temporary else "permanent"
        return self._failed(feed, state, reason, kind, fetched.retry_after(now))

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
            after = after.model_copy(update=FORGOTTEN)
        return Outcome((), after, "gone" if kind == "gone" else "failed")


def _homes(feed: Feed, state: FeedState, parsed: ParsedFeed) -> tuple[str, ...]:
    return tuple(url for url in (feed.moved_from, state.source_url, parsed.self_url) if url)


def _outcome(news: News, state: FeedState, *, hub_wanted: Offer | None = None) -> Outcome:
    result: Literal["changed", "unchanged"] = "changed" if news.entries else "unchanged"
    return Outcome(news.entries, state, result, off_site=news.off_site, hub_wanted=hub_wanted)


def _moved(outcome: Outcome, feed: Feed, source: str, fetched: Fetched) -> Outcome:
    """Permanent redirects have led to something that is a feed: there it is polled from now on."""
    if fetched.moved_to is None or fetched.moved_to == source:
        return outcome
    if source != feed.url:
        after = outcome.state.model_copy(update={"source_url": fetched.moved_to})
        return replace(outcome, state=after)
    moved = feed.model_copy(update={"url": fetched.moved_to, "moved_from": feed.moved_from or feed.url})
    return replace(outcome, moved_feed=moved)


def _warning(parsed: ParsedFeed, news: News) -> str | None:
    unusable = f"{parsed.skipped} entries have no usable link" if parsed.skipped else None
    said = "; ".join(filter(None, (parsed.problem, unusable, news.warning)))
    return said[:WARNING_CHARACTERS] or None


def _one_line(what: str, error: Exception) -> str:
    return f"{what}: {error}"[:WARNING_CHARACTERS]


def _now() -> datetime:
    return datetime.now(UTC)
