"""Topics on the brokers: how they are, and making them what is declared."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import for_code

from copydesk_shared.brokers import Brokers
from copydesk_shared.errors import SettingsError
from copydesk_shared.kafka.clients import log_errors, open_consumer
from copydesk_shared.kafka.requests import TopicRequests, open_requests
from copydesk_shared.log import LogError
from copydesk_shared.topic_check import (
    JUDGES,
    Create,
    Difference,
    Found,
    Grow,
    Kind,
    Setting,
    SetTo,
    compare,
    refusal,
)
from copydesk_shared.topics import ALL_TOPICS, COPIES, AnyTopic

SETTLE_SECONDS = 15.0
SETTLE_POLL_SECONDS = 0.1
MOST_ROUNDS = 3
UNKNOWN_TOPIC = 3
NO_RIGHT = frozenset({29, 31})  # of the topic, of the cluster
SET_ON_TOPIC = 1  # a config source of DescribeConfigs
SETTINGS = tuple(kind.value for kind in JUDGES)


@dataclass(frozen=True, slots=True)
class Seen:
    """How many brokers there are and the topics they have; ``None`` for a topic that we have no right to see."""

    brokers: int
    found: Mapping[str, Found | None]

    def copies(self, wanted: int | None = None) -> int:
        """How many replicas a topic is to have: as many as wanted, or as there are brokers for."""
        return wanted if wanted is not None else min(COPIES, self.brokers)

    def unseen(self) -> list[str]:
        """The topics of which we may not see everything."""
        return [name for name, found in self.found.items() if found is None or found.settings is None]


async def see_topics(brokers: Brokers, names: Collection[str]) -> Seen:
    """The named topics as one broker sees them; those that do not exist are left out. Raises :class:`LogError`."""
    async with open_requests(brokers) as requests:
        return await _see(requests, names)


async def _see(requests: TopicRequests, names: Collection[str]) -> Seen:
    count, described = await requests.metadata(names)
    by_name = {row["topic"]: row for row in described}
    _raise_unless({name: row["error_code"] for name, row in by_name.items()}, {0, UNKNOWN_TOPIC, *NO_RIGHT})
    there = [name for name, row in by_name.items() if row["error_code"] == 0]
    settings = await _settings(requests, there) if there else {}
    found = {name: _found(by_name[name], settings.get(name)) for name in there}
    hidden = {name: None for name, row in by_name.items() if row["error_code"] in NO_RIGHT}
    return Seen(count, {**found, **hidden})


def _found(row: Mapping[str, Any], settings: Mapping[str, Setting] | None) -> Found:
    partitions = row["partitions"]
    return Found(len(partitions), min((len(each["replicas"]) for each in partitions), default=0), settings)


async def _settings(requests: TopicRequests, names: Collection[str]) -> dict[str, Mapping[str, Setting]]:
    rows = await requests.settings(names, SETTINGS)
    _raise_unless({row[3]: row[0] for row in rows}, {0, *NO_RIGHT})
    return {
        row[3]: {entry[0]: Setting(entry[1], entry[3] == SET_ON_TOPIC) for entry in row[4] if entry[1] is not None}
        for row in rows
        if row[0] == 0
    }


def _raise_unless(codes: Mapping[str, int], fine: Collection[int]) -> None:
    for name, code in codes.items():
        if code not in fine:
            raise LogError(f"topic {name}: {for_code(code).__name__}")


@dataclass(frozen=True, slots=True)
class Applied:
    """What was changed, and what still differs."""

    done: Sequence[Difference]
    left: Sequence[Difference]


async def apply_topics(
    brokers: Brokers,
    topics: Sequence[AnyTopic] = ALL_TOPICS,
    *,
    choose: Callable[[Difference], bool],
    copies: int | None = None,
) -> Applied:
    """Make the changes of the differences that ``choose`` chooses, until none of them is left.

    No topic is deleted and no partition is taken away. Raises :class:`LogError`, also when the brokers do not show in
    time what they agreed to.
    """
    done: list[Difference] = []
    async with open_requests(brokers) as requests:
        for _ in range(MOST_ROUNDS):
            seen = await _see(requests, [topic.name for topic in topics])
            wanted = seen.copies(copies)
            left = compare(topics, seen.found, wanted)
            chosen = [each for each in left if each.change is not None and choose(each)]
            if not chosen:
                break
            await _change(requests, topics, chosen, wanted)
            done += chosen
            left = await _settled(requests, topics, chosen, wanted)
    return Applied(done, left)


async def _change(
    requests: TopicRequests, topics: Sequence[AnyTopic], chosen: Sequence[Difference], copies: int
) -> None:
    """Make the changes, each kind in one request."""
    config = {topic.name: topic.config() for topic in topics}
    changes = [(each.topic, each.change) for each in chosen]
    created = [(topic, to.partitions, copies, config[topic]) for topic, to in changes if isinstance(to, Create)]
    grown = {topic: to.partitions for topic, to in changes if isinstance(to, Grow)}
    settings: dict[str, dict[str, str]] = {}
    for topic, to in changes:
        if isinstance(to, SetTo):
            settings.setdefault(topic, {})[to.name] = to.value
    if created:
        await requests.create(created)
    if grown:
        await requests.grow(grown)
    if settings:
        await requests.set(settings)


async def _settled(
    requests: TopicRequests, topics: Sequence[AnyTopic], chosen: Sequence[Difference], copies: int
) -> list[Difference]:
    """What differs once the brokers show the changes: they agree to one before all of them have taken it over."""
    changed = {(each.topic, each.change) for each in chosen}
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        seen = await _see(requests, [topic.name for topic in topics])
        left = compare(topics, seen.found, copies)
        waiting = [each for each in left if (each.topic, each.change) in changed]
        if not waiting:
            return left
        if time.monotonic() > deadline:
            raise LogError(f"after {SETTLE_SECONDS:g} s {waiting[0]} still")
        await asyncio.sleep(SETTLE_POLL_SECONDS)


def _is_unmeant(difference: Difference) -> bool:
    """Whether it would stop a service, or is a default that was never set on the topic."""
    return difference.breaking or (difference.change is not None and difference.option is None)


async def ensure_topics(brokers: Brokers, *, mend: bool = False) -> None:
    """Create the topics that are not there; with ``mend`` also change what nobody can have meant.

    Raises :class:`LogError`, and :class:`SettingsError` with one line for a topic that would stop a service.
    """
    applied = await apply_topics(brokers, choose=lambda each: each.kind is Kind.MISSING or (mend and _is_unmeant(each)))
    refused = refusal(applied.left, brokers.servers)
    if refused is not None:
        raise SettingsError(refused)


async def count_offsets(brokers: Brokers, partitions: Mapping[str, int]) -> dict[str, int]:
    """Of each topic with so many partitions, the offsets from the first to the next: at most so many records.

    Raises :class:`LogError`.
    """
    where = [TopicPartition(name, number) for name, count in partitions.items() for number in range(count)]
    async with open_consumer(brokers, "copydesk-topics") as consumer:
        with log_errors():
            await consumer.start()
            first, following = await consumer.beginning_offsets(where), await consumer.end_offsets(where)
    counts = dict.fromkeys(partitions, 0)
    for each in where:
        counts[each.topic] += following[each] - first[each]
    return counts
