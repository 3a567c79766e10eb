"""What the WebSub tests share: the endpoint with what it stored, a feed, and sockets for requests that no client makes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from prometheus_client import REGISTRY

from copydesk_fetcher.settings import FetcherSettings
from copydesk_fetcher.websub.server import WebSubServer
from copydesk_fetcher.websub.serving import listening
from copydesk_shared.errors import CopydeskError
from copydesk_shared.messages import Feed, Push

SECRET = "a secret that all replicas share"
FEED = Feed(feed_id="news", url="https://news.example/feed.xml", name="News")
TOPIC = "https://www.news.example/feed.xml?format=rss"


def websub(**more: Any) -> dict[str, Any]:
    """Settings that switch WebSub on, on a free port of loopback."""
    return {
        "websub_url": "http://127.0.0.1:1", "websub_secret": SECRET, "websub_host": "127.0.0.1", "websub_port": 0,
    } | more  # fmt: skip


@dataclass
class Endpoint:
    """A running endpoint; ``error`` is raised instead of storing."""

    server: WebSubServer
    port: int
    pushes: list[Push]
    error: list[CopydeskError] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def here(self, callback: str) -> str:
        """The callback address, at this endpoint."""
        return self.url + urlsplit(callback).path

    async def talk(self, *parts: bytes, pause: float = 0.0) -> bytes:
        """What comes back for exactly these bytes until the other side closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause)
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.transport.abort()


@asynccontextmanager
async def endpoint(settings: FetcherSettings) -> AsyncIterator[Endpoint]:
    """The real endpoint on a free port."""
    pushes: list[Push] = []
    error: list[CopydeskError] = []

    async def send(push: Push) -> None:
        if error:
            raise error[0]
        pushes.append(push)

    server = WebSubServer(settings, send)
    async with listening(server, settings.websub_host, settings.websub_port) as port:
        yield Endpoint(server, port, pushes, error)


def count(outcome: str) -> float:
    """How many requests of hubs came to this so far."""
    return REGISTRY.get_sample_value("copydesk_websub_total", {"outcome": outcome}) or 0.0
