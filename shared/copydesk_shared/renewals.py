"""Another version of a stage while it runs: taken between records, for what comes from then on.

What decides that there is one runs in the parent of the worker processes, so all of them have the version that the
parent names in the event; see :meth:`copydesk_shared.workers.WorkerPool.renewed`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from anyio import BrokenWorkerProcess

from copydesk_shared.attempts import Attempts
from copydesk_shared.service import Service
from copydesk_shared.stage import Stage
from copydesk_shared.telemetry import STAGE_RENEWALS, get_logger
from copydesk_shared.workers import WorkerPool

# Gives the stage in other versions, as they come, until the service stops. Only what it raises ends the service.
Renewals = Callable[[Service], AsyncIterator[Stage[Any, Any]]]


async def renew(stages: AsyncIterator[Stage[Any, Any]], version: str, attempts: Attempts, pool: WorkerPool) -> None:
    """Take each of the stages in place of the one before; the first has this version."""
    async for stage in stages:
        try:
            pool = await pool.renewed(stage.handle)
        except BrokenWorkerProcess:
            refused(stage.name, version, f"a worker process died when it loaded {stage.version}")
            continue
        attempts.renew(stage, pool)
        STAGE_RENEWALS.labels(stage.name, "taken").inc()
        if stage.version == version:
            get_logger().info("renewed: the version stays", stage=stage.name, version=version)
        else:
            get_logger().info("another version from now on", stage=stage.name, before=version, now=stage.version)
        version = stage.version


def refused(stage: str, version: str, why: str) -> None:
    """Count and log that another version cannot be used."""
    STAGE_RENEWALS.labels(stage, "refused").inc()
    get_logger().error("refused: the version stays", stage=stage, version=version, why=why)


def mended(version: str) -> None:
    """Log that what was refused is gone, and what is in use is there again."""
    get_logger().info("mended: what is in use is there again", version=version)


async def beside(main: Coroutine[Any, Any, None], helper: Coroutine[Any, Any, None]) -> None:
    """Run both until ``main`` ends. What either raises is raised, and ends the other."""
    tasks = [asyncio.create_task(each) for each in (main, helper)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[1].done():
            tasks[1].result()
        await tasks[0]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
