"""Which feed is due when."""

import heapq
from collections.abc import Collection
from datetime import UTC, datetime

# When a feed is due, its id and its host.
_Due = tuple[float, str, str]

# Rebuilding costs as much as all the feeds are, so it waits until there is as much to gain.
STALE_SHARE = 0.5
STALE_AT_LEAST = 64


class Schedule:
    """Feeds by the time they are due, the longest overdue first.

    What was taken is not there again until it is set again; setting or removing it ends its turn. Of one host no more
    than ``per_host`` feeds have a turn at a time: a host of thousands of feeds leaves places for the others.
    """

    def __init__(self, per_host: int = 2) -> None:
        self._per_host = per_host
        self._due: dict[str, _Due] = {}
        self._heap: list[_Due] = []
        self._stale = 0
        self._taken: dict[str, str] = {}
        self._busy: dict[str, int] = {}
        # Due feeds of hosts that have no turn left, a heap each. For every free turn of a host there is one in the
        # heap of all, as long as it has any.
        self._parked: dict[str, list[_Due]] = {}

    def set(self, feed_id: str, at: datetime, host: str = "") -> None:
        """This feed is due then, and not when it was due before. Without a host it shares its turns with nobody."""
        self._leave(feed_id)
        due = (at.timestamp(), feed_id, host)
        self._due[feed_id] = due
        heapq.heappush(self._heap, due)
        self._tidy()

    def remove(self, feed_ids: Collection[str]) -> None:
        """These feeds are not polled any more."""
        for feed_id in feed_ids:
            self._leave(feed_id)
        self._tidy()

    def take(self, now: datetime, limit: int) -> list[str]:
        """Up to that many feeds that are due, the longest overdue first of those whose host has a turn left."""
        moment = now.timestamp()
        taken: list[str] = []
        while len(taken) < limit and (due := self._next()) is not None and due[0] <= moment:
            heapq.heappop(self._heap)
            _, feed_id, host = due
            if host and self._busy.get(host, 0) >= self._per_host:
                heapq.heappush(self._parked.setdefault(host, []), due)
                continue
            del self._due[feed_id]
            taken.append(feed_id)
            if host:
                self._taken[feed_id] = host
                self._busy[host] = self._busy.get(host, 0) + 1
        return taken

    def next_at(self) -> datetime | None:
        """When the next feed is due whose host may have a turn; ``None`` when there is none."""
        due = self._next()
        return None if due is None else datetime.fromtimestamp(due[0], UTC)

    def _next(self) -> _Due | None:
        while self._heap and self._due.get(self._heap[0][1]) is not self._heap[0]:
            heapq.heappop(self._heap)
            self._stale -= 1
        return self._heap[0] if self._heap else None

    def _leave(self, feed_id: str) -> None:
        """Neither due nor taken: either way another feed of its host may be next."""
        due = self._due.pop(feed_id, None)
        if due is not None:
            self._stale += 1
            self._unpark(due[2])
        if (host := self._taken.pop(feed_id, None)) is not None:
            self._busy[host] -= 1
            if not self._busy[host]:
                del self._busy[host]
            self._unpark(host)

    def _unpark(self, host: str) -> None:
        parked = self._parked.get(host)
        while parked:
            due = heapq.heappop(parked)
            if self._due.get(due[1]) is due:
                heapq.heappush(self._heap, due)
                break
            self._stale -= 1
        if not parked:
            self._parked.pop(host, None)

    def _tidy(self) -> None:
        """What was replaced or removed lies in the heaps until it is met; there may be only so much of it."""
        if self._stale > STALE_AT_LEAST + STALE_SHARE * len(self._due):
            self._heap = list(self._due.values())
            heapq.heapify(self._heap)
            self._parked.clear()
            self._stale = 0

    def __len__(self) -> int:
        return len(self._due)
