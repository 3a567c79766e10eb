"""One partition on disk: segments of opaque batches, recovered after a kill, read by offset."""

import asyncio
import logging
from bisect import bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path

from .batch import Batch, end_offset
from .disk import sync_folder
from .errors import Code, KafkaError
from .files import read_json, write_json
from .isolation import Isolation
from .markers import Ending, ending_of, marker
from .producers import Producers
from .records import find_timestamp
from .segment import ASIDE_SUFFIX, Segment, file_name, is_segment

logger = logging.getLogger(__name__)

SEGMENT_BYTES = 64 << 20
SEGMENT_MS = 7 * 24 * 3_600_000
CUT_SUFFIX = ".cut"
START_FILE = "start.json"


class PartitionLog:
    """The log of one partition.

    Offsets rise, with gaps where compaction took records out: ``start_offset`` is the first that can be read and
    ``next_offset`` the one the next record gets. Every write is visible at once; ``waiters`` are called
    then. ``changing`` is held by who replaces or removes files. A segment is closed when it would grow over
    ``segment_bytes``, or when a record is ``segment_ms`` newer than its first.
    """

    def __init__(self, folder: Path, segment_bytes: int = SEGMENT_BYTES, segment_ms: int = SEGMENT_MS) -> None:
        self.folder = folder
        self.segment_bytes = segment_bytes
        self.segment_ms = segment_ms
        self.changing = asyncio.Lock()
        self._start = 0
        self._segments: list[Segment] = []
        self._unsynced: set[Segment] = set()
        self._has_new_file = False
        self.producers = Producers()
        self.isolation = Isolation()
        self.next_offset = 0
        self.waiters: set[Callable[[], None]] = set()
        folder.mkdir(parents=True, exist_ok=True)
        self._recover()

    def _recover(self) -> None:
        """Open the segments in order; at the first unsound byte the rest of the log is cut off."""
        for unfinished in self.folder.glob(f"*{ASIDE_SUFFIX}"):
            unfinished.unlink()
        segments = sorted((Segment(path) for path in self.folder.glob("*.log") if is_segment(path)), key=_range)
        compacted_to = 0
        for number, segment in enumerate(segments):
            if segment.base_offset < compacted_to:
                # What was compacted stands for this file too: a kill came before it was removed.
                segment.path.unlink()
                continue
            if not self._open(segment):
                self._set_aside(segment, segments[number + 1 :])
                break
            compacted_to = segment.end_offset or 0
        self._start_again()

    def _open(self, segment: Segment) -> bool:
        """Take in a segment that follows those before it; False when not all of it is sound."""
        if not self._segments:
            self.next_offset = segment.base_offset
        elif segment.base_offset != self.next_offset:
            return False
        self._segments.append(segment)
        for batch in segment.recover(self.next_offset):
            # Segments count a batch before they yield it.
            self._account(batch, batch.base_offset, segment.size - batch.size, segment)
        if segment.has_more:
            return False
        self.next_offset = segment.end_offset or self.next_offset
        return True

    def _set_aside(self, segment: Segment, later: list[Segment]) -> None:
        opened = segment in self._segments
        extra = segment.cut(self.next_offset) if opened else 0
        for following in later if opened else [segment, *later]:
            following.path.rename(following.path.with_suffix(CUT_SUFFIX))
        logger.warning(
            "%s: cut %d unsound bytes at the end and set %d later segments aside; the log now ends at offset %d",
            segment.path, extra, len(later) + (not opened), self.next_offset,
        )  # fmt: skip

    def _start_again(self) -> None:
        """Leave out what was deleted before the last end, and have a segment to append to."""
        self._start = int(read_json(self.folder / START_FILE).get("start", 0))
        self.next_offset = max(self.next_offset, self._start)
        last = self._segments[-1] if self._segments else None
        if last is None or last.end_offset is not None or (last.base_offset < self._start == self.next_offset):
            self._roll()
        for segment in self._cut_off(self.count_below(min(self._start, self.settled_offset))):
            segment.path.unlink()

    def _roll(self) -> Segment:
        segment = Segment(self.folder / file_name(self.next_offset))
        self._segments.append(segment)
        self._has_new_file = True
        return segment

    @property
    def start_offset(self) -> int:
        return max(self._start, self._segments[0].base_offset) if self._segments else self.next_offset

    @property
    def last_stable_offset(self) -> int:
        """The first offset of the oldest open transaction, or ``next_offset``: readers of committed data stop here."""
        return max(self.start_offset, self.settled_offset)

    @property
    def settled_offset(self) -> int:
        """The same, also when that transaction is before the start: nothing from here on may leave the disk."""
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
        if segment.size and (segment.size + batch.size > self.segment_bytes or self._is_due(segment, batch)):
            segment = self._roll()
        segment.append(batch, data, offset)
        self._unsynced.add(segment)
        self._account(batch, offset, segment.size - batch.size, segment)
        return offset

    def _is_due(self, segment: Segment, batch: Batch) -> bool:
        first = segment.first_timestamp
        return first is not None and first >= 0 and batch.max_timestamp - first > self.segment_ms

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
        for look in self.waiters:
            look()

    def _segment_of(self, offset: int) -> tuple[Segment, int] | None:
        """The segment that holds ``offset`` and the position there; None at the end of the log."""
        if not self.reaches(offset):
            raise KafkaError(Code.OFFSET_OUT_OF_RANGE, f"{offset} is outside {self.start_offset}..{self.next_offset}")
        number = bisect_right(self._segments, offset, key=lambda segment: segment.base_offset) - 1
        for segment in self._segments[number:]:
            position = segment.locate(offset)
            if position < segment.size:
                return segment, position
        return None

    def reaches(self, offset: int) -> bool:
        """Whether a reader may be at ``offset``: not before the start, not after the end, and not when closed."""
        return bool(self._segments) and self.start_offset <= offset <= self.next_offset

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
        if not data or not self.isolation.any_aborted(offset):
            return []
        return self.isolation.aborted(offset, end_offset(data))

    def at_timestamp(self, timestamp: int) -> tuple[int, int] | None:
        """(offset, timestamp) of the first record at or after ``timestamp`` (ms); None when all are older."""
        start = self.start_offset
        for segment in self._segments:
            if segment.newest < timestamp:
                continue
            for batch, data in segment.since(timestamp):
                if batch.last_offset >= start and (found := find_timestamp(batch, data, timestamp, start)):
                    return found
        return None

    def newest(self) -> tuple[int, int] | None:
        """(offset, timestamp) of the first record with the highest timestamp; None for an empty log."""
        newest = max(segment.newest for segment in self._segments)
        return None if self.next_offset == self.start_offset else self.at_timestamp(newest)

    # Files that go, and files that are replaced

    def segments(self) -> list[Segment]:
        """From the oldest to the one that is appended to."""
        return list(self._segments)

    def end_of(self, number: int) -> int:
        """Where a segment's offsets end: where the next segment begins."""
        later = self._segments[number + 1 :]
        return later[0].base_offset if later else self.next_offset

    def count_below(self, offset: int) -> int:
        """How many of the oldest segments hold nothing at or after ``offset``."""
        bases = [segment.base_offset for segment in self._segments[1:]]
        return bisect_right(bases, offset)

    async def drop(self, count: int) -> None:
        """Remove the ``count`` oldest segments; when that is all of them, the log goes on in a new one.

        Call it with ``changing`` held. Raises OSError; the log then starts later all the same.
        """
        if count == len(self._segments):
            self._roll()
        gone = self._cut_off(count)
        # From the oldest on, so that a kill leaves no hole.
        await asyncio.to_thread(_remove, gone)

    def _cut_off(self, count: int) -> list[Segment]:
        gone, self._segments = self._segments[:count], self._segments[count:]
        self._unsynced.difference_update(gone)
        self.isolation.forget_before(self.start_offset)
        self._wake()
        return gone

    async def start_at(self, offset: int) -> None:
        """Let the log start at ``offset``, also after a restart. Call it with ``changing`` held. Raises OSError."""
        await asyncio.to_thread(write_json, self.folder / START_FILE, {"start": offset})
        if self.closed:
            return
        self._start = max(self._start, offset)
        await self.drop(self.count_below(min(offset, self.settled_offset)))

    async def replace(self, old: Sequence[Segment], new: Segment, dropped_markers: Sequence[int] = ()) -> bool:
        """Put a compacted segment in the place of those it was made of; False when they are no longer there.

        Call it with ``changing`` held. Raises OSError.
        """
        if not set(old) <= set(self._segments):
            return False
        await asyncio.to_thread(new.rename, file_name(new.base_offset, new.end_offset))
        if self.closed:
            return False
        at = self._segments.index(old[0])
        self._segments[at : at + len(old)] = [new]
        # In the same turn: a reader told of an aborted transaction waits for its marker.
        self.isolation.forget(frozenset(dropped_markers))
        self._unsynced.difference_update(old)
        await asyncio.to_thread(_remove, [segment for segment in old if segment.path != new.path])
        return True

    # Forced writes

    def pending(self) -> Callable[[], None]:
        """What forces the writes made so far to the disk. See ``disk.GroupSync``."""
        written, self._unsynced = self._unsynced, set()
        folder = self.folder if self._has_new_file else None
        self._has_new_file = False

        def force() -> None:
            try:
                for segment in written:
                    segment.sync()
                if folder is not None:
                    sync_folder(folder)
            except OSError:
                self._unsynced |= written
                self._has_new_file = self._has_new_file or folder is not None
                raise

        return force

    def sync(self) -> None:
        """Ask the disk to keep what was written. Raises OSError."""
        self.pending()()

    @property
    def closed(self) -> bool:
        return not self._segments

    @property
    def is_dirty(self) -> bool:
        """Whether there are writes that the disk was not asked to keep."""
        return bool(self._unsynced)

    def close(self) -> None:
        self._segments = []
        self._unsynced = set()
        self._wake()


def _range(segment: Segment) -> tuple[int, int]:
    """Sorts segments by where they begin, and a compacted one before those it was made of."""
    return segment.base_offset, -(segment.end_offset or 0)


def _remove(segments: Sequence[Segment]) -> None:
    for segment in segments:
        segment.path.unlink(missing_ok=True)
    if segments:
        sync_folder(segments[0].path.parent)
