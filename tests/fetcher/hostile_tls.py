"""Servers behind TLS that misbehave: in the handshake, and over HTTP/2 by path."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamReset
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes

CERTIFICATE = Path(__file__).with_name("news.example.pem")
NAME = "news.example"
OK = [(":status", "200"), ("content-type", "text/html")]
PREFACE_LENGTH = 24


def server_tls(*protocols: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    context.set_alpn_protocols(list(protocols))
    return context


def client_tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=CERTIFICATE)


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame of HTTP/2, whatever is in it (RFC 9113 section 4.1)."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


@dataclass
class Conversation:
    """One connection: what the server knows, and where it writes."""

    h2: H2Connection
    writer: asyncio.StreamWriter
    requests: int = 0

    async def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())
        await self.writer.drain()

    async def repeat(self, data: bytes, pause: float = 0.0) -> None:
        """These bytes as they are, until the client leaves."""
        await self.flush()
        while not self.writer.is_closing():
            self.writer.write(data)
            await self.writer.drain()
            await asyncio.sleep(pause)


Misdeed = Callable[[Conversation, int], Awaitable[None]]


async def fine(talk: Conversation, stream: int) -> None:
    body = gzip.compress(b"fine")
    talk.h2.send_headers(stream, [*OK, ("content-encoding", "gzip")])
    talk.h2.send_data(stream, body, end_stream=True)
    await talk.flush()


async def rst(talk: Conversation, stream: int) -> None:
    talk.h2.reset_stream(stream, error_code=11)
    await talk.flush()


async def rst_in_body(talk: Conversation, stream: int) -> None:
    talk.h2.send_headers(stream, OK)
    talk.h2.send_data(stream, b"half")
    await rst(talk, stream)


async def rst_flood(talk: Conversation, stream: int) -> None:
    await talk.repeat(frame(3, 0, stream + 1000, (8).to_bytes(4, "big")) * 500)


async def go_away(talk: Conversation, _: int) -> None:
    talk.h2.close_connection()
    await talk.flush()
    talk.writer.close()


async def go_away_in_body(talk: Conversation, stream: int) -> None:
    talk.h2.send_headers(stream, OK)
    talk.h2.send_data(stream, b"half")
    await go_away(talk, stream)


async def hang_up_in_body(talk: Conversation, stream: int) -> None:
    talk.h2.send_headers(stream, OK)
    talk.h2.send_data(stream, b"half")
    await talk.flush()
    talk.writer.transport.abort()


async def ping_flood(talk: Conversation, _: int) -> None:
    await talk.repeat(frame(6, 0, 0, b"12345678") * 500)


async def settings_flood(talk: Conversation, _: int) -> None:
    await talk.repeat(frame(4, 0, 0) * 500)


async def settings_shrink(talk: Conversation, stream: int) -> None:
    """Allows many streams and then one, with one open."""
    for most in (50, 1, 0):
        talk.h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: most})
        await talk.flush()
    await fine(talk, stream)


async def empty_data(talk: Conversation, stream: int) -> None:
    talk.h2.send_headers(stream, OK)
    await talk.repeat(frame(0, 0, stream) * 500)


async def continuations(talk: Conversation, stream: int) -> None:
    """A header block that never ends (CVE-2024-27316 and its kin)."""
    await talk.flush()
    talk.writer.write(frame(1, 0, stream, b"\x88"))
    await talk.repeat(frame(9, 0, stream, b"\x00\x01a\x01b" * 100))


async def big_headers(talk: Conversation, stream: int) -> None:
    """A table entry of 4 kB, named thousands of times: 65 kB on the wire, more than 100 MB unpacked."""
    await talk.flush()
    entry = b"\x40\x01a\x7f\xa1\x1e" + b"x" * 4000
    names = b"\xbe" * 12_000
    talk.writer.write(frame(1, 0, stream, b"\x88" + entry))
    talk.writer.write(frame(9, 4, stream, names))
    await talk.writer.drain()


async def many_headers(talk: Conversation, stream: int) -> None:
    talk.h2.send_headers(stream, [*OK, *((f"x-{number}", "y") for number in range(400))])
    await talk.flush()


async def status_words(talk: Conversation, stream: int) -> None:
    talk.h2.send_headers(stream, [(":status", "abc")])
    await talk.flush()


async def garbage(talk: Conversation, _: int) -> None:
    await talk.repeat(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 100)


async def huge_frame(talk: Conversation, stream: int) -> None:
    await talk.flush()
    talk.writer.write(frame(0, 0, stream, b"x" * 100_000))
    await talk.writer.drain()


async def push(talk: Conversation, stream: int) -> None:
    """A push, though the client said that it wants none."""
    await talk.flush()
    talk.writer.write(frame(5, 4, stream, (2).to_bytes(4, "big") + b"\x82"))
    await talk.writer.drain()


async def silence(_: Conversation, __: int) -> None:
    await asyncio.sleep(3600)


async def endless(talk: Conversation, stream: int) -> None:
    talk.h2.send_headers(stream, OK)
    await talk.repeat(frame(0, 0, stream, b"x" * 16_000))


async def drip(talk: Conversation, stream: int) -> None:
    talk.h2.send_headers(stream, OK)
    await talk.repeat(frame(0, 0, stream, b"x"), pause=0.05)


async def bomb(talk: Conversation, stream: int) -> None:
    talk.h2.send_headers(stream, [*OK, ("content-encoding", "gzip")])
    talk.h2.send_data(stream, gzip.compress(bytes(10_000_000))[:16_000], end_stream=True)
    await talk.flush()


async def length_lies(talk: Conversation, stream: int) -> None:
    talk.h2.send_headers(stream, [*OK, ("content-length", "1000")])
    talk.h2.send_data(stream, b"short", end_stream=True)
    await talk.flush()


async def fine_then_go_away(talk: Conversation, stream: int) -> None:
    """Answers, and gives the connection up while nobody asks."""
    await fine(talk, stream)
    await go_away(talk, stream)


MISDEEDS: Mapping[str, Misdeed] = {
    "/fine": fine,
    "/rst": rst,
    "/rst/body": rst_in_body,
    "/rst/flood": rst_flood,
    "/go-away": go_away,
    "/go-away/body": go_away_in_body,
    "/go-away/after": fine_then_go_away,
    "/hang-up": hang_up_in_body,
    "/ping/flood": ping_flood,
    "/settings/flood": settings_flood,
    "/settings/shrink": settings_shrink,
    "/data/empty": empty_data,
    "/headers/continuations": continuations,
    "/headers/big": big_headers,
    "/headers/many": many_headers,
    "/status/words": status_words,
    "/garbage": garbage,
    "/frame/huge": huge_frame,
    "/push": push,
    "/silence": silence,
    "/endless": endless,
    "/drip": drip,
    "/bomb": bomb,
    "/length": length_lies,
}


@dataclass
class TlsSite:
    """Where it is; how many connections and requests came so far."""

    port: int = 0
    connections: int = 0
    paths: list[str] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"https://{NAME}:{self.port}{path}"

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        talk = Conversation(H2Connection(H2Configuration(client_side=False, validate_outbound_headers=False)), writer)
        talk.h2.initiate_connection()
        await talk.flush()
        tasks: set[asyncio.Task[None]] = set()
        try:
            while data := await reader.read(65_536):
                for event in talk.h2.receive_data(data):
                    if isinstance(event, RequestReceived):
                        tasks.add(asyncio.create_task(self._do(talk, event)))
                    elif isinstance(event, StreamReset):
                        break
                await talk.flush()
        except (OSError, ProtocolError):
            return
        finally:
            for task in tasks:
                task.cancel()
            writer.transport.abort()

    async def _do(self, talk: Conversation, event: RequestReceived) -> None:
        path = dict(event.headers or ())[b":path"].decode()
        self.paths.append(path)
        with suppress(OSError, ProtocolError):
            await MISDEEDS[path](talk, event.stream_id or 0)


@asynccontextmanager
async def serve_h2() -> AsyncIterator[TlsSite]:
    """HTTP/2 over TLS, on a free port of 127.0.0.1, as ``news.example``."""
    site = TlsSite()
    async with serving(site.converse, server_tls("h2")) as site.port:
        yield site


@asynccontextmanager
async def serving(
    converse: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], tls: ssl.SSLContext | None
) -> AsyncIterator[int]:
    """Any server of streams; gives its port. All its connections end with it."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await converse(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
