"""The errors of Copydesk.

CopydeskError
├── UserError            a person's mistake: one line, exit code 2, no traceback
│   ├── SettingsError    a setting or an option
│   ├── AlreadyToldError a process of ours has said it: only the exit code is left
│   └── InputError       a file or text that was handed in
├── DependencyDown       what the stage needs is away: it pauses, and nobody is to blame
└── HandlingError        a message could not be handled
    ├── Retryable        time-out, 5xx, 429: trying again may help
    └── Poison           cannot be decoded, too big, invalid: it goes to the dead letters at once

Services raise these and never catch ``Exception``; anything else counts as a bug and only the runner deals with it.
"""

from enum import StrEnum


class CopydeskError(Exception):
    """Base of every error that Copydesk raises on purpose."""


class UserError(CopydeskError):
    """A person's mistake. ``str(error)`` is the one line to show; the program ends with exit code 2."""


class SettingsError(UserError):
    """A setting or an option that cannot be used."""


class AlreadyToldError(UserError):
    """A mistake that a process of ours has told the person already: only the exit code is left to say."""


class InputError(UserError):
    """A file or text that was handed in and cannot be used."""


class DeadLetterReason(StrEnum):
    """Why a message went to the dead letters: the header, the metric label and the log field."""

    UNDECODABLE = "undecodable"
    INVALID = "invalid"
    TOO_LARGE = "too-large"
    RETRIES_EXHAUSTED = "retries-exhausted"
    TIMED_OUT = "timed-out"
    WORKER_DIED = "worker-died"
    BUG = "bug"


class DropReason(StrEnum):
    """Why a stage decided not to emit: the metric label and the log field."""

    NO_ARTICLE = "no-article"
    NOT_FOUND = "not-found"
    REFUSED = "refused"
    UNSUPPORTED_CONTENT = "unsupported-content"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    ROBOTS = "robots"
    RESERVED = "reserved"
    WALL = "wall"
    FAILED_TRIAL = "failed-trial"


class RetryClass(StrEnum):
    """What kind of failure is tried again: it decides which tiers the record goes through. See ``retries.POLICY``."""

    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed-out"
    SERVER_ERROR = "server-error"
    THROTTLED = "throttled"
    QUEUED = "queued"


class DependencyDown(CopydeskError):
    """Something that every record needs is away. The stage pauses and tries the same record again, for ever."""


class HandlingError(CopydeskError):
    """A message could not be handled."""

    reason: DeadLetterReason = DeadLetterReason.BUG


class Retryable(HandlingError):
    """Trying again later may help. ``after_seconds`` is the least wait that the other side asked for."""

    reason = DeadLetterReason.RETRIES_EXHAUSTED

    def __init__(
        self, message: str, kind: RetryClass = RetryClass.UNREACHABLE, after_seconds: float | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.after_seconds = after_seconds


class Poison(HandlingError):
    """Trying again cannot help."""

    def __init__(self, message: str, reason: DeadLetterReason = DeadLetterReason.INVALID) -> None:
        super().__init__(message)
        self.reason = reason
