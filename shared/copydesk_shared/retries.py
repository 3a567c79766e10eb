"""Retries in tiers: which failure waits how long, and the record while it waits.

A record that failed goes to ``<group>.retry.<tier>`` with its key, value and headers, and with headers on top that say
why, how often and not before when (see :mod:`copydesk_shared.marks`). The stage reads these topics beside its source.
Within a tier the waits are equal, so a partition is in the order of its times and only its head has to be looked at.
What waits for its turn in a queue may wait less than its tier; it is still never looked at before its head.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from copydesk_shared.errors import Retryable, RetryClass
from copydesk_shared.log import Outgoing, Record
from copydesk_shared.marks import marked, marks, number
from copydesk_shared.topics import Tier, retry_topic
from copydesk_shared.wire import utc_text

ATTEMPT = "retry-attempt"
NOT_BEFORE = "retry-not-before"
PREFIX = "retry-"
REPLAY_PREFIX = "replay-"
ERROR_TEXT_LIMIT = 2_000


@dataclass(frozen=True, slots=True)
class Policy:
    """``at_once``: whether to try again on the spot, half a second later; then the tiers, in order."""

    at_once: bool
    tiers: tuple[Tier, ...]


POLICY: Mapping[RetryClass, Policy] = {
    RetryClass.UNREACHABLE: Policy(at_once=True, tiers=(Tier.SHORT, Tier.MEDIUM, Tier.LONG, Tier.LONG)),
    RetryClass.TIMED_OUT: Policy(at_once=False, tiers=(Tier.SHORT, Tier.MEDIUM, Tier.LONG)),
    RetryClass.SERVER_ERROR: Policy(at_once=True, tiers=(Tier.SHORT, Tier.MEDIUM, Tier.LONG)),
    RetryClass.THROTTLED: Policy(
        at_once=False, tiers=(Tier.SHORT, Tier.MEDIUM, Tier.MEDIUM, Tier.LONG, Tier.LONG, Tier.LONG)
    ),
    RetryClass.QUEUED: Policy(at_once=False, tiers=tuple(Tier)),
}

Waits = Mapping[Tier, float]
# An entry may wait in a tier whose wait is up to this many times its own, because others stand at the head there.
QUEUED_STRETCH = 2


def attempt_of(record: Record) -> int:
    """How often this record was put off already; 0 for one that comes from the source."""
    return number(marks(record).get(ATTEMPT)) or 0


def not_before(record: Record) -> datetime | None:
    """When the record may be tried again; ``None`` when that is not said or makes no sense."""
    return moment(marks(record).get(NOT_BEFORE))


def moment(text: str | None) -> datetime | None:
    """The time that a mark says; ``None`` for anything that is not a time with a zone."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record first lay."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    def as_marks(self, prefix: str) -> dict[str, str]:
        """As marks, for :meth:`from_marks`."""
        said = {"topic": self.topic, "partition": str(self.partition), "offset": str(self.offset)}
        return {f"{prefix}{name}": value for name, value in said.items()}

    @classmethod
    def from_marks(cls, said: Mapping[str, str], prefix: str) -> "Origin | None":
        """What the marks say; ``None`` unless they say all of it."""
        topic = said.get(f"{prefix}topic")
        partition, offset = (number(said.get(f"{prefix}{name}")) for name in ("partition", "offset"))
        return Origin(topic, partition, offset) if topic and partition is not None and offset is not None else None


def origin_of(record: Record) -> Origin:
    """Where the record was read first, before any retry or replay."""
    here = Origin(record.topic, record.partition, record.offset)
    return Origin.from_marks(marks(record), PREFIX) or here


def replays_of(record: Record) -> dict[str, str]:
    """The marks that say that the record is a replay: they stay on it, so that it shows when it fails again."""
    return {name: value for name, value in marks(record).items() if name.startswith(REPLAY_PREFIX)}


def _tier(error: Retryable, attempt: int, waits: Waits) -> Tier | None:
    """The tier for this attempt (1 is the first), a longer one where the other side asked for it."""
    tiers = POLICY[error.kind].tiers
    if attempt > len(tiers):
        return None
    least = error.after_seconds or 0
    return next((tier for tier in Tier if waits[tier] >= max(least, waits[tiers[attempt - 1]])), Tier.LONG)


def queue_wait(seconds: float, waits: Waits) -> tuple[Tier, float]:
    """Where a record waits whose turn is that many seconds away, and how long until it is looked at again.

    Never longer than the tier's wait, so records of other kinds wait no longer for having it before them. What waits
    far less than its tier does not go there: other queues in that tier would hold it up.
    """
    tier = next((tier for tier in reversed(Tier) if waits[tier] <= seconds * QUEUED_STRETCH), Tier.SHORT)
    return tier, min(seconds, waits[tier])


def _queued(record: Record, error: Retryable, waits: Waits) -> tuple[int, Tier, float]:
    """Nobody has tried the record, so no attempt is counted."""
    return attempt_of(record), *queue_wait(error.after_seconds or 0.0, waits)


def _next_attempt(record: Record, error: Retryable, waits: Waits) -> tuple[int, Tier, float] | None:
    attempt = attempt_of(record) + 1
    tier = _tier(error, attempt, waits)
    return None if tier is None else (attempt, tier, waits[tier])


def put_off(record: Record, error: Retryable, *, group: str, waits: Waits, now: datetime) -> Outgoing | None:
    """The record for its next tier; ``None`` when it has been through all that its class of failure has.

    ``waits`` are the seconds of each tier. One that only waits for its turn (``QUEUED``) can do so for ever.
    """
    place = (_queued if error.kind is RetryClass.QUEUED else _next_attempt)(record, error, waits)
    if place is None:
        return None
    attempt, tier, seconds = place
    said = {
        **replays_of(record),
        ATTEMPT: str(attempt),
        NOT_BEFORE: utc_text(now + timedelta(seconds=seconds)),
        f"{PREFIX}reason": error.kind.value,
        f"{PREFIX}error": str(error)[:ERROR_TEXT_LIMIT],
        f"{PREFIX}stage": group,
        f"{PREFIX}first-at": marks(record).get(f"{PREFIX}first-at") or utc_text(now.astimezone(UTC)),
        **origin_of(record).as_marks(PREFIX),
    }
    return marked(retry_topic(group, tier).name, record, said)
