"""Where a feed's entries are found, and what is there: at its URL, in the sitemaps of an index, at what a site names.

What an operator named is asked whatever robots.txt says of it, as readers of feeds do. What was discovered is asked
only if robots.txt allows it, and only at the site itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from copydesk_fetcher.asking import Asker, Get, Parse, Robots, content_type
from copydesk_fetcher.bodies import body_digest
from copydesk_fetcher.children import REQUESTS, read_children
from copydesk_fetcher.discovery import REQUESTS as DISCOVERY_REQUESTS
from copydesk_fetcher.discovery import discover
from copydesk_fetcher.parse import IsHtml, NotAFeed, ParsedFeed
from copydesk_fetcher.responses import Elsewhere, Fetched
from copydesk_fetcher.settings import FetcherSettings
from copydesk_fetcher.states import conditional_headers, validators
from copydesk_shared.errors import CopydeskError
from copydesk_shared.identity import registrable_domain
from copydesk_shared.messages import Feed, FeedState

FEED_ACCEPT = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml, "
    "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"
)
OK = 200
NOT_MODIFIED = 304


class Unanswered(CopydeskError):
    """The server answered something else than a feed; ``is_own`` tells whether at the URL that was given for it."""

    def __init__(self, fetched: Fetched, *, is_own: bool) -> None:
        super().__init__(f"the server answered {fetched.status}")
        self.fetched = fetched
        self.is_own = is_own


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer and what it says; ``parsed`` is ``None`` where it is the same as last time.

    ``learnt`` are fields of the state that are known from it. ``moves_to`` is where the feed is from now on.
    """

    fetched: Fetched
    parsed: ParsedFeed | None = None
    learnt: Mapping[str, Any] = field(default_factory=dict)
    moves_to: str | None = None


class Reader:
    """Reads feeds, wherever their entries are."""

    def __init__(self, get: Get, parse: Parse, robots: Robots, settings: FetcherSettings) -> None:
        self._get = get
        self._parse = parse
        self._robots = robots
        self._settings = settings

    async def read(self, feed: Feed, state: FeedState | None) -> Reading:
        """What is there now. Raises :class:`FetchError`, :class:`NotAFeed` and :class:`Unanswered`."""
        source = state.source_url if state and state.source_url else feed.url
        if source == feed.url and _is_first_of_day(state):
            # It does not keep us from what was named, but its Crawl-delay counts.
            await self._robots.check(source)
        fetched = await self._ask(feed, source, _conditions(state))
        if fetched.status == NOT_MODIFIED:
            return Reading(fetched)
        if fetched.status != OK:
            raise Unanswered(fetched, is_own=source == feed.url == fetched.url)
        if state is not None and state.body_digest == _digest(fetched) and not state.children:
            moves_to = _moves_to(feed, source, fetched) if state.seen else None
            return Reading(fetched, None, _learnt(feed, source, fetched), moves_to)
        try:
            parsed = await self._parse(fetched.body, content_type(fetched), fetched.url, datetime.now(UTC))
        except IsHtml:
            if source != feed.url or not _may_be_site(feed, state):
                raise
            return await self._discovered(feed, state, fetched)
        return await self._whole(feed, state, source, fetched, parsed)

    async def _whole(
        self, feed: Feed, state: FeedState | None, source: str, fetched: Fetched, parsed: ParsedFeed
    ) -> Reading:
        """What was read there, with the sitemaps that it names."""
        learnt = {**_learnt(feed, source, fetched), "children": {}}
        if parsed.children:
            parsed, learnt["children"] = await self._with_children(fetched.url, parsed, state)
        # An empty feed is what a domain for sale may show, too.
        moves_to = _moves_to(feed, source, fetched) if parsed.entries else None
        return Reading(fetched, parsed, learnt, moves_to)

    async def _discovered(self, feed: Feed, state: FeedState | None, page: Fetched) -> Reading:
        """What the best feed of a site says. A site that has moved to another domain for good is there from now on."""
        is_elsewhere = registrable_domain(page.url) != registrable_domain(feed.url)
        if is_elsewhere and page.moved_to is None:
            raise Elsewhere(page.url)
        asker = self._asker(page.url, DISCOVERY_REQUESTS)
        found = await discover(asker, self._parse, page, datetime.now(UTC))
        if found is None:
            raise NotAFeed("a web page, and no feed or sitemap was found at its site")
        reading = await self._whole(feed, state, found.url, found.fetched, found.parsed)
        return replace(reading, moves_to=page.moved_to if is_elsewhere else None)

    async def _ask(self, feed: Feed, url: str, headers: Mapping[str, str]) -> Fetched:
        if url != feed.url:
            return await self._asker(feed.url, 1).ask(url, headers)
        max_bytes = self._settings.feed_bytes
        return await self._get(url, max_bytes=max_bytes, headers={"accept": FEED_ACCEPT, **headers})

    def _asker(self, site: str, requests: int) -> Asker:
        return Asker(self._get, self._robots, site, requests, self._settings.feed_bytes)

    async def _with_children(
        self, url: str, parsed: ParsedFeed, state: FeedState | None
    ) -> tuple[ParsedFeed, dict[str, Any]]:
        """The index with the entries of its sitemaps, and the states of those."""
        children = await read_children(
            self._asker(url, REQUESTS), self._parse, parsed.children, state.children if state else {},
            datetime.now(UTC), self._settings.feed_entries, index_url=url,
        )  # fmt: skip
        problem = "; ".join(filter(None, (parsed.problem, children.problem))) or None
        return replace(parsed, entries=(*parsed.entries, *children.entries), problem=problem), children.states


def _conditions(state: FeedState | None) -> dict[str, str]:
    """An index is read each time: that it has not changed does not say that its sitemaps have not."""
    return {} if state is not None and state.children else conditional_headers(state)


def _is_first_of_day(state: FeedState | None) -> bool:
    last = state.last_poll_at if state else None
    return last is None or last.date() != datetime.now(UTC).date()


def _may_be_site(feed: Feed, state: FeedState | None) -> bool:
    """A page where a feed has been is some mishap: another feed of the site is not what was asked for."""
    was_feed = state is not None and state.last_success_at is not None and state.source_url is None
    return feed.kind == "site" or (feed.kind == "auto" and not was_feed)


def _digest(fetched: Fetched) -> str:
    return body_digest(fetched.url, fetched.body)


def _learnt(feed: Feed, source: str, fetched: Fetched) -> dict[str, Any]:
    learnt: dict[str, Any] = {"body_digest": _digest(fetched), **validators(fetched)}
    if source != feed.url:
        learnt["source_url"] = fetched.moved_to or source
    return learnt


def _moves_to(feed: Feed, source: str, fetched: Fetched) -> str | None:
    return fetched.moved_to if source == feed.url != fetched.moved_to else None
