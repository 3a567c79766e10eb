"""A server on loopback that receives webhooks and pushes, and can misbehave."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

LONGEST_WAIT = 30.0
Reply = Callable[["Received", asyncio.StreamWriter], Any]


@dataclass(frozen=True)
class Received:
    """A request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


def status(code: int, body: str = "", **headers: str) -> Reply:
    """Answers with this status; ``_`` in names of headers stands for ``-``."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    text = f"HTTP/1.1 {code} Said\r\n{lines}content-length: {len(body.encode())}\r\n\r\n{body}"

    def reply(_request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(text.encode())

    return reply


async def hang(_request: Received, _writer: asyncio.StreamWriter) -> None:
    """Never answers."""
    await asyncio.sleep(LONGEST_WAIT)


def hang_up(_request: Received, writer: asyncio.StreamWriter) -> None:
    """Closes the connection without a word."""
    writer.transport.abort()


async def drip(_request: Received, writer: asyncio.StreamWriter) -> None:
    """Says 200, and then a byte now and then, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


def flood(_request: Received, writer: asyncio.StreamWriter) -> None:
    """Says 200 and far more than anybody wants to read."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 8000000\r\n\r\n" + b"x" * 8_000_000)


def nonsense(_request: Received, writer: asyncio.StreamWriter) -> None:
    """Is no server of HTTP."""
    writer.write(b"220 mail ready\r\n\r\n")


OK = status(204)


@dataclass
class Target:
    """``replies`` are given once each, in turn; then ``reply``, for ever."""

    port: int = 0
    reply: Reply = OK
    replies: list[Reply] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def until(self, count: int) -> list[Received]:
        """Wait for so many requests."""
        async with asyncio.timeout(LONGEST_WAIT):
            while len(self.received) < count:
                await asyncio.sleep(0.01)
        return self.received

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while not writer.is_closing():
                    await self._one(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        request = Received(method, path, headers, body)
        self.received.append(request)
        answered = (self.replies.pop(0) if self.replies else self.reply)(request, writer)
        if asyncio.iscoroutine(answered):
            await answered
        await writer.drain()

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def target(reply: Reply = OK) -> AsyncIterator[Target]:
    made = Target(reply=reply)
    server = await asyncio.start_server(made.handle, "127.0.0.1", 0, limit=1 << 22)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await made.stop()
        await server.wait_closed()
