"""``copydesk dead-letters replay``: bring letters back to the stage that gave them up.

First a pass that only looks: it counts, and finds out what cannot go back. Then, if told so, a second one that sends.
Letters that come while the command runs are not looked at, so a letter that fails again is not replayed for ever. Nor
does a replay by filters take a letter that has failed again: the newer one goes in its place, else they would double.
"""

import asyncio
import re
import signal
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from copydesk_shared.brokers import Brokers
from copydesk_shared.dead_letters import CannotReplayError, DeadLetter, replayed, target
from copydesk_shared.errors import Poison, UserError
from copydesk_shared.kafka import connect, see_topics
from copydesk_shared.kafka.scanning import Scanner, Span, Spans, open_scanner
from copydesk_shared.log import Log, LogError
from copydesk_shared.service import EXIT_INTERRUPTED
from copydesk_shared.topics import ALL_TOPICS, Topic
from copydesk_standalone.letters.listing import unreadable
from copydesk_standalone.letters.output import run, say, warn
from copydesk_standalone.letters.rendering import printable
from copydesk_standalone.letters.selection import Id, Replayed, Selection, find_replayed, pick, select

COMPACTED = frozenset(topic.name for topic in ALL_TOPICS if isinstance(topic, Topic) and "compact" in topic.cleanup)
# A letter may name anything; the brokers refuse the whole question when one name is not possible.
TOPIC_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}", re.ASCII)
SHOWN = 100
FAILED_AGAIN = "replayed before and failed again, as a newer letter (--again takes these too)"
EXIT_REFUSED = 1


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


def replay_command(brokers: Brokers, topic: str, choice: Choice, *, rate: float, execute: bool) -> int:
    """Replay letters, or say what would be done. Raises :class:`UserError`."""
    return run(_replay(brokers, topic, choice, rate=rate, execute=execute), brokers)


async def _replay(brokers: Brokers, topic: str, choice: Choice, *, rate: float, execute: bool) -> int:
    async with open_scanner(brokers, topic, unreadable) as scanner:
        spans = await scanner.spans()
        plan = Plan()
        without = await choice.replayed(scanner, spans)
        async for letter in choice.letters(scanner, spans, without):
            plan.add(letter)
        plan.stays[FAILED_AGAIN] = without.passed_over
        await _close(brokers, plan)
        _tell(plan, execute=execute)
        if not execute or not plan.total:
            return 0
        async with connect(brokers, client_id="copydesk-dead-letters") as log:
            return await Sending(log, plan, rate).run(choice.letters(scanner, spans, without))


def _tell(plan: Plan, *, execute: bool) -> None:
    hint = "" if execute or not plan.total else " (--execute does it)"
    say(f"{'replaying' if execute else 'would replay'} {plan.total} letters{hint}")
    for (topic, reason), count in sorted((+plan.goes).items()):
        say(f"  {count:>7}  {printable(reason) or '?'} to {printable(topic)}")
    for why, count in sorted((+plan.stays).items()):
        say(f"  {count:>7}  not: {why}")


async def _close(brokers: Brokers, plan: Plan) -> None:
    """Take out of the plan what cannot go back. Raises :class:`LogError`."""
    topics = {topic for topic, _ in plan.goes}
    possible = {topic for topic in topics if TOPIC_NAME.fullmatch(topic)}
    there = (await see_topics(brokers, possible)).found if possible else {}
    for topic in topics - there.keys():
        plan.close_topic(topic)
    for topic in plan.keyed.keys() - plan.closed:
        for keyed in await _superseded(brokers, topic, plan.keyed[topic]):
            plan.close(topic, keyed)


async def _superseded(brokers: Brokers, topic: str, letters: Sequence[Keyed]) -> list[Keyed]:
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


@contextmanager
def _told_to_stop() -> Iterator[asyncio.Event]:
    """An event that Ctrl-C and SIGTERM set instead of breaking off what is being sent."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    signals = (signal.SIGINT, signal.SIGTERM)
    for each in signals:
        loop.add_signal_handler(each, stop.set)
    try:
        yield stop
    finally:
        for each in signals:
            loop.remove_signal_handler(each)


class Sending:
    """Sends the letters of a plan, one after another, no faster than told."""

    def __init__(self, log: Log, plan: Plan, rate: float) -> None:
        self._log = log
        self._plan = plan
        self._pause = 1 / rate
        self._sent = 0
        self._refused = 0

    async def run(self, letters: AsyncIterator[DeadLetter]) -> int:
        """Send until all are sent or somebody says stop; the exit code.

        Raises :class:`LogError`, and :class:`UserError` for an id that is not there any more.
        """
        code, last = 0, "none"
        with _told_to_stop() as stop:
            try:
                async for letter in letters:
                    if not self._plan.takes(letter):
                        continue
                    if await self._stopped(stop):
                        code = EXIT_INTERRUPTED
                        break
                    await self._send(letter)
                    last = letter.where
            except (LogError, UserError):
                self._report(last)
                raise
        self._report(last)
        return code or (EXIT_REFUSED if self._refused else 0)

    async def _stopped(self, stop: asyncio.Event) -> bool:
        if self._sent + self._refused:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._pause)
        return stop.is_set()

    async def _send(self, letter: DeadLetter) -> None:
        try:
            await (await self._log.send(replayed(letter, datetime.now(UTC))))
        except Poison as error:
            self._refused += 1
            warn(f"copydesk: {letter.where} is not taken by the brokers: {' '.join(str(error).split())}")
        else:
            self._sent += 1

    def _report(self, last: str) -> None:
        refused = f", {self._refused} not taken by the brokers" if self._refused else ""
        say(f"replayed {self._sent} of {self._plan.total} letters, the last one {last}{refused}")
