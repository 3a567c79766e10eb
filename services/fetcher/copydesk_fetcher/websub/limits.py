"""What one hub, or one that pretends to be a hub, can take of us: places, memory, and room in the log."""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

KIB = 1024
BODIES = 32
BODIES_PER_FEED = 2
LEAST_CHARGE = 16 * KIB
BYTES_PER_SECOND = 16 * KIB
FEEDS_REMEMBERED = 10_000


class Full(Exception):
    """There is no room now."""


class Room:
    """Places for bodies that are being received or stored, and the bytes they hold together."""

    def __init__(self, most_bytes: int, bodies: int = BODIES, per_feed: int = BODIES_PER_FEED) -> None:
        self._free_bytes = most_bytes
        self._bodies = bodies
        self._per_feed = per_feed
        self._busy: Counter[str] = Counter()

    @contextmanager
    def place(self, feed_id: str) -> Iterator["Place"]:
        """A place for one body. Raises :class:`Full`."""
        if self._busy.total() >= self._bodies or self._busy[feed_id] >= self._per_feed:
            raise Full
        self._busy[feed_id] += 1
        place = Place(self)
        try:
            yield place
        finally:
            self._free_bytes += place.held
            self._busy[feed_id] -= 1
            self._busy += Counter()

    def take(self, size: int) -> None:
        """Raises :class:`Full` when so many bytes more are too many."""
        if size > self._free_bytes:
            raise Full
        self._free_bytes -= size


class Place:
    """One body's place in the room."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.held = 0

    def hold(self, size: int) -> None:
        """So many bytes more. Raises :class:`Full`."""
        self._room.take(size)
        self.held += size


class Allowances:
    """Bytes that a feed's hub may put into the log: at once no more than ``burst``, then so many a second.

    A token bucket for each feed; a small push counts as one of 16 KiB. The feeds not heard of longest are forgotten.
    """

    def __init__(
        self, burst: int, per_second: float = BYTES_PER_SECOND, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst = burst
        self._per_second = per_second
        self._clock = clock
        self._feeds: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_seconds(self, feed_id: str, size: int) -> float:
        """Takes the bytes and returns 0, or takes nothing and returns the seconds until there is room for them."""
        now = self._clock()
        level, at = self._feeds.pop(feed_id, (float(self._burst), now))
        level = min(level + (now - at) * self._per_second, self._burst)
        charge = min(max(size, LEAST_CHARGE), self._burst)
        enough = level >= charge
        self._feeds[feed_id] = (level - charge if enough else level, now)
        if len(self._feeds) > FEEDS_REMEMBERED:
            self._feeds.popitem(last=False)
        return 0.0 if enough else (charge - level) / self._per_second


class LastBodies:
    """A digest of what was stored last of each feed: hubs push again what they were not sure of."""

    def __init__(self) -> None:
        self._digests: OrderedDict[str, bytes] = OrderedDict()

    def has(self, feed_id: str, digest: bytes) -> bool:
        """Whether this was the last."""
        return self._digests.get(feed_id) == digest

    def remember(self, feed_id: str, digest: bytes) -> None:
        """This is the last now."""
        self._digests[feed_id] = digest
        self._digests.move_to_end(feed_id)
        if len(self._digests) > FEEDS_REMEMBERED:
            self._digests.popitem(last=False)
