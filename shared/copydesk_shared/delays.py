"""Partitions whose next record may not be tried yet."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from copydesk_shared.log import Log, Partition, Record
from copydesk_shared.retries import not_before


class Delays:
    """Holds a partition of these topics back at a record that came too early, and lets it go when the time has come.

    The record is read again then, so nothing is kept in memory meanwhile.
    """

    def __init__(self, topics: Iterable[str]) -> None:
        self._topics = frozenset(topics)
        self._until: dict[Partition, datetime] = {}

    def admit(self, log: Log, records: Iterable[Record], now: datetime) -> Iterator[Record]:
        """Those of the records that may be tried now; their partitions are read again from the first that may not."""
        held: set[Partition] = set()
        for record in records:
            if record.where in held:
                continue
            until = not_before(record) if record.topic in self._topics else None
            if until is None or until <= now:
                yield record
            else:
                held.add(record.where)
                self._until[record.where] = until
                log.rewind(record.where, record.offset)

    def held(self, now: datetime) -> set[Partition]:
        """The partitions to be held back now."""
        for where in [where for where, until in self._until.items() if until <= now]:
            del self._until[where]
        return set(self._until)

    def forget(self, partitions: Iterable[Partition]) -> None:
        """These partitions are somebody else's now."""
        for where in partitions:
            self._until.pop(where, None)
