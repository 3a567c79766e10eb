"""The feeds as the topics have them: definitions, poll states, and what is known of their hosts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from copydesk_fetcher.feeds_file import Known, known_feeds
from copydesk_shared.brokers import Brokers
from copydesk_shared.errors import InputError, Poison
from copydesk_shared.identity import canonical_url, registrable_domain
from copydesk_shared.kafka import connect, read_partitions, see_topics
from copydesk_shared.log import Log, Outgoing, Record
from copydesk_shared.messages import Feed, FeedState, HostState, Message
from copydesk_shared.topics import FEEDS, FEEDS_STATE, HOSTS_STATE, Topic
from copydesk_shared.wire import decode, encode, tombstone

WRITER = "feeds-command"
WRITER_VERSION = "1"

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Registry:
    """What the topics say, by feed id and by domain."""

    feeds: Mapping[str, Known]
    states: Mapping[str, FeedState] = field(default_factory=dict)
    hosts: Mapping[str, HostState] = field(default_factory=dict)

    def of(self, wanted: str) -> Known:
        """The feed with this id, or with this URL. Raises :class:`InputError`."""
        known = self.feeds.get(wanted) or self.at(wanted)
        if known is None:
            raise InputError(f"there is no feed {wanted!r}; `copydesk feeds list` has them all")
        return known

    def by_name(self) -> list[Feed]:
        """All feeds."""
        return sorted((known.feed for known in self.feeds.values()), key=lambda feed: (feed.name.lower(), feed.url))

    def at(self, url: str) -> Known | None:
        """The feed that has this URL, or had it before it moved."""
        try:
            address = canonical_url(url)
        except ValueError:
            return None
        return next((known for known in self.feeds.values() if address in _addresses(known.feed)), None)

    def host_of(self, feed: Feed) -> HostState | None:
        """What is known of the feed's domain."""
        return self.hosts.get(registrable_domain(feed.url))


def _addresses(feed: Feed) -> set[str]:
    return {canonical_url(url) for url in (feed.url, feed.moved_from) if url}


async def read_registry(brokers: Brokers, *, with_states: bool = True) -> Registry:
    """Read the topics to their ends. Raises :class:`LogError`, :class:`InputError` when they are not there."""
    topics = (FEEDS, FEEDS_STATE, HOSTS_STATE) if with_states else (FEEDS,)
    found = (await see_topics(brokers, [topic.name for topic in topics])).found
    records: dict[str, list[Record]] = {}
    for topic in topics:
        there = found.get(topic.name)
        if there is None:
            raise InputError(f"the brokers at {brokers} have no topic {topic.name}: `copydesk topics apply` creates it")
        records[topic.name] = await read_partitions(brokers, topic.name, range(there.partitions))
    return Registry(
        known_feeds(records[FEEDS.name]),
        latest(FEEDS_STATE, records.get(FEEDS_STATE.name, ())),
        latest(HOSTS_STATE, records.get(HOSTS_STATE.name, ())),
    )


def latest(topic: Topic[M], records: Iterable[Record]) -> dict[str, M]:
    """The last message of each key. Tombstones and what cannot be read take the key away."""
    found: dict[str, M] = {}
    for record in records:
        key = (record.key or b"").decode("utf-8", "replace")
        found.pop(key, None)
        if record.is_tombstone:
            continue
        try:
            found[key] = decode(topic, record)
        except Poison:
            continue
    return found


def put(feed: Feed) -> Outgoing:
    """The record that defines a feed, or changes it."""
    return encode(FEEDS, feed, stage=WRITER, version=WRITER_VERSION)


def taken_away(known: Known) -> Outgoing:
    """The record that removes a feed, in the partition in which it lies."""
    return tombstone(FEEDS, known.feed.feed_id, stage=WRITER, partition=known.partition)


async def store(brokers: Brokers, records: Iterable[Outgoing]) -> None:
    """Write and wait until it is stored. Raises :class:`LogError`."""
    async with connect(brokers, client_id="copydesk-feeds") as log:
        await _store(log, records)


async def _store(log: Log, records: Iterable[Outgoing]) -> None:
    for stored in [await log.send(record) for record in records]:
        await stored


__all__ = ["Registry", "latest", "put", "read_registry", "store", "taken_away"]
