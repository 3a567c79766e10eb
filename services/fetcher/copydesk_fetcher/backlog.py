"""What waits in retry topics for the turn of one host: when each entry comes back, and when its turn will be."""

from bisect import bisect_right
from collections.abc import Callable

# Entries that come back at nearly the same time are counted together, so that the list stays short.
GRAIN_SHARE = 1 / 16
LEAST_GRAIN_SECONDS = 0.5
LEAST_WAIT_SECONDS = 1.0


class Backlog:
    """The times at which entries come back, each with how many: some dozen numbers, however many entries there are.

    Times are seconds of a monotonic clock. What was put off by another process is not in here: it comes as it comes.
    """

    __slots__ = ("_counts", "_times")

    def __init__(self) -> None:
        self._times: list[float] = []
        self._counts: list[int] = []

    def size(self, now: float) -> int:
        """How many have not come back yet."""
        self._forget(now)
        return sum(self._counts)

    def add(self, now: float, first: float, pace: float, comes_back: Callable[[float], float]) -> float:
        """One more entry is put off; the seconds until its turn, as far as one can say.

        ``first`` are the seconds until whatever is in memory has had its turn, ``pace`` those that each entry takes,
        and ``comes_back`` says after how long a retry topic gives back what has so long to wait.
        Behind it in the line is only who comes back after its turn: two entries never get the same one.
        """
        self._forget(now)
        first = max(first, LEAST_WAIT_SECONDS)
        ahead = 0
        for at, count in zip(self._times, self._counts, strict=True):
            if now + first + ahead * pace < at:
                break
            ahead += count
        seconds = first + ahead * pace
        self._note(now, now + comes_back(seconds))
        return seconds

    def put_off(self, now: float, seconds: float) -> None:
        """One more entry is put off for so long, whenever its turn is."""
        self._forget(now)
        self._note(now, now + seconds)

    def _note(self, now: float, at: float) -> None:
        """Count it with those that come back a little earlier, never later: nobody is to wait for who is back."""
        place = bisect_right(self._times, at)
        grain = max((at - now) * GRAIN_SHARE, LEAST_GRAIN_SECONDS)
        if place and at - self._times[place - 1] < grain:
            self._counts[place - 1] += 1
        else:
            self._times.insert(place, at)
            self._counts.insert(place, 1)

    def _forget(self, now: float) -> None:
        past = bisect_right(self._times, now)
        del self._times[:past], self._counts[:past]
