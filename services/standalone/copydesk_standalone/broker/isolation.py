"""What readers with the isolation level read_committed may see of one partition.

They read up to the last stable offset, below which every transaction has ended, and are told which transactions
were aborted so that they can skip those records. Nothing here is saved: it is rebuilt from the batches and markers
when a log is opened.
Source: KIP-98.
"""

from array import array
from bisect import bisect_left
from collections.abc import Collection
from typing import NamedTuple

from .batch import Batch
from .markers import Ending


class Open(NamedTuple):
    """A transaction that has records in the partition and no marker yet."""

    first_offset: int
    epoch: int


class Isolation:
    """The open and the aborted transactions of a partition, by producer id."""

    def __init__(self) -> None:
        # In the order in which they began, so that the first one holds the last stable offset.
        self.open: dict[int, Open] = {}
        # One entry in each for every aborted transaction, in the order of the markers.
        self._producers = array("q")
        self._firsts = array("q")
        self._markers = array("q")
        self._stable = array("q")

    def stored(self, batch: Batch, offset: int) -> None:
        """A batch of records was stored at ``offset``."""
        if batch.is_transactional:
            self.open.setdefault(batch.producer_id, Open(offset, batch.producer_epoch))

    def ended(self, producer_id: int, ending: Ending, offset: int) -> None:
        """A marker was stored at ``offset``."""
        began = self.open.pop(producer_id, None)
        if began is not None and ending is Ending.ABORT:
            self._producers.append(producer_id)
            self._firsts.append(began.first_offset)
            self._markers.append(offset)
            self._stable.append(self.stable(offset + 1))

    def stable(self, end: int) -> int:
        """The last stable offset of a log that ends at ``end``."""
        return next(iter(self.open.values())).first_offset if self.open else end

    def any_aborted(self, first: int) -> bool:
        """Whether a transaction with a marker at or after ``first`` was aborted."""
        return bool(self._markers) and self._markers[-1] >= first

    def aborted(self, first: int, end: int) -> list[tuple[int, int]]:
        """(producer id, first offset) of the aborted transactions with records from ``first`` up to ``end``."""
        found: list[tuple[int, int]] = []
        for number in range(bisect_left(self._markers, first), len(self._markers)):
            if self._firsts[number] < end:
                found.append((self._producers[number], self._firsts[number]))
            if self._stable[number] >= end:
                # Whatever was aborted later began at or after the last stable offset of this moment.
                break
        return found

    def aborts(self) -> list[tuple[int, int, int]]:
        """Every aborted transaction: producer id, first offset, and the offset of its marker."""
        return list(zip(self._producers, self._firsts, self._markers, strict=True))

    def forget(self, markers: Collection[int]) -> None:
        """Forget the transactions whose markers, at these offsets, were compacted away with their records."""
        kept = [number for number, marker in enumerate(self._markers) if marker not in markers]
        for column in (self._producers, self._firsts, self._markers, self._stable):
            column[:] = array("q", [column[number] for number in kept])

    def forget_before(self, offset: int) -> None:
        """Forget the transactions aborted before ``offset``, where the log now starts."""
        gone = bisect_left(self._markers, offset)
        for column in (self._producers, self._firsts, self._markers, self._stable):
            del column[:gone]
