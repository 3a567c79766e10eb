"""Removes what has expired and compacts what is keyed, every now and then.

What is heavy runs in a thread and reads only files that no longer change; the event loop only swaps them.
"""

import asyncio
import logging
import shutil
import threading
import time
from dataclasses import dataclass

from .broker import Broker
from .compaction import PRODUCER_EXPIRES_MS, Facts, Pass, StoppedError
from .log import PartitionLog
from .registry import Topic
from .retention import count_expired
from .segment import Segment

logger = logging.getLogger(__name__)
# What a full disk makes the janitor say again and again.
refusals = logging.getLogger(f"{__name__}.refusals")

# Compaction writes before it removes: this much of the disk is left to the producers.
SPARE_BYTES = 64 << 20
# Consumers that wait for the broker to come back have this long until their groups count as idle.
GRACE_S = 600.0


@dataclass(frozen=True, slots=True)
class Cleanable:
    """The closed segments a pass may rewrite, how many were compacted before, and the offset they end at."""

    segments: list[Segment]
    clean: int
    end: int


class Janitor:
    """Goes over all partitions and groups of a broker. A log that the disk refuses to clean stays as it is."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._stop = threading.Event()

    async def run(self, interval_s: float) -> None:
        """Sweep until cancelled."""
        started = time.monotonic()
        try:
            while True:
                await asyncio.sleep(interval_s)
                now_ms = int(time.time() * 1000)
                await self.sweep(now_ms)
                if time.monotonic() - started > GRACE_S:
                    self.expire_groups(now_ms)
        finally:
            self._stop.set()

    async def sweep(self, now_ms: int) -> None:
        """Clean everything once, as at ``now_ms`` (since the epoch). What frees room comes first."""
        topics = list(self._broker.topics)
        for clean in (self._expire, self._compact):
            for topic in topics:
                for number, log in enumerate(list(topic.partitions)):
                    try:
                        await clean(topic, f"{topic.name}-{number}", log, now_ms)
                    except OSError as error:
                        # A topic that was deleted meanwhile has no files any more.
                        if not log.closed:
                            refusals.error("%s-%d: cannot clean: %s", topic.name, number, error)

    def expire_groups(self, now_ms: int) -> None:
        """Drop the offsets of groups that have had no members for long."""
        groups = self._broker.groups
        try:
            gone = self._broker.offsets.expire(now_ms, groups.subscribed)
        except OSError as error:
            refusals.error("cannot expire offsets: %s", error)
            return
        for group_id in gone:
            logger.info("group %s expired: it had no members for long", group_id)
        for group in groups.groups():
            if group.is_idle and not self._broker.offsets.of(group.id):
                groups.drop(group.id)

    async def _expire(self, topic: Topic, name: str, log: PartitionLog, now_ms: int) -> None:
        async with log.changing:
            if log.closed:
                return
            count = log.count_below(min(log.start_offset, log.settled_offset))
            if "delete" in topic.policies:
                limits = topic.number("retention.ms"), topic.number("retention.bytes")
                count = max(count, count_expired(log, now_ms, *limits))
            if count:
                await log.drop(count)
                logger.info("%s: %d segments expired, it starts at offset %d now", name, count, log.start_offset)

    async def _compact(self, topic: Topic, name: str, log: PartitionLog, now_ms: int) -> None:
        if log.closed or "compact" not in topic.policies:
            return
        found = cleanable(topic, log, now_ms)
        if found is None:
            return
        facts = Facts(
            now_ms,
            topic.number("delete.retention.ms"),
            tuple(log.isolation.aborts()),
            log.producers.newest_batches(now_ms - PRODUCER_EXPIRES_MS),
            stop=self._stop,
        )
        work = Pass(found.segments, found.clean, found.end, facts)
        before = sum(segment.size for segment in found.segments)
        started = time.monotonic()
        try:
            await asyncio.to_thread(work.mark)
            written = await self._rewrite(work, log)
        except StoppedError:
            return
        logger.info("%s: compacted %d bytes to %d in %.1f s", name, before, written, time.monotonic() - started)

    async def _rewrite(self, work: Pass, log: PartitionLog) -> int:
        """Swap group after group, the oldest first; returns the bytes of the new files."""
        total = 0
        for first, end, size in work.groups(log.segment_bytes):
            free = (await asyncio.to_thread(shutil.disk_usage, log.folder)).free
            if free < size + SPARE_BYTES:
                raise OSError(f"{free} bytes are left on the disk, too few to rewrite {size}")
            written = await asyncio.to_thread(work.rewrite, first, end)
            if written is None:
                total += size
                continue
            async with log.changing:
                replaced = await log.replace(written.sources, written.segment, written.dropped_markers)
            if not replaced:
                written.segment.path.unlink(missing_ok=True)
                break
            total += written.segment.size
        return total


def cleanable(topic: Topic, log: PartitionLog, now_ms: int) -> Cleanable | None:
    """What is worth a pass: enough that was never compacted, or tombstones whose time has come."""
    segments = log.segments()[:-1]
    clean = next((n for n, segment in enumerate(segments) if segment.end_offset is None), len(segments))
    settled_ms = now_ms - topic.number("min.compaction.lag.ms")
    count = clean
    while count < len(segments) and log.end_of(count) <= log.settled_offset:
        if topic.number("min.compaction.lag.ms") and segments[count].newest > settled_ms:
            break
        count += 1
    segments, dirty = segments[:count], segments[clean:count]
    if not (_is_dirty_enough(topic, segments, dirty, now_ms) or _has_expired_tombstones(segments, now_ms)):
        return None
    return Cleanable(segments, clean, log.end_of(count - 1))


def _is_dirty_enough(topic: Topic, segments: list[Segment], dirty: list[Segment], now_ms: int) -> bool:
    size = sum(segment.size for segment in dirty)
    if not size:
        return False
    oldest = dirty[0].first_timestamp
    overdue = oldest is not None and oldest >= 0 and now_ms - oldest > topic.number("max.compaction.lag.ms")
    ratio = size / sum(segment.size for segment in segments)
    return overdue or ratio > float(topic.setting("min.cleanable.dirty.ratio"))


def _has_expired_tombstones(segments: list[Segment], now_ms: int) -> bool:
    return any(segment.horizon is not None and segment.horizon <= now_ms for segment in segments)
