"""The API with the embedded broker, in the loop of the test: real sockets on both sides, and no process but the broker."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from copydesk_api.__main__ import Parts
from copydesk_api.operating.feed_table import FeedTable
from copydesk_api.operating.parts import Operating
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from copydesk_shared.asgi import bind
from copydesk_shared.brokers import Brokers
from copydesk_shared.kafka import ensure_topics, read_partitions
from copydesk_shared.log import Record
from copydesk_shared.service import Service
from copydesk_shared.topics import ALL_TOPICS
from copydesk_standalone.broker import process as embedded
from tests.api.test_keys import ADMIN, bearer

WAIT_SECONDS = 60


class Desk:
    """A running API; ``client`` has an admin key."""

    def __init__(self, client: httpx.AsyncClient, service: Service, brokers: Brokers, operating: Operating) -> None:
        self.client = client
        self.operating = operating
        self.service = service
        self.brokers = brokers

    async def ready(self, *parts: str) -> None:
        """Wait until these parts are."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not all(map(self.service.health.is_ready, parts)):
                await asyncio.sleep(0.02)
            if "feeds" in parts:
                assert await self.operating.feeds.until(lambda table: table.is_known, WAIT_SECONDS)

    async def records(self, topic: str) -> list[Record]:
        """All that lies in a topic."""
        partitions = next(each.partitions for each in ALL_TOPICS if each.name == topic)
        return list(await read_partitions(self.brokers, topic, range(partitions)))


@asynccontextmanager
async def running_desk(
    store: Store,
    servers: str,
    parts: Collection[str] = ("feeds", "outlet"),
    table: FeedTable | None = None,
    **given: Any,
) -> AsyncIterator[Desk]:
    """Start it on these brokers, with these parts besides the server; ``table`` is what is known of the feeds."""
    settings = ApiSettings(**{"admin_key": ADMIN, "bootstrap_servers": servers, "port": 0, **given})
    service = Service("api", settings)
    listener = bind("127.0.0.1", 0, "api")
    port = listener.getsockname()[1]
    made = Parts(settings, store, listener)
    if table is not None:
        table.is_known = True
        made.operating.feeds.table = table
    tasks = [asyncio.create_task(getattr(made, name)(service)) for name in ("serve", *parts)]
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers=bearer(ADMIN), timeout=WAIT_SECONDS
        ) as client:
            desk = Desk(client, service, settings.brokers, made.operating)
            await desk.ready("serve")
            yield desk
    finally:
        service.stopping.set()
        await asyncio.wait_for(asyncio.gather(*tasks), WAIT_SECONDS)


@asynccontextmanager
async def desk_with_broker(store: Store, folder: Path, **given: Any) -> AsyncIterator[Desk]:
    """The same with an embedded broker of its own that has all topics."""
    with embedded.start(folder / "broker") as broker:
        await ensure_topics(Brokers(broker.address))
        async with running_desk(store, broker.address, **given) as desk:
            await desk.ready("feeds", "outlet")
            yield desk
