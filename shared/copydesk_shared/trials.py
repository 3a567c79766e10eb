"""A loop on trial beside those that matter: whatever becomes of it, they go on."""

import asyncio
from collections.abc import Awaitable, Callable

from copydesk_shared.service import Loop, Service
from copydesk_shared.telemetry import TRIALS_FAILED, get_logger

AGAIN_SECONDS = 30.0


def on_trial(name: str, loop: Callable[[Service], Awaitable[None]], again_seconds: float = AGAIN_SECONDS) -> Loop:
    """The loop with a health of its own, which no probe asks for, begun again some time after it ended by an error."""

    async def trial(service: Service) -> None:
        alone = Service(name, service.settings)
        alone.stopping = service.stopping
        while not service.stopping.is_set():
            error = await _ended(loop, alone)
            if error is not None:
                TRIALS_FAILED.labels(name).inc()
                get_logger().error("ended on trial", stage=name, error=str(error) or repr(error))
                await service.pause(again_seconds)

    return trial


async def _ended(loop: Callable[[Service], Awaitable[None]], service: Service) -> BaseException | None:
    """What the loop raised. When we are cancelled, so is the loop."""

    async def run() -> None:
        await loop(service)

    task = asyncio.create_task(run())
    try:
        await asyncio.wait({task})
    finally:
        task.cancel()
    return None if task.cancelled() else task.exception()
