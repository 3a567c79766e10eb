"""The loop of a service: take records, handle them, send what they become, commit the finished prefix.

Delivery is at least once: a record is finished when what it became is stored, and only the contiguous finished prefix
of each partition is committed (``ledger``). What becomes of a record is decided in ``attempts``; retries wait in topics
of their own (``retries``, ``delays``). Whatever goes wrong with the log ends the session; the next one starts at the
committed offsets. Every record ends in exactly one counted outcome: emitted, forwarded, dropped, retried or
dead-lettered. A companion, if there is one, is told of the partitions: ours alone, while no handler of others runs.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from copydesk_shared.attempts import Attempts, is_asynchronous
from copydesk_shared.companion import Companion, Escort
from copydesk_shared.delays import Delays
from copydesk_shared.handout import Handout
from copydesk_shared.ledger import Ledger, Taken
from copydesk_shared.log import Log, LogError, OpenLog, Partition, ProducerLostError, stay
from copydesk_shared.meter import Meter
from copydesk_shared.outbox import Outbox
from copydesk_shared.renewals import Renewals, beside, renew
from copydesk_shared.service import Loop, Service, run_service
from copydesk_shared.sessions import kafka_log, keep_session, wait_for_topics
from copydesk_shared.settings import ServiceSettings
from copydesk_shared.stage import Stage
from copydesk_shared.telemetry import CURRENT_RECORD, get_logger
from copydesk_shared.topics import DEAD_LETTER, retry_topics
from copydesk_shared.tracing import process_span
from copydesk_shared.workers import WorkerPool

POLL_SECONDS = 0.25
POLL_RECORDS = 500
HOLD_SECONDS = 1.0
REVOKE_SECONDS = 10.0
LOOK_SECONDS = 0.01
OBSERVE_SECONDS = 5.0
STORE_SECONDS = 30.0
# While sending waits for the brokers the loop gets a turn after so many records, so that it hears their answer.
TURN_RECORDS = 8
GIVEN_UP = "records in hand are given up: whoever is next handles them again"


def _retries(stage: Stage[Any, Any]) -> tuple[str, ...]:
    return () if stage.is_trial else tuple(topic.name for topic in retry_topics(stage.name).values())


class StageRun:
    """One session of a stage. It is also the listener of its own rebalances.

    ``hands`` tasks handle records side by side, one of them at a time sends what they become, and one more task waits
    until that is stored.
    """

    def __init__(
        self,
        stage: Stage[Any, Any],
        attempts: Attempts,
        service: Service,
        hands: int,
        companion: Companion | None = None,
    ) -> None:
        self._stage = stage
        self._service = service
        self._hands = hands
        self._attempts = attempts
        self._meter = Meter(stage.name)
        self._ledger = Ledger(stage.name, ordered=stage.ordered, hands=hands)
        self._escort = Escort(companion, stage.source.name)
        self._delays = Delays(_retries(stage))
        self._log: Log | None = None
        self._room_at = time.monotonic()
        self._start_work()

    def _start_work(self) -> None:
        self._taken: Handout[Taken] = Handout()
        self._outbox = Outbox(self._attempts, self._meter)
        self._workers: list[asyncio.Task[None]] = []

    async def run(self, open_log: OpenLog) -> None:
        """Work until the service stops, then finish what is in flight and commit it. Raises :class:`LogError`."""
        try:
            async with open_log(self) as log:
                self._log = log
                self._service.health.ready(self._stage.name, value=True)
                self._service.health.progressed(self._stage.name)
                try:
                    while not self._service.stopping.is_set():
                        await self._step_or_renew(log)
                    await self._leave(self._ledger.partitions(), self._service.settings.drain_seconds)
                finally:
                    await self._let_go()
        finally:
            self._log = None
            await self._let_go()

    async def on_assigned(self, partitions: frozenset[Partition]) -> Mapping[Partition, int]:
        """Start each partition at its committed offset."""
        self._ledger.assign(partitions)
        self._meter.assigned(partitions)
        self._escort.assigned(partitions)
        return {}

    async def on_revoked(self, partitions: frozenset[Partition]) -> None:
        """Finish and commit what is in flight, within a deadline, before somebody else gets the partitions.

        Handlers that take longer are cancelled: what they do belongs to that somebody.
        """
        await self._leave(partitions, REVOKE_SECONDS)
        await self._let_go()
        self._ledger.forget(partitions)
        self._delays.forget(partitions)

    async def _step_or_renew(self, log: Log) -> None:
        try:
            await self._step(log)
        except ProducerLostError as error:
            get_logger().warning("the producer is renewed and what is not finished handled again", error=str(error))
            await self._abandon()
            # before the renewal: if the partitions go meanwhile, nobody is to wait for what was given up
            self._replay(log)
            await log.renew_producer()
            self._meter.producer_renewed()

    async def _step(self, log: Log) -> None:
        if not self._workers:
            self._put_to_work(log)
        self._look_for_failures()
        room = 0 if self._attempts.waiting or self._escort.is_busy() else self._ledger.room()
        if room > 0:
            await self._take(log, room)
        else:
            await self._wait_for_room(log)
        await self._commit(log)
        if self._attempts.waiting or not self._meter.is_stuck(self._service.settings.stall_seconds):
            self._service.health.progressed(self._stage.name)

    async def _commit(self, log: Log, *, now: bool = False) -> None:
        self._meter.publish()
        if await self._ledger.commit(log, now=now):
            self._meter.committed()

    async def _take(self, log: Log, room: int) -> None:
        now = datetime.now(UTC)
        self._room_at = time.monotonic()
        log.hold(self._delays.held(now))
        for record in self._delays.admit(log, await log.poll(min(room, POLL_RECORDS), POLL_SECONDS), now):
            taken = self._ledger.take(record)
            if taken is not None:
                self._taken.put(taken)

    async def _wait_for_room(self, log: Log) -> None:
        """Let the hands work. Where that takes long, go on polling with everything held, so as to stay in the group."""
        await asyncio.sleep(LOOK_SECONDS)
        if time.monotonic() - self._room_at > HOLD_SECONDS:
            await stay(log)

    async def _observe(self, log: Log) -> None:
        while True:
            lags = self._ledger.lags(await log.positions())
            held = self._delays.held(datetime.now(UTC))
            self._meter.observe(lags, held, self._ledger.stuck_seconds(), self._ledger.age())
            await asyncio.sleep(OBSERVE_SECONDS)

    def _put_to_work(self, log: Log) -> None:
        work = (*[self._hand] * self._hands, self._outbox.settle, self._observe)
        self._workers = [asyncio.create_task(each(log)) for each in work]

    def _look_for_failures(self) -> None:
        for worker in self._workers:
            if worker.done():
                worker.result()
        if self._outbox.storing_seconds() > STORE_SECONDS:
            raise LogError(f"the brokers answer, but have stored nothing for {STORE_SECONDS:g} s")

    async def _hand(self, log: Log) -> None:
        while True:
            taken = await self._taken.take()
            if taken.window.closed:
                continue
            taken.window.started += 1
            await self._handle(taken)
            if not self._outbox.is_sending:
                await self._outbox.send(log)
            elif len(self._outbox) % TURN_RECORDS == 0:
                await asyncio.sleep(0)

    async def _handle(self, taken: Taken) -> None:
        record, window = taken.record, taken.window
        CURRENT_RECORD.set(record)
        with process_span(self._stage.name, record) as span:
            outcome = await self._attempts.outcome(record, span.trace)
            if outcome is not None:
                span.ended(outcome.ending.kind, outcome.ending.reason)
        if outcome is None:
            window.abandon()
        else:
            self._outbox.put(window.arrange(record.offset, (taken, outcome)))

    async def _leave(self, partitions: Iterable[Partition], seconds: float) -> None:
        """With a companion, what would be tried again later is left for whoever is next, and tried there at once."""
        self._escort.closing()
        with self._attempts.leaving(is_left=self._escort.is_there):
            await self._drain(partitions, seconds)

    async def _drain(self, partitions: Iterable[Partition], seconds: float) -> None:
        """Start nothing more, wait until what was started is stored, commit."""
        if self._log is None:
            return
        deadline = time.monotonic() + seconds
        partitions = list(partitions)
        self._ledger.close(partitions)
        while self._ledger.started(partitions) and time.monotonic() < deadline:
            self._look_for_failures()
            await asyncio.sleep(LOOK_SECONDS)
        unfinished = self._ledger.started(partitions)
        if unfinished:
            get_logger().warning(GIVEN_UP, stage=self._stage.name, records=unfinished, after_seconds=seconds)
        await self._commit(self._log, now=True)

    async def _abandon(self) -> None:
        """What is not finished now is handled again later."""
        workers, outbox = self._workers, self._outbox
        self._start_work()
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        outbox.clear()

    async def _let_go(self) -> None:
        """Leave nothing running that belongs to partitions."""
        await self._abandon()
        await self._escort.revoked()

    def _replay(self, log: Log) -> None:
        for where, offset in self._ledger.restart().items():
            log.rewind(where, offset)


async def run_stage(
    stage: Stage[Any, Any],
    service: Service,
    *,
    max_in_flight: int = 64,
    workers: int = 1,
    deadline_seconds: float = 30.0,
    open_log: OpenLog | None = None,
    companion: Companion | None = None,
    renewals: Renewals | None = None,
) -> None:
    """Run a stage until the service stops, with one session after another.

    ``workers`` processes and the deadline are for a synchronous handler; an asynchronous one runs on the loop. Up to
    ``max_in_flight`` records are handled at a time. ``open_log`` opens the log to use, Kafka by the settings if none
    is given. ``companion`` is told which partitions of the source are ours. ``renewals`` give a stage with a
    synchronous handler in other versions while it runs.
    """
    handle: Any = stage.handle
    if not is_asynchronous(handle):
        handle = WorkerPool(handle, workers, deadline_seconds)
        await handle.warm_up()
    attempts = Attempts(stage, handle, service)
    sources = (stage.source.name, *_retries(stage))
    opener = open_log or kafka_log(service, stage.name, sources)

    async def session() -> None:
        if open_log is None:
            last = () if stage.is_trial else (DEAD_LETTER.name,)
            await wait_for_topics(service, (*sources, stage.sink.name, *last))
        if not service.stopping.is_set():
            await StageRun(stage, attempts, service, max_in_flight, companion).run(opener)

    sessions = keep_session(service, stage.name, session)
    if renewals is None:
        await sessions
    else:
        await beside(sessions, renew(renewals(service), stage.version, attempts, handle))


def run_stage_service(
    stage: Stage[Any, Any],
    settings: ServiceSettings,
    *,
    workers: int = 1,
    deadline_seconds: float = 30.0,
    renewals: Renewals | None = None,
    others: Sequence[Loop] = (),
) -> int:
    """Be the service of one stage; returns the exit code. See :func:`copydesk_shared.service.run_service`.

    ``others`` are loops that run beside it in the same process.
    """

    async def work(service: Service) -> None:
        await run_stage(
            stage,
            service,
            max_in_flight=16 * workers,
            workers=workers,
            deadline_seconds=deadline_seconds,
            renewals=renewals,
        )

    return run_service(stage.name, settings, [work, *others])
