"""Waiting for what comes next in the change feed, for many at once: one looks, one reads, all are told."""

import asyncio
import contextlib
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from copydesk_api.conditional import Standings
from copydesk_api.store import FeedChange, Standing
from copydesk_shared.errors import Retryable

LOOK_SECONDS = 0.25
AWAY_SECONDS = 1.0
PAGE_ROWS = 20
SHARED_PAGES = 4


@dataclass(frozen=True, slots=True)
class Told:
    """A change with what filters ask of its article; ``None`` for a tombstone."""

    change: FeedChange
    article: dict[str, Any] | None


class Watch:
    """Tells those who wait when the change feed has moved. The database is asked only while somebody waits."""

    def __init__(self, standings: Standings, stopping: asyncio.Event) -> None:
        self._standings = standings
        self._stopping = stopping
        self._moved = asyncio.Event()
        self._last: Standing | None = None
        self._waiting = 0
        self._looking: asyncio.Task[None] | None = None

    @property
    def is_stopping(self) -> bool:
        """Whether the service ends: nothing is waited for any more."""
        return self._stopping.is_set()

    async def standing(self) -> Standing:
        """Where the feed stands now. Raises :class:`Retryable`."""
        return await self._standings.get()

    async def beyond(self, feed: str, position: int, seconds: float) -> Standing | None:
        """Where the feed stands once it is past the position or another feed; ``None`` after that long, or at the end.

        A database that is away is waited for.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        with self._looked_for():
            while not self.is_stopping:
                last, moved = self._last, self._moved
                if last is not None and (last.feed != feed or last.position > position):
                    return last
                try:
                    async with asyncio.timeout_at(deadline):
                        await moved.wait()
                except TimeoutError:
                    return None
        return None

    @contextlib.contextmanager
    def _looked_for(self) -> Iterator[None]:
        self._waiting += 1
        if self._looking is None or self._looking.done():
            self._last = None
            self._looking = asyncio.create_task(self._look())
        try:
            yield
        finally:
            self._waiting -= 1

    async def _look(self) -> None:
        while self._waiting and not self.is_stopping:
            try:
                standing = await self._standings.get()
            except Retryable:
                await self._pause(AWAY_SECONDS)
                continue
            if standing != self._last:
                self._last = standing
                self._tell()
            await self._pause(LOOK_SECONDS)
        self._tell()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    def _tell(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()


class SharedReader:
    """Pages of the change feed. Those who stand at one place share what is read there."""

    def __init__(self, read: Callable[[int, int], Sequence[FeedChange]]) -> None:
        self._read = read
        self._pages: OrderedDict[tuple[str, int], asyncio.Task[tuple[Told, ...]]] = OrderedDict()

    async def after(self, feed: str, position: int) -> tuple[Told, ...]:
        """The changes that follow; at least one where the feed is past the position. Raises :class:`Retryable`."""
        key = (feed, position)
        page = self._pages.get(key)
        if page is None:
            page = self._pages[key] = asyncio.create_task(asyncio.to_thread(self._page, position))
            page.add_done_callback(lambda done: self._forget_failed(key, done))
            if len(self._pages) > SHARED_PAGES:
                self._pages.popitem(last=False)
        return await asyncio.shield(page)

    def _forget_failed(self, key: tuple[str, int], page: asyncio.Task[tuple[Told, ...]]) -> None:
        if (page.cancelled() or page.exception() or not page.result()) and self._pages.get(key) is page:
            del self._pages[key]

    def _page(self, position: int) -> tuple[Told, ...]:
        return tuple(
            Told(change, None if change.document is None else json.loads(change.document))
            for change in self._read(position, PAGE_ROWS)
        )


async def follow(
    watch: Watch, reader: SharedReader, feed: str, position: int, heartbeat_seconds: float
) -> AsyncIterator[tuple[Standing, Sequence[Told]]]:
    """Everything after the position, as it comes; an empty page whenever nothing came for that long.

    It ends with the service. Where the feed is another one, that is told with an empty page and followed on.
    """
    while not watch.is_stopping:
        standing = await watch.beyond(feed, position, heartbeat_seconds)
        if standing is None:
            yield Standing(feed, position, None), ()
        elif standing.feed != feed:
            feed, position = standing.feed, standing.position
            yield standing, ()
        else:
            try:
                page = await reader.after(feed, position)
            except Retryable:
                await asyncio.sleep(AWAY_SECONDS)
                continue
            if page:
                position = page[-1].change.position
                yield Standing(feed, position, page[-1].change.at), page
