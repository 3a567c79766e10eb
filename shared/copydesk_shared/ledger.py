"""What a stage has taken from its partitions and not finished, and the commits of what is finished."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from copydesk_shared.log import Log, Partition, Record
from copydesk_shared.telemetry import COMMIT_FAILURES, COMMITS, IN_FLIGHT
from copydesk_shared.window import Window

COMMIT_SECONDS = 0.5
# So much may wait to be handled, and as much more may be in the hands as they are many.
MOST_RECORDS = 1_000
MOST_BYTES = 16 * 1024 * 1024
BYTES_IN_HAND = 8 * 1024


class Taken(NamedTuple):
    """A record and the window it has to be finished in."""

    record: Record
    window: Window[Any]
    size: int


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a partition is behind: records, and seconds since the oldest unfinished one was written."""

    records: int
    seconds: float


class Ledger:
    """The windows of the partitions that are assigned now. ``hands`` is how many records are handled at a time."""

    def __init__(self, stage: str, *, ordered: bool = True, hands: int = 0) -> None:
        self._ordered = ordered
        self._most_records = MOST_RECORDS + hands
        self._most_bytes = MOST_BYTES + hands * BYTES_IN_HAND
        self._windows: dict[Partition, Window[Any]] = {}
        self._commit_at = 0.0
        self._full = False
        self._commits = COMMITS.labels(stage)
        self._failures = COMMIT_FAILURES.labels(stage)
        self._in_flight = IN_FLIGHT.labels(stage)

    def assign(self, partitions: Iterable[Partition]) -> None:
        """From here on these partitions, each from where the group has got to."""
        self.break_off(self._windows)
        self._windows = {where: Window(ordered=self._ordered) for where in partitions}

    def forget(self, partitions: Iterable[Partition]) -> None:
        """These partitions are somebody else's now."""
        partitions = list(partitions)
        self.break_off(partitions)
        for where in partitions:
            self._windows.pop(where, None)

    def break_off(self, partitions: Iterable[Partition]) -> None:
        """Nothing of these partitions that is not out yet goes out."""
        for window in self._of(partitions):
            window.break_off()

    def close(self, partitions: Iterable[Partition]) -> None:
        """Start no further record of these partitions."""
        for window in self._of(partitions):
            window.closed = True

    def _of(self, partitions: Iterable[Partition]) -> Iterator[Window[Any]]:
        return (self._windows[where] for where in list(partitions) if where in self._windows)

    def take(self, record: Record) -> Taken | None:
        """The record is ours to finish now; ``None`` when its partition was taken away while it was on its way."""
        window = self._windows.get(record.where)
        if window is None:
            return None
        size = len(record.value or b"")
        window.take(record.offset, size, record.timestamp_ms)
        return Taken(record, window, size)

    def room(self) -> int:
        """How many more records may be taken: a number and their bytes are bounded, whatever the lag.

        Once full, it waits until half of what may wait is handled: polling for each single record that finishes would
        cost more than the record. What the hands hold does not count for that: they may hold it for long.
        """
        size = sum(window.bytes for window in self._windows.values())
        records, spared = len(self), 0.5 if self._full else 0.0
        self._full = (
            records >= self._most_records - spared * MOST_RECORDS or size >= self._most_bytes - spared * MOST_BYTES
        )
        return 0 if self._full else self._most_records - records

    def __len__(self) -> int:
        return sum(map(len, self._windows.values()))

    def partitions(self) -> set[Partition]:
        """All that are assigned."""
        return set(self._windows)

    def started(self, partitions: Iterable[Partition]) -> int:
        """How many records of these partitions are being handled or on their way out."""
        return sum(window.started for window in self._of(partitions))

    def stuck_seconds(self) -> float:
        """For how long the slowest partition with records in hand has finished none."""
        now = time.monotonic()
        return max((now - window.moved_at for window in self._windows.values() if len(window)), default=0.0)

    def age(self) -> float:
        """Seconds since the oldest record that is not finished was taken."""
        return max((window.age() for window in self._windows.values()), default=0.0)

    def restart(self) -> dict[Partition, int]:
        """Forget what is not finished; the offsets from which it has to be read again."""
        offsets = {}
        for where, window in self._windows.items():
            if (first := window.first_unfinished()) is not None:
                offsets[where] = first[0]
                window.break_off()
                self._windows[where] = Window(ordered=self._ordered)
        return offsets

    def lags(self, positions: Mapping[Partition, tuple[int, int]]) -> dict[Partition, Lag]:
        """How far each partition is behind, given the next offset to be read and the end of each."""
        return {where: self._lag(where, *position) for where, position in positions.items() if where in self._windows}

    def _lag(self, where: Partition, position: int, end: int) -> Lag:
        first = self._windows[where].first_unfinished()
        if first is None:
            return Lag(max(0, end - position), 0.0)
        return Lag(max(0, end - first[0]), max(0.0, time.time() - first[1] / 1000) if first[1] > 0 else 0.0)

    async def commit(self, log: Log, *, now: bool = False) -> bool:
        """Commit the finished prefix of each partition, now or when it is time; whether something was committed.

        Raises :class:`LogError`.
        """
        if not now and time.monotonic() < self._commit_at:
            return False
        self._commit_at = time.monotonic() + COMMIT_SECONDS
        self._in_flight.set(len(self))
        offsets = {where: offset for where, window in self._windows.items() if (offset := window.committable())}
        if not offsets:
            return False
        if not await log.commit(offsets):
            self._failures.inc()
            return False
        self._commits.inc()
        for where, offset in offsets.items():
            if where in self._windows:
                self._windows[where].committed(offset)
        return True
