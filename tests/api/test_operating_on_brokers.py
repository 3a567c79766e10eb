"""What operators see, read from real brokers by the loops that run in the service."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path

import pytest

from copydesk_api.operating import pipeline
from copydesk_api.operating.feed_table import NAME, Feeds
from copydesk_api.operating.pipeline import Pipeline
from copydesk_api.store import Store
from copydesk_shared.brokers import Brokers
from copydesk_shared.kafka import connect, ensure_topics
from copydesk_shared.messages import Feed
from copydesk_shared.service import Service
from copydesk_shared.testing import service
from copydesk_shared.topics import FEEDS
from copydesk_shared.wire import encode
from tests import brokers
from tests.brokers import Broker

pytestmark = pytest.mark.kafka
SECONDS = 60


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with brokers.embedded_broker(tmp_path) as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path / 'api.db'}")
    yield store
    store.close()


async def run_until(running: Service, loop: Coroutine[None, None, None], is_done: Callable[[], object]) -> None:
    task = asyncio.create_task(loop)
    async with asyncio.timeout(SECONDS):
        while not is_done():
            await asyncio.sleep(0.02)
            assert not task.done(), task.exception()
    running.stopping.set()
    await asyncio.wait_for(task, SECONDS)


async def test_feeds_are_known_once_their_topics_are_there(broker: Broker) -> None:
    feeds, running = Feeds(), service(bootstrap_servers=broker.bootstrap_servers)
    before = service(bootstrap_servers=broker.bootstrap_servers)
    await run_until(before, feeds.follow(before), lambda: "no topic feeds" in before.health.why_not().get(NAME, ""))
    assert not feeds.table.is_known
    at = Brokers(broker.bootstrap_servers)
    await ensure_topics(at)
    feed = Feed(feed_id="gull", url="https://gull.example/rss", name="The Gull")
    async with connect(at, client_id="t") as log:
        await (await log.send(encode(FEEDS, feed, stage="feeds-file", version="1")))
    await run_until(running, feeds.follow(running), lambda: feeds.table.is_known)
    assert [feed.name for feed, _ in feeds.table.of("gull.example")] == ["The Gull"]


async def test_samples_come_from_the_brokers(broker: Broker, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "SAMPLE_SECONDS", 0.05)
    await ensure_topics(Brokers(broker.bootstrap_servers))
    watching, running = Pipeline(), service(bootstrap_servers=broker.bootstrap_servers)
    await run_until(running, watching.watch(running, store), lambda: len(watching.samples) > 2)
    assert {each.lag for each in watching.samples[-1].stages.values()} == {None}
    assert watching.away_since is None
