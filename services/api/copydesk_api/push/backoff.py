"""When what could not be delivered is tried again: the schedule that Standard Webhooks recommends."""

from collections.abc import Sequence
from datetime import datetime, timedelta

# Seconds after each failure in a row; after the last one the same again, until the receiver is disabled.
SCHEDULE: Sequence[float] = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
# Receivers that failed together are not to be asked together.
JITTER = 0.2
LONGEST_SECONDS = 86_400.0


def wait_after(failures: int, asked: float | None, chance: float, schedule: Sequence[float] = SCHEDULE) -> float:
    """Seconds to wait after so many failures in a row; ``asked`` is what Retry-After said.

    ``chance`` from 0 to 1 moves it by up to a tenth either way, and never below what was asked for.
    """
    planned = schedule[min(max(failures, 1), len(schedule)) - 1] * (1 + JITTER * (chance - 0.5))
    return max(planned, min(asked or 0.0, LONGEST_SECONDS))


def is_given_up(failing_since: datetime, now: datetime, days: float) -> bool:
    """Whether it has failed for so long that nobody tries again."""
    return now - failing_since >= timedelta(days=days)
