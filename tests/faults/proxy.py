"""A network between clients and a broker that can fail: a TCP proxy on loopback.

It holds data back as a network that drops packets does (what was sent comes late, when it heals), resets connections,
adds delay and limits the rate.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

import psutil

T = TypeVar("T")

CHUNK = 16_384
RESET = struct.pack("ii", 1, 0)


class _Link:
    """One connection. ``port`` is where its client speaks from."""

    def __init__(self, proxy: "Proxy", port: int) -> None:
        self.port = port
        self.heals = asyncio.Event()
        self._proxy = proxy
        self._writers: list[asyncio.StreamWriter] = []

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        await self.heals.wait()
        target_reader, target_writer = await asyncio.open_connection("127.0.0.1", self._proxy.target)
        self._writers.append(target_writer)
        pumps = [
            asyncio.create_task(each) for each in (self._pump(reader, target_writer), self._pump(target_reader, writer))
        ]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            await asyncio.sleep(self._proxy.delay_seconds + len(data) / self._proxy.bytes_per_second)
            await self.heals.wait()
            writer.write(data)
            await writer.drain()

    def reset(self) -> None:
        for writer in self._writers:
            connection = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()

    def close(self) -> None:
        for writer in self._writers:
            writer.close()


class Proxy:
    """Listens on ``port`` and leads to ``target``, in a thread of its own."""

    def __init__(self) -> None:
        self.target = 0
        self.port = 0
        self.delay_seconds = 0.0
        self.bytes_per_second = float("inf")
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_cut: Callable[[int], bool] = lambda _: False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def servers(self) -> str:
        """Where clients are to go."""
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self, pid: int | None = None) -> None:
        """Nothing passes any more, in neither direction, for one process or for all; no connection ends by that."""
        self._is_cut = (lambda _: True) if pid is None else (lambda port: port in _ports(pid))
        self._do(self._apply())

    def heal(self) -> None:
        """Everything passes again, first what was held back."""
        self._is_cut = lambda _: False
        self.delay_seconds, self.bytes_per_second = 0.0, float("inf")
        self._do(self._apply())

    def reset(self) -> None:
        """All connections end with a reset."""
        self._do(self._reset())

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link(self, writer.get_extra_info("peername")[1])
        self._links.add(link)
        self._set(link)
        try:
            with contextlib.suppress(OSError):
                await link.run(reader, writer)
        finally:
            link.close()
            self._links.discard(link)

    def _set(self, link: _Link) -> None:
        if self._is_cut(link.port):
            link.heals.clear()
        else:
            link.heals.set()

    async def _apply(self) -> None:
        for link in self._links:
            self._set(link)

    async def _reset(self) -> None:
        for link in list(self._links):
            link.reset()

    async def _close(self) -> None:
        self._server.close()
        await self._reset()
        while self._links:
            for link in self._links:
                link.heals.set()
            await asyncio.sleep(0.01)


def _ports(pid: int) -> set[int]:
    try:
        return {each.laddr.port for each in psutil.Process(pid).net_connections("tcp")}
    except psutil.Error:
        return set()
