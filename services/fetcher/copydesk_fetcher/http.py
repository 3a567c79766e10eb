"""Requests to strangers, by httpx over a transport of our own.

Every connection, that of each redirect included, goes to an address that was checked after the name was resolved, and
to exactly that address: a name that answers differently the second time gains nothing. Connections are pooled by name,
so TLS is always verified against the name asked for. Redirects and compression are dealt with here: each redirect waits
for its own host's turn, and httpx's decoders know no limit.
"""

import asyncio
import re
import ssl
import time
from collections.abc import AsyncIterable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

import httpx
from prometheus_client import Counter

from copydesk_fetcher.hosts import Hosts
from copydesk_fetcher.magic import binary_kind
from copydesk_fetcher.pages import PAGE_TYPES, open_page, page_of
from copydesk_fetcher.plain_client import NO_BODY, PlainClient
from copydesk_fetcher.responses import (
    Elsewhere,
    Fetched,
    FetchError,
    FetchReason,
    Held,
    Refused,
    TooLarge,
    TooSlow,
    Unreachable,
    Unsupported,
)
from copydesk_fetcher.settings import FetcherSettings
from copydesk_fetcher.transport import GuardedTransport, named
from copydesk_fetcher.unpack import ACCEPT_ENCODING, Body
from copydesk_fetcher.walls import judge
from copydesk_shared.errors import InputError
from copydesk_shared.guard import Resolve, Resolver
from copydesk_shared.identity import registrable_domain
from copydesk_shared.messages import Access, Entry, Page, Source
from copydesk_shared.urls import plain_url

OK = 200
REDIRECTS = frozenset((301, 302, 303, 307, 308))
PERMANENT = frozenset((301, 308))
SAME_METHOD = frozenset((307, 308))
SLOW_DOWN = frozenset((429, 503))
BODILESS = frozenset((204, 304))
LEFT_BYTES = 16 * 1024
POST_BYTES = 2048
HEADERS_AT_MOST = 256
# How the lines of a header that comes more than once are joined. Those of this one may begin with the robot they are
# for, and commas are within them.
JOINTS: Mapping[str, str] = {"x-robots-tag": "\n"}
COMMA = ", "
# Types of which a file that is no text makes a lie; of application/octet-stream, say, it makes none.
TEXTUAL = re.compile(r"^$|^text/|html|xml|json|rss")
LONGEST_HOLD_SECONDS = 900.0
DEFAULT_HOLD_SECONDS = 5.0
PAGE_ACCEPT = "text/html, application/xhtml+xml, text/plain;q=0.8, */*;q=0.1"
REQUESTS = Counter("copydesk_requests_total", "Requests by what came of them.", ["outcome"])
WALLS: Mapping[Access, str] = {"consent": "a consent wall", "paywall": "a paywall"}
ANSWERS: Mapping[int, str] = {1: "interim", 2: "ok", 3: "redirect", 4: "client-error", 5: "server-error"}


def _anything(_: Fetched) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is asked for, the same for each redirect."""

    method: str
    headers: Sequence[tuple[bytes, bytes]]
    max_bytes: int
    accepts: Callable[[Fetched], bool] = _anything
    redirects: frozenset[int] = REDIRECTS
    content: bytes = b""


class _Budget:
    """Time for one request with its redirects, each in a block of its own; waiting for a turn does not count."""

    __slots__ = ("_left", "_seconds", "_started", "_timeout")

    def __init__(self, seconds: float) -> None:
        self._seconds = self._left = seconds

    async def __aenter__(self) -> None:
        self._started = time.monotonic()
        self._timeout = asyncio.timeout(max(self._left, 0))
        await self._timeout.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left -= time.monotonic() - self._started
        is_late = isinstance(error, TimeoutError)
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError:
            is_late = True
        if is_late:
            raise TooSlow(f"no complete answer within {self._seconds:g} s", FetchReason.SLOW) from None


def held_seconds(fetched: Fetched) -> float:
    """For how long an answer with 429 or 503 has its host left alone."""
    wait = fetched.retry_after(datetime.now(UTC))
    return min(DEFAULT_HOLD_SECONDS if wait is None else wait, LONGEST_HOLD_SECONDS)


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode("latin-1", "ignore")) for name, value in headers.items()]


class Client:
    """Asks for pages and feeds, politely and within limits. An async context manager.

    ``hosts`` is for clients that share their politeness; without it, the client has its own.
    """

    def __init__(
        self,
        settings: FetcherSettings,
        *,
        hosts: Hosts | None = None,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._settings = settings
        self._own_resolver = None if resolve else Resolver()
        self.hosts = Hosts.of(settings) if hosts is None else hosts
        self._transport = GuardedTransport(settings, resolve or self._own_resolver or Resolver(), tls)
        read = settings.read_seconds
        self._client = PlainClient(
            transport=self._transport,
            timeout=httpx.Timeout(None, connect=settings.connect_seconds, read=read, write=read),
            auth=httpx.Auth(),
            follow_redirects=False,
            trust_env=False,
        )
        self._always = _raw({"user-agent": settings.user_agent, "accept-encoding": ACCEPT_ENCODING})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()
        if self._own_resolver is not None:
            self._own_resolver.close()

    async def get(
        self,
        url: str,
        *,
        max_bytes: int,
        headers: Mapping[str, str] | None = None,
        accepts: Callable[[Fetched], bool] = _anything,
        same_domain: bool = False,
    ) -> Fetched:
        """The answer of this URL, redirects followed; the body only of a 200 that ``accepts`` takes.

        Raises a :class:`FetchError`: :class:`Refused`, :class:`Unreachable` (:class:`TooSlow`, :class:`Held`),
        :class:`Unsupported`, :class:`TooLarge`; with ``same_domain`` also :class:`Elsewhere`, before anything is asked
        of another registrable domain.
        """
        return await self._follow(_Wish("GET", _raw(headers or {}), max_bytes, accepts), url, same_domain)

    async def post(self, url: str, data: Mapping[str, str]) -> Fetched:
        """What this URL answers to a form. The body, 2 KiB of it at most, comes whatever the status is.

        Redirects are followed where they keep the method (307, 308). Raises a :class:`FetchError`.
        """
        content = urlencode(data).encode("ascii")
        sent = {"content-type": "application/x-www-form-urlencoded", "content-length": str(len(content))}
        wish = _Wish("POST", _raw(sent), POST_BYTES, redirects=SAME_METHOD, content=content)
        return await self._follow(wish, url, same_domain=False)

    async def look_up(self, url: str) -> None:
        """Whether this URL leads to an address that may be asked. Raises a :class:`FetchError` where it does not."""
        await self._transport.look_up(_parsed(_askable(url)), self._settings.connect_seconds)

    async def _follow(self, wish: _Wish, url: str, same_domain: bool) -> Fetched:
        try:
            return await self._along(wish, _askable(url), same_domain)
        except FetchError as error:
            REQUESTS.labels(error.reason).inc()
            raise

    async def _along(self, wish: _Wish, url: str, same_domain: bool) -> Fetched:
        budget = _Budget(self._settings.total_seconds)
        domain = registrable_domain(url)
        trail = [url]
        is_permanent = True
        while True:
            fetched = await self._hop(wish, trail[-1], budget)
            location = fetched.headers.get("location")
            if fetched.status not in wish.redirects or not location:
                is_moved = is_permanent and len(trail) > 1
                return replace(fetched, moved_to=fetched.url) if is_moved else fetched
            is_permanent = is_permanent and fetched.status in PERMANENT
            trail.append(self._next(trail, location))
            if same_domain and registrable_domain(trail[-1]) != domain:
                raise Elsewhere(trail[-1])

    def _next(self, trail: Sequence[str], location: str) -> str:
        url = _askable(location, trail[-1])
        if url in trail:
            raise Refused(f"redirects in a circle: back to {url[:200]}", FetchReason.REDIRECT_LOOP)
        if len(trail) > self._settings.redirects:
            raise Refused(f"more than {self._settings.redirects} redirects", FetchReason.REDIRECTS)
        return url

    async def _hop(self, wish: _Wish, url: str, budget: _Budget) -> Fetched:
        domain = registrable_domain(url)
        try:
            async with self.hosts.turn(domain), budget:
                fetched = await self._ask(wish, url)
        except Held:
            raise
        except FetchError as error:
            self.hosts.failed(domain, error)
            raise
        REQUESTS.labels(ANSWERS.get(fetched.status // 100, "protocol")).inc()
        self.hosts.answered(domain, fetched.status)
        if fetched.status in SLOW_DOWN:
            self.hosts.hold(domain, held_seconds(fetched))
        return fetched

    async def _ask(self, wish: _Wish, url: str) -> Fetched:
        request = self._request(wish, url)
        try:
            response = await self._client.send(request, stream=True)
        except httpx.TransportError as error:
            raise named(error, in_head=True) from None
        try:
            try:
                return await self._read(wish, url, response)
            finally:
                await response.aclose()
        except httpx.TransportError as error:
            raise named(error, in_head=False) from None

    def _request(self, wish: _Wish, url: str) -> httpx.Request:
        parsed = _parsed(url)
        headers = [(b"host", parsed.netloc), *self._always, *wish.headers]
        body = httpx.ByteStream(wish.content) if wish.content else NO_BODY
        return httpx.Request(wish.method, parsed, headers=headers, stream=body)

    async def _read(self, wish: _Wish, url: str, response: httpx.Response) -> Fetched:
        fetched = Fetched(response.status_code, url, _headers(response.headers.raw))
        if wish.method != "GET":
            return replace(fetched, body=await _first_bytes(response, wish.max_bytes))
        if fetched.status != OK:
            await _leave(response, fetched)
            return fetched
        if not wish.accepts(fetched):
            raise Unsupported(f"content-type {_said(fetched)}")
        return replace(fetched, body=await _body(response, fetched, wish.max_bytes))


async def _body(response: httpx.Response, fetched: Fetched, max_bytes: int) -> bytes:
    body = Body(fetched.headers.get("content-encoding", ""), max_bytes)
    length = _length(fetched.headers)
    if length is not None and length > max_bytes:
        raise TooLarge(f"{length} bytes, more than {max_bytes}")
    is_known = False
    async for chunk in _chunks(response):
        for _ in body.feed(chunk):
            await asyncio.sleep(0)
        if not is_known and (start := body.start):
            is_known = True
            if (kind := binary_kind(start)) is not None:
                is_said = not TEXTUAL.search(fetched.media_type)
                raise Unsupported(kind if is_said else f"{kind}, though its content-type is {_said(fetched)}")
    return body.finish()


def _chunks(response: httpx.Response) -> AsyncIterable[bytes]:
    """The body as it comes, without what httpx does with it beside."""
    if not isinstance(response.stream, httpx.AsyncByteStream):
        raise TypeError("an answer of another client")
    return response.stream


async def _first_bytes(response: httpx.Response, count: int) -> bytes:
    body = b""
    async for chunk in _chunks(response):
        body += chunk
        if len(body) >= count:
            return body[:count]
    return body


async def _leave(response: httpx.Response, fetched: Fetched) -> None:
    """Read what is left of an answer nobody wants, if it is little, so that the connection can be used again."""
    length = _length(fetched.headers)
    if fetched.status in BODILESS or (length is not None and length <= LEFT_BYTES):
        async for _ in _chunks(response):
            pass


def _headers(raw: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    if len(raw) > HEADERS_AT_MOST:
        raise Unreachable(f"{len(raw)} header lines, more than {HEADERS_AT_MOST}", FetchReason.HEADERS)
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name = raw_name.decode("latin-1").lower()
        value = _text(raw_value)
        headers[name] = f"{headers[name]}{JOINTS.get(name, COMMA)}{value}" if name in headers else value
    return headers


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _said(fetched: Fetched) -> str:
    return repr(fetched.headers.get("content-type", "")[:100])


def _length(headers: Mapping[str, str]) -> int | None:
    length = headers.get("content-length", "")
    return int(length[:19]) if length.isascii() and length.isdigit() else None


def _askable(url: str, base: str = "") -> str:
    try:
        return plain_url(url, base)
    except ValueError as error:
        raise Refused(f"{'a redirect to ' if base else ''}{url[:200]!r}: {error}") from None


def _parsed(url: str) -> httpx.URL:
    try:
        return httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise Refused(f"not a URL: {url[:200]!r}: {error}") from None


async def fetch_page(url: str, settings: FetcherSettings, *, resolve: Resolve | None = None) -> Page:
    """The page at this URL, for a person who asks for just that one.

    Raises :class:`InputError` with one line that says why there is none: a wall, for one, is no article.
    """
    try:
        async with Client(settings, resolve=resolve) as client:
            fetched = await client.get(
                url, max_bytes=settings.page_bytes, headers={"accept": PAGE_ACCEPT}, accepts=is_page
            )
    except FetchError as error:
        raise InputError(f"{url[:200]}: {error}") from None
    if fetched.status != OK:
        raise InputError(f"{url[:200]}: the server answered {fetched.status}")
    now, domain, opened = datetime.now(UTC), registrable_domain(url), open_page(fetched)
    asked = Entry(feed_id="", url=url, discovered_at=now, source=Source(name=domain, domain=domain))
    judgement = judge(opened, asked)
    if judgement.is_wall:
        wall = WALLS.get(judgement.access, "a wall")
        raise InputError(f"{url[:200]}: {wall}, not an article (rule {judgement.reason})")
    return page_of(opened, now, access=judgement.access)


def is_page(fetched: Fetched) -> bool:
    """Whether this is a kind of answer that can hold an article."""
    return fetched.media_type in PAGE_TYPES
