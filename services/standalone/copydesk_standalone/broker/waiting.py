"""A fetch that waits until there is enough to read."""

import asyncio
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .errors import Code
from .log import PartitionLog
from .turns import in_turns


@dataclass(slots=True)
class Wanted:
    """One partition of a fetch: where it reads, or why it cannot."""

    index: int
    offset: int
    max_bytes: int
    log: PartitionLog | None = None
    error: Code = Code.NONE


class Waiting:
    """Counts what a fetch has before it.

    A write costs one look at the log it went to, however many partitions the fetch names: a consumer of thousands
    does not slow down those who write to one of them.
    """

    def __init__(self, parts: Sequence[Wanted], min_bytes: int, *, committed: bool) -> None:
        self._parts = parts
        self._min_bytes = min_bytes
        self._committed = committed
        self._bytes = [0] * len(parts)
        self._total = 0
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def wait(self, seconds: float) -> None:
        """Return when there is enough to read, something to complain about, or nothing came in time."""
        if not self._parts or seconds <= 0:
            return
        watched: list[tuple[PartitionLog, Callable[[], None]]] = []
        timer = asyncio.get_running_loop().call_later(seconds, self._end)
        try:
            for number, part in enumerate(self._parts):
                if part.log is not None:
                    watched.append((part.log, functools.partial(self._look, number)))
                    part.log.waiters.add(watched[-1][1])
            await in_turns(range(len(self._parts)), self._look)
            await self._over
        finally:
            timer.cancel()
            for log, look in watched:
                log.waiters.discard(look)

    def _look(self, number: int) -> None:
        part = self._parts[number]
        if part.error or part.log is None or not part.log.reaches(part.offset):
            self._end()
            return
        there = part.log.available(part.offset, committed=self._committed)
        self._total += there - self._bytes[number]
        self._bytes[number] = there
        if self._total >= self._min_bytes:
            self._end()

    def _end(self) -> None:
        if not self._over.done():
            self._over.set_result(None)
