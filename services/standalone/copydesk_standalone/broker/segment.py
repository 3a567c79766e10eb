"""One file of a partition's log, with a sparse index in memory that is rebuilt when the file is opened.

``BASE.log`` holds every offset from BASE on. ``BASE-END.log`` was compacted: it holds what is left of the offsets from
BASE up to END, and stands for every file that began in that range.
"""

import os
import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .batch import (
    CHECKED_FROM,
    DELETE_HORIZON,
    HEADER_BYTES,
    LEADER_EPOCH,
    LENGTH_AT,
    PREFIX_BYTES,
    Batch,
    checksum_ok,
    read_header,
)
from .disk import OpenFile, sync_folder
from .errors import KafkaError

INDEX_EVERY = 16 << 10
ASIDE_SUFFIX = ".aside"
_NAME = re.compile(r"\d{20}(-\d{20})?\.log")
_READ_AHEAD = 1 << 20
_AFTER_EPOCH = PREFIX_BYTES + 4


class Index:
    """Every ``INDEX_EVERY`` bytes: first offset, file position and the highest timestamp up to the next entry."""

    def __init__(self) -> None:
        self.offsets = array("q")
        self.positions = array("q")
        self.newest = array("q")

    def add(self, batch: Batch, offset: int, position: int) -> None:
        # A batch that compaction left without records has no time.
        at = batch.max_timestamp if batch.record_count else -1
        if not self.positions or position - self.positions[-1] >= INDEX_EVERY:
            newest = self.newest[-1] if self.newest else at
            self.offsets.append(offset)
            self.positions.append(position)
            self.newest.append(max(newest, at))
        elif at > self.newest[-1]:
            self.newest[-1] = at


def file_name(base: int, end: int | None = None) -> str:
    """The name of a segment; ``end`` makes it that of a compacted one."""
    return f"{base:020d}.log" if end is None else f"{base:020d}-{end:020d}.log"


def is_segment(path: Path) -> bool:
    return _NAME.fullmatch(path.name) is not None


class Segment:
    """A file of batches, named after the offsets it may hold: see the top of this module.

    ``end_offset`` is None but for a compacted segment. ``first_timestamp`` is that of the first batch, ``horizon``
    the earliest time at which a tombstone may go, both in ms.
    """

    def __init__(self, path: Path) -> None:
        base, _, end = path.name.split(".")[0].partition("-")
        self.path = path
        self.base_offset = int(base)
        self.end_offset = int(end) if end else None
        self.index = Index()
        self.size = 0
        self.first_timestamp: int | None = None
        self.horizon: int | None = None
        self.is_transactional = False
        self._last = (self.base_offset, 0)
        self._file = OpenFile(path)

    @property
    def newest(self) -> int:
        """The highest timestamp in the file, in ms; -1 when it is empty."""
        return self.index.newest[-1] if self.index.newest else -1

    @property
    def modified_ms(self) -> int:
        """When the file was last written to, in ms since the epoch."""
        return os.fstat(self._file.fd).st_mtime_ns // 1_000_000

    def recover(self, next_offset: int) -> Iterator[Batch]:
        """Index the file, yielding each sound batch; stops before the first that is not. See ``cut``."""
        with self.path.open("rb", buffering=_READ_AHEAD) as file:
            while (batch := self._sound_batch(file, next_offset)) is not None:
                self._note(batch, batch.base_offset)
                next_offset = batch.last_offset + 1
                yield batch

    def _sound_batch(self, file: BinaryIO, offset: int) -> Batch | None:
        """The next batch of the file if all of it is there and is what was written at ``offset``."""
        header = file.read(HEADER_BYTES)
        try:
            batch = read_header(header)
        except KafkaError:
            return None
        # The checksum covers neither the offset nor the epoch, and a length must not make us read at will.
        in_place = self._is_in_place(batch, offset) and batch.leader_epoch == LEADER_EPOCH
        if not in_place or self.size + batch.size > os.fstat(file.fileno()).st_size:
            return None
        covered = header[CHECKED_FROM:] + file.read(batch.size - HEADER_BYTES)
        return batch if checksum_ok(batch, covered) else None

    def _is_in_place(self, batch: Batch, offset: int) -> bool:
        if self.end_offset is None:
            return batch.base_offset == offset
        # Compaction leaves gaps.
        return offset <= batch.base_offset and batch.last_offset < self.end_offset

    @property
    def has_more(self) -> bool:
        """Whether the file goes on after what was found to be sound."""
        return os.fstat(self._file.fd).st_size > self.size

    def cut(self, next_offset: int) -> int:
        """Truncate the file to its sound part, which ends before ``next_offset``; returns how many bytes went."""
        extra = os.fstat(self._file.fd).st_size - self.size
        os.ftruncate(self._file.fd, self.size)
        if self.end_offset is not None:
            self.end_offset = next_offset
            self.rename(file_name(self.base_offset, next_offset))
        return extra

    def rename(self, name: str) -> None:
        """Give the file its name for good; a file that had it is gone. Raises OSError."""
        self.path = self.path.replace(self.path.with_name(name))
        sync_folder(self.path.parent)

    def append(self, batch: Batch, data: memoryview, offset: int) -> None:
        """Write a batch at the end under its new offset. After an OSError the file is as it was before."""
        prefix = offset.to_bytes(8, "big") + bytes(data[LENGTH_AT:PREFIX_BYTES]) + LEADER_EPOCH.to_bytes(4, "big")
        try:
            written = os.pwritev(self._file.fd, (prefix, data[_AFTER_EPOCH:]), self.size)
            while written < batch.size:
                rest = (prefix + bytes(data[_AFTER_EPOCH:]))[written:]
                written += os.pwrite(self._file.fd, rest, self.size + written)
        except OSError:
            os.ftruncate(self._file.fd, self.size)
            raise
        self._note(batch, offset)

    def _note(self, batch: Batch, offset: int) -> None:
        self.index.add(batch, offset, self.size)
        if self.first_timestamp is None:
            self.first_timestamp = batch.max_timestamp
        if batch.attributes & DELETE_HORIZON:
            self.horizon = min(batch.base_timestamp, batch.base_timestamp if self.horizon is None else self.horizon)
        self.is_transactional = self.is_transactional or batch.is_transactional
        self._last = (offset, self.size)
        self.size += batch.size

    def locate(self, offset: int) -> int:
        """The position of the batch that holds ``offset``, or of the next one; ``size`` when there is none."""
        last_offset, last_position = self._last
        if offset >= last_offset and self.size:
            batch = self._header(last_position)
            return last_position if batch.last_offset >= offset else self.size
        entry = max(bisect_right(self.index.offsets, offset) - 1, 0)
        position = self.index.positions[entry] if self.index.positions else 0
        while position < self.size:
            batch = self._header(position)
            if batch.last_offset >= offset:
                break
            position += batch.size
        return position

    def read(self, position: int, max_bytes: int) -> bytes:
        """Whole batches from ``position``, about ``max_bytes`` of them but at least one."""
        end = position + max_bytes
        if end >= self.size:
            return os.pread(self._file.fd, self.size - position, position)
        entry = bisect_right(self.index.positions, end) - 1
        end = self.index.positions[entry]
        if end <= position:
            end = self._end_of_whole(position, position + max_bytes)
        return os.pread(self._file.fd, end - position, position)

    def _end_of_whole(self, position: int, limit: int) -> int:
        end = position + self._header(position).size
        while end < self.size:
            following = end + self._header(end).size
            if following > limit:
                break
            end = following
        return end

    def since(self, timestamp: int) -> Iterator[tuple[Batch, bytes]]:
        """The batches with a record at or after ``timestamp`` (ms), and their bytes."""
        entry = bisect_left(self.index.newest, timestamp)
        position = self.index.positions[entry] if entry < len(self.index.positions) else self.size
        while position < self.size:
            batch = self._header(position)
            if batch.max_timestamp >= timestamp:
                yield batch, os.pread(self._file.fd, batch.size, position)
            position += batch.size

    def batches(self) -> Iterator[tuple[Batch, memoryview]]:
        """Every batch and its bytes. May run in a thread while nothing is appended."""
        position = 0
        while position < self.size:
            data = memoryview(self.read(position, _READ_AHEAD))
            position += len(data)
            while data:
                batch = read_header(data)
                yield batch, data[: batch.size]
                data = data[batch.size :]

    def _header(self, position: int) -> Batch:
        return read_header(os.pread(self._file.fd, HEADER_BYTES, position))

    def sync(self) -> None:
        self._file.force()
