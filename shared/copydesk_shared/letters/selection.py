"""Which dead letters are meant: by id, or by what they say of themselves."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from copydesk_shared.dead_letters import DeadLetter, parse, source_of
from copydesk_shared.errors import UserError
from copydesk_shared.kafka.scanning import Scanner, Span, Spans
from copydesk_shared.log import Record

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
RELATIVE = re.compile(r"(\d{1,9})([smhdw])")
ID = re.compile("([0-9]{1,9})/([0-9]{1,18})")

Id = tuple[int, int]


def parse_moment(text: str, now: datetime) -> datetime:
    """A time as ISO 8601 (UTC where no zone is given), or as how long ago: 90s, 15m, 2h, 7d, 1w.

    Raises ``ValueError`` with what is wrong.
    """
    relative = RELATIVE.fullmatch(text.strip())
    try:
        if relative is not None:
            return now - timedelta(**{UNITS[relative[2]]: int(relative[1])})
        at = datetime.fromisoformat(text.strip())
        at = (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).astimezone(UTC)
        at.timestamp()
    except OverflowError:
        raise ValueError(f"{text!r} is too long ago") from None
    except ValueError:
        raise ValueError(f"{text!r} is neither a time like 2026-11-22T15:30Z nor a span like 2h or 7d") from None
    return at


def parse_id(text: str) -> Id:
    """An id as partition/offset. Raises ``ValueError``."""
    found = ID.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not partition/offset, like 1/42")
    return int(found[1]), int(found[2])


def record_time(record: Record) -> datetime | None:
    """When the letter was written, by its record; ``None`` for a time that makes no sense."""
    try:
        return datetime.fromtimestamp(record.timestamp_ms / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def shown_bytes(value: bytes | None) -> str:
    """Bytes as text; what is not UTF-8 as escapes."""
    return (value or b"").decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class Selection:
    """Filters; a letter has to pass all that are given. An empty set lets everything pass."""

    reasons: frozenset[str] = frozenset()
    stages: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    source: str | None = None
    key: str | None = None

    def takes(self, letter: DeadLetter) -> bool:
        """Whether the letter passes."""
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (not self.stages or letter.stage in self.stages)
            and (self.key is None or shown_bytes(letter.original_key) == self.key)
            and self._in_time(record_time(letter.record))
            and (self.source is None or self.source.lower() in _names(letter))
        )

    def _in_time(self, at: datetime | None) -> bool:
        if at is None:
            return self.since is None and self.until is None
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


def _names(letter: DeadLetter) -> set[str]:
    """What the source of a letter may be called: by its message, or by its key and subject where that says nothing."""
    domain, feed = source_of(letter)
    said = (domain, feed) if domain or feed else (shown_bytes(letter.original_key), letter.record.header("ce_subject"))
    return {name.lower() for name in said if name}


@dataclass(slots=True)
class Replayed:
    """Letters whose replay failed again, as newer letters say; and how often one was passed over for that."""

    ids: set[Id] = field(default_factory=set)
    passed_over: int = 0

    def has(self, letter: DeadLetter) -> bool:
        """Whether to pass the letter over."""
        found = (letter.record.partition, letter.record.offset) in self.ids
        self.passed_over += found
        return found


async def find_replayed(scanner: Scanner, spans: Spans, selection: Selection) -> Replayed:
    """Which of the letters of these spans newer ones name. Raises :class:`LogError`."""
    if selection.since is not None:
        spans = await scanner.since(selection.since, spans)
    found = Replayed()
    async for record in scanner.records(spans):
        named = ID.fullmatch(parse(record).replay_of)
        # Only what can lie there is kept, so that what a letter says cannot fill the memory.
        if named is not None and is_within(spans, where := (int(named[1]), int(named[2]))):
            found.ids.add(where)
    return found


def is_within(spans: Spans, where: Id) -> bool:
    """Whether the spans have this place."""
    span: Span | None = spans.get(where[0])
    return span is not None and span.start <= where[1] < span.end


async def select(
    scanner: Scanner, spans: Spans, selection: Selection, limit: int | None, without: Replayed | None = None
) -> AsyncIterator[DeadLetter]:
    """The letters of these spans that pass, oldest first, up to a number. Raises :class:`LogError`."""
    if selection.since is not None:
        spans = await scanner.since(selection.since, spans)
    found = 0
    async for record in scanner.records(spans):
        letter = parse(record)
        if selection.takes(letter) and not (without and without.has(letter)):
            yield letter
            found += 1
            if found == limit:
                return


def check_id(where: Id, spans: Spans) -> None:
    """Raises :class:`UserError` when there cannot be a letter of this id."""
    partition, offset = where
    span: Span | None = spans.get(partition)
    if span is None:
        raise UserError(f"{partition}/{offset}: there is no partition {partition} (0 to {len(spans) - 1})")
    if offset >= span.end:
        raise UserError(
            f"{partition}/{offset}: there is no such letter yet, partition {partition} ends before {span.end}"
        )
    if offset < span.start:
        raise UserError(f"{partition}/{offset} is deleted: partition {partition} begins at {span.start} now")


async def pick(scanner: Scanner, spans: Spans, where: Id) -> DeadLetter:
    """The letter of this id. Raises :class:`UserError` when there is none, :class:`LogError`."""
    check_id(where, spans)
    record = await scanner.record(*where)
    if record is None:
        raise UserError(f"{where[0]}/{where[1]}: no letter lies there")
    return parse(record)
