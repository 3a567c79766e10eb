"""One partition on disk: segments of opaque batches, recovered after a kill, read by offset."""

import asyncio
import logging
import os
from bisect import bisect_right
from pathlib import Path

from .batch import Batch, end_offset, find_timestamp
from .errors import Code, KafkaError
from .isolation import Isolation
from .markers import Ending, ending_of, marker
from .producers import Producers
from .segment import Segment

logger = logging.getLogger(__name__)

SEGMENT_BYTES = 64 << 20
CUT_SUFFIX = ".cut"


class PartitionLog:
    """The log of one partition.

    Offsets are contiguous: ``start_offset`` is the first that can be read and ``next_offset`` the one the next
    record gets. Every write is visible at once; ``waiters`` are the fetches to wake then.
    """

    def __init__(self, folder: Path, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._segments: list[Segment] = []
        self._unsynced: set[Segment] = set()
        self._has_new_file = False
        self.producers = Producers()
        self.isolation = Isolation()
        self.next_offset = 0
        self.waiters: set[asyncio.Future[None]] = set()
        folder.mkdir(parents=True, exist_ok=True)
        self._recover()

    def _recover(self) -> None:
        """Open the segments in order; at the first unsound byte the rest of the log is cut off."""
        paths = sorted(self._folder.glob("*.log"))
        for number, path in enumerate(paths):
            segment = Segment(path)
            if not self._segments:
                self.next_offset = segment.base_offset
            self._segments.append(segment)
            for batch in segment.recover(self.next_offset):
                # Segments count a batch before they yield it.
                self._account(batch, batch.base_offset, segment.size - batch.size, segment)
            extra = segment.cut()
            if extra > 0:
                self._set_aside(path, extra, paths[number + 1 :])
                break
        if not self._segments:
            self._roll()

    def _set_aside(self, path: Path, extra: int, later: list[Path]) -> None:
        for following in later:
            following.rename(following.with_suffix(CUT_SUFFIX))
        logger.warning(
            "%s: cut %d unsound bytes at the end and set %d later segments aside; the log now ends at offset %d",
            path, extra, len(later), self.next_offset,
        )  # fmt: skip

    def _roll(self) -> Segment:
        segment = Segment(self._folder / f"{self.next_offset:020d}.log")
        self._segments.append(segment)
        self._has_new_file = True
        return segment

    @property
    def start_offset(self) -> int:
        return self._segments[0].base_offset

    @property
    def last_stable_offset(self) -> int:
        """The first offset of the oldest open transaction, or ``next_offset``: readers of committed data stop here."""
        return self.isolation.stable(self.next_offset)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(segment.size for segment in self._segments)

    def append(self, batches: list[tuple[Batch, memoryview]]) -> int:
        """Store checked batches and return the offset of the first record.

        A batch that an idempotent producer sends again keeps the offset it has. Raises KafkaError for a gap in the
        producer's sequence and OSError when the disk refuses; what went before in the same call stays stored.
        """
        first: int | None = None
        for batch, data in batches:
            known = self.producers.check(batch)
            offset = self._store(batch, data) if known is None else known
            first = offset if first is None else first
        self._wake()
        return self.next_offset if first is None else first

    def _store(self, batch: Batch, data: memoryview) -> int:
        offset = self.next_offset
        segment = self._segments[-1]
        if segment.size and segment.size + batch.size > self._segment_bytes:
            segment = self._roll()
        segment.append(batch, data, offset)
        self._unsynced.add(segment)
        self._account(batch, offset, segment.size - batch.size, segment)
        return offset

    def _account(self, batch: Batch, offset: int, position: int, segment: Segment) -> None:
        """Learn from a batch that was stored what its producer and its transaction are up to."""
        self.next_offset = offset + batch.last_offset_delta + 1
        if batch.is_control:
            self.producers.ended(batch)
            self.isolation.ended(batch.producer_id, ending_of(segment.read(position, batch.size)), offset)
            self.isolation.forget_before(self.start_offset)
        else:
            self.producers.remember(batch, offset)
            self.isolation.stored(batch, offset)

    def mark(self, producer_id: int, epoch: int, ending: Ending, now_ms: int) -> int:
        """End a producer's transaction in this partition; the offset of the marker. Raises OSError."""
        offset = self._store(*marker(producer_id, epoch, ending, now_ms))
        self._wake()
        return offset

    def _wake(self) -> None:
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _segment_of(self, offset: int) -> tuple[Segment, int] | None:
        """The segment that holds ``offset`` and the position there; None at the end of the log."""
        if not self.start_offset <= offset <= self.next_offset:
            raise KafkaError(Code.OFFSET_OUT_OF_RANGE, f"{offset} is outside {self.start_offset}..{self.next_offset}")
        number = bisect_right(self._segments, offset, key=lambda segment: segment.base_offset) - 1
        for segment in self._segments[number:]:
            position = segment.locate(offset)
            if position < segment.size:
                return segment, position
        return None

    def available(self, offset: int, *, committed: bool = False) -> int:
        """How many bytes a reader at ``offset`` has before it, in the segment it is in."""
        segment, position, end = self._span(offset, committed=committed)
        return end - position if segment else 0

    def read(self, offset: int, max_bytes: int, *, committed: bool = False) -> bytes:
        """Whole batches, the first of which holds ``offset``; at least one unless the log ends there.

        With ``committed`` it ends at the last stable offset. Raises KafkaError when the offset is out of range.
        """
        segment, position, end = self._span(offset, committed=committed)
        return segment.read(position, min(max_bytes, end - position)) if segment else b""

    def _span(self, offset: int, *, committed: bool) -> tuple[Segment | None, int, int]:
        """The segment to read from and the positions there between which the reader may read."""
        stable = self.last_stable_offset if committed else self.next_offset
        place = self._segment_of(offset)
        if place is None or offset >= stable:
            return None, 0, 0
        # A transaction begins with a batch, so the last stable offset never lies inside one.
        return *place, place[0].size if stable == self.next_offset else place[0].locate(stable)

    def aborted(self, offset: int, data: bytes) -> list[tuple[int, int]]:
        """(producer id, first offset) of the aborted transactions a reader needs for ``data``, read at ``offset``."""
        return self.isolation.aborted(offset, end_offset(data)) if data else []

    def at_timestamp(self, timestamp: int) -> tuple[int, int] | None:
        """(offset, timestamp) of the first record at or after ``timestamp`` (ms); None when all are older."""
        for segment in self._segments:
            if segment.newest >= timestamp:
                found = segment.first_since(timestamp)
                if found:
                    return find_timestamp(*found, timestamp)
        return None

    def newest(self) -> tuple[int, int] | None:
        """(offset, timestamp) of the first record with the highest timestamp; None for an empty log."""
        newest = max(segment.newest for segment in self._segments)
        return None if self.next_offset == self.start_offset else self.at_timestamp(newest)

    def sync(self) -> None:
        """Ask the disk to keep what was written. Raises OSError."""
        for segment in list(self._unsynced):
            segment.sync()
            self._unsynced.discard(segment)
        if self._has_new_file:
            self._has_new_file = False
            sync_folder(self._folder)

    @property
    def closed(self) -> bool:
        return not self._segments

    @property
    def is_dirty(self) -> bool:
        """Whether there are writes that the disk was not asked to keep."""
        return bool(self._unsynced)

    def close(self) -> None:
        for segment in self._segments:
            segment.close()
        self._segments = []
        self._wake()


def sync_folder(folder: Path) -> None:
    """Make a rename or a new file in ``folder`` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
