"""Records on their way to the hands that handle them."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Handout(Generic[T]):
    """A queue that wakes no more takers than there is work for.

    A taker that finds more behind its item wakes one other, which runs only if the first one has to wait for
    something. ``asyncio.Queue`` wakes one taker an item, most of them for nothing where handling is quick.
    """

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._idle: deque[asyncio.Future[None]] = deque()
        self._woken = 0

    def put(self, item: T) -> None:
        """Add an item."""
        self._items.append(item)
        self._wake()

    async def take(self) -> T:
        """The next item, when there is one."""
        if not self._items:
            await self._wait()
        item = self._items.popleft()
        if self._items:
            self._wake()
        return item

    async def take_all(self) -> deque[T]:
        """All items, when there is one."""
        if not self._items:
            await self._wait()
        items, self._items = self._items, deque()
        return items

    def clear(self) -> None:
        """Drop what is there."""
        self._items.clear()

    async def _wait(self) -> None:
        while not self._items:
            idle: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._idle.append(idle)
            await idle
            self._woken -= 1

    def _wake(self) -> None:
        if self._woken or not self._idle:
            return
        self._woken += 1
        self._idle.popleft().set_result(None)
