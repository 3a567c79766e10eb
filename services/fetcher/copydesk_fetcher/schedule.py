"""Which feed is due when."""

import heapq
from collections.abc import Collection
from datetime import datetime


class Schedule:
    """Feeds by the time they are due. What was taken is not there again until it is set again."""

    def __init__(self) -> None:
        self._due: dict[str, datetime] = {}
        self._heap: list[tuple[datetime, str]] = []

    def set(self, feed_id: str, at: datetime) -> None:
        """This feed is due then, and not when it was due before."""
        self._due[feed_id] = at
        heapq.heappush(self._heap, (at, feed_id))

    def remove(self, feed_ids: Collection[str]) -> None:
        """These feeds are not polled any more."""
        for feed_id in feed_ids:
            self._due.pop(feed_id, None)

    def take(self, now: datetime, limit: int) -> list[str]:
        """Up to that many feeds that are due, the longest overdue first."""
        taken: list[str] = []
        while len(taken) < limit and (at := self.next_at()) is not None and at <= now:
            feed_id = heapq.heappop(self._heap)[1]
            del self._due[feed_id]
            taken.append(feed_id)
        return taken

    def next_at(self) -> datetime | None:
        """When the next feed is due; ``None`` when there is none."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def __len__(self) -> int:
        return len(self._due)
