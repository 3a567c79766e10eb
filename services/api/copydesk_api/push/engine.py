"""Delivers the change feed to receivers: each from its own position, in order, by one replica at a time.

The position is stored after the receiver has taken what stands there, so whoever goes on, after a failure, a kill or a
failover, begins with what was not taken: at least once, and nothing left out.
"""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol

from copydesk_api.push.attempts import after_failure, after_success, attempt
from copydesk_api.push.backoff import SCHEDULE
from copydesk_api.push.courier import BODY_SECONDS, Courier, Line
from copydesk_api.push.metrics import LAG_SECONDS, RECEIVERS
from copydesk_api.push.pending import WINDOW, Feed
from copydesk_api.push.records import Attempt, Event, Kind, Message, Pending, Receiver
from copydesk_api.push.store import Claim, Receivers
from copydesk_shared.errors import Retryable
from copydesk_shared.service import Service
from copydesk_shared.telemetry import get_logger

AWAY_SECONDS = 5.0
TELL_SECONDS = 15.0
PRUNE_SECONDS = 3600.0
# What was looked through and left out by the filters is written down now and then, not each time.
NOTE_SECONDS = 30.0
# Then another receiver may have its turn.
DELIVERIES_IN_A_ROW = 1000


class Voice(Protocol):
    """What is sent to receivers of one kind."""

    def events(self, receiver: Receiver) -> Sequence[Event]:
        """Those to look for in the feed. Raises ``ValueError`` where it cannot be delivered to as things are."""

    def messages(self, receiver: Receiver, pending: Pending) -> Sequence[Message]:
        """What is to be sent, in order; the last one has the position of the last change."""

    def reset(self, receiver: Receiver, feed: str) -> Message | None:
        """What is to be sent where the feed is another one than the receiver knows."""

    def headers(self, receiver: Receiver, message: Message) -> Mapping[str, str]:
        """The headers of an attempt that is made now."""


@dataclass(frozen=True)
class Pace:
    """How quickly, how often and how long; times in seconds."""

    timeout: float = 20.0
    concurrency: int = 16
    give_up_days: float = 5.0
    log_days: float = 7.0
    look: float = 1.0
    schedule: tuple[float, ...] = tuple(SCHEDULE)

    @property
    def lease(self) -> float:
        """For how long a replica that falls silent holds up its receivers."""
        return 2 * (self.timeout + BODY_SECONDS)


@dataclass(frozen=True)
class _Looked:
    """Up to where a receiver was looked for in vain, and as what: another position or filter is another question."""

    question: tuple[object, ...]
    upto: int
    since: float


class _Glance(NamedTuple):
    feed: str
    has_some: bool
    upto: int


class Deliverer:
    """The loop of a replica."""

    def __init__(
        self, store: Receivers, feed: Feed, courier: Courier, voices: Mapping[Kind, Voice], pace: Pace
    ) -> None:
        self._store = store
        self._feed = feed
        self._courier = courier
        self._voices = voices
        self._pace = pace
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._looked: dict[str, _Looked] = {}
        self._shared: dict[str, _Glance] = {}
        self._passed_by: set[str] = set()
        self._told_at = self._pruned_at = -PRUNE_SECONDS

    async def run(self, service: Service) -> None:
        """Deliver until the service stops; what is on its way then has the drain time to arrive."""
        try:
            while not service.stopping.is_set():
                await service.pause(await self._look(service))
            if self._tasks:
                await asyncio.wait(self._tasks.values(), timeout=service.settings.drain_seconds)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _look(self, service: Service) -> float:
        """See to what is due; for how long to wait then."""
        for receiver_id in [each for each, task in self._tasks.items() if task.done()]:
            self._tasks.pop(receiver_id).result()
        try:
            due = [each for each in await asyncio.to_thread(self._store.due) if each.kind in self._voices]
            self._looked = {each.receiver_id: self._looked[each.receiver_id]
                            for each in due if each.receiver_id in self._looked}  # fmt: skip
            self._shared = {}
            for receiver in due:
                await self._begin(receiver, service)
            await self._keep_house()
        except Retryable as error:
            get_logger().warning("pushing has to wait", error=str(error), again_in_seconds=AWAY_SECONDS)
            return AWAY_SECONDS
        return self._pace.look

    async def _begin(self, receiver: Receiver, service: Service) -> None:
        if receiver.receiver_id in self._tasks or len(self._tasks) >= self._pace.concurrency:
            return
        try:
            if not await self._has_some(receiver):
                return
        except ValueError as error:
            self._pass_by(receiver, error)
            return
        claim = await asyncio.to_thread(self._store.claim, receiver.receiver_id, self._pace.lease)
        if claim is not None:
            task = asyncio.create_task(self._serve(claim, service))
            self._tasks[receiver.receiver_id] = task

    def _pass_by(self, receiver: Receiver, error: ValueError) -> None:
        """Filters or a topic that this program cannot read: of another release, or of a former address."""
        if receiver.receiver_id not in self._passed_by:
            self._passed_by.add(receiver.receiver_id)
            get_logger().error("a receiver cannot be delivered to", receiver=receiver.receiver_id, error=str(error))

    async def _has_some(self, receiver: Receiver) -> bool:
        """Whether it is worth a lease: there is something to send, or much that was passed over."""
        question = (receiver.position, receiver.feed, receiver.filters, receiver.events)
        known = self._looked.get(receiver.receiver_id)
        if known is None or known.question != question:
            known = _Looked(question, receiver.position, time.monotonic())
        found = await self._glance(receiver, known.upto)
        if found.has_some or found.feed != receiver.feed:
            self._looked.pop(receiver.receiver_id, None)
            return True
        self._looked[receiver.receiver_id] = replace(known, upto=found.upto)
        return found.upto - receiver.position >= WINDOW or time.monotonic() - known.since > NOTE_SECONDS

    async def _glance(self, receiver: Receiver, after: int) -> _Glance:
        """What was found for one receiver is what there is for all that stand there with the same filters."""
        question = json.dumps([after, receiver.filters, self._voices[receiver.kind].events(receiver)])
        if question not in self._shared:
            found = await self._read(receiver, after)
            self._shared[question] = _Glance(found.feed, bool(found.changes), found.upto)
        return self._shared[question]

    async def _read(self, receiver: Receiver, after: int) -> Pending:
        events = self._voices[receiver.kind].events(receiver)
        return await asyncio.to_thread(self._feed.after, after, receiver.wanted(), events)

    async def _serve(self, claim: Claim, service: Service) -> None:
        visit = Visit(self._store, self._voices[claim.receiver.kind], self._pace, claim)
        try:
            async with self._courier.line(claim.receiver.url) as line:
                await self._deliver(visit, line, service)
        except Retryable as error:
            get_logger().warning("a delivery has to wait", receiver=claim.receiver.receiver_id, error=str(error))
        finally:
            with suppress(Retryable):
                await asyncio.shield(asyncio.to_thread(self._store.release, claim))

    async def _deliver(self, visit: "Visit", line: Line, service: Service) -> None:
        while visit.made < DELIVERIES_IN_A_ROW:
            pending = await self._read(visit.receiver, visit.receiver.position)
            if not await visit.announce(line, pending.feed):
                return
            for message in visit.messages(pending):
                if service.stopping.is_set() or not await visit.send(line, message):
                    return
            if pending.upto == visit.start or not await visit.pass_over(pending.upto):
                return

    async def _keep_house(self) -> None:
        now = time.monotonic()
        if now - self._told_at >= TELL_SECONDS:
            self._told_at = now
            for each in await asyncio.to_thread(self._store.overview, self._voices):
                for state in ("active", "failing", "disabled"):
                    RECEIVERS.labels(each.kind.value, state).set(getattr(each, state))
                LAG_SECONDS.labels(each.kind.value).set(each.lag_seconds)
        if now - self._pruned_at >= PRUNE_SECONDS:
            self._pruned_at = now
            await asyncio.to_thread(self._store.prune, datetime.now(UTC) - timedelta(days=self._pace.log_days))


class Visit:
    """One receiver's turn, for as long as the lease is ours."""

    def __init__(self, store: Receivers, voice: Voice, pace: Pace, claim: Claim) -> None:
        self._store = store
        self._voice = voice
        self._pace = pace
        self._claim = claim
        self._held_until = time.monotonic() + pace.lease
        self.made = 0
        self.start = claim.receiver.position

    @property
    def receiver(self) -> Receiver:
        """As it is by now."""
        return self._claim.receiver

    def messages(self, pending: Pending) -> Sequence[Message]:
        """What is to be sent, in order."""
        self.start = self.receiver.position
        return self._voice.messages(self.receiver, pending)

    async def announce(self, line: Line, feed: str) -> bool:
        """Tell of a feed that was built anew; whether to go on."""
        if feed == self.receiver.feed:
            return True
        message = self._voice.reset(self.receiver, feed)
        if message is None:
            return await self._renew({"feed": feed})
        return await self.send(line, message, {"feed": feed})

    async def send(self, line: Line, message: Message, values: Mapping[str, Any] | None = None) -> bool:
        """Deliver it; whether the receiver has it and is still ours."""
        if not await self._is_safe():
            return False
        headers = self._voice.headers(self.receiver, message)
        made = await attempt(line, self.receiver.kind, headers, message)
        self.made += 1
        if made.is_success:
            return await self._settle(message, made, {**after_success(message), **(values or {})})
        failure = after_failure(self.receiver, made, self._pace.give_up_days, self._pace.schedule)
        self._tell(failure, made)
        await self._settle(message, made, failure)
        return False

    async def pass_over(self, upto: int) -> bool:
        """Nothing up to there is for this receiver; whether it is still ours."""
        return upto <= self.receiver.position or await self._renew({"position": upto})

    async def _is_safe(self) -> bool:
        """Whether the lease lasts longer than an attempt can take; renewed where it does not."""
        return time.monotonic() + self._pace.lease / 2 < self._held_until or await self._renew({})

    async def _renew(self, values: Mapping[str, Any]) -> bool:
        started = time.monotonic()
        is_ours = await asyncio.to_thread(self._store.renew, self._claim, self._pace.lease, values)
        self._held_until = started + self._pace.lease
        self._know(**values)
        return is_ours

    async def _settle(self, message: Message, made: Attempt, values: Mapping[str, Any]) -> bool:
        is_ours = await asyncio.to_thread(self._store.settle, self._claim, message, made, values)
        self._know(**{name: value for name, value in values.items() if name in ("position", "feed", "failures")})
        return is_ours

    def _know(self, **values: Any) -> None:
        self._claim = replace(self._claim, receiver=replace(self.receiver, **values))

    def _tell(self, values: Mapping[str, Any], made: Attempt) -> None:
        get_logger().warning(
            "a delivery failed", receiver=self.receiver.receiver_id, outcome=made.outcome.value,
            failures=values["failures"], error=made.detail, disabled=values.get("why"),
        )  # fmt: skip
