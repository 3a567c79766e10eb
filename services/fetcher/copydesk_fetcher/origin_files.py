"""Files that an origin keeps for crawlers, such as robots.txt: asked for once, kept as long as their headers say."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import urlsplit

from copydesk_fetcher.responses import Fetched, Held, Refused, TooLarge, Unreachable, Unsupported

T = TypeVar("T")

OK = 200
CLIENT_ERRORS = 400
SERVER_ERRORS = 500
TOO_MANY_REQUESTS = 429
SHORTEST_SECONDS = 300.0
LONGEST_SECONDS = 24 * 3600.0
LOST_SECONDS = 30 * 24 * 3600.0
# How soon an origin that gave no usable answer is asked again.
UNKNOWN_SECONDS = 300.0
# Where it says itself how soon, it is never sooner than that.
SOONEST_SECONDS = 5.0
MIB = 1024 * 1024
# All files that are kept together. Their rules take up to forty times as much memory.
TOGETHER_BYTES = 8 * MIB


class Get(Protocol):
    """How a file is asked for: :meth:`copydesk_fetcher.http.Client.get`."""

    async def __call__(self, url: str, /, *, max_bytes: int) -> Fetched:
        """The answer, redirects followed. Raises a :class:`FetchError`."""
        ...


class Presence(Enum):
    """What an origin said when it was asked for the file."""

    FOUND = "found"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class OriginFile(Generic[T]):
    """What is known of the file of one origin. ``value`` is set when it was found, now or less than a day ago."""

    presence: Presence
    value: T | None
    until: float
    """When it is asked for again, by the clock of the cache, in seconds."""
    found_at: float = 0.0
    size: int = 0
    """Bytes, of the file as it came."""
    unknown_since: float | None = None
    """Since when it cannot be had, if it cannot."""


def origin_of(url: str) -> str:
    """Scheme and authority of an absolute URL, in lower case and without a default port (RFC 6454 section 4).

    Raises ``ValueError`` for a URL that has none.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if not host:
        raise ValueError(f"no host in URL: {url!r}")
    name = f"[{host}]" if ":" in host else host
    port = parts.port
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{name}" if port in (None, default) else f"{parts.scheme}://{name}:{port}"


def fresh_seconds(headers: Mapping[str, str], now: datetime) -> float:
    """How long an answer may be kept by its ``Cache-Control`` and ``Expires`` (RFC 9111), 5 minutes to 24 hours.

    24 hours, the most that RFC 9309 section 2.4 grants, where the server says nothing.
    """
    seconds = _declared_seconds(headers, now)
    return min(max(LONGEST_SECONDS if seconds is None else seconds, SHORTEST_SECONDS), LONGEST_SECONDS)


def _declared_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    said = {
        name.strip().lower(): value.strip().strip('"')
        for name, _, value in (part.partition("=") for part in headers.get("cache-control", "")[:1000].split(","))
    }
    if said.keys() & {"no-store", "no-cache"}:
        return 0.0
    age = said.get("max-age", "")
    if age.isascii() and age.isdigit():
        return float(age[:12])
    if "expires" not in headers:
        return None
    try:
        expires = parsedate_to_datetime(headers["expires"])
        return ((expires if expires.tzinfo else expires.replace(tzinfo=UTC)) - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return 0.0


@dataclass
class _Flight(Generic[T]):
    task: asyncio.Task[T]
    waiting: int = 0


@dataclass
class SingleFlight(Generic[T]):
    """One piece of work per key at a time: who comes later gets the result of the first."""

    _flights: dict[str, _Flight[T]] = field(default_factory=dict)

    async def run(self, key: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result for this key. The work is cancelled when nobody waits for it any more."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.create_task(work()))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                flight.task.cancel()
            if (not flight.waiting or flight.task.done()) and self._flights.get(key) is flight:
                del self._flights[key]


class OriginFiles(Generic[T]):
    """The file at one path of every origin, the most recently used ones kept.

    An origin that cannot be reached, or answers 429 or 5xx, keeps the last file it gave for a day after it gave it, and
    counts as one without the file when that has gone on for 30 days (RFC 9309 section 2.3.1.4). ``read`` makes a value
    of an answer, in a thread; ``learned`` is told of every origin that was asked; ``clock`` counts seconds.
    """

    def __init__(
        self,
        get: Get,
        path: str,
        read: Callable[[Fetched], T],
        *,
        max_bytes: int,
        learned: Callable[[str], None] = lambda _: None,
        capacity: int = 4096,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._get = get
        self._path = path
        self._read = read
        self._max_bytes = max_bytes
        self._learned = learned
        self._capacity = capacity
        self._clock = clock
        self._kept: OrderedDict[str, OriginFile[T]] = OrderedDict()
        self._bytes = 0
        self._flights: SingleFlight[OriginFile[T]] = SingleFlight()

    async def of(self, url: str) -> OriginFile[T]:
        """The file of this URL's origin. Raises :class:`Held` when the host is not to be asked for long."""
        origin = origin_of(url)
        kept = self._kept.get(origin)
        if kept is not None and kept.until > self._clock():
            self._kept.move_to_end(origin)
            return kept
        return await self._flights.run(origin, lambda: self._fetch(origin, kept))

    def found(self) -> Iterator[tuple[str, T]]:
        """The origins that are kept and have the file, each with its value."""
        return ((origin, kept.value) for origin, kept in self._kept.items() if kept.value is not None)

    def seconds_left(self, kept: OriginFile[T]) -> float:
        """How long until the origin is asked again."""
        return max(kept.until - self._clock(), 0.0)

    def __len__(self) -> int:
        return len(self._kept)

    async def _fetch(self, origin: str, last: OriginFile[T] | None) -> OriginFile[T]:
        file = await self._ask(origin, last)
        self._keep(origin, file)
        self._learned(origin)
        return file

    async def _ask(self, origin: str, last: OriginFile[T] | None) -> OriginFile[T]:
        try:
            fetched = await self._get(origin + self._path, max_bytes=self._max_bytes)
        except Held:
            raise
        except (Refused, Unsupported):
            return OriginFile(Presence.ABSENT, None, self._clock() + LONGEST_SECONDS)
        except (Unreachable, TooLarge):
            return self._unknown(last, UNKNOWN_SECONDS)
        now = datetime.now(UTC)
        if fetched.status >= SERVER_ERRORS or fetched.status == TOO_MANY_REQUESTS:
            asked = fetched.retry_after(now)
            return self._unknown(last, UNKNOWN_SECONDS if asked is None else max(asked, SOONEST_SECONDS))
        until = self._clock() + fresh_seconds(fetched.headers, now)
        if fetched.status != OK:
            return OriginFile(Presence.ABSENT, None, until)
        value = await asyncio.to_thread(self._read, fetched)
        return OriginFile(Presence.FOUND, value, until, self._clock(), len(fetched.body))

    def _unknown(self, last: OriginFile[T] | None, seconds: float) -> OriginFile[T]:
        now = self._clock()
        since = now if last is None or last.unknown_since is None else last.unknown_since
        if last is not None and last.value is not None and now - last.found_at < LONGEST_SECONDS:
            return OriginFile(Presence.FOUND, last.value, now + seconds, last.found_at, last.size, since)
        if now - since >= LOST_SECONDS:
            return OriginFile(Presence.ABSENT, None, now + seconds, unknown_since=since)
        return OriginFile(Presence.UNKNOWN, None, now + seconds, unknown_since=since)

    def _keep(self, origin: str, file: OriginFile[T]) -> None:
        old = self._kept.pop(origin, None)
        self._bytes += file.size - (old.size if old else 0)
        self._kept[origin] = file
        while len(self._kept) > self._capacity or (self._bytes > TOGETHER_BYTES and len(self._kept) > 1):
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= dropped.size
