"""The listening side of the endpoint: uvicorn, with limits for clients that only want to keep us busy."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from copydesk_shared.asgi import bind

HEAD_BYTES = 16 * 1024
IDLE_SECONDS = 5
GRACE_SECONDS = 3
# A connection has this long for all its requests; one that is being answered then may finish.
CONNECTION_SECONDS = 40.0
# An answer that comes before the end of a body is lost when the connection is closed at once (RFC 9112 section 9.6): so
# long, and so much, of what still comes is read and thrown away.
LINGER_SECONDS = 15.0
LINGER_BYTES = 32 * 1024 * 1024
CONNECTIONS = 500


class _Transport:
    """The transport of a connection, which leaves the way to close it to its protocol."""

    def __init__(self, transport: asyncio.Transport, leave: Callable[[], None]) -> None:
        self._transport = transport
        self.close = leave

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _Protocol(H11Protocol):
    """HTTP/1.1 with an end to connections that never finish a head, and to too many of them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # what strangers send is counted; a line of log for each of their mistakes would be theirs to fill the disk with
        self.logger = logging.getLogger("uvicorn.websub")
        self.logger.setLevel(logging.ERROR)
        self._end: asyncio.TimerHandle | None = None
        self._thrown_away = 0
        self._is_leaving = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See :class:`asyncio.Protocol`."""
        super().connection_made(transport)
        self._wire = transport
        self.transport: Any = _Transport(transport, self._leave)
        if len(self.connections) > CONNECTIONS:
            transport.abort()
            return
        self._end = self.loop.call_later(CONNECTION_SECONDS, self._ends)

    def connection_lost(self, exc: Exception | None) -> None:
        """See :class:`asyncio.Protocol`."""
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See :class:`asyncio.Protocol`."""
        if self._is_lingering() or self._is_leaving:
            self._thrown_away += len(data)
            if self._thrown_away > LINGER_BYTES:
                self.transport.abort()
                return
        if not self._is_leaving:
            super().data_received(data)

    def _is_lingering(self) -> bool:
        return self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY

    def _leave(self) -> None:
        """Close. Where a body is still coming, say that nothing else will be said, and wait for its end or theirs."""
        if self._is_leaving or self.conn.their_state is not h11.SEND_BODY or self._wire.is_closing():
            self._wire.close()
            return
        self._is_leaving = True
        self._wire.write_eof()
        self.flow.resume_reading()
        self._linger()

    def _linger(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = self.loop.call_later(LINGER_SECONDS, self._ends)

    def on_response_complete(self) -> None:
        """See :class:`H11Protocol`."""
        super().on_response_complete()
        if self._is_lingering():
            self._linger()

    def _ends(self) -> None:
        # uvicorn's annotation hides that there is no cycle before the first request
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            self.transport.abort()
        else:
            cycle.keep_alive = False


class _Server(uvicorn.Server):
    """Uvicorn without its signal handlers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def listening(app: Any, host: str, port: int) -> AsyncIterator[int]:
    """Serve the app while the context lasts; the value is the port. Raises :class:`SettingsError` when it is taken."""
    listener = bind(host, port, "fetcher websub")
    config = uvicorn.Config(
        app, http=_Protocol, ws="none", interface="asgi3", lifespan="off", log_config=None, access_log=False,
        server_header=False, h11_max_incomplete_event_size=HEAD_BYTES, timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )  # fmt: skip
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="websub")
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await serving
        listener.close()
