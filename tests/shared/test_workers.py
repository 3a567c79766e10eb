"""The worker processes of a stage."""

import asyncio
import os
import signal
import time
from pathlib import Path

import psutil
import pytest
from anyio import to_process

from copydesk_shared.errors import DropReason
from copydesk_shared.messages import Page
from copydesk_shared.stage import Drop, Emit
from copydesk_shared.workers import WorkerPool
from tests.shared.samples import page

A_DAY = 86_400
DEADLINE_SECONDS = 10  # enough for a process to start on a busy machine


def who(_: Page) -> Drop:
    """Tells which process did it."""
    return Drop(DropReason.NO_ARTICLE, str(os.getpid()))


class Readied:
    """Tells how often it was made ready before."""

    ready = 0

    def prepare(self) -> None:
        self.ready += 1

    def __call__(self, _: Page) -> Drop:
        return Drop(DropReason.NO_ARTICLE, str(self.ready))


class SlowToLoad:
    """The first process is ready at once, others take longer than a record may."""

    def __init__(self, loaded: Path) -> None:
        self._loaded = loaded

    def prepare(self) -> None:
        if self._loaded.exists():
            time.sleep(DEADLINE_SECONDS + 0.5)
        self._loaded.touch()

    def __call__(self, message: Page) -> Drop:
        return who(message)


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


async def test_a_handler_is_prepared_once_before_its_first_record() -> None:
    pool = WorkerPool(Readied(), 1, deadline_seconds=30)
    await pool.warm_up()
    assert [(await pool(page())) for _ in range(2)] == [Drop(DropReason.NO_ARTICLE, "1")] * 2


async def test_what_a_worker_loads_in_place_of_one_that_died_idle_is_no_records_time(tmp_path: Path) -> None:
    pool = WorkerPool(SlowToLoad(tmp_path / "loaded"), 1, DEADLINE_SECONDS)
    await pool.warm_up()
    (first,) = await _processes(pool, 1)
    os.kill(int(first), signal.SIGKILL)
    while psutil.pid_exists(int(first)):  # until the loop has seen that it died
        await asyncio.sleep(0.01)
    (second,) = await _processes(pool, 1)
    assert second != first
