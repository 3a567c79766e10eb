"""What is done beside the index, in small batches: rows of other programs are seen to, and what is old is removed."""

import asyncio
from collections.abc import Callable

from copydesk_api.store import Store
from copydesk_shared.errors import Retryable
from copydesk_shared.service import Service
from copydesk_shared.telemetry import get_logger

BATCH = 100
BETWEEN_BATCHES_SECONDS = 0.1  # the index writes meanwhile
LOOK_SECONDS = 60.0


async def keep_up(store: Store, service: Service) -> None:
    """Do both until the service stops."""
    while not service.stopping.is_set():
        try:
            moved = [await asyncio.to_thread(each, BATCH) for each in (store.catch_up, store.expire)]
        except Retryable as error:
            get_logger().warning("upkeep has to wait", error=str(error), again_in_seconds=LOOK_SECONDS)
            moved = []
        await service.pause(BETWEEN_BATCHES_SECONDS if BATCH in moved else LOOK_SECONDS)


def catch_up_at_once(store: Store, tell: Callable[[int], None]) -> None:
    """See to all rows of other programs now; ``tell`` hears how many were done so far. Raises :class:`Retryable`."""
    done = 0
    while moved := store.catch_up(BATCH):
        done += moved
        tell(done)
