"""Dead letters: a record that could not be handled, whole, with the reason in headers; and the way back.

The reasons stand behind the record's own headers, see :mod:`copydesk_shared.marks`.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pydantic import BaseModel, ValidationError

from copydesk_shared.errors import CopydeskError, DeadLetterReason
from copydesk_shared.log import Headers, Outgoing, Record
from copydesk_shared.marks import marked, marks, number, own_headers, own_key
from copydesk_shared.retries import PREFIX as RETRY_PREFIX
from copydesk_shared.retries import REPLAY_PREFIX, Origin, attempt_of, moment, origin_of, replays_of
from copydesk_shared.topics import (
    DEAD_LETTER,
    HEADER_ROOM_BYTES,
    MAX_MESSAGE_BYTES,
    STAGE_SOURCES,
    Tier,
    retry_topic,
)
from copydesk_shared.wire import utc_text

PREFIX = "dead-letter-"
CUT = f"{PREFIX}cut"
REPLAY_OF, REPLAY_AT, REPLAY_COUNT = (f"{REPLAY_PREFIX}{name}" for name in ("of", "at", "count"))
ERROR_TEXT_LIMIT = 8_000
SHORT_ERROR_LIMIT = 500
# A batch of one record that does not compress is a little longer than the record: its head, and a frame per block.
LARGEST_BYTES = MAX_MESSAGE_BYTES + HEADER_ROOM_BYTES - 4_096
KEY_LIMIT = 4_096
FIELD_OVERHEAD_BYTES = 10


class CannotReplayError(CopydeskError):
    """A dead letter that cannot go back; the message says why."""


def dead_letter(record: Record, *, stage: str, reason: DeadLetterReason, error: str) -> Outgoing:
    """The record for the dead letters: key, value and headers as they first were, and why it is there on top.

    A record that is too large for that has its error cut first. One that does not even fit then was never written by
    Copydesk; it is kept as a pointer: no value and no headers of its own, and the place where it still lies. So is one
    that cannot be read.
    """
    said = {
        **replays_of(record),
        f"{PREFIX}reason": reason.value,
        f"{PREFIX}error": error[-ERROR_TEXT_LIMIT:],
        f"{PREFIX}stage": stage,
        f"{PREFIX}attempts": str(attempt_of(record) + 1),
        f"{PREFIX}at": utc_text(datetime.now(UTC)),
        **origin_of(record).as_marks(PREFIX),
    }
    if record.fault:
        return _pointer(record, said, "all of it")
    letter = marked(DEAD_LETTER.name, record, said)
    if _size(letter) <= LARGEST_BYTES:
        return letter
    said[f"{PREFIX}error"] = error[-SHORT_ERROR_LIMIT:]
    letter = marked(DEAD_LETTER.name, record, said)
    if _size(letter) <= LARGEST_BYTES:
        return letter
    return _pointer(record, said, f"{len(record.value or b'')} bytes of value and {len(own_headers(record))} headers")


def _size(record: Outgoing) -> int:
    fields = [record.key, record.value, *(part for name, value in record.headers for part in (name.encode(), value))]
    return sum(len(field or b"") + FIELD_OVERHEAD_BYTES for field in fields)


def _pointer(record: Record, said: dict[str, str], cut: str) -> Outgoing:
    key = record.key if len(record.key or b"") <= KEY_LIMIT else None
    return marked(DEAD_LETTER.name, replace(record, key=key, value=None, headers=()), {**said, CUT: cut})


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What a dead letter says of itself. A field that is missing or damaged is empty: it is shown all the same.

    ``cut`` says what of the record is not in the letter; ``replay_of`` is the letter of which the record was a replay,
    for the ``replay_count``-th time.
    """

    record: Record
    reason: str
    error: str
    stage: str
    origin: Origin | None
    attempts: int
    at: datetime | None
    cut: str
    replay_of: str
    replay_count: int

    @property
    def where(self) -> str:
        """The id: partition/offset."""
        return f"{self.record.partition}/{self.record.offset}"

    @property
    def original_key(self) -> bytes | None:
        """The key as the record first had it."""
        return own_key(self.record)

    @property
    def original_headers(self) -> Headers:
        """The headers as the record first had them."""
        return own_headers(self.record)


def parse(record: Record) -> DeadLetter:
    """What a record of the dead letters says."""
    said = marks(record)
    return DeadLetter(
        record=record,
        reason=said.get(f"{PREFIX}reason", ""),
        error=said.get(f"{PREFIX}error", ""),
        stage=said.get(f"{PREFIX}stage", ""),
        origin=Origin.from_marks(said, PREFIX),
        attempts=number(said.get(f"{PREFIX}attempts")) or 0,
        at=moment(said.get(f"{PREFIX}at")),
        cut=said.get(CUT, ""),
        replay_of=said.get(REPLAY_OF, ""),
        replay_count=number(said.get(REPLAY_COUNT)) or 0,
    )


class _Publisher(BaseModel):
    domain: str = ""


class _Said(BaseModel):
    """What entries, pages and articles have in common."""

    source: _Publisher = _Publisher()
    feed_id: str | None = None


def source_of(letter: DeadLetter) -> tuple[str, str]:
    """The publisher's domain and the feed that the original message names; empty where it does not."""
    try:
        said = _Said.model_validate_json(letter.record.value or b"")
    except ValidationError:
        return "", ""
    return said.source.domain, said.feed_id or ""


def target(letter: DeadLetter) -> str:
    """The topic that a replay goes to. Raises :class:`CannotReplayError`.

    A stage with retry tiers gets it there, so that nobody else on the source topic sees it twice; any other reader's
    source topic gets it again.
    """
    if letter.cut:
        raise CannotReplayError("too large to be kept whole")
    if letter.stage in STAGE_SOURCES:
        return retry_topic(letter.stage, Tier.SHORT).name
    if letter.origin is None:
        raise CannotReplayError("does not say where it came from")
    return letter.origin.topic


def replayed(letter: DeadLetter, now: datetime) -> Outgoing:
    """The record that brings a dead letter back to the stage that gave it up. Raises :class:`CannotReplayError`.

    What it becomes has the ids it would have had, so replaying twice does no harm.
    """
    topic = target(letter)
    said = {REPLAY_OF: letter.where, REPLAY_AT: utc_text(now), REPLAY_COUNT: str(letter.replay_count + 1)}
    if letter.origin is not None and topic != letter.origin.topic:
        said |= letter.origin.as_marks(RETRY_PREFIX)
    return marked(topic, letter.record, said)
