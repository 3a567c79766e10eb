"""A poller on a log in memory, for the tests of the poll loop."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from copydesk_fetcher.http import Client
from copydesk_fetcher.memory import Memories
from copydesk_fetcher.ownership import Ownership
from copydesk_fetcher.poll import PollRun
from copydesk_fetcher.robots import Robots
from copydesk_fetcher.visit import Visitor as FeedVisitor
from copydesk_fetcher.visits import Visitor
from copydesk_shared.log import LogError, Outgoing, Record
from copydesk_shared.messages import Entry, Feed, FeedState, KnownPage
from copydesk_shared.service import Service
from copydesk_shared.settings import ServiceSettings
from copydesk_shared.testing import MemoryBroker, MemoryTables
from copydesk_shared.topics import DISCOVERED, FEEDS, FEEDS_STATE
from copydesk_shared.wire import encode

from .conftest import Settings
from .site import Site
from .visits import InlineParser


class Pages:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.restored: list[KnownPage] = []

    def restore(self, pages: Iterable[KnownPage]) -> None:
        self.restored += pages

    def forget(self) -> None:
        self.restored = []


class Desk:
    """A poller on a log in memory that can be started, stopped and killed. It owns all partitions."""

    def __init__(self, client: Client, visitor: Visitor, partitions: int = 1) -> None:
        self.broker = MemoryBroker(partitions)
        self.tables = MemoryTables(self.broker)
        self.client = client
        self.visitor = visitor
        self.hub: Any = None
        self.service = Service("fetcher", ServiceSettings())
        self.ownership = Ownership(self.tables, client.hosts, Pages(), Memories())
        self.task: asyncio.Task[None] | None = None
        self.run: PollRun | None = None

    def start(self, *, numbers: Sequence[int] | None = None) -> None:
        self.service = Service("fetcher", ServiceSettings())
        self.ownership = Ownership(self.tables, self.client.hosts, Pages(), Memories())
        self.task = asyncio.create_task(self._run(range(self.broker.partitions) if numbers is None else numbers))

    @contextmanager
    def refusing(self, topic: str) -> Iterator[None]:
        """The brokers take nothing for that topic meanwhile."""
        append = self.broker.append

        def broken(record: Outgoing) -> Record:
            if record.topic == topic:
                raise LogError("the broker is away")
            return append(record)

        self.broker.append = broken  # type: ignore[method-assign]
        try:
            yield
        finally:
            self.broker.append = append  # type: ignore[method-assign]

    async def _run(self, numbers: Sequence[int]) -> None:
        async with self.broker.follow() as log:
            self.run = PollRun(
                log, self.broker.partitions, self.service, self.ownership, self.visitor, self.tables,
                self.client.hosts, concurrency=4, hub=self.hub,
            )  # fmt: skip
            await self.ownership.on_assigned(frozenset(numbers))
            await self.run.run()

    async def kill(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)

    async def stop(self) -> None:
        self.service.stopping.set()
        self.ownership.on_closing()
        await self.ownership.on_revoked()
        if self.task is not None:
            await self.task

    def add(self, feed: Feed, partition: int | None = None) -> None:
        record = encode(FEEDS, feed, stage="test", version="1")
        self.broker.append(Outgoing(record.topic, record.key, record.value, record.headers, record.place, partition))

    def entries(self) -> list[Entry]:
        return [Entry.model_validate_json(record.value or b"") for record in self.broker.topics[DISCOVERED.name]]

    def last(self, topic: str, key: str = "news") -> Record | None:
        found = [record for record in self.broker.topics[topic] if record.key == key.encode()]
        return found[-1] if found else None

    def state(self, feed_id: str = "news") -> FeedState | None:
        record = self.last(FEEDS_STATE.name, feed_id)
        return FeedState.model_validate_json(record.value) if record and record.value else None

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(60):
            while not condition():
                if self.task is not None and self.task.done():
                    self.task.result()
                await asyncio.sleep(0.01)


def visitor_of(client: Client, settings_with: Settings, kind: type[FeedVisitor] = FeedVisitor) -> FeedVisitor:
    settings = settings_with(feed_bytes=100_000)
    return kind(client, InlineParser(5, 100), settings, Robots(client.get, client.hosts, settings))


def feed_at(site: Site, path: str = "/feed", **more: object) -> Feed:
    given = {"feed_id": "news", "url": site.url(path), "name": "News", "interval_seconds": 1, **more}
    return Feed.model_validate(given)


def feed_state() -> FeedState:
    return FeedState(feed_id="news", next_poll_at=datetime.now(UTC))
