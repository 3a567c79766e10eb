"""Requests to receivers, by httpcore: to checked addresses only, within limits, redirects not followed.

Each connection goes to an address that was checked after its name was resolved, and to exactly that address. TLS is
verified against the name. What comes back is read as far as a person may want to see it, and no further.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit

import httpcore

from copydesk_shared.errors import CopydeskError
from copydesk_shared.guard import Forbidden, Guard
from copydesk_shared.retry_after import retry_after
from copydesk_shared.urls import plain_url

ANSWER_BYTES = 4096
CONNECT_SECONDS = 5.0
# The status has told what came of it; the rest is for people.
BODY_SECONDS = 1.0
KEEPALIVE_SECONDS = 10.0
PORTS: Mapping[str, int] = {"http": 80, "https": 443}
SAFE = "/%:@!$&'()*+,;=~-._?"
CORE = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)


class Trouble(StrEnum):
    """Why there is no answer."""

    REFUSED = "refused-address"
    DNS = "dns"
    CONNECT = "connect"
    TIMEOUT = "timeout"
    BROKEN = "broken-off"


class NoAnswer(CopydeskError):
    """There is none; says why, in one line."""

    def __init__(self, trouble: Trouble, message: str) -> None:
        super().__init__(message)
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver said; header names are in lower case, ``body`` is its beginning."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def retry_after(self, now: datetime) -> float | None:
        """Seconds that it asks to be left alone for."""
        return retry_after(self.headers.get("retry-after", ""), now)


@dataclass(frozen=True, slots=True)
class Target:
    """A URL in parts, as it is connected to and asked for."""

    url: str
    host: str
    port: int
    core: httpcore.URL
    netloc: str

    @classmethod
    def of(cls, url: str) -> "Target":
        """Raises ``ValueError`` for what is no http or https URL."""
        plain = plain_url(url)
        parts = urlsplit(plain)
        try:
            host = (parts.hostname or "").encode("idna").decode()
        except UnicodeError:
            raise ValueError(f"no host in URL: {url!r}") from None
        port = parts.port or PORTS[parts.scheme]
        path = quote(f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}", safe=SAFE)
        core = httpcore.URL(scheme=parts.scheme.encode(), host=host.encode(), port=port, target=path.encode())
        shown = f"[{host}]" if ":" in host else host
        return cls(plain, host, port, core, shown if port == PORTS[parts.scheme] else f"{shown}:{port}")


class _Backend(httpcore.AnyIOBackend):
    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            addresses = await self._guard.addresses(host, port)
        except (OSError, UnicodeError) as error:
            raise NoAnswer(Trouble.DNS, f"the name {host} cannot be resolved: {error}") from None
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                return await super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class Line:
    """The way to one receiver: one request at a time, over one connection for as long as it lasts."""

    def __init__(self, target: Target, backend: _Backend, tls: ssl.SSLContext, seconds: float, agent: str) -> None:
        self._target = target
        self._backend = backend
        self._tls = tls
        self._seconds = seconds
        self._agent = agent
        self._connection: httpcore.AsyncHTTPConnection | None = None
        self._deadline = 0.0

    async def post(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer, whatever its status. Raises :class:`NoAnswer`."""
        return await self._in_time("POST", {**headers, "content-length": str(len(body))}, body)

    async def get(self, headers: Mapping[str, str]) -> Answer:
        """The answer, whatever its status. Raises :class:`NoAnswer`."""
        return await self._in_time("GET", headers, b"")

    async def close(self) -> None:
        """Leave no connection open."""
        if self._connection is not None:
            with suppress(*CORE):
                await self._connection.aclose()
            self._connection = None

    async def _in_time(self, method: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self._deadline = asyncio.get_running_loop().time() + self._seconds
        try:
            return await self._tried(method, headers, body)
        except TimeoutError:
            await self.close()
            raise NoAnswer(Trouble.TIMEOUT, f"no answer within {self._seconds:g} s") from None
        except Forbidden as error:
            await self.close()
            raise NoAnswer(Trouble.REFUSED, str(error)) from None
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            await self.close()
            raise NoAnswer(Trouble.CONNECT, f"no connection to {self._target.netloc}: {_said(error)}") from None
        except CORE as error:
            await self.close()
            raise NoAnswer(Trouble.BROKEN, f"no whole answer: {_said(error)}") from None

    async def _tried(self, method: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Once more where a kept connection turns out to be dead: the receiver had given it up."""
        kept = self._connection
        if kept is not None and kept.is_available() and not kept.has_expired():
            with suppress(httpcore.NetworkError, httpcore.RemoteProtocolError):
                return await self._ask(kept, method, headers, body)
        await self.close()
        self._connection = httpcore.AsyncHTTPConnection(
            self._target.core.origin, self._tls, keepalive_expiry=KEEPALIVE_SECONDS, network_backend=self._backend
        )
        return await self._ask(self._connection, method, headers, body)

    async def _ask(
        self, connection: httpcore.AsyncHTTPConnection, method: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        every = {"host": self._target.netloc, "user-agent": self._agent, "accept": "*/*", **headers}
        request = httpcore.Request(
            method,
            self._target.core,
            headers=[(name.encode("ascii"), value.encode("latin-1", "replace")) for name, value in every.items()],
            content=body,
            extensions={"timeout": {"connect": CONNECT_SECONDS}},
        )
        async with asyncio.timeout_at(self._deadline):
            response = await connection.handle_async_request(request)
        try:
            said = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            return Answer(response.status, said, await _beginning(response.stream))
        finally:
            await response.aclose()


async def _beginning(stream: Any) -> bytes:
    """As much of the body as comes at once; the connection is not used again when there is more."""
    found = b""
    with suppress(TimeoutError, *CORE):
        async with asyncio.timeout(BODY_SECONDS), aclosing(_chunks(stream)) as chunks:
            async for chunk in chunks:
                found += chunk
                if len(found) >= ANSWER_BYTES:
                    break
    return found[:ANSWER_BYTES]


async def _chunks(stream: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    async for chunk in stream:
        yield chunk


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


class Courier:
    """Makes lines to receivers."""

    def __init__(self, guard: Guard, seconds: float, agent: str, tls: ssl.SSLContext | None = None) -> None:
        self._guard = guard
        self._backend = _Backend(guard)
        self._seconds = seconds
        self._agent = agent
        self._given_tls = tls

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or httpcore.default_ssl_context()

    @asynccontextmanager
    async def line(self, url: str) -> AsyncIterator[Line]:
        """A line to this URL, closed in the end. Raises ``ValueError`` for what is no URL."""
        line = Line(Target.of(url), self._backend, self._tls, self._seconds, self._agent)
        try:
            yield line
        finally:
            await line.close()

    async def look_up(self, url: str) -> None:
        """Whether this URL leads to an address that may be connected to.

        Raises ``ValueError`` for what is no URL, and :class:`NoAnswer` for where it leads.
        """
        target = Target.of(url)
        try:
            async with asyncio.timeout(self._seconds):
                found = await self._guard.addresses(target.host, target.port)
        except Forbidden as error:
            raise NoAnswer(Trouble.REFUSED, str(error)) from None
        except (OSError, UnicodeError) as error:
            raise NoAnswer(Trouble.DNS, f"the name {target.host} cannot be resolved: {error}") from None
        if not found:
            raise NoAnswer(Trouble.DNS, f"{target.host} has no address")
