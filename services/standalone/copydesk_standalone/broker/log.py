"""One partition on disk: segments of opaque batches, recovered after a kill, read by offset."""

import asyncio
import logging
import os
from bisect import bisect_right
from pathlib import Path

from .batch import Batch, find_timestamp
from .errors import Code, KafkaError
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
                self.producers.remember(batch, batch.base_offset)
                self.next_offset = batch.last_offset + 1
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
        self.producers.remember(batch, offset)
        self.next_offset = offset + batch.last_offset_delta + 1
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

    def available(self, offset: int) -> int:
        """How many bytes a reader at ``offset`` has before it, in the segment it is in."""
        if offset == self.next_offset:
            return 0
        place = self._segment_of(offset)
        return place[0].size - place[1] if place else 0

    def read(self, offset: int, max_bytes: int) -> bytes:
        """Whole batches, the first of which holds ``offset``; at least one unless the log ends there.

        Raises KafkaError when the offset is out of range.
        """
        if offset == self.next_offset:
            return b""
        place = self._segment_of(offset)
        return place[0].read(place[1], max_bytes) if place else b""

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
