"""A loop on trial: it is begun again, and nobody else notices how it ends."""

import asyncio
from collections.abc import Awaitable

import structlog
from prometheus_client import REGISTRY

from copydesk_shared.errors import SettingsError
from copydesk_shared.service import Loop, Service
from copydesk_shared.testing import service
from copydesk_shared.trials import on_trial


def _failed() -> float:
    return REGISTRY.get_sample_value("copydesk_trials_failed_total", {"stage": "trial"}) or 0


async def _as_coroutine(loop: Loop, running: Service) -> None:
    await loop(running)


async def test_it_is_begun_again_with_a_health_of_its_own() -> None:
    running, seen, before = service("main"), list[Service](), _failed()
    errors: list[Exception] = [SettingsError("a topic is missing"), ZeroDivisionError()]

    async def loop(alone: Service) -> None:
        seen.append(alone)
        alone.health.ready("trial", value=False)
        alone.health.progressed("trial")
        if errors:
            raise errors.pop(0)
        await alone.stopping.wait()

    with structlog.testing.capture_logs() as lines:
        task = asyncio.create_task(_as_coroutine(on_trial("trial", loop, again_seconds=0.01), running))
        while len(seen) < 3:
            await asyncio.sleep(0.01)
        assert running.health.live_report() == (True, {})
        assert running.health.ready_report() == (False, {})
        running.stopping.set()
        await asyncio.wait_for(task, 60)
    assert [line["error"] for line in lines] == ["a topic is missing", "ZeroDivisionError()"]
    assert {alone.name for alone in seen} == {"trial"}
    assert _failed() == before + 2


async def test_when_the_service_gives_up_so_does_the_trial() -> None:
    ended = asyncio.Event()

    async def loop(_alone: Service) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiting: Awaitable[None] = _as_coroutine(on_trial("trial", loop), service("main"))
    task = asyncio.ensure_future(waiting)
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait_for(ended.wait(), 60)
    assert await asyncio.gather(task, return_exceptions=True)
