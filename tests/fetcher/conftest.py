"""A site on loopback, settings that allow it, and a client."""

import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from copydesk_fetcher.http import Client
from copydesk_fetcher.robots import Robots
from copydesk_fetcher.settings import FetcherSettings
from copydesk_fetcher.visit import Visitor

from .site import Site, serve
from .visits import InlineParser

Settings = Callable[..., FetcherSettings]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with serve() as running:
        yield running


@pytest.fixture
def settings_with() -> Settings:
    def make(**given: Any) -> FetcherSettings:
        usual: dict[str, Any] = {"allow_networks": "127.0.0.0/8", "per_host_delay_seconds": 0, "user_agent": "test"}
        return FetcherSettings(**(usual | given))

    return make


@pytest.fixture
def settings(settings_with: Settings) -> FetcherSettings:
    return settings_with()


@pytest.fixture(scope="session")
def tls() -> ssl.SSLContext:
    """Trusts nobody and takes no time to make."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture
async def client(settings: FetcherSettings, tls: ssl.SSLContext) -> AsyncIterator[Client]:
    async with Client(settings, tls=tls) as running:
        yield running


@pytest.fixture
def parser() -> InlineParser:
    return InlineParser(5, 100)


@pytest.fixture
def visiting(client: Client, parser: InlineParser, settings_with: Settings) -> Callable[..., Visitor]:
    def make(**given: object) -> Visitor:
        settings = settings_with(**{"feed_bytes": 50_000, **given})
        return Visitor(client, parser, settings, Robots(client.get, client.hosts, settings))

    return make


@pytest.fixture
def visitor(visiting: Callable[..., Visitor]) -> Visitor:
    return visiting()
