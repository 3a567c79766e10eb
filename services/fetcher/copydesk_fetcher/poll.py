"""The loop that polls: the feeds of our partitions, each when it is due.

Feed definitions and poll states lie in two compacted topics with the same keys and partitions, so whoever gets a
partition rebuilds both from the log and needs no disk. Entries are stored before the state that remembers them: after a
crash in between they come again, and none is missing.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from prometheus_client import Counter, Gauge

from copydesk_fetcher.entries import Outcome, failed, plan
from copydesk_fetcher.feeds_file import load_feeds, sync_feeds
from copydesk_fetcher.http import Client
from copydesk_fetcher.parsing.worker import FeedParser
from copydesk_fetcher.robots import Robots
from copydesk_fetcher.schedule import Schedule
from copydesk_fetcher.settings import FetcherSettings
from copydesk_fetcher.visit import Visitor
from copydesk_shared.errors import Poison
from copydesk_shared.kafka import read_partitions
from copydesk_shared.log import Log, LogError, Partition, Record
from copydesk_shared.messages import Entry, Feed, FeedState, Message
from copydesk_shared.runner import OpenLog, kafka_log
from copydesk_shared.service import Service
from copydesk_shared.sessions import keep_session, wait_for_topics
from copydesk_shared.telemetry import get_logger
from copydesk_shared.topics import DISCOVERED, FEEDS, FEEDS_STATE, Topic
from copydesk_shared.tracing import send_span
from copydesk_shared.wire import decode, encode

GROUP = "fetcher-poll"
POLL_VERSION = "1"
BATCH = 500
TICK_SECONDS = 0.25
CHUNK = 50
STOP_SECONDS = 3.0

POLLS = Counter("copydesk_polls_total", "Polls of feeds, by what came of them.", ["outcome"])
ENTRIES = Counter("copydesk_entries_total", "Entries published, by what became of them.", ["outcome"])
FEEDS_OWNED = Gauge("copydesk_feeds", "Feeds this process polls.")

M = TypeVar("M", bound=Message)
Read = Callable[[str, Sequence[int]], Awaitable[list[Record]]]


@dataclass
class _Share:
    """One partition's feeds and states. ``upto`` is the last offset of the feeds that the rebuild has read."""

    upto: int = -1
    feeds: dict[str, Feed] = field(default_factory=dict)
    states: dict[str, bytes] = field(default_factory=dict)


def _key(record: Record) -> str:
    return (record.key or b"").decode("utf-8", "replace")


def _state(raw: bytes | None) -> FeedState | None:
    """States stay in memory as JSON, a tenth of the size, and are read when the feed is polled."""
    if raw is None:
        return None
    try:
        return FeedState.model_validate_json(raw)
    except ValueError:
        get_logger().warning("a poll state that cannot be read is forgotten")
        return None


class PollRun:
    """One session of the poller. It is also the listener of its own rebalances."""

    def __init__(self, service: Service, visitor: Visitor, read: Read, concurrency: int) -> None:
        self._service = service
        self._visitor = visitor
        self._read = read
        self._concurrency = concurrency
        self._shares: dict[int, _Share] = {}
        self._home: dict[str, int] = {}
        self._schedule = Schedule()
        self._loading: asyncio.Task[dict[int, _Share]] | None = None
        self._early: list[Record] = []
        self._visits: dict[asyncio.Task[FeedState], Feed] = {}

    async def run(self, open_log: OpenLog) -> None:
        """Poll feeds until the service stops. Raises :class:`LogError`."""
        try:
            async with open_log(self) as log:
                while not self._service.stopping.is_set():
                    await self._step(log)
                if self._visits:
                    await asyncio.wait(self._visits, timeout=STOP_SECONDS)
        finally:
            await self._drop(set(self._shares))
            await self._stop_loading()

    async def on_assigned(self, partitions: frozenset[Partition]) -> Mapping[Partition, int]:
        """Read the partitions from their beginning, so that the table of feeds is always rebuilt."""
        self._early.clear()
        await self._stop_loading()
        self._loading = asyncio.create_task(  # noqa: RUF006 - kept in the attribute
            self._rebuild(sorted(number for _, number in partitions))
        )
        return dict.fromkeys(partitions, 0)

    async def on_revoked(self, partitions: frozenset[Partition]) -> None:
        """Leave these feeds to their next owner at once: what is cut off here comes again there."""
        await self._stop_loading()
        await self._drop({number for _, number in partitions})

    async def _stop_loading(self) -> None:
        if self._loading is not None:
            await _cancelled([self._loading])
            self._loading = None

    async def _step(self, log: Log) -> None:
        records = await log.poll(BATCH, self._wait())
        self._adopt()
        self._apply(records)
        self._start_due(log)
        self._collect()
        if records:
            await log.commit({record.where: record.offset + 1 for record in records})
        self._service.health.progressed(GROUP)

    def _wait(self) -> float:
        next_at = self._schedule.next_at()
        if next_at is None or len(self._visits) >= self._concurrency:
            return TICK_SECONDS
        return min(max((next_at - datetime.now(UTC)).total_seconds(), 0.0), TICK_SECONDS)

    async def _rebuild(self, numbers: Sequence[int]) -> dict[int, _Share]:
        shares = {number: _Share() for number in numbers}
        for record in await self._read(FEEDS.name, numbers):
            share = shares[record.partition]
            share.upto = record.offset
            _apply_feed(share, record)
        for record in await self._read(FEEDS_STATE.name, numbers):
            _apply_state(shares[record.partition], record)
        return shares

    def _adopt(self) -> None:
        """Take over what the rebuild has read, once it is done. Raises :class:`LogError` when it failed."""
        if self._loading is None or not self._loading.done():
            return
        shares, self._loading = self._loading.result(), None
        self._shares.update(shares)
        for number, share in shares.items():
            for feed in share.feeds.values():
                self._settle(number, feed)
        self._service.health.ready(GROUP, value=True)
        early, self._early = self._early, []
        self._apply(early)
        get_logger().info("polling", partitions=sorted(self._shares), feeds=len(self._home))

    def _apply(self, records: Iterable[Record]) -> None:
        if self._loading is not None:
            self._early += records
            return
        for record in records:
            share = self._shares.get(record.partition)
            if share is None or record.offset <= share.upto:
                continue
            key = _key(record)
            before = share.feeds.get(key)
            _apply_feed(share, record)
            after = share.feeds.get(key)
            if after is None:
                self._forget([key])
            elif after != before:
                self._changed(record.partition, before, after)
        FEEDS_OWNED.set(len(self._home))

    def _changed(self, number: int, before: Feed | None, after: Feed) -> None:
        """A new feed is polled by plan, a changed one now; validators of another URL are worth nothing."""
        if before is None:
            self._settle(number, after)
            return
        states = self._shares[number].states
        state = _state(states.get(after.feed_id))
        if before.url != after.url and state is not None:
            fresh = state.model_copy(update={"etag": None, "last_modified": None, "failures": 0, "last_error": None})
            states[after.feed_id] = fresh.model_dump_json().encode()
        if after.feed_id not in {feed.feed_id for feed in self._visits.values()}:
            self._schedule.set(after.feed_id, datetime.now(UTC))

    def _settle(self, number: int, feed: Feed) -> None:
        state = _state(self._shares[number].states.get(feed.feed_id))
        self._home[feed.feed_id] = number
        self._schedule.set(feed.feed_id, plan(feed, state, datetime.now(UTC)))
        FEEDS_OWNED.set(len(self._home))

    def _forget(self, keys: Iterable[str]) -> None:
        keys = list(keys)
        self._schedule.remove(keys)
        for key in keys:
            self._home.pop(key, None)
        FEEDS_OWNED.set(len(self._home))

    async def _drop(self, numbers: set[int]) -> None:
        gone = [key for key, number in self._home.items() if number in numbers]
        self._forget(gone)
        for number in numbers:
            self._shares.pop(number, None)
        await _cancelled([task for task, feed in self._visits.items() if feed.feed_id not in self._home])
        self._visits = {task: feed for task, feed in self._visits.items() if not task.done()}

    def _start_due(self, log: Log) -> None:
        free = self._concurrency - len(self._visits)
        for feed_id in self._schedule.take(datetime.now(UTC), free) if free > 0 else ():
            share = self._shares[self._home[feed_id]]
            feed = share.feeds[feed_id]
            task = asyncio.create_task(self._visit(log, feed, _state(share.states.get(feed_id))))
            self._visits[task] = feed

    async def _visit(self, log: Log, feed: Feed, state: FeedState | None) -> FeedState:
        outcome = await self._visitor.visit(feed, state)
        await publish(log, outcome)
        POLLS.labels(outcome.result).inc()
        if outcome.state.failures:
            get_logger().warning(
                "feed failed", feed=feed.feed_id, url=feed.url, error=outcome.state.last_error,
                failures=outcome.state.failures, next_poll_at=outcome.state.next_poll_at.isoformat(),
            )  # fmt: skip
        return outcome.state

    def _collect(self) -> None:
        """Note what the finished visits have learnt. A log that cannot be used ends the session, a bug only a visit."""
        for task in [task for task in self._visits if task.done()]:
            feed = self._visits.pop(task)
            number = self._home.get(feed.feed_id)
            error = None if task.cancelled() else task.exception()
            if isinstance(error, LogError):
                raise error
            if number is not None and not task.cancelled():
                share = self._shares[number]
                state = self._after_bug(share, feed, error) if error else task.result()
                self._remember(share, feed, state)

    def _after_bug(self, share: _Share, feed: Feed, error: BaseException) -> FeedState:
        trace = "".join(traceback.format_exception(error))
        get_logger().error("a visit ended in a bug", feed=feed.feed_id, url=feed.url, trace=trace)
        POLLS.labels("bug").inc()
        return failed(feed, _state(share.states.get(feed.feed_id)), f"bug: {error!r}", datetime.now(UTC))

    def _remember(self, share: _Share, feed: Feed, state: FeedState) -> None:
        current = share.feeds.get(feed.feed_id)
        if current is None:
            return
        is_same = current == feed
        if not is_same and current.url != feed.url:
            state = state.model_copy(update={"etag": None, "last_modified": None})
        share.states[feed.feed_id] = state.model_dump_json().encode()
        self._schedule.set(feed.feed_id, state.next_poll_at if is_same else datetime.now(UTC))


def _apply_feed(share: _Share, record: Record) -> None:
    key = _key(record)
    share.feeds.pop(key, None)
    if record.is_tombstone:
        return
    try:
        feed = decode(FEEDS, record)
    except Poison as error:
        get_logger().warning("a feed that cannot be read is passed over", key=key, error=str(error))
        return
    share.feeds[feed.feed_id] = feed


def _apply_state(share: _Share, record: Record) -> None:
    if record.is_tombstone:
        share.states.pop(_key(record), None)
    elif record.value is not None:
        share.states[_key(record)] = record.value


async def _cancelled(tasks: Sequence[asyncio.Task[object]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def publish(log: Log, outcome: Outcome) -> None:
    """Store the entries, then the state. Raises :class:`LogError`.

    An entry that the log finds too large is given up with a log line: its state says it was seen.
    """
    for start in range(0, len(outcome.entries), CHUNK):
        chunk = outcome.entries[start : start + CHUNK]
        await asyncio.gather(*(_publish_entry(log, entry) for entry in chunk))
    await _store(log, FEEDS_STATE, outcome.state)


async def _publish_entry(log: Log, entry: Entry) -> None:
    try:
        await _store(log, DISCOVERED, entry)
    except Poison as error:
        get_logger().warning("an entry that cannot be stored", url=entry.url, error=str(error))
        ENTRIES.labels("refused").inc()
    else:
        ENTRIES.labels("new" if entry.revision == 1 else "changed").inc()


async def _store(log: Log, topic: Topic[M], message: M) -> None:
    with send_span(GROUP, topic.name) as span:
        await (await log.send(encode(topic, message, stage=GROUP, version=POLL_VERSION, trace=span.trace)))


async def poll(service: Service) -> None:
    """Poll the feeds until the service stops. Raises :class:`InputError` for an unusable feeds file."""
    settings = service.settings
    if not isinstance(settings, FetcherSettings):
        raise TypeError("the fetcher needs its own settings")
    brokers = settings.brokers
    pending = [load_feeds(settings.feeds_file)] if settings.feeds_file is not None else []

    async def read(topic: str, numbers: Sequence[int]) -> list[Record]:
        return await read_partitions(brokers, topic, numbers)

    async with Client(settings) as client:
        parser = FeedParser(settings.parse_seconds, settings.feed_entries)
        visitor = Visitor(client, parser, settings, Robots(client.get, client.hosts, settings))

        async def session() -> None:
            await wait_for_topics(service, (FEEDS.name, FEEDS_STATE.name, DISCOVERED.name))
            if pending and not service.stopping.is_set():
                result = await sync_feeds(brokers, pending[0])
                pending.clear()
                get_logger().info("feeds file", added=result.added, changed=result.changed, removed=result.removed)
            if not service.stopping.is_set():
                opener = kafka_log(service, GROUP, (FEEDS.name,))
                await PollRun(service, visitor, read, settings.poll_concurrency).run(opener)

        await keep_session(service, GROUP, session)
