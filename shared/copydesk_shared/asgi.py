"""Serving an ASGI app inside a service: the service owns the signals and the socket, uvicorn the protocol."""

import asyncio
import contextlib
import re
import socket
from collections.abc import Awaitable, Callable, Generator, MutableMapping, Sequence
from typing import Any
from urllib.parse import unquote

import uvicorn

from copydesk_shared.errors import SettingsError

BACKLOG = 2048
ABSOLUTE_FORM = re.compile(rb"https?://([^/@]+)(/.*)?", re.IGNORECASE | re.DOTALL)

Scope = MutableMapping[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]


def bind(host: str, port: int, what: str) -> socket.socket:
    """A listening socket. Raises :class:`SettingsError` with a line that names ``what`` wanted the address."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise SettingsError(f"{what}: address {host!r} cannot be used: {error.strerror or error}") from None
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise SettingsError(f"{what}: {host}:{port} cannot be used: {(error.strerror or str(error)).lower()}") from None
    listener.setblocking(False)
    return listener


def with_absolute_form(app: Application) -> Application:
    """The app, asked for a path also where the request names a whole address, as clients of a proxy do.

    The address then counts, and not the ``Host`` header (RFC 9112, section 3.2.2). uvicorn would give it as the path.
    """

    async def asked(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and not scope["path"].startswith("/"):
            scope = _in_origin_form(scope)
        await app(scope, receive, send)

    return asked


def _in_origin_form(scope: Scope) -> Scope:
    match = ABSOLUTE_FORM.fullmatch(scope["raw_path"])
    if match is None:
        return scope
    raw_path = match[2] or b"/"
    others = [(name, value) for name, value in scope["headers"] if name != b"host"]
    path = unquote(raw_path.decode("ascii"))
    return {**scope, "path": path, "raw_path": raw_path, "headers": [(b"host", match[1].lower()), *others]}


class _Server(uvicorn.Server):
    """Uvicorn without its signal handlers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


async def serve_asgi(
    app: Any, listener: socket.socket, stopping: asyncio.Event, *, grace_seconds: int = 3,
    trusted_proxies: Sequence[str] = (),
) -> None:  # fmt: skip
    """Serve the app on the socket until ``stopping`` is set; open requests then have the grace to finish.

    What X-Forwarded-For and X-Forwarded-Proto say is believed of these addresses and networks only.
    """
    config = uvicorn.Config(
        with_absolute_form(app), log_config=None, access_log=False, lifespan="off",
        interface="asgi3", timeout_graceful_shutdown=grace_seconds,
        server_header=False, proxy_headers=bool(trusted_proxies), forwarded_allow_ips=list(trusted_proxies),
    )  # fmt: skip
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stop_requested = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({serving, stop_requested}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop_requested.cancel()
        server.should_exit = True
        await serving
        listener.close()
