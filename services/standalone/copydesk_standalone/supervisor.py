"""Running everything on one machine: started in order, watched, stopped in the reverse order."""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from copydesk_fetcher.feeds_file import sync_feeds
from copydesk_shared.errors import AlreadyToldError, SettingsError
from copydesk_shared.kafka import ensure_topics
from copydesk_shared.log import LogError
from copydesk_shared.messages import Feed
from copydesk_shared.service import EXIT_USER_ERROR
from copydesk_shared.topics import ALL_TOPICS, Topic
from copydesk_standalone.children import Child, say
from copydesk_standalone.plan import Plan
from copydesk_standalone.probes import LOOPBACK, accepts_connections, answers_ok
from copydesk_standalone.settings import StandaloneSettings

READY_SECONDS = 60.0
KAFKA_SECONDS = 10.0
SERVICE_STOP_SECONDS = 7.0
BROKER_STOP_SECONDS = 2.0
LIVENESS_SECONDS = 10.0
LIVENESS_FAILURES = 3
POLL_SECONDS = 0.1


def tell(what: str, state: str) -> None:
    """One readable line for a thing that is ready."""
    with contextlib.suppress(OSError):  # whoever read it may be gone; the run goes on
        sys.stdout.write(f"{what:<11} {state}\n")
        sys.stdout.flush()


class Run:
    """One standalone run from start to stop."""

    def __init__(self, settings: StandaloneSettings, plan: Plan, feeds: Sequence[Feed] | None) -> None:
        self._settings = settings
        self._plan = plan
        self._feeds = feeds
        self._stopping = asyncio.Event()
        self._watchers: list[asyncio.Task[None]] = []

    async def run(self) -> int:
        """Start, watch, stop; returns the exit code. Raises :class:`SettingsError` when it cannot start."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop_requested)
        try:
            await self._unless_stopped(self._start())
            await self._stopping.wait()
        finally:
            self._stopping.set()
            await self._stop()
        return 0

    def _stop_requested(self) -> None:
        if self._stopping.is_set():
            for child in self._children():
                child.kill()
        else:
            tell("stopping", "")
        self._stopping.set()

    async def _unless_stopped(self, start: Coroutine[Any, Any, None]) -> None:
        starting = asyncio.create_task(start)
        stopped = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not starting.done():
            starting.cancel()
        await asyncio.gather(starting, stopped, return_exceptions=True)
        if not starting.cancelled():
            starting.result()

    async def _start(self) -> None:
        if self._plan.broker is not None:
            await self._start_listener(self._plan.broker, "bootstrap servers ")
        for child in self._plan.extra:
            await self._start_listener(child, "http://")
        await self._prepare_kafka()
        for child in self._plan.services:
            self._watch(child)
        for child in self._plan.services:
            await self._service_ready(child)
        page = f"http://127.0.0.1:{self._settings.api_port}"
        tell("REST", f"ready   {page}/v1/articles   (reference: {page}/docs)")
        tell("web page", f"ready   {page}/")
        tell("", "Ctrl-C stops everything.")

    async def _start_listener(self, child: Child, scheme: str) -> None:
        port = child.port
        if port is None:
            raise ValueError(f"{child.name} listens nowhere")
        self._watch(child)
        await self._until_ready(child, lambda: accepts_connections(LOOPBACK, port))
        child.was_ready = True
        tell(child.name, f"ready   {scheme}{LOOPBACK}:{port}")

    async def _service_ready(self, child: Child) -> None:
        port = child.health_port
        if port is None:
            return
        await self._until_ready(child, lambda: answers_ok(port, "/readyz"))
        child.was_ready = True
        tell(child.name, f"ready   health http://127.0.0.1:{port}/readyz")
        self._watchers.append(asyncio.create_task(self._restart_when_stalled(child, port)))

    async def _prepare_kafka(self) -> None:
        deadline = time.monotonic() + KAFKA_SECONDS
        while True:
            try:
                await ensure_topics(self._plan.brokers, mend=self._plan.broker is not None)
                result = await sync_feeds(self._plan.brokers, self._feeds) if self._feeds is not None else None
            except LogError as error:
                if time.monotonic() > deadline:
                    raise SettingsError(f"Kafka at {self._plan.brokers} cannot be used: {error}") from None
                await asyncio.sleep(1)
            else:
                break
        shown = [topic.name for topic in ALL_TOPICS if isinstance(topic, Topic) or topic.beside is None]
        tell("topics", f"ready   {', '.join(shown)}, and {len(ALL_TOPICS) - len(shown)} for retries")
        if self._feeds is None:
            tell("feeds", "as they were; name a file with --feeds to poll others")
        elif result is not None:
            tell("feeds", f"ready   {len(self._feeds)} ({result.added} new, {result.changed} changed, "
                          f"{result.removed} removed)")  # fmt: skip

    def _watch(self, child: Child) -> None:
        self._watchers.append(asyncio.create_task(child.supervise(self._stopping)))

    async def _until_ready(self, child: Child, ready: Callable[[], Awaitable[bool]]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        warned = False
        while not await ready():
            if child.first_exit_code == EXIT_USER_ERROR:
                raise AlreadyToldError(f"{child.name} refused to start")
            if not warned and time.monotonic() > deadline:
                say(f"{child.name} is not ready after {READY_SECONDS:g} s; still waiting")
                warned = True
            await asyncio.sleep(POLL_SECONDS)

    async def _restart_when_stalled(self, child: Child, port: int) -> None:
        failures = 0
        while not self._stopping.is_set():
            await asyncio.sleep(LIVENESS_SECONDS)
            failures = 0 if not child.running() or await answers_ok(port, "/livez") else failures + 1
            if failures >= LIVENESS_FAILURES:
                say(f"{child.name} makes no progress and is killed")
                child.kill()
                failures = 0

    def _children(self) -> list[Child]:
        broker = [self._plan.broker] if self._plan.broker is not None else []
        return [*broker, *self._plan.extra, *self._plan.services]

    async def _stop(self) -> None:
        await asyncio.gather(*(child.stop(SERVICE_STOP_SECONDS) for child in self._plan.services))
        await asyncio.gather(*(child.stop(BROKER_STOP_SECONDS) for child in self._plan.extra))
        if self._plan.broker is not None:
            await self._plan.broker.stop(BROKER_STOP_SECONDS)
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        # a child whose start was under way when its watcher was cancelled
        for child in self._children():
            child.kill()
