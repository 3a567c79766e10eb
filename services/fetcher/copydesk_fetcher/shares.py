"""What the poller knows of its feeds: definitions and states by partition, as they lie on the wire.

Both stay in memory as JSON, a tenth of the size, long states packed, and are read when the feed is polled.
"""

import asyncio
import sys
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from copydesk_fetcher.progress import Progress
from copydesk_fetcher.states import is_polled, plan
from copydesk_shared.errors import Poison
from copydesk_shared.identity import registrable_domain
from copydesk_shared.log import Partition, Record
from copydesk_shared.messages import Feed, FeedState
from copydesk_shared.tables import Tables
from copydesk_shared.telemetry import get_logger
from copydesk_shared.topics import FEEDS, FEEDS_PUSHED, FEEDS_STATE
from copydesk_shared.wire import decode

SOURCE = "/copydesk/"
# A state that has come here ahead of its feed is no feed's yet.
ORPHAN_MS = 600_000
# What hubs pushed while nobody owned the partition is read again; what was read before says so.
PUSHES_AGAIN = timedelta(minutes=2)
# How long before its feed a state can have been written that came here with it.
STATE_AHEAD = timedelta(minutes=1)
MILLISECOND = timedelta(milliseconds=1)
MANY_FAILURES = 3
AT_ONCE = 50
# A state that is longer is packed in memory: one that remembers many entries shrinks to a third and a little more.
PACKED_BYTES = 1024
JSON_BEGINS = b"{"
# What a state knows of a URL, or of a definition, that is another one now.
FORGOTTEN: dict[str, Any] = {
    "etag": None, "last_modified": None, "body_digest": None, "source_url": None, "children": {}, "failures": 0,
    "failure_kind": None, "failing_since": None, "last_error": None, "disabled": None,
    "skip_hours": (), "skip_days": (),
}  # fmt: skip


class Definition(NamedTuple):
    """A feed as it is written, and who wrote it: that stays, however often we write it again."""

    raw: bytes
    writer: str

    @property
    def feed(self) -> Feed:
        """What it says."""
        return Feed.model_validate_json(self.raw)


@dataclass
class Share:
    """One partition's feeds and states, by feed id."""

    feeds: dict[str, Definition] = field(default_factory=dict)
    states: dict[str, bytes] = field(default_factory=dict)

    def define(self, record: Record) -> None:
        """Apply a record of the feeds. One that cannot be read is passed over, and the feed is gone."""
        key = key_of(record)
        self.feeds.pop(key, None)
        if record.is_tombstone:
            return
        try:
            feed = decode(FEEDS, record)
        except Poison as error:
            get_logger().warning("a feed that cannot be read is passed over", key=key, error=str(error))
            return
        writer = (record.header("ce_source") or "").removeprefix(SOURCE)
        self.feeds[feed.feed_id] = Definition(record.value or b"", sys.intern(writer or "unknown"))

    def note(self, record: Record) -> None:
        """Apply a record of the states."""
        if record.value is None:
            self.states.pop(key_of(record), None)
        else:
            self.states[key_of(record)] = _packed(record.value)

    def state(self, feed_id: str) -> FeedState | None:
        """The state of a feed; ``None`` when it has none, or none that can be read."""
        raw = self.states.get(feed_id)
        if raw is None:
            return None
        try:
            return FeedState.model_validate_json(_unpacked(raw))
        except (ValueError, zlib.error):
            get_logger().warning("a poll state that cannot be read is forgotten", feed=feed_id)
            del self.states[feed_id]
            return None

    def keep(self, state: FeedState) -> None:
        """This is the feed's state now."""
        self.states[state.feed_id] = _packed(state.model_dump_json().encode())


def _packed(raw: bytes) -> bytes:
    """JSON, packed if it is long; it begins with a brace, and what zlib makes never does. Nothing is left of others."""
    if not raw.startswith(JSON_BEGINS):
        return b""
    return zlib.compress(raw, 1) if len(raw) > PACKED_BYTES else raw


def _unpacked(kept: bytes) -> bytes:
    return kept if kept.startswith(JSON_BEGINS) else zlib.decompress(kept)


def key_of(record: Record) -> str:
    """The key as text."""
    return (record.key or b"").decode("utf-8", "replace")


def host_of(feed: Feed, state: FeedState | None) -> str:
    """The host that a poll of the feed asks."""
    return registrable_domain(state.source_url if state and state.source_url else feed.url)


def hub_at(state: FeedState | None) -> datetime | None:
    """When the feed's hub is asked again; ``None`` when it has none."""
    return state.hub.next_request_at if state is not None and state.hub is not None else None


def is_failing(state: FeedState | None) -> bool:
    """Whether the feed has been failing for some polls, or is polled no more because of that."""
    return state is not None and (state.failures >= MANY_FAILURES or state.disabled is not None)


def renewed(state: FeedState) -> FeedState:
    """The state of a feed whose definition is another one now: what it failed of may be mended."""
    return state.model_copy(update=FORGOTTEN)


class Due(NamedTuple):
    """When a feed is polled next, and when its hub is asked again."""

    feed_id: str
    number: int
    at: datetime | None
    host: str
    hub_at: datetime | None
    is_failing: bool


@dataclass
class Rebuilt:
    """What was read: the shares, where to follow the log from, when each feed is due, and states without a feed."""

    shares: dict[int, Share]
    starts: dict[Partition, int]
    due: list[Due]
    orphans: list[tuple[int, str]]


async def rebuild(tables: Tables, numbers: Collection[int]) -> Rebuilt:
    """Read the feeds and states of these partitions. Raises :class:`LogError`."""
    reading = _Reading(numbers)
    topics = (FEEDS.name, FEEDS_STATE.name)
    ends = await tables.read(topics, numbers, Progress("feeds", len(numbers)).counting(reading.take))
    pushes = await tables.since(FEEDS_PUSHED.name, numbers, datetime.now(UTC) - PUSHES_AGAIN)
    starts = {where: end for where, end in ends.items() if where[0] == FEEDS.name} | pushes
    reading.renew()
    return Rebuilt(reading.shares, starts, await _due(reading.shares), list(reading.orphans()))


async def _due(shares: dict[int, Share]) -> list[Due]:
    due = []
    for number, share in shares.items():
        for place, (feed_id, definition) in enumerate(share.feeds.items()):
            feed, state = definition.feed, share.state(feed_id)
            at = plan(feed, state, datetime.now(UTC)) if is_polled(feed, state) else None
            due.append(Due(feed_id, number, at, host_of(feed, state), hub_at(state), is_failing(state)))
            if place % AT_ONCE == 0:
                await asyncio.sleep(0)
    return due


class _Reading:
    """A rebuild while it reads, with the times of the records."""

    def __init__(self, numbers: Collection[int]) -> None:
        self.shares = {number: Share() for number in numbers}
        self._defined_ms: dict[tuple[int, str], int] = {}
        self._noted_ms: dict[tuple[int, str], int] = {}

    def take(self, record: Record) -> None:
        share, at = self.shares[record.partition], (record.partition, key_of(record))
        if record.topic == FEEDS.name:
            share.define(record)
            self._defined_ms[at] = record.timestamp_ms
        else:
            share.note(record)
            self._noted_ms[at] = record.timestamp_ms

    def renew(self) -> None:
        """A definition that is newer than the state was changed while nobody looked, unless both have just moved."""
        for (number, key), at in self._noted_ms.items():
            share, later_ms = self.shares[number], self._defined_ms.get((number, key), 0) - at
            if key not in share.feeds or later_ms <= 0:
                continue
            came_along = share.feeds[key].feed.moved_from is not None and later_ms < STATE_AHEAD / MILLISECOND
            if not came_along and (state := share.state(key)):
                share.keep(renewed(state))

    def orphans(self) -> Iterator[tuple[int, str]]:
        """States whose feed was removed while nobody looked."""
        now_ms = datetime.now(UTC).timestamp() * 1000
        for (number, key), at in self._noted_ms.items():
            share = self.shares[number]
            if key in share.states and key not in share.feeds and now_ms - at > ORPHAN_MS:
                yield number, key


async def states_of_newcomers(tables: Tables, newcomers: dict[tuple[int, str], int]) -> dict[tuple[int, str], bytes]:
    """The states that came here just before their feeds, which lay in another partition until then.

    ``newcomers`` are partitions and ids of feeds with the time of their record in milliseconds. Raises
    :class:`LogError`.
    """
    found: dict[tuple[int, str], bytes] = {}

    def look(record: Record) -> None:
        where = (record.partition, key_of(record))
        if where in newcomers:
            found.pop(where, None)
            if record.value is not None:
                found[where] = record.value

    since = datetime.fromtimestamp(min(newcomers.values()) / 1000, UTC) - STATE_AHEAD
    numbers = {number for number, _ in newcomers}
    await tables.tail(await tables.since(FEEDS_STATE.name, numbers, since), look)
    return found
