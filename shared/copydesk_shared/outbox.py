"""What the records of a session became, on its way out: sent by one task at a time, finished once it is stored."""

import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from copydesk_shared.attempts import Attempts, Ending, Outcome
from copydesk_shared.errors import Poison
from copydesk_shared.handout import Handout
from copydesk_shared.ledger import Taken
from copydesk_shared.log import Log, Outgoing, all_of
from copydesk_shared.meter import Meter
from copydesk_shared.telemetry import CURRENT_RECORD

Delivery = Awaitable[None] | None
# What was sent of a record is not kept, only what is still to be done: count the ending, and ask what is to be sent
# once the delivery is stored.
Sent = tuple[Taken, Ending, Callable[[], Iterable[Outgoing]] | None, Delivery]


class Outbox:
    """Outcomes in the order in which they go out. A record is finished and counted when all of it is stored."""

    def __init__(self, attempts: Attempts, meter: Meter) -> None:
        self._attempts = attempts
        self._meter = meter
        self._waiting: deque[tuple[Taken, Outcome]] = deque()
        self._sent: Handout[Sent] = Handout()
        self._storing_since: float | None = None
        self.is_sending = False

    def __len__(self) -> int:
        """How many wait to be sent."""
        return len(self._waiting)

    def put(self, ready: Iterable[tuple[Taken, Outcome]]) -> None:
        """These go out next."""
        self._waiting.extend(ready)

    def clear(self) -> None:
        """Forget what was sent and not finished."""
        self._sent.clear()

    def storing_seconds(self) -> float:
        """For how long the one that is to be stored next has been waited for."""
        return 0.0 if self._storing_since is None else time.monotonic() - self._storing_since

    async def send(self, log: Log) -> None:
        """Send all that waits. One task does so for all: those that wait for room in one batch all wake each other.

        Where it fails, ``is_sending`` stays, and nobody goes on: nothing may overtake what was not sent.
        """
        self.is_sending = True
        while self._waiting:
            taken, outcome = self._waiting.popleft()
            CURRENT_RECORD.set(taken.record)
            outcome = self._attempts.about_to_go_out(outcome)
            try:
                delivery = await log.send(outcome.outgoing) if outcome.outgoing else None
            except Poison as error:
                outcome, delivery = await self._bury(log, taken, error)
            self._sent.put((taken, outcome.ending, outcome.then, delivery))
            delivery = None
        self.is_sending = False

    async def _bury(self, log: Log, taken: Taken, error: Poison) -> tuple[Outcome, Delivery]:
        outcome = self._attempts.buried(taken.record, error.reason, str(error))
        return outcome, await log.send(outcome.outgoing) if outcome.outgoing else None

    async def settle(self, log: Log) -> None:
        """Finish what is stored, for ever, as many at a time as there are."""
        while True:
            sent = await self._sent.take_all()
            try:
                while sent:
                    await self._settle(log, *sent.popleft())
            finally:
                # A failure keeps this frame, and what is in it would go with the garbage in any order.
                sent.clear()
                self._meter.publish()

    async def _settle(
        self, log: Log, taken: Taken, ending: Ending, then: Callable[[], Iterable[Outgoing]] | None, delivery: Delivery
    ) -> None:
        if delivery is not None:
            self._storing_since = time.monotonic()
            try:
                await delivery
            except Poison as error:
                ending, then = await self._buried(log, taken, error), None
            self._storing_since = None
        if then is not None:
            sent = [await log.send(each) for each in then()]
            self._sent.put((taken, ending, None, all_of(sent) if sent else None))
            return
        taken.window.finish(taken.record.offset, taken.size)
        self._meter.count(ending)

    async def _buried(self, log: Log, taken: Taken, error: Poison) -> Ending:
        """How the record ends that the brokers did not take, once its letter is stored."""
        CURRENT_RECORD.set(taken.record)
        outcome, delivery = await self._bury(log, taken, error)
        if delivery is not None:
            await delivery
        return outcome.ending
