"""The loop of a service: take records, handle them, send what they become, commit the finished prefix.

Delivery is at least once: a record is finished when what it became is stored, and only the contiguous finished prefix
of each partition is committed. Whatever goes wrong with the log ends the session; the next one starts at the committed
offsets. Every record ends in exactly one counted outcome: emitted, dropped or dead-lettered.
"""

import asyncio
import inspect
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import structlog

from copydesk_shared.errors import DeadLetterReason, Poison, Retryable
from copydesk_shared.kafka import connect
from copydesk_shared.log import Log, LogError, Outgoing, Partition, RebalanceListener, Record
from copydesk_shared.service import Service, run_service
from copydesk_shared.sessions import keep_session, wait_for_topics
from copydesk_shared.settings import ServiceSettings
from copydesk_shared.stage import Drop, Emit, Stage
from copydesk_shared.telemetry import HANDLE_SECONDS, IN_FLIGHT, RECORDS, get_logger
from copydesk_shared.topics import DEAD_LETTER
from copydesk_shared.window import Window
from copydesk_shared.wire import dead_letter, decode, encode
from copydesk_shared.workers import WorkerPool

POLL_SECONDS = 0.25
COMMIT_SECONDS = 0.5
REVOKE_SECONDS = 10.0
LOCAL_TRIES = 4
LOCAL_BACKOFF_SECONDS = 0.5
ERROR_TEXT_LIMIT = 8_000

Handle = Callable[[Any], Awaitable[Emit[Any] | Drop]]
OpenLog = Callable[[RebalanceListener], AbstractAsyncContextManager[Log]]


class StageRun:
    """One session of a stage. It is also the listener of its own rebalances."""

    def __init__(self, stage: Stage[Any, Any], handle: Handle, service: Service, max_in_flight: int) -> None:
        self._stage = stage
        self._handle = handle
        self._service = service
        self._max_in_flight = max_in_flight
        self._windows: dict[Partition, Window] = {}
        self._last_task: dict[Partition, asyncio.Task[None]] = {}
        self._tasks: dict[asyncio.Task[None], Partition] = {}
        self._log: Log | None = None
        self._commit_at = 0.0

    async def run(self, open_log: OpenLog) -> None:
        """Work until the service stops, then finish what is in flight and commit it. Raises :class:`LogError`."""
        try:
            async with open_log(self) as log:
                self._log = log
                self._service.health.ready(self._stage.name, value=True)
                while not self._service.stopping.is_set():
                    await self._step(log)
                await self._drain(set(self._windows), self._service.settings.drain_seconds)
        finally:
            self._log = None
            await self._abandon()

    async def on_assigned(self, partitions: frozenset[Partition]) -> Mapping[Partition, int]:
        """Start each partition at its committed offset."""
        self._windows = {where: Window() for where in partitions}
        return {}

    async def on_revoked(self, partitions: frozenset[Partition]) -> None:
        """Finish and commit what is in flight, within a deadline, before somebody else gets the partitions."""
        if self._log is not None:
            await self._drain(set(partitions), REVOKE_SECONDS)
        for where in partitions:
            self._windows.pop(where, None)
            self._last_task.pop(where, None)

    async def _step(self, log: Log) -> None:
        free = self._max_in_flight - len(self._tasks)
        log.pause(paused=free <= 0)
        if free <= 0:
            await log.poll(1, 0)
            await asyncio.wait(self._tasks, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        else:
            for record in await log.poll(free, POLL_SECONDS if not self._tasks else 0.02):
                self._start(log, record)
        self._collect()
        await self._commit(log)
        self._service.health.progressed(self._stage.name)

    def _start(self, log: Log, record: Record) -> None:
        window = self._windows.setdefault(record.where, Window())
        window.take(record.offset)
        after = self._last_task.get(record.where) if self._stage.ordered else None
        task = asyncio.create_task(self._finish(log, record, window, after))
        self._last_task[record.where] = task
        self._tasks[task] = record.where
        IN_FLIGHT.labels(self._stage.name).set(len(self._tasks))

    async def _finish(self, log: Log, record: Record, window: Window, after: asyncio.Task[None] | None) -> None:
        structlog.contextvars.bind_contextvars(
            topic=record.topic, partition=record.partition, offset=record.offset, key=_shown(record.key)
        )
        done = await self._outcome(record)
        if done is None:
            return
        outgoing, outcome, reason = done
        if after is not None:
            await asyncio.wait({after})
        try:
            await self._store(log, outgoing)
        except Poison as error:
            outcome, reason = "dead-lettered", error.reason.value
            await self._store(log, self._buried(record, error.reason, str(error)))
        window.finish(record.offset)
        RECORDS.labels(self._stage.name, outcome, reason).inc()

    async def _store(self, log: Log, outgoing: Outgoing | None) -> None:
        if outgoing is not None:
            await (await log.send(outgoing))

    async def _outcome(self, record: Record) -> tuple[Outgoing | None, str, str] | None:
        """What becomes of the record; ``None`` when the next session is to try it again."""
        started = time.perf_counter()
        try:
            result = await self._attempt(record)
            if isinstance(result, Drop):
                get_logger().info("dropped", reason=result.reason.value, detail=result.detail)
                return None, "dropped", result.reason.value
            return self._encoded(result, record), "emitted", ""
        except (Poison, Retryable) as error:
            if isinstance(error, Retryable) and self._service.stopping.is_set():
                return None
            return self._buried(record, error.reason, str(error)), "dead-lettered", error.reason.value
        except Exception:  # noqa: BLE001 - the one place that catches bugs: the record must not be lost
            return self._buried(record, DeadLetterReason.BUG, traceback.format_exc()), "dead-lettered", "bug"
        finally:
            HANDLE_SECONDS.labels(self._stage.name).observe(time.perf_counter() - started)

    async def _attempt(self, record: Record) -> Emit[Any] | Drop:
        message = decode(self._stage.source, record)
        for attempt in range(1, LOCAL_TRIES + 1):
            try:
                return await self._handle(message)
            except Retryable as error:
                if attempt == LOCAL_TRIES or self._service.stopping.is_set():
                    raise
                get_logger().info("trying again", attempt=attempt, error=str(error))
                await self._service.pause(LOCAL_BACKOFF_SECONDS * 2**attempt)
        raise AssertionError("unreachable")

    def _encoded(self, result: Emit[Any], record: Record) -> Outgoing:
        return encode(
            self._stage.sink,
            result.message,
            stage=self._stage.name,
            version=self._stage.version,
            parent=record.header("traceparent"),
        )

    def _buried(self, record: Record, reason: DeadLetterReason, error: str) -> Outgoing:
        get_logger().warning("dead letter", reason=reason.value, error=error[-500:])
        return dead_letter(
            DEAD_LETTER.name, record, stage=self._stage.name, reason=reason, error=error[-ERROR_TEXT_LIMIT:]
        )

    def _collect(self) -> None:
        """Forget the tasks that are done; one that failed ends the session."""
        for task in [task for task in self._tasks if task.done()]:
            del self._tasks[task]
            task.result()
        IN_FLIGHT.labels(self._stage.name).set(len(self._tasks))

    async def _commit(self, log: Log, *, now: bool = False) -> None:
        if not now and time.monotonic() < self._commit_at:
            return
        self._commit_at = time.monotonic() + COMMIT_SECONDS
        offsets = {where: offset for where, window in self._windows.items() if (offset := window.committable())}
        if offsets and await log.commit(offsets):
            for where, offset in offsets.items():
                if where in self._windows:
                    self._windows[where].committed(offset)

    async def _drain(self, partitions: set[Partition], seconds: float) -> None:
        if self._log is None:
            return
        tasks = {task for task, where in self._tasks.items() if where in partitions}
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        self._collect()
        await self._commit(self._log, now=True)

    async def _abandon(self) -> None:
        """What is not finished now is handled again in the next session."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        IN_FLIGHT.labels(self._stage.name).set(0)


def _shown(key: bytes | None) -> str | None:
    return key.decode("utf-8", "replace") if key is not None else None


def kafka_log(service: Service, group: str, topic: str) -> OpenLog:
    """Opens sessions of a group on a topic with the brokers of the settings."""

    def open_log(listener: RebalanceListener) -> AbstractAsyncContextManager[Log]:
        return connect(
            service.settings.bootstrap_servers,
            client_id=f"copydesk-{group}",
            group=group,
            topics=(topic,),
            listener=listener,
            instance_id=service.settings.instance_id,
        )

    return open_log


async def run_stage(
    stage: Stage[Any, Any],
    service: Service,
    *,
    max_in_flight: int = 64,
    workers: int = 1,
    deadline_seconds: float = 30.0,
    open_log: OpenLog | None = None,
) -> None:
    """Run a stage until the service stops, with one session after another.

    ``workers`` processes and the deadline are for a synchronous handler; an asynchronous one runs on the loop, up to
    ``max_in_flight`` records at a time. ``open_log`` opens the log to use, Kafka by the settings if none is given.
    """
    handle: Any = stage.handle
    if not inspect.iscoroutinefunction(handle) and not inspect.iscoroutinefunction(getattr(handle, "__call__", None)):  # noqa: B004 - is calling it asynchronous?
        handle = WorkerPool(handle, workers, deadline_seconds)
        await handle.warm_up()
    opener = open_log or kafka_log(service, stage.name, stage.source.name)

    async def session() -> None:
        if open_log is None:
            await wait_for_topics(service, (stage.source.name, stage.sink.name, DEAD_LETTER.name))
        if not service.stopping.is_set():
            await StageRun(stage, handle, service, max_in_flight).run(opener)

    await keep_session(service, stage.name, session)


def run_stage_service(
    stage: Stage[Any, Any], settings: ServiceSettings, *, workers: int = 1, deadline_seconds: float = 30.0
) -> int:
    """Be the service of one stage; returns the exit code. See :func:`copydesk_shared.service.run_service`."""

    async def work(service: Service) -> None:
        await run_stage(stage, service, max_in_flight=16 * workers, workers=workers, deadline_seconds=deadline_seconds)

    return run_service(stage.name, settings, [work])


__all__ = ["LogError", "run_stage", "run_stage_service"]
