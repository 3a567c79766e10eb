"""Serving an ASGI app inside a service: the service owns the signals and the socket, uvicorn the protocol."""

import asyncio
import contextlib
import socket
from collections.abc import Generator, Sequence
from typing import Any

import uvicorn

from copydesk_shared.errors import SettingsError

BACKLOG = 2048


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
        app, log_config=None, access_log=False, lifespan="off",
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
