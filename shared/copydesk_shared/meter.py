"""What a stage says of its work in metrics, and whether it is stuck."""

import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime

from copydesk_shared.attempts import Ending
from copydesk_shared.ledger import Lag
from copydesk_shared.log import Partition
from copydesk_shared.telemetry import (
    BATCH_AGE_SECONDS,
    END_TO_END_SECONDS,
    LAG_RECORDS,
    LAG_SECONDS,
    PRODUCERS_RENEWED,
    REBALANCES,
    RECORDS,
    STUCK_SECONDS,
    get_logger,
)


class Meter:
    """Counts outcomes as they come, and says how far behind the partitions are."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._counts: Counter[tuple[str, str]] = Counter()
        self._end_to_end = END_TO_END_SECONDS.labels(stage)
        self._moved_at = time.monotonic()
        self._known: set[Partition] = set()

    def arrived(self, published_at: datetime) -> None:
        """An article of that time has come to its end."""
        self._end_to_end.observe(max(0.0, (datetime.now(UTC) - published_at).total_seconds()))

    def count(self, ending: Ending) -> None:
        """A record has ended so. It shows when the counts are published."""
        self._counts[ending.kind, ending.reason] += 1
        if ending.published_at is not None:
            self.arrived(ending.published_at)

    def publish(self) -> None:
        """Let the counts show: many at a time, because a counter of Prometheus takes a lock for each."""
        for (kind, reason), count in self._counts.items():
            RECORDS.labels(self._stage, kind, reason).inc(count)
        self._counts.clear()

    def assigned(self, partitions: Iterable[Partition]) -> None:
        """A rebalance gave us these partitions; what was said of others is taken back."""
        partitions = list(partitions)
        get_logger().info(
            "partitions assigned", stage=self._stage, partitions=dict(Counter(topic for topic, _ in sorted(partitions)))
        )
        REBALANCES.labels(self._stage).inc()
        self._moved_at = time.monotonic()
        for topic, number in self._known - set(partitions):
            for gauge in (LAG_RECORDS, LAG_SECONDS):
                gauge.remove(self._stage, topic, str(number))
        self._known = set()

    def committed(self) -> None:
        """Something was committed: the stage moves."""
        self._moved_at = time.monotonic()

    def producer_renewed(self) -> None:
        """The brokers had refused the producer."""
        PRODUCERS_RENEWED.labels(self._stage).inc()

    def observe(
        self, lags: Mapping[Partition, Lag], held: Collection[Partition], stuck_seconds: float = 0.0, age: float = 0.0
    ) -> None:
        """So far are the partitions behind. Those that are held back on purpose do not count as work to do."""
        for where, lag in lags.items():
            self._known.add(where)
            labels = (self._stage, where[0], str(where[1]))
            LAG_RECORDS.labels(*labels).set(lag.records)
            LAG_SECONDS.labels(*labels).set(lag.seconds)
        STUCK_SECONDS.labels(self._stage).set(stuck_seconds)
        BATCH_AGE_SECONDS.labels(self._stage).set(age)
        if not any(lag.records for where, lag in lags.items() if where not in held):
            self._moved_at = time.monotonic()

    def is_stuck(self, seconds: float) -> bool:
        """Whether there is work, and nothing was committed for that long."""
        return time.monotonic() - self._moved_at >= seconds
