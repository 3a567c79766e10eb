"""Keeping a session with the log: one after another, with a back-off, until the service stops."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from copydesk_shared.errors import SettingsError
from copydesk_shared.kafka import connect, see_topics
from copydesk_shared.log import Log, LogError, OpenLog, RebalanceListener
from copydesk_shared.service import Service
from copydesk_shared.telemetry import SESSION_FAILURES, SESSIONS, get_logger
from copydesk_shared.topic_check import Difference, Found, Weight, compare, refusal
from copydesk_shared.topics import ALL_TOPICS

FIRST_BACKOFF_SECONDS = 0.2
LONGEST_BACKOFF_SECONDS = 5.0


async def keep_session(service: Service, name: str, session: Callable[[], Awaitable[None]]) -> None:
    """Run ``session`` until the service stops; after a :class:`LogError` run it again, later and later.

    A session starts at the committed offsets, so nothing is lost by giving one up. The back-off is forgotten after a
    session that was ready. Between sessions, and until one reports progress, nothing is expected to move. The part
    is not ready, nor is the service, until a session says so.
    """
    service.health.ready(name, value=False, why="its first session has not begun")
    backoff = FIRST_BACKOFF_SECONDS
    while not service.stopping.is_set():
        SESSIONS.labels(name).inc()
        try:
            await session()
        except LogError as error:
            if service.health.is_ready(name):
                backoff = FIRST_BACKOFF_SECONDS
            service.health.ready(name, value=False, why=str(error))
            # However long the brokers are away: a restart would not bring them back.
            service.health.finished(name)
            SESSION_FAILURES.labels(name).inc()
            get_logger().warning("the log cannot be used", part=name, error=str(error), again_in_seconds=backoff)
            await service.pause(backoff)
            backoff = min(backoff * 2, LONGEST_BACKOFF_SECONDS)
    service.health.ready(name, value=False)


def kafka_log(service: Service, group: str, topics: Sequence[str]) -> OpenLog:
    """Opens sessions of a group on the topics with the brokers of the settings."""

    def open_log(listener: RebalanceListener) -> AbstractAsyncContextManager[Log]:
        return connect(
            service.settings.brokers,
            client_id=f"copydesk-{group}",
            group=group,
            topics=topics,
            listener=listener,
            instance_id=service.settings.instance_id,
        )

    return open_log


async def wait_for_topics(service: Service, topics: Sequence[str]) -> None:
    """See that the brokers have these topics and that a service can work with them as they are.

    Raises :class:`SettingsError` with one line that says what to do, and :class:`LogError` (so that the session is
    tried again) when no broker answers or when topics that were right before have gone or were changed since.
    """
    servers = service.settings.brokers.servers
    found = (await see_topics(service.settings.brokers, topics)).found
    differences = compare([topic for topic in ALL_TOPICS if topic.name in topics], found)
    refused = refusal(differences, servers)
    seen_before = service.checked_topics.issuperset(topics)
    if refused is not None:
        raise LogError(refused) if seen_before else SettingsError(refused)
    if not seen_before:
        _tell_once(differences, found)
        service.checked_topics.update(topics)


def _tell_once(differences: Sequence[Difference], found: Mapping[str, Found | None]) -> None:
    unseen = [name for name, has in found.items() if has is None or has.settings is None]
    if unseen:
        get_logger().warning("no right to see the settings of topics: they are not checked", topics=unseen)
    less = [str(each) for each in differences if each.weight is Weight.LESS]
    if less:
        get_logger().warning("topics have less than declared", differences=less)
