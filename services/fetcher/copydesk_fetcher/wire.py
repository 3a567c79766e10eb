"""Connections: to checked addresses only, straight on asyncio, and no server may send more than somebody waits for."""

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from typing import Any, Self

import httpcore

from copydesk_fetcher.responses import FetchReason, Refused, TooSlow, Unreachable
from copydesk_shared.guard import Forbidden, Guard

PAUSE_ABOVE = 256 * 1024
# What a connection may send for one request beside the body that is taken from it: headers, chunk sizes, frames.
FRAMING_BYTES = 256 * 1024
# For each byte of a body that is taken, as much again may come around it: small chunks and small frames.
FRAMING_RATIO = 2


class Grant:
    """One request's hold on a connection; it begins with the first bytes of the request that are sent.

    It lets the connection receive ``FRAMING_BYTES``, and more for each byte of the body that is taken.
    """

    __slots__ = ("is_answered", "is_reused", "is_whole", "wire")

    def __init__(self) -> None:
        self.wire: Wire | None = None
        self.is_reused = False
        self.is_answered = False
        self.is_whole = False

    @property
    def is_stale(self) -> bool:
        """Whether the request went out on a connection that was used before and that had been given up meanwhile.

        With HTTP/1.1 not one byte came back; with HTTP/2 there may be a GOAWAY.
        """
        return self.is_reused and (not self.is_answered or (self.wire is not None and self.wire.is_http2))

    def took(self, count: int) -> None:
        """So many bytes of the body were taken: as many more may come."""
        if self.wire is not None:
            self.wire.allow(count * FRAMING_RATIO)

    def end(self) -> None:
        """The request is over. A connection with answers left unread goes after its last user.

        Streams of HTTP/2 that are left unread use up the window of their whole connection.
        """
        if self.wire is not None and self.wire.is_http2:
            self.wire.leave(is_spoiled=not self.is_whole)


GRANT: ContextVar[Grant] = ContextVar("grant")


class Wire(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """One connection, as asyncio's protocol on one side and httpcore's stream on the other."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._is_over = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._granted = 0
        self._is_used = False
        self._is_spoiled = False
        self._users = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See :class:`asyncio.Protocol`."""
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """See :class:`asyncio.Protocol`."""
        self._chunks.append(data)
        self._size += len(data)
        if self._size > PAUSE_ABOVE and self._transport is not None:
            self._transport.pause_reading()
        _wake(self._waiter)

    def eof_received(self) -> bool:
        """See :class:`asyncio.Protocol`."""
        self._is_over = True
        _wake(self._waiter)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """See :class:`asyncio.Protocol`."""
        self._is_over = True
        self._error = exc
        _wake(self._waiter)
        _wake(self._drained)

    def pause_writing(self) -> None:
        """See :class:`asyncio.Protocol`."""
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        """See :class:`asyncio.Protocol`."""
        _wake(self._drained)
        self._drained = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        """Some bytes, none at the end. Raises :class:`Unreachable` when the server sends more than was granted."""
        if not self._chunks:
            await self._more(timeout)
        if not self._chunks:
            if self._error is not None:
                raise httpcore.ReadError(str(self._error) or type(self._error).__name__)
            return b""
        return self._take(max_bytes)

    def _take(self, max_bytes: int) -> bytes:
        data = self._chunks.popleft()
        if len(data) > max_bytes:
            self._chunks.appendleft(data[max_bytes:])
            data = data[:max_bytes]
        before, self._size = self._size, self._size - len(data)
        if before > PAUSE_ABOVE >= self._size and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
        self._granted -= len(data)
        if self._granted < 0:
            self._abort()
            raise Unreachable("the server sends more than any answer needs", FetchReason.FLOOD)
        grant = GRANT.get(None)
        if grant is not None:
            grant.is_answered = True
        return data

    async def _more(self, seconds: float | None) -> None:
        if self._is_over:
            return
        self._waiter = waiter = self._loop.create_future()
        expiry = self._loop.call_later(seconds, _expire, waiter) if seconds is not None else None
        try:
            await waiter
        except TimeoutError:
            raise httpcore.ReadTimeout(f"nothing came for {seconds:g} s") from None
        finally:
            self._waiter = None
            if expiry is not None:
                expiry.cancel()

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        """Send these bytes; the grant of the request that sends them is taken with the first."""
        if not buffer:
            return
        self._take_grant()
        if self._is_over or self._transport is None:
            raise httpcore.WriteError("the connection is closed")
        self._transport.write(buffer)
        if self._drained is not None:
            try:
                async with asyncio.timeout(timeout):
                    await self._drained
            except TimeoutError:
                raise httpcore.WriteTimeout(f"nothing was taken for {timeout} s") from None

    def _take_grant(self) -> None:
        grant = GRANT.get(None)
        if grant is not None and grant.wire is None:
            grant.wire = self
            grant.is_reused = self._is_used
            self._is_used = True
            self._granted = FRAMING_BYTES + (self._granted if self._users else 0)
            self._users += 1

    def allow(self, count: int) -> None:
        """Let so many more bytes come."""
        self._granted += count

    def leave(self, *, is_spoiled: bool) -> None:
        """One user less."""
        self._users -= 1
        self._is_spoiled = self._is_spoiled or is_spoiled
        if self._is_spoiled and self._users <= 0:
            self._abort()

    @property
    def is_over(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._is_over

    @property
    def is_http2(self) -> bool:
        """Whether that was agreed on."""
        tls = self.get_extra_info("ssl_object")
        return tls is not None and tls.selected_alpn_protocol() == "h2"

    async def aclose(self) -> None:
        """Close at once, unsent and unread bytes lost: whoever closes wants no more of it."""
        self._abort()

    def _abort(self) -> None:
        self._is_over = True
        self._chunks.clear()
        if self._transport is not None:
            self._transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
    ) -> Self:
        """Encrypt from here on. Raises :class:`Unreachable` (TLS) and :class:`TooSlow`."""
        async with contextlib.AsyncExitStack() as otherwise:
            otherwise.push_async_callback(self.aclose)
            try:
                async with asyncio.timeout(timeout):
                    self._transport = await self._loop.start_tls(
                        self._transport,  # type: ignore[arg-type]
                        self,
                        ssl_context,
                        server_hostname=server_hostname,
                    )
            except TimeoutError:
                raise TooSlow(f"no TLS with {server_hostname} in time", FetchReason.TIMEOUT) from None
            except (OSError, ssl.SSLError, ssl.CertificateError) as error:
                raise Unreachable(f"no TLS with {server_hostname}: {_plain(error)}", FetchReason.TLS) from None
            otherwise.pop_all()
        return self

    def get_extra_info(self, info: str) -> Any:
        """See :class:`httpcore.AsyncNetworkStream`. An idle connection that is readable is not used again."""
        if info == "is_readable":
            return self._is_over or bool(self._chunks)
        return self._transport.get_extra_info(info) if self._transport is not None else None


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


def _expire(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())


def _plain(error: OSError) -> str:
    text = getattr(error, "verify_message", "") or error.strerror or str(error) or type(error).__name__
    return " ".join(text.split())[:300]


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects to checked addresses only. Raises :class:`Refused` when a name has none."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
        local_address: str | None = None,  # noqa: ARG002 - httpcore's
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - httpcore's
    ) -> Wire:
        """See :class:`httpcore.AsyncNetworkBackend`. Raises :class:`Refused` and :class:`Unreachable`."""
        failure = Unreachable(f"{host} has no address", FetchReason.DNS)
        for address in await self.addresses(host, port, timeout):
            try:
                async with asyncio.timeout(timeout):
                    _, wire = await asyncio.get_running_loop().create_connection(Wire, address, port)
            except TimeoutError:
                failure = TooSlow(f"no connection to {address} port {port} within {timeout:g} s")
            except OSError as error:
                failure = Unreachable(f"no connection to {address} port {port}: {_plain(error)}")
            else:
                return wire
        raise failure

    async def addresses(self, host: str, port: int, seconds: float | None) -> Sequence[str]:
        """Those of a name that may be connected to. Raises :class:`Refused`, and :class:`Unreachable` (DNS)."""
        try:
            async with asyncio.timeout(seconds):
                return await self._guard.addresses(host, port)
        except TimeoutError:
            raise TooSlow(f"the name {host} was not resolved in time", FetchReason.DNS) from None
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"the name {host} cannot be resolved: {error}", FetchReason.DNS) from None
        except Forbidden as error:
            raise Refused(str(error), FetchReason.ADDRESS) from None

    async def connect_unix_socket(self, path: str, *_: object, **__: object) -> Wire:
        """Never: a URL cannot mean one."""
        raise Refused(f"not a web address: {path}")

    async def sleep(self, seconds: float) -> None:
        """See :class:`httpcore.AsyncNetworkBackend`."""
        await asyncio.sleep(seconds)
