"""What becomes of a record: the attempts to handle it, and the outcome."""

import inspect
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from copydesk_shared.dead_letters import dead_letter
from copydesk_shared.errors import DeadLetterReason, DependencyDown, DropReason, Poison, Retryable
from copydesk_shared.log import Outgoing, Record
from copydesk_shared.message import Message
from copydesk_shared.retries import POLICY, put_off
from copydesk_shared.revisions import Revisions
from copydesk_shared.service import Service
from copydesk_shared.stage import Drop, Emit, Forward, Stage
from copydesk_shared.telemetry import HANDLE_SECONDS, OutcomeKind, get_logger
from copydesk_shared.wire import decode, encode

LOCAL_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 30.0
LOGGED_CHARACTERS = 500
TIMES_OF_PUBLICATION = ("published_at", "entry_published_at")

Result = Emit[Any] | Forward[Any] | Drop
Handle = Callable[[Any], Awaitable[Result]]


class Ending(NamedTuple):
    """How a record ended: exactly one is counted for each. ``published_at`` is that of the article that was emitted."""

    kind: OutcomeKind
    reason: str = ""
    published_at: datetime | None = None


class Outcome(NamedTuple):
    """What becomes of a record: its ending and what is to be sent, with the revision of the article in it.

    ``then`` says what is to be sent once that is stored.
    """

    ending: Ending
    outgoing: Outgoing | None = None
    revision: int | None = None
    then: Callable[[], Iterable[Outgoing]] | None = None


# One for all: most endings say no more than this.
EMITTED = Ending(OutcomeKind.EMITTED)


@cache
def _times_of_publication(model: type[Message]) -> tuple[str, ...]:
    """Its fields of that kind: asking a message for one that it does not have takes pydantic long."""
    return tuple(name for name in TIMES_OF_PUBLICATION if name in model.model_fields)


def _emitted(message: Message) -> Ending:
    for name in _times_of_publication(type(message)):
        if (at := getattr(message, name)) is not None:
            return Ending(OutcomeKind.EMITTED, "", at)
    return EMITTED


def _became(stage: Stage[Any, Any], result: Result, trace: str | None) -> Outcome:
    """The version that handled the record is the one that its event names."""
    if isinstance(result, Drop):
        get_logger().info("dropped", reason=result.reason.value, detail=result.detail)
        return Outcome(Ending(OutcomeKind.DROPPED, result.reason.value))
    topic = stage.source if isinstance(result, Forward) else stage.sink
    outgoing = encode(topic, result.message, stage=stage.name, version=stage.version, trace=trace)
    if isinstance(result, Forward):
        return Outcome(Ending(OutcomeKind.FORWARDED), outgoing)
    return Outcome(_emitted(result.message), outgoing, getattr(result.message, "revision", None), result.then)


def is_asynchronous(handle: object) -> bool:
    """Whether calling the handler gives something to await."""
    return inspect.iscoroutinefunction(handle) or inspect.iscoroutinefunction(getattr(handle, "__call__", None))  # noqa: B004 - is calling it asynchronous?


class Attempts:
    """Handles records of a stage; what goes wrong with one becomes its outcome."""

    def __init__(self, stage: Stage[Any, Any], handle: Handle, service: Service) -> None:
        self._stage = stage
        self._handle = handle
        self._service = service
        self._seconds = HANDLE_SECONDS.labels(stage.name)
        self._revisions = Revisions() if "compact" in stage.sink.cleanup else None
        self._waiting = 0
        self._is_leaving = False

    def renew(self, stage: Stage[Any, Any], handle: Handle) -> None:
        """Handle what comes from now on with another version of the stage; what was begun ends with its own."""
        self._stage, self._handle = stage, handle

    @contextmanager
    def leaving(self, *, is_left: bool) -> Iterator[None]:
        """The partitions are about to go. If it ``is_left`` to the next owner, nothing is put off to be tried again."""
        self._is_leaving = is_left
        try:
            yield
        finally:
            self._is_leaving = False

    def _is_over(self) -> bool:
        return self._is_leaving or self._service.stopping.is_set()

    @property
    def waiting(self) -> bool:
        """Whether what every record needs is away: no further record is to be taken."""
        return self._waiting > 0

    async def outcome(self, record: Record, trace: str | None = None) -> Outcome | None:
        """What becomes of the record; ``None`` when it is left for another session because this one ends.

        ``trace`` is the ``traceparent`` of what is emitted.
        """
        started = time.perf_counter()
        try:
            outcome = await self._once(record, trace, is_last=False)
            if outcome is None and not self._is_over():
                outcome = await self._once(record, trace, is_last=True)
            return outcome
        finally:
            self._seconds.observe(time.perf_counter() - started)

    async def _once(self, record: Record, trace: str | None, *, is_last: bool) -> Outcome | None:
        stage, handle = self._stage, self._handle
        try:
            message = decode(stage.source, record)
            try:
                result = await handle(message)
            except DependencyDown as error:
                result = await self._waited(handle, message, error)
            return _became(stage, result, trace)
        except DependencyDown:
            return None
        except Poison as error:
            return self.buried(record, error.reason, str(error))
        except Retryable as error:
            if is_last or not POLICY[error.kind].at_once:
                return self._put_off(record, error)
            await self._service.pause(LOCAL_BACKOFF_SECONDS)
        except Exception:  # noqa: BLE001 - the one place that catches bugs: the record must not be lost
            if is_last:
                return self.buried(record, DeadLetterReason.BUG, traceback.format_exc())
        return None

    async def _waited(self, handle: Handle, message: Any, error: DependencyDown) -> Result:
        """What the handler says. While what it needs is away it is asked again, until the service stops.

        Counted, so that the waiting is over when nobody waits any more, also because the session was given up.
        """
        backoff = LOCAL_BACKOFF_SECONDS
        self._waiting += 1
        try:
            while not self._is_over():
                self._away(error)
                await self._service.pause(backoff)
                backoff = min(backoff * 2, LONGEST_BACKOFF_SECONDS)
                try:
                    result = await handle(message)
                except DependencyDown as again:
                    error = again
                else:
                    self._back()
                    return result
            raise error
        finally:
            self._waiting -= 1

    def about_to_go_out(self, outcome: Outcome) -> Outcome:
        """The outcome, or a drop where a later revision of the same article has gone to a compacted topic before it."""
        outgoing, revision = outcome.outgoing, outcome.revision
        if self._revisions is None or revision is None or outgoing is None:
            return outcome
        if not self._revisions.is_superseded(outgoing.key, revision):
            return outcome
        get_logger().info("dropped", reason=DropReason.SUPERSEDED.value, revision=revision)
        return Outcome(Ending(OutcomeKind.DROPPED, DropReason.SUPERSEDED.value))

    def _put_off(self, record: Record, error: Retryable) -> Outcome | None:
        if self._is_over():
            return None
        if self._stage.is_trial:
            return self.buried(record, error.reason, str(error))
        outgoing = put_off(
            record, error, group=self._stage.name, waits=self._service.settings.waits, now=datetime.now(UTC)
        )
        if outgoing is None:
            return self.buried(record, error.reason, str(error))
        get_logger().info("put off", topic_of_retry=outgoing.topic, reason=error.kind.value, error=str(error))
        return Outcome(Ending(OutcomeKind.RETRIED, error.kind.value), outgoing)

    def buried(self, record: Record, reason: DeadLetterReason, error: str) -> Outcome:
        """The outcome of a record that is given up: it goes to the dead letters, but for a stage on trial."""
        if self._stage.is_trial:
            get_logger().warning("not handled on trial", reason=reason.value, error=error[-LOGGED_CHARACTERS:])
            return Outcome(Ending(OutcomeKind.DROPPED, DropReason.FAILED_TRIAL.value))
        get_logger().warning("dead letter", reason=reason.value, error=error[-LOGGED_CHARACTERS:])
        letter = dead_letter(record, stage=self._stage.name, reason=reason, error=error)
        return Outcome(Ending(OutcomeKind.DEAD_LETTERED, reason.value), letter)

    def _away(self, error: DependencyDown) -> None:
        if self._service.health.is_ready(self._stage.name):
            get_logger().warning("waiting for what every record needs", error=str(error))
        self._service.health.ready(self._stage.name, value=False, why=str(error))

    def _back(self) -> None:
        if not self._service.health.is_ready(self._stage.name):
            get_logger().info("what every record needs is back")
        self._service.health.ready(self._stage.name, value=True)
