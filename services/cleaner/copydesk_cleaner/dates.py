"""Dates as the metadata of pages write them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from copydesk_shared.zones import plain_clock

MAX_DATE = 200
OLDEST = datetime(1990, 1, 1, tzinfo=UTC)
CLOCK_SKEW = timedelta(days=1)


def parse_date(value: object, now: datetime) -> datetime | None:
    """An aware time in UTC from ISO 8601 or RFC 5322 text, or nearly that; ``None`` for nonsense and for the future.

    A time without a zone, or with one whose name does not tell which, is taken as UTC. Publishers whose zone is wrong
    may be up to a day ahead: that is now.
    """
    if not isinstance(value, str) or not value.strip():
        return None
    parsed = _parse(value.strip())
    if parsed is None:
        return None
    try:
        aware = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return min(aware, now) if OLDEST <= aware <= now + CLOCK_SKEW else None


def _parse(value: str) -> datetime | None:
    for read, text in ((datetime.fromisoformat, value), *_plainer(value)):
        try:
            return read(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def _plainer(value: str) -> Iterator[tuple[Callable[[str], datetime], str]]:
    text = plain_clock(value[:MAX_DATE])
    yield datetime.fromisoformat, text
    yield parsedate_to_datetime, text
