"""Running a stage of tests on the in-memory log."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from copydesk_shared.messages import Article, Page
from copydesk_shared.runner import run_stage
from copydesk_shared.service import Service
from copydesk_shared.stage import Emit, Stage
from copydesk_shared.testing import MemoryBroker, service
from copydesk_shared.topics import CLEANED, FETCHED
from copydesk_shared.wire import encode
from tests.shared.samples import article

GROUP = "cleaner"


def article_of(message: Page) -> Emit[Article]:
    """The article that goes with a page of ``samples``."""
    return Emit(article(int(message.article_id.removeprefix("article-"))))


def stage_of(handle: Any, *, ordered: bool = True) -> Stage[Page, Article]:
    """A cleaner with this handler."""
    return Stage(GROUP, "1", FETCHED, CLEANED, handle, ordered=ordered)


def fill(broker: MemoryBroker, *pages: Page, trace: str | None = None) -> None:
    """Put pages on the source topic."""
    for each in pages:
        broker.append(encode(FETCHED, each, stage="fetcher", version="1", trace=trace))


@asynccontextmanager
async def running_stage(
    stage: Stage[Page, Article], broker: MemoryBroker, *, settings: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[Service]:
    """The stage while it runs; it is told to stop at the end."""
    running = service(**(settings or {}))
    opener = options.pop("open_log", None) or broker.open_log(GROUP, FETCHED.name)
    task = asyncio.create_task(run_stage(stage, running, open_log=opener, **options))
    try:
        yield running
    finally:
        running.stopping.set()
        await asyncio.wait_for(task, 60)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something, a minute at most: starting worker processes takes long on a busy machine."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


def committed(broker: MemoryBroker) -> int:
    """How far the group has got on the source topic."""
    return broker.committed.get((GROUP, (FETCHED.name, 0)), 0)
