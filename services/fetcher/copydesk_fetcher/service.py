"""The fetcher's two halves side by side: the stage that downloads, and the loop that polls on the same partitions."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from copydesk_fetcher.download import Downloader, download_stage
from copydesk_fetcher.feeds_file import load_feeds, sync_feeds
from copydesk_fetcher.http import Client
from copydesk_fetcher.known import Known
from copydesk_fetcher.memory import Memories
from copydesk_fetcher.ownership import Ownership
from copydesk_fetcher.parse import FeedParser
from copydesk_fetcher.poll import PollRun
from copydesk_fetcher.publishing import POLL_VERSION, POLLER
from copydesk_fetcher.rights import TdmFiles
from copydesk_fetcher.robots import Robots
from copydesk_fetcher.settings import FetcherSettings
from copydesk_fetcher.visit import Visitor
from copydesk_fetcher.websub.glue import WebSub, outgoing, serving
from copydesk_fetcher.websub.subscriber import Subscriber
from copydesk_fetcher.websub.tokens import is_enabled
from copydesk_shared.kafka import KafkaTables, follow
from copydesk_shared.log import LogError
from copydesk_shared.messages import Feed, Push
from copydesk_shared.runner import run_stage
from copydesk_shared.service import Service
from copydesk_shared.sessions import keep_session, wait_for_topics
from copydesk_shared.tables import Tables
from copydesk_shared.telemetry import get_logger
from copydesk_shared.topics import DISCOVERED, FEEDS, FEEDS_PUSHED, FEEDS_STATE, HOSTS_MEMORY, HOSTS_STATE, PAGES_KNOWN

POLLED = tuple(
    each.name for each in (FEEDS, FEEDS_STATE, FEEDS_PUSHED, DISCOVERED, HOSTS_STATE, HOSTS_MEMORY, PAGES_KNOWN)
)


async def fetch(service: Service) -> None:
    """Poll and download until the service stops.

    One client, so one politeness, for both. Raises :class:`InputError` for an unusable feeds file.
    """
    settings = service.settings
    if not isinstance(settings, FetcherSettings):
        raise TypeError("the fetcher needs its own settings")
    async with Client(settings) as client:
        known = Known()
        tables = KafkaTables(settings.brokers)
        memories = Memories()
        ownership = Ownership(tables, client.hosts, known, memories)
        robots = Robots(client.get, client.hosts, settings)
        downloader = Downloader(
            client, settings, known=known, memories=memories, robots=robots, reservations=TdmFiles(client.get, settings)
        )
        await _side_by_side(
            run_stage(download_stage(downloader), service, max_in_flight=settings.max_in_flight, companion=ownership),
            _poll(service, settings, client, robots, ownership, tables),
        )


async def _side_by_side(*parts: Coroutine[Any, Any, None]) -> None:
    """All of them; when one fails, none goes on."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _poll(
    service: Service,
    settings: FetcherSettings,
    client: Client,
    robots: Robots,
    ownership: Ownership,
    tables: Tables,
) -> None:
    visitor = Visitor(client, FeedParser(settings.parse_seconds, settings.feed_entries), settings, robots)
    hub = WebSub(Subscriber(client, settings)) if is_enabled(settings) else None
    pushes = _Pushes()
    pending: list[tuple[Feed, ...]] = [load_feeds(settings.feeds_file)] if settings.feeds_file is not None else []

    async def session() -> None:
        await wait_for_topics(service, POLLED)
        if pending and not service.stopping.is_set():
            result = await sync_feeds(settings.brokers, pending[0])
            pending.clear()
            get_logger().info("feeds file", added=result.added, changed=result.changed, removed=result.removed)
        if not service.stopping.is_set():
            service.health.ready(POLLER, value=False, why="the feeds are being read")
            async with follow(settings.brokers, client_id=f"copydesk-{POLLER}") as log:
                pushes.run = PollRun(
                    log, await log.count(FEEDS.name), service, ownership, visitor, tables, client.hosts,
                    concurrency=settings.poll_concurrency, per_host=settings.per_host_concurrency, hub=hub,
                )  # fmt: skip
                try:
                    await pushes.run.run()
                finally:
                    pushes.run = None

    async with serving(settings, pushes.send):
        await keep_session(service, POLLER, session)


class _Pushes:
    """Stores what hubs push, through the session that there is."""

    def __init__(self) -> None:
        self.run: PollRun | None = None

    async def send(self, push: Push) -> None:
        """Raises :class:`LogError`."""
        if self.run is None:
            raise LogError("there is no session with the brokers")
        await self.run.store([outgoing(push, stage=POLLER, version=POLL_VERSION)])
