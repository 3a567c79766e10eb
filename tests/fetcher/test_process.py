"""The fetcher as a process, on both brokers and against a site that misbehaves."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from copydesk_fetcher.feeds_file import parse_feeds, sync_feeds
from copydesk_shared.brokers import Brokers
from copydesk_shared.kafka import ensure_topics, read_partitions
from copydesk_shared.log import Record
from copydesk_shared.messages import FeedState, Page
from copydesk_shared.topics import DEAD_LETTER, DISCOVERED, FEEDS_STATE, FETCHED
from tests.brokers import Broker

from .samples import rss
from .site import Request, Site, answer, in_turn, raw

ARTICLES = 24


@pytest.fixture
def servers(own_broker: Broker) -> str:
    return own_broker.bootstrap_servers


@dataclass
class Fetcher:
    """A fetcher process of the test's own."""

    environment: Mapping[str, str]
    log_file: Path

    def start(self) -> subprocess.Popen[bytes]:
        with self.log_file.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "copydesk_fetcher"],
                env={**os.environ, **self.environment},
                stderr=log,
                stdin=subprocess.DEVNULL,
            )


@pytest.fixture
def fetcher(servers: str, tmp_path: Path) -> Fetcher:
    given = {
        "bootstrap_servers": servers,
        "retry_short_seconds": "0.2",
        "retry_medium_seconds": "0.4",
        "retry_long_seconds": "0.6",
        "health_port": "0",
        "allow_networks": "127.0.0.0/8",
        "per_host_delay_seconds": "0.05",
        "user_agent": "copydesk-tests (+http://localhost/)",
        "total_seconds": "1",
        "page_bytes": "100000",
    }
    environment = {f"COPYDESK_FETCHER_{name}".upper(): value for name, value in given.items()}
    return Fetcher(environment, tmp_path / "fetcher.log")


async def records(servers: str, topic: str, partitions: int = 6) -> list[Record]:
    return await read_partitions(Brokers(servers), topic, range(partitions))


async def pages(servers: str) -> list[Page]:
    return [Page.model_validate_json(record.value or b"") for record in await records(servers, FETCHED.name)]


async def states(servers: str) -> dict[str, FeedState]:
    found = [FeedState.model_validate_json(record.value or b"") for record in await records(servers, FEEDS_STATE.name)]
    return {state.feed_id: state for state in found}


def publish(site: Site, numbers: range) -> None:
    items = [(f"Story {number}", site.url(f"/story/{number}?utm_source=rss")) for number in numbers]
    site.pages["/feed"] = answer(rss(items), content_type="application/rss+xml", etag=f'"{numbers.stop}"')
    for number in numbers:
        path = f"/story/{number}?utm_source=rss"
        site.pages.setdefault(path, answer(f"<title>{number}</title><p>Story {number}."))


async def until_fetched(servers: str, wanted: set[str]) -> list[Page]:
    while True:
        found = await pages(servers)
        if wanted <= {page.canonical_url for page in found}:
            return found
        await asyncio.sleep(0.2)


def canonical(site: Site, numbers: range) -> set[str]:
    return {site.url(f"/story/{number}") for number in numbers}


async def test_nothing_is_missing_after_a_kill_while_articles_flow(site: Site, servers: str, fetcher: Fetcher) -> None:
    await ensure_topics(Brokers(servers))
    publish(site, range(ARTICLES))
    result = await sync_feeds(
        Brokers(servers), parse_feeds(f"feeds: [{{url: '{site.url('/feed')}', interval: 1s}}]", "test")
    )
    assert result.added == 1
    process = fetcher.start()
    while len(await pages(servers)) < ARTICLES // 4:
        await asyncio.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    at_kill = len(await pages(servers))
    publish(site, range(ARTICLES + 3))
    process = fetcher.start()
    found = await until_fetched(servers, canonical(site, range(ARTICLES + 3)))
    assert at_kill < ARTICLES
    assert {page.canonical_url for page in found} == canonical(site, range(ARTICLES + 3))
    assert len({page.article_id for page in found}) == ARTICLES + 3
    assert {page.revision for page in found} == {1}
    process.terminate()
    assert await asyncio.to_thread(process.wait, 10) == 0
    assert await records(servers, DEAD_LETTER.name, 3) == []


async def test_each_kind_of_trouble_ends_as_it_should(site: Site, servers: str, fetcher: Fetcher) -> None:
    async def drip(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.1)

    trouble = {
        "/good": answer("<p>Good."),
        "/later": in_turn(answer("", 503, retry_after="0"), answer("<p>Later.")),
        "/gone": answer("", 410),
        "/forbidden": answer("", 403),
        "/picture": answer(b"\x89PNG", content_type="image/png"),
        "/huge": answer("x" * 200_000),
        "/loop": answer("", 302, location="/loop"),
        "/inside": answer("", 302, location="http://169.254.169.254/latest/meta-data/"),
        "/file": answer("", 302, location="file:///etc/passwd"),
        "/drip": drip,
        "/broken": raw(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 500\r\n\r\nshort"),
    }
    site.pages.update(trouble)
    items = [(path, site.url(path)) for path in trouble]
    site.pages["/feed"] = answer(rss(items), content_type="application/rss+xml")
    site.pages["/not-a-feed"] = answer("<html><p>Hello.")
    text = f"feeds:\n  - {{id: good, url: '{site.url('/feed')}'}}\n  - {{id: bad, url: '{site.url('/not-a-feed')}', kind: feed}}\n"
    await ensure_topics(Brokers(servers))
    await sync_feeds(Brokers(servers), parse_feeds(text, "test"))
    process = fetcher.start()
    await until_fetched(servers, {site.url("/good"), site.url("/later")})
    while len(await records(servers, DEAD_LETTER.name, 3)) < 3 or len(await states(servers)) < 2:
        await asyncio.sleep(0.2)
    process.terminate()
    assert await asyncio.to_thread(process.wait, 10) == 0
    buried = {
        json.loads(record.value or b"")["url"]: record.header("dead-letter-reason")
        for record in await records(servers, DEAD_LETTER.name, 3)
    }
    assert buried == {
        site.url("/huge"): "too-large",
        site.url("/drip"): "retries-exhausted",
        site.url("/broken"): "retries-exhausted",
    }
    assert len(await records(servers, DISCOVERED.name)) == len(trouble)
    assert {page.url for page in await pages(servers)} == {site.url("/good"), site.url("/later")}
    state = (await states(servers))["bad"]
    assert state.failures == 1
    assert state.last_error


def test_a_setting_that_cannot_be_used_is_one_line() -> None:
    environment = {**os.environ, "COPYDESK_FETCHER_ALLOW_NETWORKS": "nonsense"}
    done = subprocess.run([sys.executable, "-m", "copydesk_fetcher"], env=environment, capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stderr.decode().count("\n") == 1
    assert "COPYDESK_FETCHER_ALLOW_NETWORKS" in done.stderr.decode()
    assert "'nonsense' is not a network" in done.stderr.decode()
