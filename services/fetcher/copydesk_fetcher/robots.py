"""robots.txt as RFC 9309 has it: what an origin lets us ask for, and how fast."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urljoin

from protego import Protego

from copydesk_fetcher.encoding import decode_text
from copydesk_fetcher.origin_files import Get, OriginFile, OriginFiles, Presence
from copydesk_fetcher.responses import Fetched
from copydesk_fetcher.settings import FetcherSettings
from copydesk_shared.identity import registrable_domain

READ_CHARACTERS = 500 * 1024  # RFC 9309 section 2.5
FETCHED_BYTES = 2 * 1024 * 1024
SITEMAPS = 50
DELAYS = 10_000
DISALLOW = "disallow"
TOKEN = re.compile(r"[A-Za-z0-9_-]+")
# Line ends to Python that are none to RFC 9309.
NOT_LINE_ENDS = str.maketrans(dict.fromkeys("\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", " "))
USER_AGENT_LINE = re.compile(
    r"^[ \t]*user[- ]?agent(?:[ \t]*:|[ \t])[ \t]*([^\s#]*)[^\n]*$", re.IGNORECASE | re.MULTILINE
)
SOMEBODY_ELSE = "!"


class Delays(Protocol):
    """Where a Crawl-delay goes: :class:`copydesk_fetcher.hosts.Hosts`."""

    def set_delay(self, domain: str, seconds: float) -> None:
        """Leave at least this time between the starts of two requests at this domain."""


@dataclass(frozen=True, slots=True)
class RobotsVerdict:
    """Whether a URL may be asked for; ``directives`` is what robots.txt says of it: ``disallow`` or nothing.

    ``retry_seconds`` is set where nobody knows, because robots.txt could not be had: ask again after that time.
    """

    allowed: bool
    directives: str = ""
    retry_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class _Rules:
    parsed: Protego
    delay_seconds: float
    sitemaps: tuple[str, ...]


def product_token(user_agent: str) -> str:
    """The name in a user agent that robots.txt files address (RFC 9309 section 2.2.1): what stands before the ``/``."""
    match = TOKEN.match(user_agent.partition("/")[0].strip())
    return match.group().lower() if match else user_agent.partition("/")[0].strip().lower()


def parse_robots(text: str, token: str) -> Protego:
    """The rules of a robots.txt for the robot of this name: those of the groups that name it, else those for ``*``."""

    def addressed(line: re.Match[str]) -> str:
        name = TOKEN.match(line[1])
        if name is None:
            return f"User-agent: {'*' if line[1].startswith('*') else SOMEBODY_ELSE}"
        return f"User-agent: {token if name.group().lower() == token else SOMEBODY_ELSE}"

    lines = text[:READ_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n").translate(NOT_LINE_ENDS)
    return Protego.parse(USER_AGENT_LINE.sub(addressed, lines))


class Robots:
    """The robots.txt of every origin we meet, kept for a day at most. Told to skip, it asks nobody."""

    def __init__(
        self, get: Get, hosts: Delays, settings: FetcherSettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._hosts = hosts
        self._policy = settings.robots
        self._longest_delay = settings.longest_delay_seconds
        self._token = product_token(settings.user_agent)
        self._delays: dict[str, float] = {}
        self._files = OriginFiles(
            get, "/robots.txt", self._read, max_bytes=FETCHED_BYTES, learned=self._learned, clock=clock
        )

    async def check(self, url: str) -> RobotsVerdict:
        """Whether this URL may be asked for. Raises :class:`Held` when its host is not to be asked for long.

        Where robots.txt is only recorded, everything is allowed and ``directives`` tells what was said.
        """
        if self._policy == "skip":
            return RobotsVerdict(allowed=True)
        file = await self._file(url)
        obeys = self._policy == "obey"
        if file.presence is Presence.UNKNOWN:
            return RobotsVerdict(not obeys, "", self._files.seconds_left(file) if obeys else None)
        if file.value is None or file.value.parsed.can_fetch(url, self._token):
            return RobotsVerdict(allowed=True)
        return RobotsVerdict(not obeys, DISALLOW)

    async def sitemaps(self, url: str) -> tuple[str, ...]:
        """The sitemaps that the robots.txt of this URL's origin names, as absolute URLs, 50 at most."""
        if self._policy == "skip":
            return ()
        file = await self._file(url)
        return file.value.sitemaps if file.value else ()

    async def _file(self, url: str) -> OriginFile[_Rules]:
        file = await self._files.of(url)
        domain = registrable_domain(url)
        if domain in self._delays:
            self._hosts.set_delay(domain, self._delays[domain])
        return file

    def _learned(self, origin: str) -> None:
        """The delay of a domain is the longest that one of its origins asks for."""
        domain = registrable_domain(origin)
        delays = [rules.delay_seconds for each, rules in self._files.found() if registrable_domain(each) == domain]
        before = self._delays.pop(domain, 0.0)
        if len(self._delays) >= DELAYS:
            self._delays.pop(next(iter(self._delays)))
        if (longest := max(delays, default=0.0)) or before:
            self._delays[domain] = longest

    def _read(self, fetched: Fetched) -> _Rules:
        parsed = parse_robots(decode_text(fetched.headers.get("content-type", ""), fetched.body), self._token)
        delay = min(parsed.crawl_delay(self._token) or 0.0, self._longest_delay)
        return _Rules(parsed, delay, _sitemaps(parsed, fetched.url))


def _sitemaps(parsed: Protego, base: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for sitemap in parsed.sitemaps:
        try:
            url = urljoin(base, sitemap)
        except ValueError:
            continue
        if url.startswith(("http://", "https://")):
            found[url] = None
        if len(found) == SITEMAPS:
            break
    return tuple(found)
