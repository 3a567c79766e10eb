"""Requests for what was discovered, not named by an operator: few, at one site, and only if robots.txt allows them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from copydesk_fetcher.parsing.model import ParsedFeed
from copydesk_fetcher.responses import Elsewhere, Fetched, Held, Refused
from copydesk_shared.identity import registrable_domain

FILE_ACCEPT = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5"
)


class Get(Protocol):
    """How a URL is asked for: :meth:`copydesk_fetcher.http.Client.get`."""

    async def __call__(
        self, url: str, *, max_bytes: int, headers: Mapping[str, str] | None = None, same_domain: bool = False
    ) -> Fetched:
        """The answer, redirects followed. Raises a :class:`FetchError`."""
        ...


class Parse(Protocol):
    """How a body is read: :class:`copydesk_fetcher.parsing.worker.FeedParser`."""

    async def __call__(self, body: bytes, content_type: str, url: str, now: datetime) -> ParsedFeed:
        """What the body says. Raises :class:`NotAFeed`."""
        ...


class Verdict(Protocol):
    """See :class:`copydesk_fetcher.robots.RobotsVerdict`."""

    @property
    def allowed(self) -> bool:
        """Whether the URL may be asked for."""

    @property
    def retry_seconds(self) -> float | None:
        """Where nobody knows now, when to ask again."""


class Robots(Protocol):
    """See :class:`copydesk_fetcher.robots.Robots`."""

    async def check(self, url: str) -> Verdict:
        """Whether this URL may be asked for."""
        ...

    async def sitemaps(self, url: str) -> tuple[str, ...]:
        """The sitemaps that robots.txt names."""
        ...


class Asker:
    """Asks one site, ``requests`` times at most. ``left`` is how many of them are left."""

    def __init__(self, get: Get, robots: Robots, site: str, requests: int, max_bytes: int) -> None:
        self._get = get
        self._robots = robots
        self._domain = registrable_domain(site)
        self._max_bytes = max_bytes
        self.left = requests

    def is_at_home(self, url: str) -> bool:
        """Whether the URL is at the site: other domains may belong to another replica, which alone may ask them."""
        try:
            return registrable_domain(url) == self._domain
        except ValueError:
            return False

    async def ask(self, url: str, headers: Mapping[str, str] | None = None) -> Fetched:
        """The answer. Raises a :class:`FetchError`, :class:`Refused` where robots.txt does not allow the request."""
        if not self.is_at_home(url):
            raise Elsewhere(url)
        verdict = await self._robots.check(url)
        if verdict.retry_seconds is not None:
            raise Held(verdict.retry_seconds)
        if not verdict.allowed:
            raise Refused("robots.txt does not allow it")
        self.left -= 1
        sent = {"accept": FILE_ACCEPT, **(headers or {})}
        return await self._get(url, max_bytes=self._max_bytes, headers=sent, same_domain=True)

    async def sitemaps(self, url: str) -> list[str]:
        """The sitemaps at this site that its robots.txt names."""
        named = await self._robots.sitemaps(url)
        return list(dict.fromkeys(sitemap.partition("#")[0] for sitemap in named if self.is_at_home(sitemap)))


def content_type(fetched: Fetched) -> str:
    """What the server calls the body, with its parameters."""
    return fetched.headers.get("content-type", "")
