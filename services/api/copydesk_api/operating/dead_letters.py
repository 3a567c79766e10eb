"""Dead letters for an admin: the newest first, a page at a time, each whole, and the way back.

A page looks at a bounded stretch of each partition, from its end backwards, one record of each in memory at a time:
letters may be megabytes, and there may be any number of them.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from copydesk_shared.brokers import Brokers
from copydesk_shared.dead_letters import CannotReplayError, DeadLetter, source_of
from copydesk_shared.errors import Poison
from copydesk_shared.kafka import connect
from copydesk_shared.kafka.scanning import Scanner, Span, Spans, open_scanner
from copydesk_shared.letters.replaying import Choice, Plan, close_plan, send_back
from copydesk_shared.letters.selection import Id, Selection, pick, record_time, select, shown_bytes
from copydesk_shared.letters.showing import header_lines, headline, printable, value_lines
from copydesk_shared.log import LogError
from copydesk_shared.topics import DEAD_LETTER

LOOKED_AT = 500  # records of each partition, for a page with filters
SECONDS = 60.0
SHOWN_LINES = 2_000
SHOWN_CHARACTERS = 200_000
SHOWN_KEY = 200
SHOWN_HEADLINE = 300
PLACE = re.compile(r"(\d{1,9}):(\d{1,18})", re.ASCII)
MOST_PLACES = 100

Ends = Mapping[int, int]


@dataclass(frozen=True)
class LetterLine:
    """What is told of a letter in the list."""

    where: str
    at: datetime | None
    stage: str
    reason: str
    attempts: int
    key: str
    source: str
    error: str
    replay_count: int


@dataclass(frozen=True)
class LetterPage:
    """Letters, the newest first; ``older`` are the ends of the partitions for the page after, where there is more."""

    letters: tuple[LetterLine, ...]
    older: Ends | None


@dataclass(frozen=True)
class WholeLetter:
    """All that a letter says, as much of it as can be shown."""

    line: LetterLine
    origin: str
    feed: str
    cut: str
    replay_of: str
    error: tuple[str, ...]
    headers: tuple[str, ...]
    value: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of a replay: how many letters were sent, and why others stayed."""

    sent: int
    stayed: Mapping[str, int]


def parse_ends(text: str) -> dict[int, int]:
    """Ends as ``partition:offset``, comma-separated. Raises ``ValueError``."""
    found = [PLACE.fullmatch(each) for each in text.split(",")[: MOST_PLACES + 1]]
    if not all(found) or len(found) > MOST_PLACES:
        raise ValueError("this is no place in the list")
    return {int(each[1]): int(each[2]) for each in found if each}


def ends_text(ends: Ends) -> str:
    """See :func:`parse_ends`."""
    return ",".join(f"{number}:{end}" for number, end in sorted(ends.items()))


class DeadLetters:
    """Each call is a session of its own with the brokers. All raise :class:`LogError` when they cannot be used."""

    def __init__(self, brokers: Brokers, topic: str = DEAD_LETTER.name) -> None:
        self._brokers = brokers
        self._topic = topic

    async def page(self, selection: Selection, limit: int, before: Ends | None = None) -> LetterPage:
        """Up to so many letters, before these ends."""
        async with self._scanner() as scanner:
            spans = _until(await scanner.spans(), before or {})
            looked_at = limit if selection == Selection() else LOOKED_AT
            windows = {number: Span(max(each.start, each.end - looked_at), each.end) for number, each in spans.items()}
            found = [_line(letter) async for letter in select(scanner, windows, selection, None)]
        found.sort(key=_ages(found).__getitem__, reverse=True)
        shown, left = found[:limit], found[limit:]
        older = dict(_older(windows, left))
        has_more = any(older[number] > each.start for number, each in spans.items())
        return LetterPage(tuple(shown), older if has_more else None)

    async def letter(self, where: Id) -> WholeLetter:
        """One letter. Raises :class:`UserError` where there is none."""
        async with self._scanner() as scanner:
            return _whole(await pick(scanner, await scanner.spans(), where))

    async def replay(self, ids: Sequence[Id]) -> Outcome:
        """Bring letters back to the stages that gave them up. Raises :class:`UserError` for one that is not there."""
        choice = Choice(tuple(ids), Selection(), None)
        async with self._scanner() as scanner:
            spans = await scanner.spans()
            plan = Plan()
            async for letter in choice.letters(scanner, spans, await choice.replayed(scanner, spans)):
                plan.add(letter)
            await close_plan(self._brokers, plan)
            stayed = {why: count for why, count in plan.stays.items() if count}
            return await self._send(scanner, spans, choice, plan, stayed) if plan.total else Outcome(0, stayed)

    async def _send(
        self, scanner: Scanner, spans: Spans, choice: Choice, plan: Plan, stayed: dict[str, int]
    ) -> Outcome:
        sent = 0
        async with connect(self._brokers, client_id="copydesk-api-letters") as log:
            async for letter in choice.letters(scanner, spans, await choice.replayed(scanner, spans)):
                if not plan.takes(letter):
                    continue
                try:
                    await send_back(log, letter)
                    sent += 1
                except (CannotReplayError, Poison) as error:
                    stayed[str(error)] = stayed.get(str(error), 0) + 1
        return Outcome(sent, stayed)

    @asynccontextmanager
    async def _scanner(self) -> AsyncIterator[Scanner]:
        try:
            async with asyncio.timeout(SECONDS), open_scanner(self._brokers, self._topic) as scanner:
                yield scanner
        except TimeoutError:
            raise LogError(f"the dead letters could not be read in {SECONDS:g} seconds") from None


def _until(spans: Spans, ends: Ends) -> dict[int, Span]:
    return {
        number: Span(each.start, max(each.start, min(each.end, ends.get(number, each.end))))
        for number, each in spans.items()
    }


def _older(windows: Spans, left: Sequence[LetterLine]) -> Iterator[tuple[int, int]]:
    """Where the next page ends: after the newest letter that is left of a partition, or where it was looked at from."""
    newest: dict[int, int] = {}
    for line in left:
        number, offset = _place(line)
        newest[number] = max(offset, newest.get(number, -1))
    for number, window in windows.items():
        yield number, newest[number] + 1 if number in newest else window.start


def _ages(lines: Sequence[LetterLine]) -> dict[LetterLine, tuple[float, Id]]:
    """What orders them: times that do not go back within a partition, so that a page is the end of each."""
    latest: dict[int, float] = {}
    ages: dict[LetterLine, tuple[float, Id]] = {}
    for line in lines:
        number, _ = place = _place(line)
        latest[number] = max(latest.get(number, 0.0), line.at.timestamp() if line.at else 0.0)
        ages[line] = latest[number], place
    return ages


def _place(line: LetterLine) -> Id:
    partition, _, offset = line.where.partition("/")
    return int(partition), int(offset)


def _line(letter: DeadLetter) -> LetterLine:
    domain, feed = source_of(letter)
    return LetterLine(
        where=letter.where,
        at=record_time(letter.record),
        stage=printable(letter.stage[:SHOWN_KEY]),
        reason=printable(letter.reason[:SHOWN_KEY]),
        attempts=letter.attempts,
        key=printable(shown_bytes((letter.original_key or b"")[:SHOWN_KEY])),
        source=printable((domain or feed)[:SHOWN_KEY]),
        error=printable(headline(letter.error)[:SHOWN_HEADLINE]),
        replay_count=letter.replay_count,
    )


def _whole(letter: DeadLetter) -> WholeLetter:
    return WholeLetter(
        line=_line(letter),
        origin=printable(str(letter.origin or "")),
        feed=printable(source_of(letter)[1]),
        cut=printable(letter.cut),
        replay_of=printable(letter.replay_of),
        error=_bounded(printable(each) for each in letter.error.splitlines()),
        headers=_bounded(header_lines(letter.original_headers)),
        value=_bounded(value_lines(letter.record.value)),
    )


def _bounded(lines: Iterator[str]) -> tuple[str, ...]:
    kept: list[str] = []
    room = SHOWN_CHARACTERS
    for line in lines:
        if len(kept) == SHOWN_LINES or room <= 0:
            return (*kept, "… (there is more: copydesk dead-letters show)")
        kept.append(line[:room])
        room -= len(line)
    return tuple(kept)
