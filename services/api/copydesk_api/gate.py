"""What keeps the service waiting until somebody has migrated its database."""

import asyncio

from copydesk_api.migrating import Schema
from copydesk_api.store import Store
from copydesk_shared.errors import Retryable
from copydesk_shared.service import Service
from copydesk_shared.telemetry import get_logger

LOOK_SECONDS = 1.0
PART = "schema"
WHY_NOT = {
    Schema.EMPTY: "the database has no tables yet: copydesk-api migrate makes them",
    Schema.OLDER: "the database has an older schema: copydesk-api migrate brings it up to date",
}


class Gate:
    """Opens once the tables are what the program needs. The loops of a service wait at it together."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turn = asyncio.Lock()
        self._open = False

    async def passed(self, service: Service) -> bool:
        """Wait; ``False`` when the service was told to stop. Raises :class:`SettingsError` for too new a schema."""
        async with self._turn:
            while not self._open and not service.stopping.is_set():
                await self._look(service)
                if not self._open:
                    await service.pause(LOOK_SECONDS)
        return self._open

    async def _look(self, service: Service) -> None:
        try:
            why = WHY_NOT.get(await asyncio.to_thread(self._store.schema))
        except Retryable as error:
            why = str(error)
        if why is not None and service.health.why_not().get(PART) != why:
            get_logger().warning("waiting", why=why)
        service.health.ready(PART, value=why is None, why=why or "")
        self._open = why is None
