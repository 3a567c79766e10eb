"""One host (registrable domain): who waits for it, how it answers, and what follows for how fast it is asked."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from copydesk_fetcher.backlog import Backlog
from copydesk_shared.messages import HostState

LONGEST_HOLD_SECONDS = 24 * 3600.0
# A host that answers 429 or 503 again and again without saying for how long: 10 s, 20 s, 40 s, ...
SLOW_DOWN = frozenset((429, 503))
BACK_OFF_SECONDS = 5.0
LONGEST_BACK_OFF_SECONDS = 900.0
MOST_DOUBLINGS = 10
# A host that begins to answer 403 after it has answered well: a second between two starts, then two, four, ...
FORBIDDEN = 403
LONGEST_SLOWNESS = 5
# Statuses of a page, not of a mood of the host.
PLAIN_ANSWERS = frozenset((*range(200, 400), 404, 410))
# For how long a host that nobody uses is remembered to be touchy.
TOUCHY_SECONDS = 600.0
# The last turns count this much in how long a turn takes.
NEWEST_SHARE = 0.2
ERROR_CHARACTERS = 200

Turn = asyncio.Future[None]


@dataclass(slots=True)
class Host:
    """A host in use. Times are those of the monotonic clock, but for ``last_request_at``."""

    domain: str
    last_start: float
    requests: int = 0
    has_answered: bool = False
    running: int = 0
    places: int = 0
    held_until: float = 0.0
    turn_seconds: float = 0.0
    strikes: int = 0
    slowness: int = 0
    last_status: int | None = None
    last_error: str | None = None
    last_request_at: float = 0.0
    is_in_line: bool = False
    first: deque[Turn] | None = None
    pages: deque[Turn] | None = None
    backlog: Backlog | None = None
    timer: asyncio.TimerHandle | None = None
    is_news: bool = False
    said_at: float = float("-inf")
    said_queued: int = 0

    def line(self, *, patient: bool) -> deque[Turn]:
        """Who waits among the pages, or among those before them."""
        if patient:
            self.pages = deque() if self.pages is None else self.pages
            return self.pages
        self.first = deque() if self.first is None else self.first
        return self.first

    def next_turn(self) -> Turn | None:
        """Take whose turn is next out of its line."""
        for line in (self.first, self.pages):
            if line:
                return line.popleft()
        return None

    @property
    def is_wanted(self) -> bool:
        """Whether somebody waits."""
        return bool(self.first or self.pages)

    def queued(self, now: float) -> int:
        """Entries that wait, here and in retry topics."""
        away = self.backlog.size(now) if self.backlog is not None else 0
        return max(self.places - self.running, 0) + away

    def held(self) -> float:
        """For how many seconds it is still to be left alone; negative when it is not."""
        return self.held_until - time.monotonic()

    def hold(self, seconds: float) -> bool:
        """Leave it alone for that long; whether that is longer than was known."""
        until = time.monotonic() + min(seconds, LONGEST_HOLD_SECONDS)
        is_longer = until > self.held_until
        self.held_until = max(self.held_until, until)
        return is_longer

    def delay(self, wanted: float) -> float:
        """Seconds between two starts where ``wanted`` is what we and robots.txt want."""
        return max(wanted, 2.0 ** (self.slowness - 1)) if self.slowness else wanted

    def started(self) -> None:
        """A request starts."""
        self.running += 1
        self.last_start = time.monotonic()
        self.last_request_at = time.time()

    def took(self, seconds: float) -> None:
        """A turn took that long."""
        share = NEWEST_SHARE if self.turn_seconds else 1.0
        self.turn_seconds += (seconds - self.turn_seconds) * share

    def answered(self, status: int) -> float:
        """It answered with this status; for how many seconds it should be left alone.

        The first time it wants to be left alone, a short hold will do, which whoever read the answer sets.
        """
        self.requests += 1
        if (self.last_status, self.last_error) != (status, None):
            self.last_status, self.last_error, self.is_news = status, None, True
        if status in PLAIN_ANSWERS:
            self.strikes, self.slowness = 0, max(self.slowness - 1, 0)
        elif status == FORBIDDEN:
            self.slowness = min(self.slowness + 1, LONGEST_SLOWNESS) if self.has_answered else 0
        elif status in SLOW_DOWN and self.held() <= 0:
            self.strikes += 1
        self.has_answered = True
        if status not in SLOW_DOWN or self.strikes < 2:  # noqa: PLR2004 - the second time
            return 0.0
        return min(BACK_OFF_SECONDS * 2.0 ** min(self.strikes - 1, MOST_DOUBLINGS), LONGEST_BACK_OFF_SECONDS)

    def failed(self, why: str) -> None:
        """A request came to nothing."""
        self.requests += 1
        if self.last_status is not None or self.last_error is None:
            self.is_news = True
        self.last_status, self.last_error = None, why[:ERROR_CHARACTERS]

    def is_idle(self, now: float, wanted: float) -> bool:
        """Whether all there is to say of it is how often it was asked."""
        if self.running or self.places or self.is_wanted or self.held_until > now or self.queued(now):
            return False
        touchy = TOUCHY_SECONDS if self.slowness or self.strikes else 0.0
        return now - self.last_start >= max(self.delay(wanted), touchy)

    def state(self, wanted: float) -> HostState:
        """What is kept of it for whoever owns it next."""
        held, at = self.held(), self.last_request_at
        return HostState(
            domain=self.domain,
            held_until=datetime.now(UTC) + timedelta(seconds=held) if held > 0 else None,
            delay_seconds=wanted,
            queued=self.queued(time.monotonic()),
            last_status=self.last_status,
            last_error=self.last_error,
            last_request_at=datetime.fromtimestamp(at, UTC) if at else None,
            requests=self.requests,
        )
