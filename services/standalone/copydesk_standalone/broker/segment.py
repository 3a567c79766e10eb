"""One file of a partition's log, with a sparse index in memory that is rebuilt when the file is opened."""

import os
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .batch import (
    CHECKED_FROM,
    HEADER_BYTES,
    LEADER_EPOCH,
    LENGTH_AT,
    PREFIX_BYTES,
    Batch,
    checksum_ok,
    read_header,
)
from .errors import KafkaError

INDEX_EVERY = 16 << 10
# macOS has no fdatasync.
force = getattr(os, "fdatasync", os.fsync)
_READ_AHEAD = 1 << 20
_AFTER_EPOCH = PREFIX_BYTES + 4


class Index:
    """Every ``INDEX_EVERY`` bytes: first offset, file position and the highest timestamp up to the next entry."""

    def __init__(self) -> None:
        self.offsets = array("q")
        self.positions = array("q")
        self.newest = array("q")

    def add(self, batch: Batch, offset: int, position: int) -> None:
        if not self.positions or position - self.positions[-1] >= INDEX_EVERY:
            newest = self.newest[-1] if self.newest else batch.max_timestamp
            self.offsets.append(offset)
            self.positions.append(position)
            self.newest.append(max(newest, batch.max_timestamp))
        elif batch.max_timestamp > self.newest[-1]:
            self.newest[-1] = batch.max_timestamp


class Segment:
    """An append-only file of batches, named after the first offset it may hold."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.base_offset = int(path.stem)
        self.index = Index()
        self.size = 0
        self._last = (self.base_offset, 0)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @property
    def newest(self) -> int:
        """The highest timestamp in the file, in ms; -1 when it is empty."""
        return self.index.newest[-1] if self.index.newest else -1

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
        in_place = (batch.base_offset, batch.leader_epoch) == (offset, LEADER_EPOCH)
        if not in_place or self.size + batch.size > os.fstat(file.fileno()).st_size:
            return None
        covered = header[CHECKED_FROM:] + file.read(batch.size - HEADER_BYTES)
        return batch if checksum_ok(batch, covered) else None

    def cut(self) -> int:
        """Truncate the file to its sound part and return how many bytes went."""
        extra = os.fstat(self._fd).st_size - self.size
        if extra > 0:
            os.ftruncate(self._fd, self.size)
        return extra

    def append(self, batch: Batch, data: memoryview, offset: int) -> None:
        """Write a batch at the end under its new offset. After an OSError the file is as it was before."""
        prefix = offset.to_bytes(8, "big") + bytes(data[LENGTH_AT:PREFIX_BYTES]) + LEADER_EPOCH.to_bytes(4, "big")
        try:
            written = os.pwritev(self._fd, (prefix, data[_AFTER_EPOCH:]), self.size)
            while written < batch.size:
                rest = (prefix + bytes(data[_AFTER_EPOCH:]))[written:]
                written += os.pwrite(self._fd, rest, self.size + written)
        except OSError:
            os.ftruncate(self._fd, self.size)
            raise
        self._note(batch, offset)

    def _note(self, batch: Batch, offset: int) -> None:
        self.index.add(batch, offset, self.size)
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
            return os.pread(self._fd, self.size - position, position)
        entry = bisect_right(self.index.positions, end) - 1
        end = self.index.positions[entry]
        if end <= position:
            end = self._end_of_whole(position, position + max_bytes)
        return os.pread(self._fd, end - position, position)

    def _end_of_whole(self, position: int, limit: int) -> int:
        end = position + self._header(position).size
        while end < self.size:
            following = end + self._header(end).size
            if following > limit:
                break
            end = following
        return end

    def first_since(self, timestamp: int) -> tuple[Batch, bytes] | None:
        """The first batch with a record at or after ``timestamp`` (ms), and its bytes."""
        entry = bisect_left(self.index.newest, timestamp)
        if entry == len(self.index.newest):
            return None
        position = self.index.positions[entry]
        while position < self.size:
            batch = self._header(position)
            if batch.max_timestamp >= timestamp:
                return batch, os.pread(self._fd, batch.size, position)
            position += batch.size
        return None

    def _header(self, position: int) -> Batch:
        return read_header(os.pread(self._fd, HEADER_BYTES, position))

    def sync(self) -> None:
        force(self._fd)

    def close(self) -> None:
        os.close(self._fd)
