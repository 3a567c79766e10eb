"""Which offsets of a partition are finished: only a contiguous prefix may be committed."""

from collections import deque


class Window:
    """The records of one partition that were taken, in offset order, until they are finished and committed."""

    def __init__(self) -> None:
        self._open: deque[int] = deque()
        self._finished: set[int] = set()
        self._next_offset: int | None = None
        self._committed: int | None = None

    def take(self, offset: int) -> None:
        """A record was taken. Offsets come in rising order, gaps allowed (compaction, transaction markers)."""
        self._open.append(offset)

    def finish(self, offset: int) -> None:
        """That record has its outcome."""
        self._finished.add(offset)
        while self._open and self._open[0] in self._finished:
            done = self._open.popleft()
            self._finished.discard(done)
            self._next_offset = done + 1

    def committable(self) -> int | None:
        """The next offset to read if one stopped now; ``None`` when that is already committed."""
        return None if self._next_offset == self._committed else self._next_offset

    def committed(self, next_offset: int) -> None:
        """The log has stored that offset."""
        self._committed = next_offset

    def __len__(self) -> int:
        return len(self._open)
