"""Connections that are kept, and exchanges on them: HTTP/1.1 by h11, HTTP/2 by httpcore where TLS agrees on it.

How many requests run at a time, in all and to a host, is the business of whoever asks; the pool only bounds how many
connections are kept for later.
"""

import asyncio
import contextlib
import ssl
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import h2.exceptions
import h11
import httpcore

from copydesk_fetcher.responses import FetchReason, Unreachable
from copydesk_fetcher.wire import GuardedBackend, Wire

KEEPALIVE_SECONDS = 15.0
READ_BYTES = 64 * 1024
HEAD_BYTES = 100 * 1024
SWITCHING_PROTOCOLS = 101
DEFAULT_PORTS = {"http": 80, "https": 443}
Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request goes; ``host`` is the name in ASCII, an IPv6 address without brackets."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Ask:
    """A request. ``headers`` hold the host and, for a request with content, its length."""

    method: str
    origin: Origin
    target: bytes
    headers: Headers
    content: bytes | None = None


class Exchange(Protocol):
    """An answer of which the head has come. Whoever has it must :meth:`close` it."""

    status: int
    headers: Headers

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        ...

    async def close(self) -> None:
        """Keep the connection if all of the answer was read, drop it otherwise."""
        ...


class Http1:
    """A connection with HTTP/1.1: one exchange at a time, of which it is the answer, too."""

    def __init__(self, pool: "Pool", origin: Origin, wire: Wire) -> None:
        self.origin = origin
        self.wire = wire
        self.status = 0
        self.headers: Headers = ()
        self.kept_until = 0.0
        self._pool = pool
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES)

    async def send(self, ask: Ask) -> None:
        """Send a request and read the head of its answer."""
        parts = [
            self._h11.send(h11.Request(method=ask.method, target=ask.target, headers=list(ask.headers))),
            self._h11.send(h11.Data(ask.content)) if ask.content is not None else None,
            self._h11.send(h11.EndOfMessage()),
        ]
        with contextlib.suppress(httpcore.WriteError):  # it may have answered before it closed
            await self.wire.write(b"".join(part for part in parts if part), self._pool.read_seconds)
        while not isinstance(event := await self._next(), h11.Response):
            if isinstance(event, h11.InformationalResponse) and event.status_code == SWITCHING_PROTOCOLS:
                raise Unreachable("the server switches to a protocol that was not asked for", FetchReason.PROTOCOL)
        self.status, self.headers = event.status_code, event.headers.raw_items()

    async def _next(self) -> object:
        while (event := self._h11.next_event()) is h11.NEED_DATA:
            data = await self.wire.read(READ_BYTES, self._pool.read_seconds)
            if not data and self._h11.their_state is h11.SEND_RESPONSE:
                raise Unreachable("the server closed the connection without an answer", FetchReason.BROKEN_OFF)
            self._h11.receive_data(data)
        return event

    async def chunks(self) -> AsyncIterator[bytes]:
        """See :class:`Exchange`."""
        while isinstance(event := await self._next(), h11.Data):
            yield bytes(event.data)

    async def close(self) -> None:
        """See :class:`Exchange`."""
        if self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()
            self._pool.keep(self)
        else:
            self.wire.abort()


class Http2:
    """A connection with HTTP/2: many exchanges at a time."""

    def __init__(self, pool: "Pool", origin: Origin, wire: Wire) -> None:
        self.origin = origin
        self.wire = wire
        self._place = httpcore.Origin(origin.scheme.encode(), origin.host.encode(), origin.port)
        self._timeouts = {"timeout": {"read": pool.read_seconds, "write": pool.read_seconds}}
        self._connection = httpcore.AsyncHTTP2Connection(self._place, wire)
        self._kept_until = time.monotonic() + KEEPALIVE_SECONDS

    def is_usable(self) -> bool:
        """Whether another request can go out on it, as far as is known."""
        is_kept = self.wire.is_used or self._kept_until > time.monotonic()
        return is_kept and self._connection.is_available() and not (self.wire.is_over or self.wire.is_spoiled)

    async def send(self, ask: Ask) -> "Stream":
        """Send a request and read the head of its answer."""
        self._kept_until = time.monotonic() + KEEPALIVE_SECONDS
        url = httpcore.URL(scheme=self._place.scheme, host=self._place.host, port=self._place.port, target=ask.target)
        request = httpcore.Request(
            ask.method, url, headers=list(ask.headers), content=ask.content, extensions=self._timeouts
        )
        return Stream(await self._connection.handle_async_request(request))


class Stream:
    """One exchange of HTTP/2."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response
        self.status = response.status
        self.headers: Headers = response.headers

    async def chunks(self) -> AsyncIterator[bytes]:
        """See :class:`Exchange`."""
        async for chunk in self._response.stream:  # type: ignore[union-attr]
            yield chunk

    async def close(self) -> None:
        """See :class:`Exchange`."""
        with contextlib.suppress(h2.exceptions.H2Error):
            await self._response.aclose()


class Pool:
    """Connections by origin. ``kept`` of them wait for further requests at most, the least used goes first."""

    def __init__(
        self, backend: GuardedBackend, tls: ssl.SSLContext, *, kept: int, connect_seconds: float, read_seconds: float
    ) -> None:
        self.read_seconds = read_seconds
        self._backend = backend
        self._tls = tls
        self._tls.set_alpn_protocols(["h2", "http/1.1"])
        self._most = kept
        self._connect_seconds = connect_seconds
        self._idle: OrderedDict[Http1, None] = OrderedDict()
        self._idle_at: dict[Origin, list[Http1]] = {}
        self._shared: OrderedDict[Origin, Http2] = OrderedDict()
        self._connecting: dict[Origin, asyncio.Lock] = {}

    async def send(self, ask: Ask) -> Exchange:
        """The answer to a request, as far as its head.

        Raises a :class:`FetchError`, and what httpcore, h11 and h2 raise for what servers do wrong.
        """
        connection = self._shared_at(ask.origin) or self._idle_one(ask.origin) or await self._connect(ask.origin)
        if isinstance(connection, Http2):
            return await connection.send(ask)
        try:
            await connection.send(ask)
        except BaseException:
            connection.wire.abort()
            raise
        return connection

    def _shared_at(self, origin: Origin) -> Http2 | None:
        shared = self._shared.get(origin)
        if shared is not None and not shared.is_usable():
            del self._shared[origin]
            shared.wire.retire()
            return None
        return shared

    def _idle_one(self, origin: Origin) -> Http1 | None:
        waiting = self._idle_at.get(origin)
        while waiting:
            connection = waiting[-1]
            self._forget(connection)
            if connection.kept_until > time.monotonic() and not connection.wire.is_readable:
                return connection
            connection.wire.abort()
        return None

    def _forget(self, connection: Http1) -> None:
        del self._idle[connection]
        waiting = self._idle_at[connection.origin]
        waiting.remove(connection)
        if not waiting:
            del self._idle_at[connection.origin]

    def keep(self, connection: Http1) -> None:
        """Have a connection wait for the next request to its origin."""
        connection.kept_until = time.monotonic() + KEEPALIVE_SECONDS
        self._idle[connection] = None
        self._idle_at.setdefault(connection.origin, []).append(connection)
        if len(self._idle) > self._most:
            oldest = next(iter(self._idle))
            self._forget(oldest)
            oldest.wire.abort()

    async def _connect(self, origin: Origin) -> Http1 | Http2:
        if origin.scheme != "https":
            return Http1(self, origin, await self._wire(origin))
        lock = self._connecting.setdefault(origin, asyncio.Lock())
        try:
            async with lock:
                return self._shared_at(origin) or await self._connect_tls(origin)
        finally:
            if not lock.locked() and self._connecting.get(origin) is lock:
                del self._connecting[origin]

    async def _connect_tls(self, origin: Origin) -> Http1 | Http2:
        wire = await self._wire(origin)
        await wire.start_tls(self._tls, origin.host, self._connect_seconds)
        if not wire.is_http2:
            return Http1(self, origin, wire)
        shared = self._shared[origin] = Http2(self, origin, wire)
        if len(self._shared) > self._most:
            self._evict_shared()
        return shared

    async def _wire(self, origin: Origin) -> Wire:
        return await self._backend.connect_tcp(origin.host, origin.port, self._connect_seconds)

    def _evict_shared(self) -> None:
        for origin, shared in list(self._shared.items())[: self._most]:
            if not shared.wire.is_used:
                del self._shared[origin]
                shared.wire.abort()
                return

    def drop(self, origin: Origin) -> None:
        """Close the shared connection to a server that keeps us from using it."""
        shared = self._shared.pop(origin, None)
        if shared is not None:
            shared.wire.abort()

    @property
    def size(self) -> int:
        """How many connections are kept."""
        return len(self._idle) + len(self._shared)

    async def aclose(self) -> None:
        """Close all that are kept."""
        for wire in [each.wire for each in self._idle] + [each.wire for each in self._shared.values()]:
            wire.abort()
        self._idle.clear()
        self._idle_at.clear()
        self._shared.clear()
