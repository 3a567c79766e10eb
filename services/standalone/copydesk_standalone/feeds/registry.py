"""The feeds as the topics have them: definitions, poll states, and what is known of their hosts."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Any, Generic, TypeVar

from copydesk_fetcher.states import is_polled
from copydesk_shared.brokers import Brokers
from copydesk_shared.errors import InputError, Poison
from copydesk_shared.feed_records import Known, address, addresses, known_feeds
from copydesk_shared.identity import registrable_domain
from copydesk_shared.kafka import KafkaTables, connect, read_partitions, see_topics
from copydesk_shared.log import Log, Outgoing, Record
from copydesk_shared.message import Message
from copydesk_shared.messages import Feed, FeedState, HostState
from copydesk_shared.topics import FEEDS, FEEDS_STATE, HOSTS_STATE, Topic
from copydesk_shared.wire import decode
from copydesk_standalone.feeds.spelling import spelt_out

WRITER = "feeds-command"
SHOWN_CHARACTERS = 200
# What takes most room in a state.
LEFT_OUT: Mapping[str, Any] = {"seen": {}, "children": {}}

M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class Registry:
    """What the topics say, by feed id and by domain."""

    feeds: Mapping[str, Known]
    states: Mapping[str, FeedState] = field(default_factory=dict)
    hosts: Mapping[str, HostState] = field(default_factory=dict)

    def of(self, wanted: str) -> Known:
        """The feed with this id, or with this URL. Raises :class:`InputError`, also where several have that URL."""
        known = self.feeds.get(wanted)
        found = [known] if known else self.at(spelt_out(wanted))
        if not found:
            raise InputError(f"there is no feed {wanted[:SHOWN_CHARACTERS]!r}; {self._hint(wanted)}")
        if len(found) > 1:
            ids = ", ".join(each.feed.feed_id for each in found)
            raise InputError(f"{len(found)} feeds have the URL {wanted[:SHOWN_CHARACTERS]}; name them by id: {ids}")
        return found[0]

    def _hint(self, wanted: str) -> str:
        names = {known.feed.name.lower(): key for key, known in self.feeds.items()}
        urls = {known.feed.url: known.feed.url for known in self.feeds.values()}
        for spellings in ({key: key for key in self.feeds}, urls, names):
            close = get_close_matches(wanted.lower()[:SHOWN_CHARACTERS], spellings, n=1, cutoff=0.7)
            if close:
                return f"did you mean {spellings[close[0]]!r}?"
        return "`copydesk feeds list` has them all"

    def by_name(self) -> list[Feed]:
        """All feeds."""
        return sorted((known.feed for known in self.feeds.values()), key=lambda feed: (feed.name.lower(), feed.url))

    def at(self, url: str) -> list[Known]:
        """The feeds that have this URL, or had it before they moved."""
        return [self.feeds[key] for key in self._addresses.get(address(url), ())]

    @cached_property
    def _addresses(self) -> Mapping[str, Collection[str]]:
        return addresses(self.feeds)

    def twins(self, feed: Feed) -> list[str]:
        """The ids of other feeds that are polled at the same URL, where they have moved to, if this one is polled."""
        here = address(feed.url)
        if not self._is_polled(feed):
            return []
        others = [known.feed for known in self.at(feed.url) if known.feed.feed_id != feed.feed_id]
        return [each.feed_id for each in others if address(each.url) == here and self._is_polled(each)]

    def _is_polled(self, feed: Feed) -> bool:
        return is_polled(feed, self.states.get(feed.feed_id))

    def host_of(self, feed: Feed) -> HostState | None:
        """What is known of the feed's domain."""
        try:
            return self.hosts.get(registrable_domain(feed.url))
        except ValueError:
            return None


class Last(Generic[M]):
    """The last message of each key in each partition. Tombstones and what cannot be read take the key away.

    What moves has its tombstone in the partition it left: partitions say nothing of each other's keys. ``keep`` says
    what of a message is kept.
    """

    def __init__(self, topic: Topic[M], keep: Callable[[M], M] = lambda message: message) -> None:
        self._topic = topic
        self._keep = keep
        self._found: dict[tuple[str, int], tuple[int, M]] = {}

    def take(self, record: Record) -> None:
        """The next record of its partition."""
        where = (record.key or b"").decode("utf-8", "replace"), record.partition
        self._found.pop(where, None)
        if not record.is_tombstone:
            try:
                self._found[where] = record.timestamp_ms, self._keep(decode(self._topic, record))
            except Poison:
                return

    def by_key(self) -> dict[str, M]:
        """Of a key that is in two partitions the newer message."""
        ordered = sorted(self._found.items(), key=lambda each: each[1][0])
        return {key: message for (key, _), (_, message) in ordered}


async def read_registry(brokers: Brokers, *, with_states: bool = True, whole: Collection[str] = ()) -> Registry:
    """Read the topics to their ends, but for what takes most room in the states of feeds that are not in ``whole``.

    Raises :class:`LogError`, and :class:`InputError` when a topic or one of those feeds is not there.
    """
    topics = (FEEDS, FEEDS_STATE, HOSTS_STATE) if with_states else (FEEDS,)
    partitions = await _partitions(brokers, [topic.name for topic in topics])
    feeds = known_feeds(await read_partitions(brokers, FEEDS.name, range(partitions[FEEDS.name])))
    registry = Registry(feeds)
    if not with_states:
        return registry
    ids = {registry.of(each).feed.feed_id for each in whole}
    states = Last(FEEDS_STATE, lambda state: state if state.feed_id in ids else state.model_copy(update=LEFT_OUT))
    hosts = Last(HOSTS_STATE)
    tables = KafkaTables(brokers)
    await tables.read((FEEDS_STATE.name,), range(partitions[FEEDS_STATE.name]), states.take)
    await tables.read((HOSTS_STATE.name,), range(partitions[HOSTS_STATE.name]), hosts.take)
    return Registry(feeds, states.by_key(), hosts.by_key())


async def _partitions(brokers: Brokers, names: Iterable[str]) -> dict[str, int]:
    found = (await see_topics(brokers, list(names))).found
    partitions = {}
    for name in names:
        if name not in found:
            raise InputError(
                f"the brokers at {brokers} have no topic {name};"
                f" create the topics with: copydesk topics apply --bootstrap-servers {brokers}"
            )
        seen = found[name]
        if seen is None:
            raise InputError(f"the brokers at {brokers} give no right to see the topic {name}")
        partitions[name] = seen.partitions
    return partitions


async def store(brokers: Brokers, records: Iterable[Outgoing]) -> None:
    """Write and wait until it is stored. Raises :class:`LogError`."""
    async with connect(brokers, client_id="copydesk-feeds") as log:
        await _store(log, records)


async def _store(log: Log, records: Iterable[Outgoing]) -> None:
    for stored in [await log.send(record) for record in records]:
        await stored
