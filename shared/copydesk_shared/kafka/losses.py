"""Noticing records that the brokers deleted before they were read.

A reader whose place is no longer there is sent on to the first record that is, and nothing says so. Offsets alone do
not tell either: compaction and transactions leave gaps that held nothing to lose. But where the first offset of a
partition has moved past the next one to be read, what lay between is gone.
"""

from collections.abc import Mapping

from aiokafka import TopicPartition

from copydesk_shared.telemetry import RECORDS_LOST, get_logger


class Losses:
    """The gaps between what a group has read and what it reads next."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._gaps: dict[TopicPartition, tuple[int, int]] = {}

    def gap(self, where: TopicPartition, expected: int, found: int) -> None:
        """Reading went on at ``found`` where ``expected`` was next."""
        first, _ = self._gaps.get(where, (expected, found))
        self._gaps[where] = (first, found)

    def check(self, firsts: Mapping[TopicPartition, int], expected: Mapping[TopicPartition, int]) -> dict[str, int]:
        """Tell and count what is lost, by topic, given each partition's first offset and the next one to be read.

        The numbers are upper bounds: of a compacted topic, or one with transactions, not every offset is a record.
        """
        lost: dict[str, int] = {}
        for where, first in firsts.items():
            start, end = self._gaps.pop(where, (expected.get(where, first), first))
            count = min(first, end) - start
            if count > 0:
                lost[where.topic] = lost.get(where.topic, 0) + count
                self._tell(where, start, count)
        return lost

    def _tell(self, where: TopicPartition, start: int, count: int) -> None:
        RECORDS_LOST.labels(self._group, where.topic).inc(count)
        get_logger().error(
            "records were deleted before they were read: retention is too short or the stage was away for too long",
            group=self._group, topic=where.topic, partition=where.partition, first=start, up_to=count,
        )  # fmt: skip
