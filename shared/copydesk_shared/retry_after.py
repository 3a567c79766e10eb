"""``Retry-After``: how long a server wants to be left alone (RFC 9110 section 10.2.3)."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_SECONDS = 24 * 3600.0


def retry_after(value: str, now: datetime) -> float | None:
    """Seconds to wait, a day at most; ``None`` for what is neither a number of seconds nor a date."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_SECONDS)
    try:
        at = parsedate_to_datetime(text)
        seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_SECONDS)
