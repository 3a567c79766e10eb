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
from copydesk_fetcher.parse import ParsedFeed
from copydesk_fetcher.responses import Fetched
from copydesk_fetcher.settings import FetcherSettings
from copydesk_fetcher.states import conditional_headers, validators
from copydesk_shared.errors import CopydeskError
from copydesk_shared.messages import Feed, FeedState

FEED_ACCEPT = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml, "
    "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"
)
OK = 200
NOT_MODIFIED = 304


class Unanswered(CopydeskError):
    """The server answered something else than a feed."""

    def __init__(self, fetched: Fetched) -> None:
        super().__init__(f"the server answered {fetched.status}")
        self.fetched = fetched


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
            raise Unanswered(fetched)
        digest = body_digest(fetched.url, fetched.body)
        learnt: dict[str, Any] = {"body_digest": digest, **validators(fetched)}
        moves_to = None
        if fetched.moved_to and source != feed.url:
            learnt["source_url"] = fetched.moved_to
        elif fetched.moved_to != feed.url:
            moves_to = fetched.moved_to
        if state is not None and state.body_digest == digest and not state.children:
            return Reading(fetched, None, learnt, moves_to)
        parsed = await self._parse(fetched.body, content_type(fetched), fetched.url, datetime.now(UTC))
        learnt["children"] = {}
        if parsed.children:
            parsed, learnt["children"] = await self._with_children(fetched.url, parsed, state)
        return Reading(fetched, parsed, learnt, moves_to)

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
