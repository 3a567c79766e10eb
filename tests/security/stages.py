"""A stage over a listener that is secured, fed and watched past the door that is tested."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from copydesk_shared.brokers import Brokers, Security
from copydesk_shared.kafka import connect, read_partitions
from copydesk_shared.runner import run_stage
from copydesk_shared.service import Service
from copydesk_shared.stage import Stage
from copydesk_shared.testing import service
from copydesk_shared.topics import CLEANED, FETCHED
from copydesk_shared.wire import decode, encode
from tests.security.cluster import SecuredKafka
from tests.shared.samples import page
from tests.shared.stages import article_of

PATIENCE_SECONDS = 60


def _settings(brokers: Brokers) -> dict[str, object]:
    security = {field: getattr(brokers.security, field) for field in Security.__slots__}
    return {"bootstrap_servers": brokers.servers, **{f"kafka_{field}": value for field, value in security.items()}}


@asynccontextmanager
async def running_over(brokers: Brokers) -> AsyncIterator[Service]:
    """A cleaner over SASL_SSL; it is told to stop at the end."""
    running = service(name="cleaner", **_settings(brokers))
    task = asyncio.create_task(run_stage(Stage("cleaner", "1", FETCHED, CLEANED, article_of), running, workers=1))
    try:
        yield running
    finally:
        running.stopping.set()
        await asyncio.wait_for(task, 60)


async def goes_through(secured: SecuredKafka, number: int) -> None:
    """Send a page and wait for its article, both past the door that is tested."""
    open_door = Brokers(secured.kafka.bootstrap_servers)
    async with connect(open_door, client_id="test") as log:
        await (await log.send(encode(FETCHED, page(number), stage="fetcher", version="1")))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while f"article-{number}" not in await _articles(open_door):
            await asyncio.sleep(0.05)


async def _articles(brokers: Brokers) -> set[str]:
    records = await read_partitions(brokers, CLEANED.name, range(CLEANED.partitions))
    return {decode(CLEANED, record).article_id for record in records}


async def told(running: Service, words: str) -> None:
    """Wait until /readyz says so."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not any(words in why for why in running.health.why_not().values()):
            await asyncio.sleep(0.02)
