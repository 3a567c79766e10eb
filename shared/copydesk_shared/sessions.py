"""Keeping a session with the log: one after another, with a back-off, until the service stops."""

from collections.abc import Awaitable, Callable, Sequence

from copydesk_shared.kafka import missing_topics
from copydesk_shared.log import LogError
from copydesk_shared.service import Service
from copydesk_shared.telemetry import SESSION_FAILURES, SESSIONS, get_logger

FIRST_BACKOFF_SECONDS = 0.2
LONGEST_BACKOFF_SECONDS = 5.0


async def keep_session(service: Service, name: str, session: Callable[[], Awaitable[None]]) -> None:
    """Run ``session`` until the service stops; after a :class:`LogError` run it again, later and later.

    A session starts at the committed offsets, so nothing is lost by giving one up. The back-off is forgotten after a
    session that was ready.
    """
    backoff = FIRST_BACKOFF_SECONDS
    while not service.stopping.is_set():
        SESSIONS.labels(name).inc()
        service.health.progressed(name)
        try:
            await session()
        except LogError as error:
            if service.health.is_ready(name):
                backoff = FIRST_BACKOFF_SECONDS
            service.health.ready(name, value=False)
            SESSION_FAILURES.labels(name).inc()
            get_logger().warning("the log cannot be used", part=name, error=str(error), again_in_seconds=backoff)
            await service.pause(backoff)
            backoff = min(backoff * 2, LONGEST_BACKOFF_SECONDS)
    service.health.ready(name, value=False)


async def wait_for_topics(service: Service, topics: Sequence[str]) -> None:
    """Wait until the brokers have these topics; says which it waits for. Raises :class:`LogError`."""
    while not service.stopping.is_set():
        missing = await missing_topics(service.settings.bootstrap_servers, topics)
        if not missing:
            return
        get_logger().warning("waiting for topics", missing=missing)
        await service.pause(LONGEST_BACKOFF_SECONDS)
