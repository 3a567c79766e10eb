"""Visits that run: one of a feed at a time, each written to the log when it is over."""

import asyncio
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from prometheus_client import Counter

from copydesk_fetcher.entries import Outcome
from copydesk_fetcher.feeds import Feeds
from copydesk_fetcher.publishing import Publisher
from copydesk_fetcher.shares import Definition
from copydesk_fetcher.states import failed
from copydesk_shared.log import LogError
from copydesk_shared.messages import Feed, FeedState, Push
from copydesk_shared.telemetry import get_logger
from copydesk_shared.topics import FEEDS, FEEDS_STATE

POLLS = Counter("copydesk_polls_total", "Polls of feeds, by what came of them.", ["outcome"])


class Visitor(Protocol):
    """See :class:`copydesk_fetcher.visit.Visitor`."""

    async def visit(self, feed: Feed, state: FeedState | None) -> Outcome:
        """What came of polling this feed now."""

    async def visit_pushed(self, feed: Feed, state: FeedState | None, push: Push) -> Outcome:
        """What came of reading what a hub pushed."""


@dataclass
class Visit:
    """A visit to a feed as it was defined and where it lay when the visit began.

    Once it ``is_writing`` it is not broken off. ``outcome`` is there when it is over, unless it ended in a bug.
    """

    feed: Feed
    definition: Definition
    number: int
    push: Push | None = None
    is_writing: bool = False
    outcome: Outcome | None = None
    is_again: bool = field(default=True)
    """Whether the feed is still here to be visited again."""


def warn_of_twins(feeds: Feeds, moved: Feed) -> None:
    """Where a feed has moved to a URL that others have: an operator is to remove one of them."""
    for other in feeds.twins(moved):
        get_logger().warning("two feeds have one URL", feed=moved.feed_id, other=other, url=moved.url)


class Visits:
    """The visits that run, by feed."""

    def __init__(self, feeds: Feeds, visitor: Visitor, publisher: Publisher) -> None:
        self._feeds = feeds
        self._visitor = visitor
        self._publisher = publisher
        self._running: dict[str, tuple[asyncio.Task[None], Visit]] = {}

    def __len__(self) -> int:
        return len(self._running)

    def __contains__(self, feed_id: str) -> bool:
        return feed_id in self._running

    def start(self, feed_id: str, push: Push | None = None) -> None:
        """Visit a feed of ours, or read what a hub pushed of it. One that is being visited is visited again after."""
        number, definition = self._feeds.find(feed_id)
        if definition is None or feed_id in self._running:
            return
        visit = Visit(definition.feed, definition, number, push)
        self._running[feed_id] = asyncio.create_task(self._run(visit)), visit

    def break_off(self, feed_id: str | None = None) -> None:
        """Cancel the visit of a feed, or all visits, but for those that are writing."""
        for running, (task, visit) in self._running.items():
            if feed_id in (None, running) and not visit.is_writing:
                task.cancel()

    async def end(self, seconds: float) -> None:
        """Break all off; those that write have so long to finish."""
        self.break_off()
        tasks = [task for task, _ in self._running.values()]
        if tasks and seconds:
            await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._running.clear()

    def collect(self) -> Iterator[Visit]:
        """The visits that are over; their feeds are due again. Raises :class:`LogError`; a bug fails its feed."""
        for feed_id, (task, visit) in list(self._running.items()):
            if not task.done():
                continue
            del self._running[feed_id]
            error = None if task.cancelled() else task.exception()
            if isinstance(error, LogError):
                raise error
            if error is not None:
                self._after_bug(visit, error)
            self._again(visit)
            yield visit

    def _again(self, visit: Visit) -> None:
        feed_id = visit.feed.feed_id
        _, definition = self._feeds.find(feed_id)
        state = self._feeds.state(feed_id)
        if definition is None or not visit.is_again:
            return
        is_same = definition.feed == visit.feed or (visit.outcome and definition.feed == visit.outcome.moved_feed)
        now = datetime.now(UTC)
        self._feeds.again(feed_id, state.next_poll_at if is_same and state is not None else now)

    async def _run(self, visit: Visit) -> None:
        feed, state = visit.feed, self._feeds.state(visit.feed.feed_id)
        if self._feeds.place(feed) != visit.number:
            # not ours to ask
            await self._move(visit, feed, self._feeds.base(feed))
            return
        if visit.push is not None:
            outcome = await self._visitor.visit_pushed(feed, state, visit.push)
        else:
            outcome = await self._visitor.visit(feed, state)
        POLLS.labels("pushed" if visit.push else outcome.result).inc()
        if outcome.result in ("failed", "gone"):
            get_logger().warning(
                "feed failed", feed=feed.feed_id, url=feed.url, error=outcome.state.last_error,
                failures=outcome.state.failures, next_poll_at=outcome.state.next_poll_at.isoformat(),
                disabled=outcome.state.disabled,
            )  # fmt: skip
        await self._write(visit, outcome)

    async def _write(self, visit: Visit, outcome: Outcome) -> None:
        visit.is_writing = True
        await self._publisher.entries(outcome.entries)
        state = self._feeds.learn(visit.definition, outcome.state, visit.push)
        if state is None:
            return
        self._publisher.off_site(outcome.off_site)
        visit.outcome = replace(outcome, state=state)
        _, current = self._feeds.find(state.feed_id)
        if outcome.moved_feed is not None and current is not None and current.raw == visit.definition.raw:
            await self._move(visit, outcome.moved_feed, state)
        else:
            await self._publisher.state(state, visit.number)

    async def _move(self, visit: Visit, feed: Feed, state: FeedState) -> None:
        """To its place, the state ahead of the feed: whoever reads a feed that is new there looks for its state."""
        visit.is_writing = True
        number = self._feeds.place(feed)
        get_logger().info("feed moved", feed=feed.feed_id, url=feed.url, was=visit.feed.url, partition=number)
        await self._publisher.state(state, number)
        definition = visit.definition._replace(raw=feed.model_dump_json().encode())
        if number == visit.number:
            # before it comes back to us
            self._feeds.define(feed.feed_id, definition)
            warn_of_twins(self._feeds, feed)
        await self._publisher.feed(definition, number)
        if number == visit.number:
            return
        visit.is_again = False
        self._feeds.forget(feed.feed_id, visit.number)
        for topic in (FEEDS, FEEDS_STATE):
            await self._publisher.gone(topic, feed.feed_id, visit.number)

    def _after_bug(self, visit: Visit, error: BaseException) -> None:
        trace = "".join(traceback.format_exception(error))
        get_logger().error("a visit ended in a bug", feed=visit.feed.feed_id, url=visit.feed.url, trace=trace)
        POLLS.labels("bug").inc()
        state = self._feeds.state(visit.feed.feed_id)
        after = failed(visit.feed, state, f"bug: {error!r}", datetime.now(UTC))
        self._feeds.learn(visit.definition, after)
