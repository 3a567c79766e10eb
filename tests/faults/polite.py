"""A newsroom that watches how it is asked: how many requests at a time, and how far apart they start, by host."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import NamedTuple

from tests.faults.newsroom import STORY, Newsroom

ANSWER_SECONDS = 1.0


class Start(NamedTuple):
    """A request as it came."""

    at: float
    asker: str
    path: str


class Gap(NamedTuple):
    """Two requests to one host, one after the other."""

    seconds: float
    earlier: Start
    later: Start

    @property
    def is_one_asker(self) -> bool:
        """Whether both came from one replica."""
        return self.earlier.asker == self.later.asker


class PoliteNewsroom(Newsroom):
    """Every feed has its first ``out`` stories. Answers take long enough for requests to overlap."""

    def __init__(self, total: int, per_feed: int) -> None:
        super().__init__(total, per_feed)
        self.out = 0
        self.starts: dict[str, list[Start]] = defaultdict(list)
        self.most: Counter[str] = Counter()
        self.asked: dict[int, list[float]] = defaultdict(list)
        self._busy: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def watched(self, host: str, path: str, asker: str) -> Iterator[None]:
        """See :class:`Newsroom`."""
        now = time.monotonic()
        with self._lock:
            self.starts[host].append(Start(now, asker, path))
            self._busy[host] += 1
            self.most[host] = max(self.most[host], self._busy[host])
            if story := STORY.match(path):
                self.asked[int(story[1])].append(now)
        time.sleep(ANSWER_SECONDS)
        with self._lock:
            self._busy[host] -= 1  # before the answer is out: whoever has it may ask again
        yield

    def stories_of(self, feed: int) -> range:
        """See :class:`Newsroom`."""
        first = feed * self.per_feed
        return range(first, first + min(self.out, self.per_feed))

    def gaps(self) -> list[Gap]:
        """Between the starts of each two requests to one host that follow each other; the least one first."""
        return sorted(
            Gap(later.at - earlier.at, earlier, later)
            for starts in self.starts.values()
            for earlier, later in pairwise(sorted(starts))
        )

    def requests(self) -> int:
        """How many there were."""
        return sum(map(len, self.starts.values()))

    def twice(self) -> list[int]:
        """The stories that were asked for more than once."""
        return [number for number, times in self.asked.items() if len(times) > 1]
