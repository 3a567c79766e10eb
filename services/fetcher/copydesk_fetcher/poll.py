"""The loop that polls: the feeds of our partitions, each when it is due.

Definitions and states lie in compacted topics, in the partition that is the place of the feed's registrable domain, so
whoever owns it rebuilds both from the log and needs no disk. Entries are stored before the state that remembers them:
after a crash in between they come again, and none is missing.
"""

import asyncio
import time
import traceback
from collections import deque
from collections.abc import Collection, Coroutine, Iterable
from datetime import UTC, datetime
from typing import Any

from copydesk_fetcher.feeds import Change, Feeds
from copydesk_fetcher.hosts import Hosts
from copydesk_fetcher.ownership import Ownership, kept_states
from copydesk_fetcher.publishing import POLLER, Publisher
from copydesk_fetcher.shares import Rebuilt, rebuild, states_of_newcomers
from copydesk_fetcher.states import with_hub
from copydesk_fetcher.visits import Visit, Visitor, Visits, warn_of_twins
from copydesk_fetcher.websub.glue import WebSub
from copydesk_fetcher.websub.links import Offer
from copydesk_shared.errors import Poison
from copydesk_shared.log import Log, LogError, Outgoing, Record
from copydesk_shared.messages import Feed, HubState, Push
from copydesk_shared.service import Service
from copydesk_shared.tables import Tables
from copydesk_shared.telemetry import get_logger
from copydesk_shared.topics import FEEDS, FEEDS_PUSHED, FEEDS_STATE, HOSTS_STATE
from copydesk_shared.wire import decode

BATCH = 500
TICK_SECONDS = 0.25
# Visits that write what they found have so long to finish when their partition goes, and as long what is kept of hosts.
# The others in the group wait for it.
RELEASE_SECONDS = 3.0
HOSTS_SECONDS = 3.0
LOOK_SECONDS = 15.0
PUSHES_PER_FEED = 8
# So many leases are renewed each time that one looks.
RENEWALS = 50


class PollRun:
    """One session of the poller, on the partitions that ``ownership`` says. ``hub`` is there with WebSub."""

    def __init__(
        self,
        log: Log,
        partitions: int,
        service: Service,
        ownership: Ownership,
        visitor: Visitor,
        tables: Tables,
        hosts: Hosts,
        *,
        concurrency: int,
        per_host: int = 2,
        hub: WebSub | None = None,
    ) -> None:
        self._log = log
        self._partitions = partitions
        self._service = service
        self._ownership = ownership
        self._tables = tables
        self._hosts = hosts
        self._concurrency = concurrency
        self._hub = hub
        self._publisher = Publisher(log)
        self._feeds = Feeds(partitions, per_host)
        self._visits = Visits(self._feeds, visitor, self._publisher)
        self._changes = -1
        self._loading: asyncio.Task[Rebuilt] | None = None
        self._newcomers: dict[tuple[int, str], int] = {}
        self._pushes: dict[str, deque[Push]] = {}
        self._asides: set[asyncio.Task[Any]] = set()
        self._is_closing = False
        self._released: Collection[int] = ()
        self._hosts_at = self._look_at = time.monotonic()

    async def run(self) -> None:
        """Poll feeds until the service stops and the partitions are gone. Raises :class:`LogError`."""
        self._ownership.tenant = self
        try:
            while not self._service.stopping.is_set() or self._ownership.numbers:
                await self._step()
        finally:
            self._ownership.tenant = None
            await self._end(RELEASE_SECONDS if self._service.stopping.is_set() else 0.0)

    async def store(self, records: Iterable[Outgoing]) -> None:
        """Write these to the log of this session. Raises :class:`LogError`."""
        await self._publisher.send(records)

    def close(self) -> None:
        """See :class:`Tenant`: visits that have not come to writing come again at the next owner."""
        self._is_closing = True
        self._visits.break_off()

    async def release(self) -> None:
        """See :class:`Tenant`."""
        await self._end(RELEASE_SECONDS)
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                await self._write_hosts(self._released)
        except (LogError, TimeoutError) as error:
            get_logger().warning("what is kept of hosts could not be written", error=str(error))

    async def _end(self, seconds: float) -> None:
        """Nothing runs any more. What writes has so long to finish."""
        self._is_closing = True
        self._released = frozenset(self._feeds.numbers)
        asides, self._asides = self._asides, set()
        if self._loading is not None:
            asides.add(self._loading)
            self._loading = None
        for aside in asides:
            aside.cancel()
        await asyncio.gather(*asides, return_exceptions=True)
        await self._visits.end(seconds)
        self._feeds.clear()
        self._newcomers.clear()
        self._pushes.clear()

    async def _step(self) -> None:
        self._follow()
        records = await self._log.poll(BATCH, self._wait())
        self._adopt()
        self._apply(records)
        if not self._is_closing and self._loading is None:
            self._start()
        self._collect()
        await self._now_and_then()
        self._service.health.progressed(POLLER)

    def _follow(self) -> None:
        """Rebuild when the partitions have changed. The last ones were released before."""
        if self._changes == self._ownership.changes:
            return
        self._changes = self._ownership.changes
        self._log.assign({})
        if self._loading is not None:
            self._loading.cancel()
        self._is_closing = False
        self._loading = asyncio.create_task(rebuild(self._tables, sorted(self._ownership.numbers)))

    def _wait(self) -> float:
        next_at = self._feeds.schedule.next_at()
        if next_at is None or len(self._visits) >= self._concurrency:
            return TICK_SECONDS
        return min(max((next_at - datetime.now(UTC)).total_seconds(), 0.0), TICK_SECONDS)

    def _adopt(self) -> None:
        """Take over what the rebuild has read, once it is done. Raises :class:`LogError` when it failed."""
        if self._loading is None or not self._loading.done() or self._changes != self._ownership.changes:
            return
        rebuilt, self._loading = self._loading.result(), None
        doubles = self._feeds.adopt(rebuilt)
        self._log.assign(rebuilt.starts)
        self._clear_up((*doubles, *rebuilt.orphans), doubles, self._ownership.stale)
        if self._ownership.is_assigned:
            self._service.health.ready(POLLER, value=True)
        get_logger().info("polling", partitions=self._feeds.numbers, feeds=len(self._feeds))

    def _clear_up(
        self,
        states: Iterable[tuple[int, str]],
        feeds: Iterable[tuple[int, str]] = (),
        hosts: Iterable[tuple[int, str]] = (),
    ) -> None:
        async def clear_up() -> None:
            for topic, gone in ((FEEDS, feeds), (FEEDS_STATE, states), (HOSTS_STATE, hosts)):
                for number, key in gone:
                    await self._publisher.gone(topic, key, number)

        self._aside(clear_up())

    def _aside(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        task = asyncio.create_task(work)
        self._asides.add(task)
        return task

    def _apply(self, records: Iterable[Record]) -> None:
        for record in records:
            if record.topic == FEEDS.name:
                change = self._feeds.apply(record)
                if change is not None:
                    self._changed(change, record)
            elif self._hub is not None:
                self._pushed(self._hub, record)
        if self._newcomers and not any(task.get_name() == "newcomers" for task in self._asides):
            newcomers, self._newcomers = self._newcomers, {}
            self._aside(self._welcome(newcomers)).set_name("newcomers")

    def _changed(self, change: Change, record: Record) -> None:
        feed_id = change.feed_id
        if change.before is None:
            self._newcomers[change.number, feed_id] = record.timestamp_ms
            return
        before = change.before.feed
        if change.after is None:
            self._visits.break_off(feed_id)
            self._pushes.pop(feed_id, None)
            self._clear_up([(change.number, feed_id)])
        after = change.after.feed if change.after else None
        if self._hub is not None and (after is None or after.paused or not after.websub):
            leaving = self._hub.leave(before, self._feeds.state(feed_id))
            if leaving is not None:
                self._aside(leaving)

    async def _welcome(self, newcomers: dict[tuple[int, str], int]) -> None:
        """A feed that came may have come from another partition, with its state ahead of it."""
        states = await states_of_newcomers(self._tables, newcomers)
        doubles = [
            double
            for number, feed_id in newcomers
            if (double := self._feeds.settle(feed_id, number, states.get((number, feed_id)))) is not None
        ]
        if doubles:
            self._clear_up(doubles, doubles)
        for _, feed_id in newcomers:
            _, definition = self._feeds.find(feed_id)
            if definition is not None and definition.feed.moved_from is not None:
                warn_of_twins(self._feeds, definition.feed)

    def _pushed(self, hub: WebSub, record: Record) -> None:
        try:
            push = decode(FEEDS_PUSHED, record)
        except Poison as error:
            get_logger().warning("a push that cannot be read is passed over", error=str(error))
            return
        _, definition = self._feeds.find(push.feed_id)
        if definition is None:
            return
        feed = definition.feed
        state = self._feeds.base(feed)
        if push.kind == "content":
            last = state.hub.pushed_at if state.hub else None
            if (last is None or push.received_at > last) and hub.takes(push, feed, state):
                self._pushes.setdefault(push.feed_id, deque(maxlen=PUSHES_PER_FEED)).append(push)
            return
        after = hub.apply(push, state)
        if after is not state:
            self._keep_hub(push.feed_id, after.hub)

    def _keep_hub(self, feed_id: str, hub: HubState | None) -> None:
        number, definition = self._feeds.find(feed_id)
        if definition is None:
            return
        before = self._feeds.base(definition.feed)
        state = with_hub(definition.feed, before, hub, datetime.now(UTC))
        self._feeds.keep(feed_id, state)
        if state.next_poll_at != before.next_poll_at and feed_id not in self._visits:
            self._feeds.again(feed_id, state.next_poll_at)
        self._aside(self._publisher.state(state, number))

    def _start(self) -> None:
        for feed_id in [each for each in self._pushes if each not in self._visits]:
            if len(self._visits) >= self._concurrency:
                return
            waiting = self._pushes[feed_id]
            self._visits.start(feed_id, waiting.popleft())
            if not waiting:
                del self._pushes[feed_id]
        free = self._concurrency - len(self._visits)
        for feed_id in self._feeds.schedule.take(datetime.now(UTC), free) if free > 0 else ():
            self._visits.start(feed_id)

    def _collect(self) -> None:
        """A log that cannot be used ends the session, a bug only a visit."""
        for visit in self._visits.collect():
            self._after(visit)
        for task in [task for task in self._asides if task.done()]:
            self._asides.discard(task)
            error = None if task.cancelled() else task.exception()
            if isinstance(error, LogError):
                raise error
            if error is not None:
                get_logger().error("a bug beside the visits", trace="".join(traceback.format_exception(error)))

    def _after(self, visit: Visit) -> None:
        if visit.outcome is not None:
            self._subscribe(visit.feed, visit.outcome.hub_wanted)

    def _subscribe(self, feed: Feed, offer: Offer | None = None) -> None:
        """Ask the hub that the feed offers, or else the one that it has, if it is time to."""
        state = self._feeds.state(feed.feed_id)
        if self._hub is None or state is None or self._is_closing:
            return
        asking = self._hub.wanted(offer, feed, state, datetime.now(UTC))
        if asking is not None:
            # closed in case that it is cancelled before it starts
            self._aside(self._ask(feed.feed_id, asking)).add_done_callback(lambda _: asking.close())

    async def _ask(self, feed_id: str, asking: Coroutine[Any, Any, HubState]) -> None:
        hub = await asking
        kept = self._feeds.state(feed_id)
        if kept is not None and kept.hub is not None and (kept.hub.hub, kept.hub.topic) == (hub.hub, hub.topic):
            hub = hub.model_copy(update={"pushed_at": kept.hub.pushed_at})
        self._keep_hub(feed_id, hub)

    def _renew(self) -> None:
        """Leases end whether or not the feed is polled before."""
        for feed_id in self._feeds.take_due_hubs(datetime.now(UTC), RENEWALS):
            _, definition = self._feeds.find(feed_id)
            if definition is not None and feed_id not in self._visits:
                self._subscribe(definition.feed)

    async def _now_and_then(self) -> None:
        now = time.monotonic()
        if now - self._hosts_at >= HOSTS_SECONDS:
            self._hosts_at = now
            await self._write_hosts(self._ownership.numbers)
        if now - self._look_at >= LOOK_SECONDS:
            self._look_at = now
            self._renew()
            if self._log.assigned():
                await self._log.positions()

    async def _write_hosts(self, numbers: Collection[int]) -> None:
        states = kept_states(self._hosts.changed(), frozenset(numbers), self._partitions)
        await self._publisher.hosts(states)
