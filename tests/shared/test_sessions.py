"""Keeping a session with brokers that are away."""

import asyncio

from copydesk_shared.health import Health
from copydesk_shared.log import LogError
from copydesk_shared.sessions import keep_session
from copydesk_shared.testing import service

STALL_SECONDS = 0.05


async def test_brokers_that_are_away_are_no_reason_to_be_restarted() -> None:
    """Neither while one connects, which may take long, nor between two attempts; a session that hangs is one."""
    running = service()
    running.health = Health(STALL_SECONDS)
    steps: asyncio.Queue[str] = asyncio.Queue()

    async def session() -> None:
        match await steps.get():
            case "fail":
                raise LogError("away")
            case "hang":
                running.health.progressed("part")
                await running.stopping.wait()

    task = asyncio.create_task(keep_session(running, "part", session))
    await asyncio.sleep(3 * STALL_SECONDS)
    assert running.health.live_report() == (True, {})
    for _ in range(2):
        steps.put_nowait("fail")
        while running.health.why_not() != {"part": "away"}:
            await asyncio.sleep(0)
        await asyncio.sleep(3 * STALL_SECONDS)
        assert running.health.live_report() == (True, {})
    steps.put_nowait("hang")
    while running.health.live_report()[0]:
        await asyncio.sleep(STALL_SECONDS)
    running.stopping.set()
    async with asyncio.timeout(60):
        await task


async def test_a_service_is_not_ready_while_one_of_its_parts_has_said_nothing() -> None:
    running = service()
    begun = asyncio.Event()

    async def session() -> None:
        begun.set()
        await running.stopping.wait()

    running.health.ready("another part", value=True)
    task = asyncio.create_task(keep_session(running, "part", session))
    async with asyncio.timeout(60):
        await begun.wait()
        assert running.health.ready_report() == (False, {"another part": True, "part": False})
        assert "part" in running.health.why_not()
        running.stopping.set()
        await task
