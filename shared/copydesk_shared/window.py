"""The records of a partition that were taken: which are finished, in what order they go out, what may be committed."""

import time
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Window(Generic[T]):
    """Offsets are taken in rising order, gaps allowed (compaction, transaction markers), and finished in any order.

    Only the contiguous finished prefix may be committed. A window that is *closed* starts no further record; one that
    is *broken* lets none go out either, because an earlier one was left for another session.
    """

    def __init__(self, *, ordered: bool = True) -> None:
        self._ordered = ordered
        self._open: deque[tuple[int, int, float]] = deque()
        self._finished: set[int] = set()
        self._not_out: deque[int] = deque()
        self._early: dict[int, T] = {}
        self._next_offset: int | None = None
        self._committed: int | None = None
        self.bytes = 0
        self.started = 0
        self.moved_at = time.monotonic()
        self.closed = False
        self.broken = False

    def __len__(self) -> int:
        """How many are taken and not finished."""
        return len(self._open) - len(self._finished)

    def take(self, offset: int, size: int = 0, timestamp_ms: int = 0) -> None:
        """A record of that many bytes and that age was taken."""
        if not self._open:
            self.moved_at = time.monotonic()
        self._open.append((offset, timestamp_ms, time.monotonic()))
        if self._ordered:
            self._not_out.append(offset)
        self.bytes += size

    def arrange(self, offset: int, item: T) -> list[T]:
        """Take what that record became; what may go out now, in the order the records were taken if that matters."""
        if self.broken:
            self.started -= 1
            return []
        if not self._ordered:
            return [item]
        self._early[offset] = item
        ready = []
        while self._not_out and self._not_out[0] in self._early:
            ready.append(self._early.pop(self._not_out.popleft()))
        return ready

    def finish(self, offset: int, size: int = 0) -> None:
        """That record has its outcome, and the outcome is stored."""
        self.started -= 1
        self.bytes -= size
        self.moved_at = time.monotonic()
        self._finished.add(offset)
        while self._open and self._open[0][0] in self._finished:
            done, _, _ = self._open.popleft()
            self._finished.discard(done)
            self._next_offset = done + 1

    def abandon(self) -> None:
        """A started record is left for another session, and with it all that may only go out after it.

        Where the order does not matter, what was done beside it goes out: nobody is to do it again without need.
        """
        self.started -= 1
        self.closed = True
        if self._ordered:
            self.break_off()

    def break_off(self) -> None:
        """Start nothing and let nothing go out from here on."""
        self.closed = self.broken = True
        self.started -= len(self._early)
        self._early.clear()

    def committable(self) -> int | None:
        """The next offset to read if one stopped now; ``None`` when that is already committed."""
        return None if self._next_offset == self._committed else self._next_offset

    def committed(self, next_offset: int) -> None:
        """The log has stored that offset."""
        self._committed = next_offset

    def first_unfinished(self) -> tuple[int, int] | None:
        """Offset and timestamp of the first record that is not finished."""
        return self._open[0][:2] if self._open else None

    def age(self) -> float:
        """Seconds since the first record that is not finished was taken; 0 when all are."""
        return time.monotonic() - self._open[0][2] if self._open else 0.0
