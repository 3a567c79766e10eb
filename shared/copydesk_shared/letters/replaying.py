"""Bringing dead letters back: which of them, where they go, and why some have to stay."""

import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from copydesk_shared.brokers import Brokers
from copydesk_shared.dead_letters import CannotReplayError, DeadLetter, replayed, target
from copydesk_shared.kafka import see_topics
from copydesk_shared.kafka.scanning import Scanner, Span, Spans, open_scanner
from copydesk_shared.letters.selection import Id, Replayed, Selection, find_replayed, pick, select
from copydesk_shared.letters.showing import printable
from copydesk_shared.log import Log
from copydesk_shared.topics import ALL_TOPICS, Topic

COMPACTED = frozenset(topic.name for topic in ALL_TOPICS if isinstance(topic, Topic) and "compact" in topic.cleanup)
# A letter may name anything; the brokers refuse the whole question when one name is not possible.
TOPIC_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}", re.ASCII)
SHOWN = 100
OnUnreadable = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which letters: those of the ids, or where there are none those that pass the filters.

    ``again``: those that pass the filters even if their replay has failed already.
    """

    ids: Sequence[Id]
    selection: Selection
    limit: int | None
    again: bool = False

    async def replayed(self, scanner: Scanner, spans: Spans) -> Replayed:
        """The letters to pass over. Raises :class:`LogError`."""
        if self.ids or self.again:
            return Replayed()
        return await find_replayed(scanner, spans, self.selection)

    async def letters(self, scanner: Scanner, spans: Spans, without: Replayed) -> AsyncIterator[DeadLetter]:
        """The letters. Raises :class:`UserError` for an id that is not there, :class:`LogError`."""
        if self.ids:
            for where in dict.fromkeys(self.ids):
                yield await pick(scanner, spans, where)
            return
        async for letter in select(scanner, spans, self.selection, self.limit, without):
            yield letter


@dataclass(frozen=True, slots=True)
class Keyed:
    """A letter whose record goes back to a compacted topic: there a later record of its key takes its place."""

    where: str
    reason: str
    partition: int
    offset: int
    key: bytes | None


@dataclass(slots=True)
class Plan:
    """What a replay would do: how many letters by topic and reason, and why others stay."""

    goes: Counter[tuple[str, str]] = field(default_factory=Counter)
    stays: Counter[str] = field(default_factory=Counter)
    keyed: dict[str, list[Keyed]] = field(default_factory=lambda: defaultdict(list))
    closed: set[str] = field(default_factory=set)

    @property
    def total(self) -> int:
        """How many letters go."""
        return self.goes.total()

    def add(self, letter: DeadLetter) -> None:
        """Take a letter in."""
        try:
            topic = target(letter)
        except CannotReplayError as error:
            self.stays[str(error)] += 1
            return
        reason = letter.reason[:SHOWN]
        self.goes[topic, reason] += 1
        if topic in COMPACTED and letter.origin is not None:
            origin = letter.origin
            self.keyed[topic].append(Keyed(letter.where, reason, origin.partition, origin.offset, letter.original_key))

    def close_topic(self, topic: str) -> None:
        """Nothing goes to this topic."""
        for where in [where for where in self.goes if where[0] == topic]:
            self.stays[f"the brokers have no topic {printable(topic[:SHOWN])}"] += self.goes.pop(where)
        self.closed.add(topic)

    def close(self, topic: str, keyed: Keyed) -> None:
        """This letter does not go."""
        self.goes[topic, keyed.reason] -= 1
        self.stays[f"{topic} has a later record of the same key"] += 1
        self.closed.add(keyed.where)

    def takes(self, letter: DeadLetter) -> bool:
        """Whether the letter goes."""
        try:
            return target(letter) not in self.closed and letter.where not in self.closed
        except CannotReplayError:
            return False


async def close_plan(brokers: Brokers, plan: Plan, unreadable: OnUnreadable = lambda _: None) -> None:
    """Take out of the plan what cannot go back. Raises :class:`LogError`."""
    topics = {topic for topic, _ in plan.goes}
    possible = {topic for topic in topics if TOPIC_NAME.fullmatch(topic)}
    there = (await see_topics(brokers, possible)).found if possible else {}
    for topic in topics - there.keys():
        plan.close_topic(topic)
    for topic in plan.keyed.keys() - plan.closed:
        for keyed in await _superseded(brokers, topic, plan.keyed[topic], unreadable):
            plan.close(topic, keyed)


async def _superseded(brokers: Brokers, topic: str, letters: Sequence[Keyed], unreadable: OnUnreadable) -> list[Keyed]:
    """Those whose key has a later record. A replay would take the place of that one when the topic is compacted."""
    by_key: dict[tuple[int, bytes | None], list[Keyed]] = defaultdict(list)
    firsts: dict[int, int] = {}
    for letter in letters:
        by_key[letter.partition, letter.key].append(letter)
        firsts[letter.partition] = min(letter.offset, firsts.get(letter.partition, letter.offset))
    found: dict[str, Keyed] = {}
    async with open_scanner(brokers, topic, unreadable) as scanner:
        spans = await scanner.spans()
        later = {
            number: Span(max(first, spans[number].start), spans[number].end)
            for number, first in firsts.items()
            if number in spans
        }
        async for record in scanner.records(later):
            same = by_key.get((record.partition, record.key), ())
            found |= {each.where: each for each in same if each.offset < record.offset}
    return list(found.values())


async def send_back(log: Log, letter: DeadLetter) -> None:
    """Replay a letter; its record is stored when this ends.

    Raises :class:`CannotReplayError`, :class:`Poison` where the brokers do not take it, and :class:`LogError`.
    """
    await (await log.send(replayed(letter, datetime.now(UTC))))
