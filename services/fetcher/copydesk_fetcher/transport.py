"""The transport under httpx: httpcore's pool over guarded connections, within limits, and tries that dead ones cost.

Its errors are httpx's, with the error they came from as their cause, or a :class:`FetchError` that says more.
"""

import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence

import h2.exceptions
import httpcore
import httpx

from copydesk_fetcher.responses import FetchReason, TooSlow, Unreachable
from copydesk_fetcher.settings import FetcherSettings
from copydesk_fetcher.wire import GRANT, Grant, GuardedBackend, Resolve

HEADERS_TOO_LARGE = 431
TRIES = 3  # a dead connection may be handed out a second time
KEEPALIVE_SECONDS = 15.0
# A pool of httpcore compares all of its connections with each other for each request: small ones are quicker.
POOLS = 16
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
    """The bytes of an answer as they come; its request's grant goes with them."""

    def __init__(self, response: httpcore.Response, grant: Grant) -> None:
        self._response = response
        self._grant = grant

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.stream:  # type: ignore[union-attr]
                self._grant.took(len(chunk))
                yield chunk
        except (*CORE, *SLIPS) as error:
            raise _as_httpx(error) from error
        self._grant.is_whole = True

    async def aclose(self) -> None:
        try:
            await self._response.aclose()
        except (*CORE, *SLIPS) as error:
            raise _as_httpx(error) from error
        finally:
            self._grant.end()


class GuardedTransport(httpx.AsyncBaseTransport):
    """Connects to checked addresses only, by HTTP/1.1 or HTTP/2, never through a proxy."""

    def __init__(self, settings: FetcherSettings, resolve: Resolve, tls: ssl.SSLContext | None) -> None:
        backend = GuardedBackend(resolve, settings.allow_networks)
        context = tls or httpx.create_ssl_context(trust_env=False)
        self._pools = [
            httpcore.AsyncConnectionPool(
                ssl_context=context,
                max_connections=settings.concurrency * 2,
                max_keepalive_connections=max(settings.concurrency // POOLS, settings.per_host_concurrency),
                keepalive_expiry=KEEPALIVE_SECONDS,
                http2=True,
                network_backend=backend,
            )
            for _ in range(POOLS)
        ]

    @property
    def connections(self) -> Sequence[httpcore.AsyncConnectionInterface]:
        """Those that are open now, idle ones included."""
        return [connection for pool in self._pools for connection in pool.connections]

    def _pool(self, origin: httpcore.Origin) -> httpcore.AsyncConnectionPool:
        return self._pools[hash(origin.host) % POOLS]

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
            response, grant = await self._send(wanted)
        except (*CORE, *SLIPS) as error:
            raise _as_httpx(error) from error
        stream = _Stream(response, grant)
        return Answer(response.status, headers=response.headers, stream=stream, extensions=response.extensions)

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in self._pools:
            await pool.aclose()

    async def _send(self, request: httpcore.Request) -> tuple[httpcore.Response, Grant]:
        """More tries where a kept connection turns out to be dead: the server gave it up as we were about to ask."""
        for number in range(TRIES):
            grant = Grant()
            GRANT.set(grant)
            try:
                with contextlib.ExitStack() as otherwise:
                    otherwise.callback(grant.end)
                    response = await self._pool(request.url.origin).handle_async_request(request)
                    otherwise.pop_all()
                    return response, grant
            except (httpcore.NetworkError, httpcore.ProtocolError) as error:
                is_ours = isinstance(error, httpcore.LocalProtocolError)
                if is_ours:
                    await self._drop(request.url.origin)
                if request.method != b"GET" or not (is_ours or grant.is_stale) or number == TRIES - 1:
                    raise
        raise AssertionError("the last try returns or raises")

    async def _drop(self, origin: httpcore.Origin) -> None:
        """Close the connections to a server that keeps us from using them, but would go on handing them out."""
        for connection in self._pool(origin).connections:
            if connection.can_handle_request(origin):
                with contextlib.suppress(h2.exceptions.H2Error):
                    await connection.aclose()


def _as_httpx(error: Exception) -> httpx.TransportError:
    return NAMES.get(type(error).__name__, httpx.RemoteProtocolError)(str(error))


def named(error: httpx.TransportError, *, in_head: bool) -> Unreachable:
    """What a fault of the connection or of the server's HTTP is called."""
    core = error.__cause__ or error
    cause = core.__cause__ or core.__context__ or core
    text = f"{type(core).__name__}: {core}".rstrip(": ").replace("\n", " ")[:300]
    if isinstance(error, httpx.TimeoutException):
        return TooSlow(text)
    if isinstance(error, httpx.NetworkError) or "isconnected" in text or "peer closed" in text:
        return Unreachable(text, FetchReason.BROKEN_OFF)
    is_too_long = getattr(cause, "error_status_hint", 0) == HEADERS_TOO_LARGE or isinstance(
        cause, h2.exceptions.DenialOfServiceError
    )
    return Unreachable(text, FetchReason.HEADERS if in_head and is_too_long else FetchReason.PROTOCOL)
