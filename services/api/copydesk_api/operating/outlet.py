"""What the calls write to topics: a session that is there when it is needed, and an answer within seconds."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from copydesk_shared.errors import Retryable
from copydesk_shared.kafka import connect
from copydesk_shared.log import Log, LogError, Outgoing, all_of
from copydesk_shared.service import Service
from copydesk_shared.sessions import keep_session

NAME = "outlet"
# A caller waits no longer; what was under way may be stored all the same, so what is written may be written again.
WRITE_SECONDS = 10.0
LOOK_SECONDS = 1.0
AWAY = "the brokers cannot be used"

OpenWriter = Callable[[], AbstractAsyncContextManager[Log]]


class Outlet:
    """Writes records and says when they are stored. Nothing is kept here for later."""

    def __init__(self) -> None:
        self._log: Log | None = None
        self._faults: list[LogError] = []

    async def keep(self, service: Service, open_log: OpenWriter | None = None) -> None:
        """Have a session until the service stops, one after another."""

        @asynccontextmanager
        async def with_brokers() -> AsyncIterator[Log]:
            async with connect(service.settings.brokers, client_id="copydesk-api-outlet") as log:
                yield log

        async def session() -> None:
            async with (open_log or with_brokers)() as log:
                await self._session(service, log)

        await keep_session(service, NAME, session)

    async def _session(self, service: Service, log: Log) -> None:
        self._faults.clear()
        self._log = log
        service.health.ready(NAME, value=True)
        try:
            while not self._faults and not service.stopping.is_set():
                await service.pause(LOOK_SECONDS)
        finally:
            self._log = None
        for fault in self._faults:
            raise fault

    async def write(self, records: Sequence[Outgoing]) -> None:
        """Write them; all are stored when it returns. Raises :class:`Retryable`, and :class:`Poison` for one too large.

        After :class:`Retryable` some of them may be stored, or all.
        """
        log = self._log
        if log is None:
            raise Retryable(AWAY)
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await all_of([await log.send(record) for record in records])
        except (LogError, TimeoutError) as error:
            self._faults.append(LogError(str(error) or "nothing was stored in time"))
            self._log = None
            raise Retryable(f"{AWAY}: {error}") from None
