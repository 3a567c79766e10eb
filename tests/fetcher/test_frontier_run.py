"""The download stage under the real runner: a host that is slow, or has more entries than it can have turns."""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from copydesk_fetcher.download import NAME, Downloader, Result, download_stage
from copydesk_fetcher.http import Client
from copydesk_fetcher.settings import FetcherSettings
from copydesk_shared.log import Outgoing, Record
from copydesk_shared.messages import Entry, KnownPage
from copydesk_shared.retries import attempt_of, origin_of
from copydesk_shared.runner import run_stage
from copydesk_shared.service import Service
from copydesk_shared.testing import MemoryBroker
from copydesk_shared.topics import DEAD_LETTER, DISCOVERED, FETCHED, PAGES_KNOWN, retry_topics
from copydesk_shared.wire import decode, encode

from .conftest import Settings
from .site import Site, answer
from .test_download import entry_at

PAGE = answer("<title>A story</title><p>" + "Something happened. " * 100)
RETRIES = [topic.name for topic in retry_topics(NAME).values()]


class Watched(Downloader):
    """Counts the entries that are in its hands."""

    def __init__(self, client: Client, settings: FetcherSettings) -> None:
        super().__init__(client, settings)
        self.in_hand: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    async def handle(self, entry: Entry) -> Result:
        host = entry.url.split("/")[2]
        self.in_hand[host] += 1
        self.most[host] = max(self.most[host], self.in_hand[host])
        try:
            return await super().handle(entry)
        finally:
            self.in_hand[host] -= 1


async def loopback(_: str, __: int) -> Sequence[str]:
    """Every name is this machine."""
    return ["127.0.0.1"]


@asynccontextmanager
async def downloading(
    broker: MemoryBroker, settings: FetcherSettings, tls: ssl.SSLContext, **delays: float
) -> AsyncIterator[Watched]:
    """The stage while it runs; it is told to stop at the end. ``delays`` are those of hosts under ``.example``."""
    async with Client(settings, resolve=loopback, tls=tls) as client:
        for name, seconds in delays.items():
            client.hosts.set_delay(f"{name}.example", seconds)
        downloader = Watched(client, settings)
        running = Service(NAME, settings)
        opener = broker.open_log(NAME, DISCOVERED.name, *RETRIES)
        stage = download_stage(downloader)
        task = asyncio.create_task(run_stage(stage, running, max_in_flight=settings.max_in_flight, open_log=opener))
        try:
            yield downloader
        finally:
            running.stopping.set()
            client.hosts.close()
            await asyncio.wait_for(task, 60)


def fill(broker: MemoryBroker, site: Site, host: str, count: int, **more: Any) -> None:
    for number in range(count):
        site.pages[f"/{host}/{number}"] = PAGE
        url = f"http://{host}.example:{site.port}/{host}/{number}"
        broker.append(encode(DISCOVERED, entry_at(url, **more), stage="test", version="1"))


def asked(site: Site, host: str) -> int:
    return sum(request.path.startswith(f"/{host}/") for request in site.requests)


async def until(condition: Any) -> None:
    async with asyncio.timeout(90):
        while not condition():
            await asyncio.sleep(0.01)


def put_off(broker: MemoryBroker) -> list[Record]:
    return [record for topic in RETRIES for record in broker.topics[topic]]


async def test_a_slow_host_with_thousands_of_entries_holds_up_nobody(
    site: Site, settings_with: Settings, tls: ssl.SSLContext
) -> None:
    broker = MemoryBroker()
    fill(broker, site, "slow", 3000)
    fill(broker, site, "fast", 50)
    settings = settings_with(robots="skip", reservations="skip", drain_seconds=5)
    async with downloading(broker, settings, tls, slow=2.0) as downloader:
        await until(lambda: asked(site, "fast") == 50)
        assert asked(site, "slow") < 50
        waiting = [record for record in put_off(broker) if b"slow.example" in (record.value or b"")]
        assert len(waiting) + settings.host_queue + asked(site, "slow") >= 2900, "its queue is still there"
        assert downloader.most["slow.example:" + str(site.port)] <= settings.host_queue + 1
        assert sum(downloader.most.values()) <= settings.max_in_flight
    committed = broker.committed.get((NAME, (DISCOVERED.name, 0)), 0)
    done = {origin_of(record).offset for record in put_off(broker)}
    done |= {offset_of(broker, decode(FETCHED, record).url) for record in broker.topics[FETCHED.name]}
    assert committed >= 1
    assert set(range(committed)) <= done, "committed, and nothing became of it"
    assert {attempt_of(record) for record in put_off(broker)} == {0}


def offset_of(broker: MemoryBroker, url: str) -> int:
    return next(r.offset for r in broker.topics[DISCOVERED.name] if decode(DISCOVERED, r).url == url)


async def test_a_burst_at_one_host_is_fetched_to_the_end_and_uses_up_no_attempts(
    site: Site, settings_with: Settings, tls: ssl.SSLContext
) -> None:
    broker = MemoryBroker()
    fill(broker, site, "burst", 120)
    settings = settings_with(
        robots="skip", reservations="skip", host_queue=4,
        retry_short_seconds=1.5, retry_medium_seconds=4, retry_long_seconds=10,
    )  # fmt: skip
    async with downloading(broker, settings, tls, burst=0.05):
        await until(lambda: len(broker.topics[FETCHED.name]) == 120)
    assert asked(site, "burst") == 120
    assert broker.topics[DEAD_LETTER.name] == []
    assert {attempt_of(record) for record in put_off(broker)} == {0}
    assert len(put_off(broker)) < 120 * 8, "read over and over"


async def test_what_is_known_is_written_once_the_page_is_stored(
    site: Site, settings_with: Settings, tls: ssl.SSLContext
) -> None:
    broker = MemoryBroker()
    settings = settings_with(robots="skip", reservations="skip")
    fill(broker, site, "a", 5, revision=1)
    fill(broker, site, "a", 5, revision=1, feed_id="other")
    async with downloading(broker, settings, tls):
        await until(lambda: broker.committed.get((NAME, (DISCOVERED.name, 0))) == 10)
    assert asked(site, "a") == 5
    assert len(broker.topics[FETCHED.name]) == 5
    known: list[KnownPage] = [decode(PAGES_KNOWN, record) for record in broker.topics[PAGES_KNOWN.name]]
    assert {page.url for page in known} == {decode(FETCHED, each).url for each in broker.topics[FETCHED.name]}
    assert all(page.revision == 1 and len(page.feeds) in (1, 2) for page in known)


async def test_a_redirect_to_another_domain_is_handed_to_its_owner(
    site: Site, settings_with: Settings, tls: ssl.SSLContext
) -> None:
    broker = MemoryBroker()
    fill(broker, site, "other", 1)
    site.pages["/short"] = answer("", 302, location=f"http://other.example:{site.port}/other/0")
    broker.topics[DISCOVERED.name].clear()
    entry = entry_at(f"http://short.example:{site.port}/short")
    broker.append(encode(DISCOVERED, entry, stage="test", version="1"))
    settings = settings_with(robots="skip", reservations="skip")
    async with downloading(broker, settings, tls):
        await until(lambda: len(broker.topics[FETCHED.name]) == 1)
    first, second = broker.topics[DISCOVERED.name]
    assert (first.key, second.key) == (b"short.example", b"other.example")
    assert decode(DISCOVERED, second).hops == 1
    assert decode(FETCHED, broker.topics[FETCHED.name][0]).url == f"http://other.example:{site.port}/other/0"


async def test_a_crash_before_the_page_is_stored_fetches_it_again(
    site: Site, settings_with: Settings, tls: ssl.SSLContext
) -> None:
    broker = MemoryBroker()
    fill(broker, site, "a", 3)
    broker.fail_sends = 1
    settings = settings_with(robots="skip", reservations="skip")
    async with downloading(broker, settings, tls):
        await until(lambda: broker.committed.get((NAME, (DISCOVERED.name, 0))) == 3)
    assert broker.sessions == 2
    urls = [decode(FETCHED, record).url for record in broker.topics[FETCHED.name]]
    assert len(set(urls)) == 3


def test_the_topics_of_the_test_are_those_of_the_stage() -> None:
    assert {"fetcher.retry.short", "fetcher.retry.medium", "fetcher.retry.long"} == set(RETRIES)
    assert isinstance(encode(DISCOVERED, entry_at("http://a.example/"), stage="t", version="1"), Outgoing)
