"""Says how far a rebuild has got, where it takes long."""

import time
from collections import Counter
from collections.abc import Callable

from copydesk_shared.log import Record
from copydesk_shared.telemetry import get_logger

QUIET_SECONDS = 2.0


class Progress:
    """Counts the records that a rebuild reads, by topic; every two seconds a line says so."""

    def __init__(self, what: str, partitions: int) -> None:
        self._what = what
        self._partitions = partitions
        self._records: Counter[str] = Counter()
        self._began = self._told = time.monotonic()

    def counting(self, each: Callable[[Record], None]) -> Callable[[Record], None]:
        """The same, counted."""

        def counted(record: Record) -> None:
            self._records[record.topic] += 1
            each(record)
            self._tell()

        return counted

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told < QUIET_SECONDS:
            return
        self._told = now
        get_logger().info(
            "rebuilding", what=self._what, partitions=self._partitions, seconds=round(now - self._began, 1),
            records=dict(self._records),
        )  # fmt: skip
