"""Which of the oldest segments of a log may go, as kafka's UnifiedLog decides it.

Source: https://kafka.apache.org/documentation/#topicconfigs_retention.ms and retention.bytes
"""

from .log import PartitionLog


def count_expired(log: PartitionLog, now_ms: int, retention_ms: int, retention_bytes: int) -> int:
    """How many of the oldest segments are too old or too much. A negative limit is none.

    A segment is as old as its newest record; one that compaction left empty keeps nothing. What is not yet settled
    stays, and so does an empty segment that is appended to.
    """
    segments = log.segments()
    sizes = [segment.size for segment in segments]
    settled = log.settled_offset
    surplus = sum(sizes) - retention_bytes
    by_age = by_size = True
    for number, segment in enumerate(segments):
        is_idle = number == len(segments) - 1 and not segment.size
        newest = segment.newest if segment.newest >= 0 else segment.modified_ms
        surplus -= segment.size
        by_age = by_age and retention_ms >= 0 and (not segment.size or now_ms - newest > retention_ms)
        by_size = by_size and retention_bytes >= 0 and surplus >= 0
        if is_idle or log.end_of(number) > settled or not (by_age or by_size):
            return number
    return len(segments)
