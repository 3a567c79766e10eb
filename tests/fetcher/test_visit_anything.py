"""Whatever a server says, a visit ends in an outcome, and the times in it are reasonable."""

import asyncio
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.entries import Outcome
from copydesk_fetcher.http import Client
from copydesk_fetcher.responses import Fetched, FetchError, Held, Refused, TooLarge, Unreachable, Unsupported
from copydesk_fetcher.robots import Robots
from copydesk_fetcher.settings import FetcherSettings
from copydesk_fetcher.visit import Visitor
from copydesk_shared.messages import Feed, FeedState

from .samples import BASE, atom_of, rss
from .visits import InlineParser

SETTINGS = FetcherSettings(user_agent="test", robots="skip", websub_url="https://copydesk.example")
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
LONGEST = timedelta(days=2)
DISABLED = timedelta(days=366)


class Scripted(Client):
    """A client whose answers are given; when there are none left, the last comes again."""

    def __init__(self, answers: list[Fetched | FetchError]) -> None:
        super().__init__(SETTINGS, tls=NO_TLS)
        self._answers = answers

    async def get(self, *_: Any, **__: Any) -> Fetched:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, FetchError):
            raise answer
        return answer


def page(*feeds: str) -> bytes:
    links = "".join(f'<link rel="alternate" type="application/rss+xml" href="{feed}">' for feed in feeds)
    return f"<!doctype html><html><head>{links}</head></html>".encode()


INDEX = b"<sitemapindex><sitemap><loc>https://news.example/a.xml</loc></sitemap></sitemapindex>"
BODIES = st.one_of(
    st.binary(max_size=200),
    st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=5).map(lambda items: rss(items).encode()),
    st.text(max_size=50).map(atom_of),
    st.sampled_from(
        [page("/feed", "https://other.example/"), page(), INDEX, b'{"version": "https://jsonfeed.org/version/1"}']
    ),
)
HEADERS: st.SearchStrategy[Mapping[str, str]] = st.dictionaries(
    st.sampled_from(
        ["etag", "last-modified", "cache-control", "expires", "retry-after", "content-type", "link", "age"]
    ),
    st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=30)
    | st.sampled_from(["max-age=9", "60"]),
)
STATUSES = st.sampled_from([200, 200, 200, 304, 301, 404, 410, 429, 500, 503, 204, 599, 100])
PLACES = st.sampled_from([BASE, "https://news.example/new", "https://other.example/feed"])
FETCHED = st.builds(Fetched, STATUSES, PLACES, HEADERS, BODIES, st.none() | PLACES)
ERRORS: st.SearchStrategy[FetchError] = st.sampled_from(
    [Unreachable("away"), Held(1e9), Refused("no"), TooLarge("huge"), Unsupported("odd")]
)
ANSWERS = st.lists(FETCHED | ERRORS, min_size=1, max_size=6)


async def visits(answers: list[Fetched | FetchError], feed: Feed) -> list[Outcome]:
    async with Scripted(answers) as client:
        visitor = Visitor(client, InlineParser(5, 100), SETTINGS, Robots(client.get, client.hosts, SETTINGS))
        outcomes: list[Outcome] = []
        state: FeedState | None = None
        for _ in range(4):
            outcomes.append(await visitor.visit(feed, state))
            state = outcomes[-1].state
        return outcomes


@given(ANSWERS, st.booleans(), st.sampled_from(["auto", "feed", "sitemap", "site"]))
def test_every_visit_ends_in_an_outcome(answers: list[Fetched | FetchError], adapts: bool, kind: str) -> None:
    feed = Feed.model_validate({"feed_id": "news", "url": BASE, "name": "N", "adapts": adapts, "kind": kind})
    for outcome in asyncio.run(visits(answers, feed)):
        state = outcome.state
        assert FeedState.model_validate_json(state.model_dump_json()) == state
        wait = state.next_poll_at - datetime.now(UTC)
        assert timedelta(seconds=20) < wait < (DISABLED if state.disabled else LONGEST)
        assert (state.failures > 0) == (state.last_error is not None)
        assert len(state.children) <= 50
        assert outcome.moved_feed is None or outcome.moved_feed.moved_from == BASE
