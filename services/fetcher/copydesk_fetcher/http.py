"""Requests to strangers. The only module that imports httpx.

Every connection, that of each redirect included, goes to an address that was checked after the name was resolved, and
to exactly that address: a name that answers differently the second time gains nothing. Connections are pooled by name,
so TLS is always verified against the name asked for.
"""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any, Self

import httpcore
import httpx

from copydesk_fetcher.addresses import IPNetwork, refusal
from copydesk_fetcher.encoding import ACCEPT_ENCODING, Body
from copydesk_fetcher.hosts import Hosts
from copydesk_fetcher.pages import PAGE_TYPES, page_of
from copydesk_fetcher.responses import Fetched, FetchError, Refused, TooLarge, TooSlow, Unreachable, Unsupported
from copydesk_fetcher.settings import FetcherSettings
from copydesk_fetcher.urls import plain_url
from copydesk_shared.errors import InputError
from copydesk_shared.identity import registrable_domain
from copydesk_shared.messages import Page

OK = 200
REDIRECTS = frozenset((301, 302, 303, 307, 308))
SLOW_DOWN = frozenset((429, 503))
BODILESS = frozenset((204, 304))
LEFT_BYTES = 16 * 1024
LONGEST_HOLD_SECONDS = 900.0
DEFAULT_HOLD_SECONDS = 5.0
ADDRESSES_TRIED = 4
KEEPALIVE_SECONDS = 15.0
RESOLVER_THREADS = 32
PAGE_ACCEPT = "text/html, application/xhtml+xml, text/plain;q=0.8, */*;q=0.1"

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class Resolver:
    """Names to addresses by the system's resolver, in threads of its own: a slow name server holds up nobody else."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="resolve")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The addresses in the order to try them. Raises ``OSError`` when there are none."""
        answer = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return list(dict.fromkeys(str(row[4][0]) for row in answer))

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects to checked addresses only. Raises :class:`Refused` when a name has none."""

    def __init__(self, resolve: Resolve, allowed: Sequence[IPNetwork]) -> None:
        self._resolve = resolve
        self._allowed = allowed
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """See :class:`httpcore.AsyncNetworkBackend`."""
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in await self._addresses(host, port, timeout):
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _addresses(self, host: str, port: int, seconds: float | None) -> Sequence[str]:
        try:
            async with asyncio.timeout(seconds):
                found = await self._resolve(host, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout(f"the name {host} was not resolved in time") from None
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the name {host} cannot be resolved: {error}") from None
        refusals = {address: refusal(address, port, self._allowed) for address in found}
        usable = [address for address, reason in refusals.items() if reason is None]
        if refusals and not usable:
            reason = next(iter(refusals.values()))
            raise Refused(f"{host}: {reason}" if host not in refusals else str(reason))
        return usable[:ADDRESSES_TRIED]

    async def connect_unix_socket(self, path: str, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
        """Never: a URL cannot mean one."""
        raise Refused(f"not a web address: {path}")

    async def sleep(self, seconds: float) -> None:
        """See :class:`httpcore.AsyncNetworkBackend`."""
        await asyncio.sleep(seconds)


class _GuardedTransport(httpx.AsyncHTTPTransport):
    def __init__(self, backend: GuardedBackend, tls: ssl.SSLContext, limits: httpx.Limits) -> None:
        super().__init__(verify=tls, trust_env=False, limits=limits)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=backend,
        )


def _no_cookies() -> CookieJar:
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


@dataclass
class _Budget:
    """Time for one request with its redirects; waiting for a turn does not count."""

    seconds: float
    left: float = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.seconds

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        started = time.monotonic()
        try:
            async with asyncio.timeout(max(self.left, 0)):
                yield
        except TimeoutError:
            raise TooSlow(f"no complete answer within {self.seconds:g} s") from None
        finally:
            self.left -= time.monotonic() - started


def _header(value: str) -> str:
    return value.encode("latin-1", "ignore").decode("latin-1")


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ").replace("\n", " ")[:300]


class Client:
    """Asks for pages and feeds, politely and within limits. An async context manager."""

    def __init__(
        self, settings: FetcherSettings, *, resolve: Resolve | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._settings = settings
        self._own_resolver = None if resolve else Resolver()
        self.hosts = Hosts(settings.per_host_concurrency, settings.per_host_delay_seconds, settings.concurrency)
        backend = GuardedBackend(resolve or self._own_resolver or Resolver(), settings.allow_networks)
        limits = httpx.Limits(
            max_connections=settings.concurrency * 2,
            max_keepalive_connections=settings.concurrency,
            keepalive_expiry=KEEPALIVE_SECONDS,
        )
        self._client = httpx.AsyncClient(
            transport=_GuardedTransport(backend, tls or httpx.create_ssl_context(trust_env=False), limits),
            timeout=httpx.Timeout(settings.read_seconds, connect=settings.connect_seconds, pool=None),
            headers={"user-agent": settings.user_agent, "accept-encoding": ACCEPT_ENCODING},
            cookies=_no_cookies(),
            follow_redirects=False,
            trust_env=False,
        )

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
        accepts: Callable[[Fetched], bool] = lambda _: True,
    ) -> Fetched:
        """The answer of this URL, redirects followed; the body only of a 200 that ``accepts`` takes.

        Raises a :class:`FetchError`: :class:`Refused`, :class:`Unreachable` (:class:`TooSlow`, :class:`Held`),
        :class:`Unsupported`, :class:`TooLarge`.
        """
        budget = _Budget(self._settings.total_seconds)
        url = _askable(url)
        for _ in range(self._settings.redirects + 1):
            fetched = await self._hop(url, budget, max_bytes, headers or {}, accepts)
            location = fetched.headers.get("location")
            if fetched.status not in REDIRECTS or not location:
                return fetched
            url = _askable(location, url)
        raise Refused(f"more than {self._settings.redirects} redirects")

    async def _hop(
        self,
        url: str,
        budget: _Budget,
        max_bytes: int,
        headers: Mapping[str, str],
        accepts: Callable[[Fetched], bool],
    ) -> Fetched:
        domain = registrable_domain(url)
        async with self.hosts.turn(domain):
            try:
                async with budget.running():
                    fetched = await self._ask(url, max_bytes, headers, accepts)
            except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
                raise Refused(f"not a URL: {url[:200]!r}: {error}") from None
            except httpx.TimeoutException as error:
                raise TooSlow(_reason(error)) from None
            except httpx.HTTPError as error:
                raise Unreachable(_reason(error)) from None
        if fetched.status in SLOW_DOWN:
            wait = fetched.retry_after(datetime.now(UTC))
            self.hosts.hold(domain, min(DEFAULT_HOLD_SECONDS if wait is None else wait, LONGEST_HOLD_SECONDS))
        return fetched

    async def _ask(
        self, url: str, max_bytes: int, headers: Mapping[str, str], accepts: Callable[[Fetched], bool]
    ) -> Fetched:
        sent = {name: _header(value) for name, value in headers.items()}
        async with self._client.stream("GET", url, headers=sent) as response:
            fetched = Fetched(response.status_code, url, dict(response.headers))
            if fetched.status != OK:
                await _leave(response)
                return fetched
            if not accepts(fetched):
                raise Unsupported(f"content-type {fetched.headers.get('content-type', '')[:100]!r}")
            body = Body(fetched.headers.get("content-encoding", ""), max_bytes)
            _check_length(fetched, max_bytes)
            async for chunk in response.aiter_raw():
                body.feed(chunk)
            return Fetched(fetched.status, url, fetched.headers, body.finish())


async def _leave(response: httpx.Response) -> None:
    """Read what is left of an answer nobody wants, if it is little, so that the connection can be used again."""
    length = _length(response.headers)
    if response.status_code in BODILESS or (length is not None and length <= LEFT_BYTES):
        async for _ in response.aiter_raw():
            pass


def _length(headers: Mapping[str, str]) -> int | None:
    length = headers.get("content-length", "")
    return int(length[:19]) if length.isascii() and length.isdigit() else None


def _check_length(fetched: Fetched, max_bytes: int) -> None:
    length = _length(fetched.headers)
    if length is not None and length > max_bytes:
        raise TooLarge(f"{length} bytes, more than {max_bytes}")


def _askable(url: str, base: str = "") -> str:
    try:
        return plain_url(url, base)
    except ValueError as error:
        raise Refused(f"{'a redirect to ' if base else ''}{url[:200]!r}: {error}") from None


async def fetch_page(url: str, settings: FetcherSettings, *, resolve: Resolve | None = None) -> Page:
    """The page at this URL, for a person who asks for just that one.

    Raises :class:`InputError` with one line that says why there is none.
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
    return page_of(fetched, datetime.now(UTC))


def is_page(fetched: Fetched) -> bool:
    """Whether this is a kind of answer that can hold an article."""
    return fetched.media_type in PAGE_TYPES
