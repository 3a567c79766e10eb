"""The transport under httpx: httpcore's connections to guarded addresses, within limits, and tries that dead ones cost.

Its errors are httpx's, with the error they came from as their cause, or a :class:`FetchError` that says more.
"""

import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack

import h2.exceptions
import httpcore
import httpx

from copydesk_fetcher.connections import Connections, Lent
from copydesk_fetcher.faults import told
from copydesk_fetcher.responses import FetchReason, TooSlow, Unreachable
from copydesk_fetcher.settings import ALLOW_SETTING, FetcherSettings
from copydesk_fetcher.wire import GRANT, Grant, GuardedBackend
from copydesk_shared.guard import Guard, Resolve

HEADERS_TOO_LARGE = 431
PORTS: Mapping[str, int] = {"http": 80, "https": 443}
TRIES = 3  # a dead connection may be handed out a second time
KEEPALIVE_SECONDS = 15.0
# A host has its turns some time apart: between two of them its connections wait among those of many other hosts.
IDLE_RATIO = 4
CORE = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)
# What httpcore lets through from h2, and a status of HTTP/2 that is no number.
SLIPS = (h2.exceptions.H2Error, ValueError)
NAMES: Mapping[str, type[httpx.TransportError]] = {
    kind.__name__: kind
    for kind in (
        httpx.ConnectError,
        httpx.ReadError,
        httpx.WriteError,
        httpx.NetworkError,
        httpx.LocalProtocolError,
        httpx.RemoteProtocolError,
        httpx.ProtocolError,
        httpx.ConnectTimeout,
        httpx.ReadTimeout,
        httpx.WriteTimeout,
        httpx.PoolTimeout,
        httpx.TimeoutException,
    )
}


class Answer(httpx.Response):
    """A response whose redirects are not for httpx to look at: a location that is no URL would be an error there."""

    @property
    def has_redirect_location(self) -> bool:
        """Never."""
        return False


class _Stream(httpx.AsyncByteStream):
    """The bytes of an answer as they come; its request's grant and connection go with them."""

    def __init__(self, response: httpcore.Response, grant: Grant, lent: Lent, connections: Connections) -> None:
        self._response = response
        self._grant = grant
        self._lent = lent
        self._connections = connections
        self._is_over = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._chunks = aiter(self._response.stream)  # type: ignore[arg-type]
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await anext(self._chunks)
        except StopAsyncIteration:
            self._grant.is_whole = True
            raise
        except (*CORE, *SLIPS) as error:
            raise _as_httpx(error) from error
        self._grant.took(len(chunk))
        return chunk

    async def aclose(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        try:
            await self._response.aclose()
        except (*CORE, *SLIPS) as error:
            raise _as_httpx(error) from error
        finally:
            self._grant.end()
            await self._connections.give_back(self._lent, self._grant.wire)


class GuardedTransport(httpx.AsyncBaseTransport):
    """Connects to checked addresses only, by HTTP/1.1 or HTTP/2, never through a proxy."""

    def __init__(self, settings: FetcherSettings, resolve: Resolve, tls: ssl.SSLContext | None) -> None:
        self._backend = GuardedBackend(Guard(resolve, settings.allow_networks, ALLOW_SETTING))
        self._tls = tls or httpx.create_ssl_context(trust_env=False)
        self._connections = Connections(self._connect, settings.concurrency * IDLE_RATIO)

    def _connect(self, origin: httpcore.Origin) -> httpcore.AsyncConnectionInterface:
        return httpcore.AsyncHTTPConnection(
            origin, ssl_context=self._tls, keepalive_expiry=KEEPALIVE_SECONDS, http2=True, network_backend=self._backend
        )

    @property
    def connections(self) -> Sequence[httpcore.AsyncConnectionInterface]:
        """Those that are open now, idle ones included."""
        return self._connections.open

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See :class:`httpx.AsyncBaseTransport`. The response is an :class:`Answer`."""
        url = request.url
        wanted = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        try:
            response, stream = await self._send(wanted)
        except (*CORE, *SLIPS) as error:
            raise _as_httpx(error) from error
        return Answer(response.status, headers=response.headers, stream=stream, extensions=response.extensions)

    async def look_up(self, url: httpx.URL, seconds: float) -> None:
        """Raises :class:`Refused` where this leads to no address that we connect to, and :class:`Unreachable` (DNS)."""
        await self._backend.addresses(url.host, url.port or PORTS[url.scheme], seconds)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._connections.close()

    async def _send(self, request: httpcore.Request) -> tuple[httpcore.Response, _Stream]:
        """More tries where a kept connection turns out to be dead: the server gave it up as we were about to ask."""
        for number in range(TRIES):
            grant = Grant()
            GRANT.set(grant)
            try:
                return await self._try(request, grant)
            except (httpcore.NetworkError, httpcore.ProtocolError) as error:
                is_ours = isinstance(error, httpcore.LocalProtocolError)
                if is_ours:
                    # A server keeps us from using its connections, which would be handed out again.
                    await self._connections.close(request.url.origin)
                if request.method != b"GET" or not (is_ours or grant.is_stale) or number == TRIES - 1:
                    raise
        raise AssertionError("the last try returns or raises")

    async def _try(self, request: httpcore.Request, grant: Grant) -> tuple[httpcore.Response, _Stream]:
        while True:
            lent = await self._connections.lend(request.url.origin)
            async with AsyncExitStack() as otherwise:
                otherwise.push_async_callback(self._give_up, lent, grant)
                try:
                    response = await lent.connection.handle_async_request(request)
                except httpcore.ConnectionNotAvailable:
                    # Somebody else was quicker, or what became of a new connection is not HTTP/2.
                    otherwise.pop_all()
                    await self._connections.give_back(lent, None)
                else:
                    otherwise.pop_all()
                    return response, _Stream(response, grant, lent, self._connections)

    async def _give_up(self, lent: Lent, grant: Grant) -> None:
        grant.end()
        await self._connections.give_back(lent, grant.wire)


def _as_httpx(error: Exception) -> httpx.TransportError:
    return NAMES.get(type(error).__name__, httpx.RemoteProtocolError)(str(error))


def named(error: httpx.TransportError, *, in_head: bool) -> Unreachable:
    """What a fault of the connection or of the server's HTTP is called."""
    core = error.__cause__ or error
    cause = core.__cause__ or core.__context__ or core
    text = told(core)
    if isinstance(error, httpx.TimeoutException):
        return TooSlow(text)
    if isinstance(error, httpx.NetworkError) or "isconnected" in text or "peer closed" in text:
        return Unreachable(text, FetchReason.BROKEN_OFF)
    is_too_long = getattr(cause, "error_status_hint", 0) == HEADERS_TOO_LARGE or isinstance(
        cause, h2.exceptions.DenialOfServiceError
    )
    return Unreachable(text, FetchReason.HEADERS if in_head and is_too_long else FetchReason.PROTOCOL)
