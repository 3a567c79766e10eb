"""Asking a service how it is."""

import asyncio
import http.client
import socket

from copydesk_shared.asgi import bind

PROBE_SECONDS = 2.0
LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def check_port(port: int, what: str) -> None:
    """Raises :class:`SettingsError` with one line when somebody has the port already."""
    bind(LOOPBACK, port, what).close()


def _status(port: int, path: str) -> int | None:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


async def answers_ok(port: int, path: str) -> bool:
    """Whether the service answers 200 on that path of its health port."""
    return await asyncio.to_thread(_status, port, path) == http.client.OK


async def accepts_connections(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), PROBE_SECONDS)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
