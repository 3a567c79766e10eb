"""Asking a service how it is."""

import asyncio
import contextlib
import http.client
import random
import socket

from copydesk_shared.asgi import bind
from copydesk_shared.errors import SettingsError

PROBE_SECONDS = 2.0
LOOPBACK = "127.0.0.1"
QUIET_PORTS = range(20_000, 32_000)
ATTEMPTS = 100


def free_port() -> int:
    """A port of the loopback address that nobody listens on now.

    Not one that systems hand out by themselves: until the process it is for has started, any connection might get it.
    """
    for port in random.sample(QUIET_PORTS, ATTEMPTS):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
    raise SettingsError(f"no free port between {QUIET_PORTS.start} and {QUIET_PORTS.stop - 1}")


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
