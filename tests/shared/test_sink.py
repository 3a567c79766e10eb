"""The sink loop on the in-memory log: the store's offsets are the truth."""

import asyncio
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import structlog
from prometheus_client import REGISTRY

from copydesk_shared.errors import Retryable
from copydesk_shared.ledger import Lag
from copydesk_shared.log import Outgoing
from copydesk_shared.messages import Article
from copydesk_shared.sink import FIRST_BACKOFF_SECONDS, Delivered, SinkRun, run_sink
from copydesk_shared.telemetry import _add_record
from copydesk_shared.testing import MemoryBroker, service
from copydesk_shared.topics import CLEANED, DEAD_LETTER, Topic
from copydesk_shared.wire import encode, tombstone, written_at
from tests.shared.samples import article


class Store:
    name = "store"

    def __init__(self) -> None:
        self.rows: list[tuple[str, Article | None]] = []
        self.times: list[datetime] = []
        self.offsets: dict[int, int] = {}
        self.failures = 0

    @property
    def source(self) -> Topic[Article]:
        return CLEANED

    def positions(self, partitions: Sequence[int]) -> Mapping[int, int]:
        return {number: self.offsets[number] for number in partitions if number in self.offsets}

    def write(self, changes: Sequence[Delivered[Article]], next_offsets: Mapping[int, int]) -> None:
        if self.failures:
            self.failures -= 1
            raise Retryable("locked")
        self.rows += [(each.key, each.message) for each in changes]
        self.times += [each.written_at for each in changes]
        self.offsets.update(next_offsets)


async def _run(store: Store, broker: MemoryBroker, until: int) -> None:
    running = service()
    task = asyncio.create_task(run_sink(store, running, broker.open_log("store", CLEANED.name)))
    async with asyncio.timeout(60):
        while store.offsets.get(0, 0) < until:
            await asyncio.sleep(0.01)
    running.stopping.set()
    await asyncio.wait_for(task, 60)


async def test_articles_tombstones_and_rubbish() -> None:
    broker, store = MemoryBroker(), Store()
    broker.append(encode(CLEANED, article(1), stage="x", version="1"))
    broker.append(Outgoing(CLEANED.name, b"k", b"rubbish"))
    broker.append(replace(encode(CLEANED, article(2), stage="x", version="1"), key=b"article-3"))
    broker.append(tombstone(CLEANED, "article-1", stage="x"))
    broker.append(Outgoing(CLEANED.name, b"\xff", None))
    await _run(store, broker, 5)
    assert store.rows == [("article-1", article(1)), ("article-1", None)]
    written = broker.topics[CLEANED.name]
    assert store.times == [written_at(written[0]), written_at(written[3])]
    letters = broker.topics[DEAD_LETTER.name]
    assert [letter.key for letter in letters] == [b"k", b"article-3", b"\xff"]
    assert [letter.header("dead-letter-reason") for letter in letters] == ["undecodable", "invalid", "invalid"]


async def test_the_log_says_which_record_was_given_up() -> None:
    broker, store = MemoryBroker(), Store()
    broker.append(encode(CLEANED, article(1), stage="x", version="1"))
    broker.append(Outgoing(CLEANED.name, b"k", b"rubbish"))
    with structlog.testing.capture_logs(processors=[_add_record]) as logged:
        await _run(store, broker, 2)
    said = [(each["topic"], each["partition"], each["offset"], each["key"]) for each in logged if "topic" in each]
    assert said == [(CLEANED.name, 0, 1, "k")]


async def test_a_store_that_is_away_is_tried_again_with_the_same_batch() -> None:
    broker, store = MemoryBroker(), Store()
    store.failures = 2
    before = REGISTRY.get_sample_value("copydesk_store_failures_total", {"stage": store.name}) or 0.0
    for number in range(5):
        broker.append(encode(CLEANED, article(number), stage="x", version="1"))
    await _run(store, broker, 5)
    assert REGISTRY.get_sample_value("copydesk_store_failures_total", {"stage": store.name}) == before + 2
    assert [key for key, _ in store.rows] == [f"article-{number}" for number in range(5)]


async def test_reading_goes_on_where_the_store_is_not_where_the_group_is() -> None:
    broker, store = MemoryBroker(), Store()
    for number in range(5):
        broker.append(encode(CLEANED, article(number), stage="x", version="1"))
    broker.committed["store", (CLEANED.name, 0)] = 5
    store.offsets[0] = 3
    await _run(store, broker, 5)
    assert [key for key, _ in store.rows] == ["article-3", "article-4"]


async def test_a_store_is_asked_where_it_is_when_what_it_was_given_is_written() -> None:
    """Partitions may be assigned anew while a batch is on its way into the store."""
    store = Store()
    writing, go_on = threading.Event(), threading.Event()
    write = store.write

    def slowly(changes: Sequence[Delivered[Article]], next_offsets: Mapping[int, int]) -> None:
        writing.set()
        assert go_on.wait(60)
        write(changes, next_offsets)

    store.write = slowly  # type: ignore[method-assign]
    broker = MemoryBroker()
    broker.append(encode(CLEANED, article(1), stage="x", version="1"))
    running = service()
    run = SinkRun(store, running)
    task = asyncio.create_task(run.run(broker.open_log("store", CLEANED.name)))
    await asyncio.to_thread(writing.wait, 20)
    asked = asyncio.create_task(run.on_assigned(frozenset({(CLEANED.name, 0)})))
    done, _ = await asyncio.wait({asked}, timeout=0.2)
    go_on.set()
    assert not done
    assert await asked == {(CLEANED.name, 0): 1}
    running.stopping.set()
    await asyncio.wait_for(task, 60)


WHERE = (CLEANED.name, 0)
NIGHT_MS = 8 * 3_600_000


def test_a_record_after_a_quiet_night_is_not_a_night_old() -> None:
    run = SinkRun(Store(), service())
    run._done_until_ms[WHERE] = time.time() * 1000 - NIGHT_MS
    assert run._lag(WHERE, 4, 6).seconds >= NIGHT_MS / 1000, "all we know is that it came after the last one stored"
    assert run._lag(WHERE, 5, 5) == Lag(0, 0.0)
    behind = run._lag(WHERE, 5, 6)
    assert behind.records == 1
    assert behind.seconds < 60


async def test_a_batch_that_the_store_does_not_take_is_behind_though_nothing_follows_it() -> None:
    broker, store = MemoryBroker(), Store()
    broker.append(encode(CLEANED, article(1), stage="x", version="1"))
    store.failures = 1_000
    running = service()
    run = SinkRun(store, running)
    task = asyncio.create_task(run.run(broker.open_log("store", CLEANED.name)))
    async with asyncio.timeout(60):
        while store.failures == 1_000:
            await asyncio.sleep(0.01)
    behind = run._lag(WHERE, 1, 1)
    assert behind.records == 1
    assert behind.seconds > 0
    store.failures = 0
    async with asyncio.timeout(60):
        while not store.rows:
            await asyncio.sleep(0.01)
    running.stopping.set()
    await asyncio.wait_for(task, 60)
    assert run._lag(WHERE, 1, 1) == Lag(0, 0.0)


async def test_a_batch_of_partitions_that_were_assigned_anew_is_not_written_again_later() -> None:
    broker, store = MemoryBroker(), Store()
    broker.append(encode(CLEANED, article(1), stage="x", version="1"))
    store.failures = 10
    running = service()
    run = SinkRun(store, running)
    task = asyncio.create_task(run.run(broker.open_log("store", CLEANED.name)))
    async with asyncio.timeout(60):
        while store.failures == 10:
            await asyncio.sleep(0.01)
    await run.on_assigned(frozenset({(CLEANED.name, 0)}))
    failures = store.failures
    await asyncio.sleep(FIRST_BACKOFF_SECONDS * 1.5)
    assert store.failures == failures
    running.stopping.set()
    await asyncio.wait_for(task, 60)
