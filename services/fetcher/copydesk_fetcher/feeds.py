"""The feeds of our partitions, as the poll loop works on them: definitions, states, and when each is due. No I/O."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from prometheus_client import Gauge

from copydesk_fetcher.schedule import Schedule
from copydesk_fetcher.shares import Definition, Due, Rebuilt, Share, host_of, hub_at, is_failing, key_of, renewed
from copydesk_fetcher.states import base, is_polled, plan, with_hub
from copydesk_fetcher.websub.subscriber import apply
from copydesk_shared.identity import canonical_url, registrable_domain
from copydesk_shared.kafka import partition_of
from copydesk_shared.log import Record
from copydesk_shared.messages import Feed, FeedState, Push

FEEDS_OWNED = Gauge("copydesk_feeds", "Feeds of our partitions; paused and disabled ones too.")
FEEDS_FAILING = Gauge(
    "copydesk_feeds_failing", "Feeds of our partitions whose last three polls failed, or that were given up."
)


@dataclass(frozen=True, slots=True)
class Change:
    """What a record did to a feed: it came (no ``before``), went (no ``after``) or is another one now."""

    feed_id: str
    number: int
    before: Definition | None
    after: Definition | None


class Feeds:
    """Feeds by id. ``partitions`` is how many the topic has, ``per_host`` the turns of a host at a time."""

    def __init__(self, partitions: int, per_host: int) -> None:
        self._partitions = partitions
        self._per_host = per_host
        self._shares: dict[int, Share] = {}
        self._home: dict[str, int] = {}
        self._hubs: dict[str, datetime] = {}
        self._failing: set[str] = set()
        self.schedule = Schedule(per_host)

    def __len__(self) -> int:
        return len(self._home)

    def __contains__(self, feed_id: str) -> bool:
        return feed_id in self._home

    @property
    def numbers(self) -> list[int]:
        """The partitions."""
        return sorted(self._shares)

    def place(self, feed: Feed) -> int:
        """The partition that the feed belongs to."""
        return partition_of(registrable_domain(feed.url), self._partitions)

    def twins(self, feed: Feed) -> list[str]:
        """Other feeds that are polled at this URL, if its place is ours. Few name its domain: only those are read."""
        share, domain = self._shares.get(self.place(feed), Share()), registrable_domain(feed.url).encode()
        near = [each.feed for key, each in share.feeds.items() if key != feed.feed_id and domain in each.raw]
        same = [each for each in near if canonical_url(each.url) == canonical_url(feed.url)]
        return [each.feed_id for each in same if is_polled(each, share.state(each.feed_id))]

    def adopt(self, rebuilt: Rebuilt) -> list[tuple[int, str]]:
        """Take over what was read. Gives the second records of feeds that lie in two partitions: they are to go."""
        self._shares = rebuilt.shares
        self._failing.clear()
        doubles = [double for due in rebuilt.due if (double := self._settle(due)) is not None]
        self._tell()
        return doubles

    def clear(self) -> None:
        """All of them are somebody else's now."""
        self._shares, self._home, self._hubs = {}, {}, {}
        self.schedule = Schedule(self._per_host)
        self._failing.clear()
        self._tell()

    def _tell(self) -> None:
        FEEDS_OWNED.set(len(self))
        FEEDS_FAILING.set(len(self._failing))

    def apply(self, record: Record) -> Change | None:
        """What a record of the feeds changes. One that came is not due before :meth:`settle`.

        A definition that comes again changes nothing, but for a feed that was given up.
        """
        share, key = self._shares.get(record.partition), key_of(record)
        if share is None:
            return None
        before = share.feeds.get(key)
        share.define(record)
        after = share.feeds.get(key)
        if before is None or after is None:
            if before is not None:
                self.forget(key, record.partition)
            return Change(key, record.partition, before, after) if (before or after) else None
        state = share.state(key)
        if before.feed == after.feed and (state is None or state.disabled is None):
            return None
        self._changed(record.partition, before.feed, after.feed)
        return Change(key, record.partition, before, after)

    def settle(self, feed_id: str, number: int, state: bytes | None) -> tuple[int, str] | None:
        """A feed that came is due from now on, with the state that came with it. Gives what :meth:`adopt` gives."""
        share = self._shares.get(number)
        if share is None or feed_id not in share.feeds:
            return None
        if state is not None:
            share.states.setdefault(feed_id, state)
        feed, known = share.feeds[feed_id].feed, share.state(feed_id)
        at = plan(feed, known, datetime.now(UTC)) if is_polled(feed, known) else None
        double = self._settle(Due(feed_id, number, at, host_of(feed, known), hub_at(known), is_failing(known)))
        self._tell()
        return double

    def _settle(self, due: Due) -> tuple[int, str] | None:
        """Of a feed that lies in two partitions, because moving it was cut short, the one at its place counts."""
        other = self._home.get(due.feed_id, due.number)
        if other != due.number:
            place = self.place(self._shares[due.number].feeds[due.feed_id].feed)
            if place != due.number:
                return self._discard(due.feed_id, due.number)
            self._discard(due.feed_id, other)
        self._home[due.feed_id] = due.number
        self._note_hub(due.feed_id, due.hub_at)
        self._note_failing(due.feed_id, due.is_failing)
        if due.at is not None:
            self.schedule.set(due.feed_id, due.at, due.host)
        return (other, due.feed_id) if other != due.number else None

    def _discard(self, feed_id: str, number: int) -> tuple[int, str]:
        self._shares[number].feeds.pop(feed_id, None)
        self._shares[number].states.pop(feed_id, None)
        return number, feed_id

    def forget(self, feed_id: str, number: int) -> None:
        """The feed is no longer in that partition."""
        if number in self._shares:
            self._discard(feed_id, number)
        if self._home.get(feed_id) == number:
            del self._home[feed_id]
            self._hubs.pop(feed_id, None)
            self._note_failing(feed_id, is_so=False)
            self.schedule.remove([feed_id])
        self._tell()

    def _changed(self, number: int, before: Feed, after: Feed) -> None:
        """Another URL makes what is known of the old one worthless; a feed that was given up gets another chance."""
        share = self._shares[number]
        state = share.state(after.feed_id)
        if state is not None and (before.url != after.url or state.disabled is not None):
            share.keep(renewed(state))
        self.again(after.feed_id, datetime.now(UTC))

    def again(self, feed_id: str, at: datetime) -> None:
        """The feed is due then, if it is polled at all."""
        number, definition = self.find(feed_id)
        if definition is None:
            return
        feed, state = definition.feed, self._shares[number].state(feed_id)
        if is_polled(feed, state):
            self.schedule.set(feed_id, at, host_of(feed, state))
        else:
            self.schedule.remove([feed_id])

    def find(self, feed_id: str) -> tuple[int, Definition | None]:
        """Where a feed lies and its definition; ``None`` when it is not ours."""
        number = self._home.get(feed_id, -1)
        share = self._shares.get(number)
        return number, share.feeds.get(feed_id) if share else None

    def state(self, feed_id: str) -> FeedState | None:
        """The state of a feed of ours."""
        share = self._shares.get(self._home.get(feed_id, -1))
        return share.state(feed_id) if share else None

    def base(self, feed: Feed) -> FeedState:
        """Its state, or the one to begin with."""
        return base(feed, self.state(feed.feed_id), datetime.now(UTC))

    def keep(self, feed_id: str, state: FeedState) -> None:
        """This is its state now."""
        share = self._shares.get(self._home.get(feed_id, -1))
        if share is not None:
            share.keep(state)
            self._note_hub(feed_id, hub_at(state))
            self._note_failing(feed_id, is_failing(state))
            self._tell()

    def _note_failing(self, feed_id: str, is_so: bool) -> None:
        (self._failing.add if is_so else self._failing.discard)(feed_id)

    def _note_hub(self, feed_id: str, at: datetime | None) -> None:
        self._hubs.pop(feed_id, None)
        if at is not None:
            self._hubs[feed_id] = at

    def take_due_hubs(self, now: datetime, most: int) -> list[str]:
        """Feeds whose hub is to be asked again by now; each is told once for each time that its state is kept."""
        due = list(islice((feed_id for feed_id, at in self._hubs.items() if at <= now), most))
        for feed_id in due:
            del self._hubs[feed_id]
        return due

    def define(self, feed_id: str, definition: Definition) -> None:
        """This is its definition now: we wrote it."""
        share = self._shares.get(self._home.get(feed_id, -1))
        if share is not None:
            share.feeds[feed_id] = definition

    def learn(self, definition: Definition, state: FeedState, push: Push | None = None) -> FeedState | None:
        """The state after a visit, or after reading a ``push``, kept; ``None`` when the feed is gone.

        What hubs said meanwhile is in the state that was kept, and what was learnt of another
        definition is worth little. That something was pushed is known once it was read, and that
        something was not pushed once it was polled: no push is read while the feed is visited.
        """
        _, current = self.find(state.feed_id)
        if current is None:
            return None
        kept = self.state(state.feed_id)
        hub = kept.hub if kept else None
        if push is not None:
            hub = apply(push, hub)
        elif hub is not None and state.hub is not None and state.hub.pushed_at is None:
            hub = hub.model_copy(update={"pushed_at": None})
        after = with_hub(current.feed, state, hub, datetime.now(UTC))
        if current.feed.url != definition.feed.url:
            after = renewed(after)
        self.keep(state.feed_id, after)
        return after
