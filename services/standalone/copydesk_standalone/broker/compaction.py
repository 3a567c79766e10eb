"""Compaction of a keyed log: of each key only the last record stays, with the offset it has.

One pass marks what is superseded, then rewrites the closed segments in groups; both run in a thread and read only
files that no longer change. What a pass knows of keys is bounded: with more of them it goes over the log again for
each further share. A tombstone stays for ``delete.retention.ms`` after the first pass that saw it, which the batch
itself remembers (KIP-534).
Source: https://kafka.apache.org/documentation/#compaction and kafka's LogCleaner.
"""

import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .batch import DELETE_HORIZON, Batch
from .codecs import CodecError
from .records import Record, payload_of, records_in, without
from .segment import ASIDE_SUFFIX, Segment, file_name

# A digest and its place take about 200 bytes.
MAX_KEYS = 200_000
PRODUCER_EXPIRES_MS = 24 * 3_600_000
_DIGEST_BYTES = 16
_ORDINAL_BITS = 40
_ORDINAL_MASK = (1 << _ORDINAL_BITS) - 1
_WRITE_BEHIND = 1 << 20


class StoppedError(Exception):
    """The broker stops; the pass is given up and what it wrote aside is of no use."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a pass has to know of its log; times are in ms.

    ``aborted`` are (producer id, first offset, offset of the marker); ``newest`` is the first offset of the last
    batch of each producer, whose place in the sequence has to stay known.
    """

    now_ms: int
    delete_retention_ms: int
    aborted: Sequence[tuple[int, int, int]] = ()
    newest: frozenset[int] = frozenset()
    max_keys: int = MAX_KEYS
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(slots=True)
class Written:
    """A compacted segment that is complete, on the disk, and not yet in its place."""

    sources: list[Segment]
    segment: Segment
    dropped_markers: list[int] = field(default_factory=list)


class Pass:
    """One compaction of ``segments``, the oldest of a log, which end before the offset ``end``.

    The first ``clean`` of them were compacted before. Everything but the constructor may run in a thread; it raises
    StoppedError and OSError.
    """

    def __init__(self, segments: Sequence[Segment], clean: int, end: int, facts: Facts) -> None:
        self._segments = list(segments)
        self._ends = [*(segment.base_offset for segment in self._segments[1:]), end]
        self._clean = clean
        self._facts = facts
        # For each segment one byte per record, in the order they are stored: whether it goes.
        self._gone = [bytearray() for _ in segments]
        self._aborted: dict[int, list[tuple[int, int]]] = {}
        for producer_id, first, marker in facts.aborted:
            self._aborted.setdefault(producer_id, []).append((first, marker))
        # Producers with a batch that stays since their last marker.
        self._with_batches: set[int] = set()

    # Marking

    def mark(self) -> None:
        """Find what is superseded; comes before ``rewrite``."""
        for segment in self._segments[self._clean :]:
            # What goes must not be off the disk before what takes its place is on it.
            segment.sync()
        shares = [_Share(1, 0, self._facts.max_keys)]
        while shares:
            self._mark(shares.pop(), shares)

    def _mark(self, share: "_Share", later: "list[_Share]") -> None:
        """Mark the records whose key falls into this share of all keys; what it cannot hold is for later."""
        for number in range(self._clean, len(self._segments)):
            for ordinal, digest in self._keys(number):
                seen = share.note(digest, number << _ORDINAL_BITS | ordinal)
                if seen is not None:
                    self._gone[seen >> _ORDINAL_BITS][seen & _ORDINAL_MASK] = 1
                if share.is_full:
                    later.append(share.halve())
        for number in range(self._clean):
            gone = self._gone[number]
            for ordinal, digest in self._keys(number):
                if digest in share.places:
                    gone[ordinal] = 1

    def _keys(self, number: int) -> Iterator[tuple[int, bytes]]:
        """Ordinal and digest of each keyed record; what no reader is to see is marked at once."""
        gone = self._gone[number]
        ordinal = -1
        for batch, data in self._segments[number].batches():
            aborted = self._is_aborted(batch)
            for record in self._records(batch, data)[1]:
                ordinal += 1
                if ordinal == len(gone):
                    gone.append(0)
                if aborted or record.key is None:
                    gone[ordinal] = 1
                else:
                    yield ordinal, hashlib.blake2b(record.key, digest_size=_DIGEST_BYTES).digest()

    def _records(self, batch: Batch, data: memoryview) -> tuple[memoryview, list[Record]]:
        """The records of a batch, none for a marker and for what cannot be read."""
        if self._facts.stop.is_set():
            raise StoppedError
        if batch.is_control:
            return _NOTHING
        try:
            payload = payload_of(batch, data)
            return payload, list(records_in(payload, batch.record_count))
        except CodecError:
            return _NOTHING

    def _is_aborted(self, batch: Batch) -> bool:
        ranges = self._aborted.get(batch.producer_id, ()) if batch.is_transactional else ()
        return any(first <= batch.base_offset < marker for first, marker in ranges)

    # Rewriting

    def groups(self, segment_bytes: int) -> list[tuple[int, int, int]]:
        """From and up to which segment each new file is made, and their bytes: small ones become one again."""
        groups: list[tuple[int, int, int]] = []
        for number, segment in enumerate(self._segments):
            first, _, size = groups[-1] if groups else (0, 0, segment_bytes)
            if groups and size + segment.size <= segment_bytes:
                groups[-1] = (first, number + 1, size + segment.size)
            else:
                groups.append((number, number + 1, segment.size))
        return groups

    def rewrite(self, first: int, end: int) -> Written | None:
        """Write what stays of a group to a file beside it; None when all of it stays. Groups go in order."""
        if end - first == 1 and self._is_unchanged(first):
            return None
        sources = self._segments[first:end]
        base = sources[0].base_offset
        path = sources[0].path.with_name(file_name(base, self._ends[end - 1]) + ASIDE_SUFFIX)
        markers: list[int] = []
        try:
            self._write(path, range(first, end), markers)
            return Written(sources, _read_back(path, base), markers)
        except (OSError, StoppedError):
            path.unlink(missing_ok=True)
            raise

    def _write(self, path: Path, numbers: range, markers: list[int]) -> None:
        with path.open("wb", buffering=_WRITE_BEHIND) as file:
            for number in numbers:
                for data in self._kept(number, markers):
                    file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def _is_unchanged(self, number: int) -> bool:
        segment = self._segments[number]
        is_due = segment.horizon is not None and segment.horizon <= self._facts.now_ms
        return number < self._clean and not (is_due or segment.is_transactional or any(self._gone[number]))

    def _kept(self, number: int, dropped_markers: list[int]) -> Iterator[bytes | memoryview]:
        position = 0
        for batch, data in self._segments[number].batches():
            if batch.is_control:
                if self._keeps_marker(batch):
                    yield data
                else:
                    dropped_markers.append(batch.base_offset)
                continue
            payload, records = self._records(batch, data)
            gone = self._gone[number][position : position + len(records)]
            position += len(records)
            left = [record for record, is_gone in zip(records, gone, strict=True) if not is_gone]
            is_readable = len(records) == batch.record_count
            kept = self._filtered(batch, data, payload, left) if is_readable else data
            if kept is not None:
                if batch.is_transactional:
                    self._with_batches.add(batch.producer_id)
                yield kept

    def _keeps_marker(self, batch: Batch) -> bool:
        """Without its marker a transaction of which a batch is left would be open for ever."""
        needed = batch.producer_id in self._with_batches
        self._with_batches.discard(batch.producer_id)
        return needed or batch.max_timestamp > self._facts.now_ms - self._facts.delete_retention_ms

    def _filtered(
        self, batch: Batch, data: memoryview, payload: memoryview, records: list[Record]
    ) -> bytes | memoryview | None:
        facts = self._facts
        has_horizon = batch.attributes & DELETE_HORIZON
        if has_horizon and batch.base_timestamp <= facts.now_ms:
            records = [record for record in records if not record.is_tombstone]
        sets_horizon = not has_horizon and any(record.is_tombstone for record in records)
        if not records and batch.base_offset not in facts.newest:
            return None
        if len(records) == batch.record_count and not sets_horizon:
            return data
        return without(batch, payload, records, facts.now_ms + facts.delete_retention_ms if sets_horizon else None)


def _read_back(path: Path, base: int) -> Segment:
    segment = Segment(path)
    for _ in segment.recover(base):
        pass
    if segment.has_more:
        raise OSError(f"{path} does not hold what was written to it")
    return segment


class _Share:
    """The place of the last record of each key, for those keys whose digest is ``share`` modulo ``count``."""

    def __init__(self, count: int, share: int, room: int) -> None:
        self._count = count
        self._share = share
        self._room = room
        self.places: dict[bytes, int] = {}

    @property
    def is_full(self) -> bool:
        return len(self.places) > self._room

    def _holds(self, digest: bytes) -> bool:
        return int.from_bytes(digest[:4]) % self._count == self._share

    def note(self, digest: bytes, place: int) -> int | None:
        """Remember a record as the last of its key; the place of the one before it."""
        if self._count > 1 and not self._holds(digest):
            return None
        seen = self.places.get(digest)
        self.places[digest] = place
        return seen

    def halve(self) -> "_Share":
        """Give up half of the keys, to the share that is returned."""
        other = _Share(2 * self._count, self._share + self._count, self._room)
        self._count *= 2
        self.places = {digest: place for digest, place in self.places.items() if self._holds(digest)}
        return other


_NOTHING: tuple[memoryview, list[Record]] = (memoryview(b""), [])
