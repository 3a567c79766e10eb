"""The worker processes of a stage."""

import asyncio
import os

import pytest
from anyio import to_process

from copydesk_shared.errors import DropReason
from copydesk_shared.messages import Page
from copydesk_shared.stage import Drop, Emit
from copydesk_shared.workers import WorkerPool
from tests.shared.samples import page

A_DAY = 86_400


def who(_: Page) -> Drop:
    """Tells which process did it."""
    return Drop(DropReason.NO_ARTICLE, str(os.getpid()))


async def _processes(pool: WorkerPool, calls: int) -> set[str]:
    found = await asyncio.gather(*(pool(page()) for _ in range(calls)))
    return {outcome.detail for outcome in found if not isinstance(outcome, Emit)}


async def test_workers_that_had_nothing_to_do_for_long_are_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = WorkerPool(who, 2, deadline_seconds=30)
    await pool.warm_up()
    before = await _processes(pool, 2)
    later = asyncio.get_running_loop().time() + A_DAY
    monkeypatch.setattr(to_process, "current_time", lambda: later)
    await _processes(pool, 1)
    assert len(before) == 2
    assert await _processes(pool, 2) == before
