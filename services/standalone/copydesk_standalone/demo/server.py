"""The sample publisher as a process: uvicorn with a bare ASGI application, on loopback only."""

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

import uvicorn

from copydesk_shared.errors import SettingsError
from copydesk_standalone.demo.publisher import Publisher, Response

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

READ_ONLY = ("GET", "HEAD")
SHUTDOWN_SECONDS = 2


def application(publisher: Publisher) -> Application:
    """The publisher as an ASGI application."""

    async def answer(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        response = _respond(publisher, scope)
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()]
        await send({"type": "http.response.start", "status": int(response.status), "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else response.body})

    return answer


def _respond(publisher: Publisher, scope: Scope) -> Response:
    if scope["method"] not in READ_ONLY:
        return Response(HTTPStatus.METHOD_NOT_ALLOWED, {"allow": ", ".join(READ_ONLY), "content-length": "0"}, b"")
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return publisher.respond(scope["path"], headers)


class _Server(uvicorn.Server):
    """Calls ``ready`` once it accepts connections."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: Sequence[socket.socket] | None = None) -> None:
        await super().startup(sockets=list(sockets) if sockets else None)
        if self.started:
            self._ready()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one.

    Raises :class:`SettingsError` for an address that is not loopback and for a port that cannot be had.
    """
    if not _is_loopback(host):
        raise SettingsError(f"the sample publisher listens on loopback only, not on {host}")
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise SettingsError(f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}") from None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


async def serve(
    host: str,
    port: int,
    *,
    every_seconds: float = 5.0,
    started: datetime | None = None,
    ready: Callable[[str], None] = lambda _url: None,
    stop_at_end_of_input: bool = False,
) -> None:
    """Serve the newspaper until SIGTERM or SIGINT, or until the standard input ends if that is asked for.

    ``started`` (aware; now if not given) dates the first batch; a restart that passes the same one keeps every date.
    ``ready`` gets the URL of the front page once connections are accepted. Raises :class:`SettingsError` as
    :func:`listen` does.
    """
    listener = listen(host, port)
    base_url = f"http://{host}:{listener.getsockname()[1]}"
    publisher = Publisher(lambda: datetime.now(UTC), started or datetime.now(UTC), every_seconds, base_url)
    config = uvicorn.Config(
        application(publisher),
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    server = _Server(config, lambda: ready(f"{base_url}/"))
    _quieten_signals()
    if stop_at_end_of_input:
        threading.Thread(target=_stop_at_end_of_input, args=(server,), daemon=True).start()
    with listener:
        await server.serve(sockets=[listener])


def _quieten_signals() -> None:
    """Make the signals harmless outside uvicorn's own handling: it raises them once more after a clean stop."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: None)


def _stop_at_end_of_input(server: uvicorn.Server) -> None:
    # os.read and not sys.stdin: a thread that waits inside the buffered reader holds its lock at interpreter exit.
    while os.read(0, 4096):
        pass
    server.should_exit = True


def run(
    host: str, port: int, *, every_seconds: float, started: datetime | None = None, stop_at_end_of_input: bool = False
) -> None:
    """:func:`serve` with an event loop of its own; says on the standard output when it is ready."""
    asyncio.run(
        serve(
            host,
            port,
            every_seconds=every_seconds,
            started=started,
            ready=lambda url: _say(f"publisher ready {url}"),
            stop_at_end_of_input=stop_at_end_of_input,
        )
    )


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())
