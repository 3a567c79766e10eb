"""The fetcher as a process with a hub: what is pushed is discovered although the next poll is an hour away."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from copydesk_fetcher.feeds_file import parse_feeds, sync_feeds
from copydesk_shared.brokers import Brokers
from copydesk_shared.kafka import ensure_topics, read_partitions
from copydesk_shared.messages import Entry, FeedState, HubState
from copydesk_shared.topics import DISCOVERED, FEEDS_STATE
from tests.brokers import Broker

from .hub import Hub, serve_hub
from .samples import rss
from .site import Site, answer
from .websub_parts import SECRET


@pytest.fixture
def servers(own_broker: Broker) -> str:
    return own_broker.bootstrap_servers


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with serve_hub() as running:
        yield running


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def environment(port: int) -> dict[str, str]:
    given = {
        "health_port": "0",
        "allow_networks": "127.0.0.0/8",
        "per_host_delay_seconds": "0",
        "user_agent": "copydesk-tests (+http://localhost/)",
        "websub_url": f"http://127.0.0.1:{port}",
        "websub_host": "127.0.0.1",
        "websub_port": str(port),
        "websub_secret": SECRET,
    }
    return {**os.environ, **{f"COPYDESK_FETCHER_{name}".upper(): value for name, value in given.items()}}


@pytest.fixture
def fetcher(environment: dict[str, str], tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Starts nothing itself; what the test starts is ended."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()


def start(environment: dict[str, str], log_file: Path) -> subprocess.Popen[bytes]:
    with log_file.open("ab") as log:
        command = [sys.executable, "-m", "copydesk_fetcher"]
        return subprocess.Popen(command, env=environment, stderr=log, stdin=subprocess.DEVNULL)


async def discovered(servers: str) -> set[str]:
    records = await read_partitions(Brokers(servers), DISCOVERED.name, range(DISCOVERED.partitions))
    return {Entry.model_validate_json(record.value or b"").url for record in records}


async def subscription(servers: str) -> HubState | None:
    records = await read_partitions(Brokers(servers), FEEDS_STATE.name, range(FEEDS_STATE.partitions))
    states = [FeedState.model_validate_json(record.value or b"") for record in records]
    return states[-1].hub if states else None


async def test_what_a_hub_pushes_is_discovered_long_before_the_next_poll(
    site: Site,
    hub: Hub,
    servers: str,
    environment: dict[str, str],
    fetcher: list[subprocess.Popen[bytes]],
    tmp_path: Path,
) -> None:
    environment["COPYDESK_FETCHER_BOOTSTRAP_SERVERS"] = servers
    topic = site.url("/feed")
    items = [("Old", site.url("/old"))]
    links = f'<{hub.url()}>; rel="hub", <{topic}>; rel="self"'
    site.pages["/feed"] = answer(rss(items), content_type="application/rss+xml", link=links)
    await ensure_topics(Brokers(servers))
    await sync_feeds(Brokers(servers), parse_feeds(f"feeds: [{{url: '{topic}', interval: 1h}}]", "test"))
    fetcher.append(start(environment, tmp_path / "fetcher.log"))
    while not hub.subscriptions:
        await asyncio.sleep(0.05)
    while (found := await subscription(servers)) is None or found.lease_until is None:
        await asyncio.sleep(0.05)
    assert found.failures == 0
    assert await discovered(servers) == {site.url("/old")}

    body = rss([("New", site.url("/new")), *items]).encode()
    assert await hub.publish(topic, body) == [202]
    while await discovered(servers) != {site.url("/old"), site.url("/new")}:
        await asyncio.sleep(0.05)
    while (found := await subscription(servers)) is None or found.pushed_at is None:
        await asyncio.sleep(0.05)
    assert await hub.publish(topic, body) == [202]
    assert site.count("/feed") == 1
    fetcher[0].terminate()
    assert await asyncio.to_thread(fetcher[0].wait, 15) == 0


def test_an_address_without_a_secret_is_one_line(environment: dict[str, str]) -> None:
    del environment["COPYDESK_FETCHER_WEBSUB_SECRET"]
    command = [sys.executable, "-m", "copydesk_fetcher"]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stderr.decode().count("\n") == 1
    assert "COPYDESK_FETCHER_WEBSUB_SECRET is missing" in done.stderr.decode()
