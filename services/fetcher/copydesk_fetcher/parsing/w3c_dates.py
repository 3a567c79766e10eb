"""Times as sitemaps have them: W3C Datetime (a W3C Note of 1997), and what is nearly that."""

import re
from datetime import UTC, datetime, timedelta, timezone

from copydesk_fetcher.parsing.dates import read_date

TEXT_LIMIT = 64
DATE = r"(?P<year>\d{4})(?:([-/.])(?P<month>\d{1,2})(?:\2(?P<day>\d{1,2}))?)?|(?P<packed>\d{8})"
CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
ZONE = r"(?P<zone>Z|UTC|GMT|(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2})?)"
NEARLY = re.compile(rf"(?:{DATE})(?:(?:T|\s+){CLOCK}\s*{ZONE}?)?", re.ASCII | re.IGNORECASE)


def parse_w3c_date(text: str) -> datetime | None:
    """The time, in UTC; without a zone it is UTC, without a month or a day the first. ``None`` when it names none.

    Beside all that feeds have, it takes ``2026``, ``2026-11``, ``20261122``, ``/`` and ``.`` in the date, and a zone
    behind a blank.
    """
    stripped = text.strip()
    if not stripped or len(stripped) > TEXT_LIMIT:
        return None
    if (found := read_date(stripped)) is not None:
        return found
    try:
        return _of(match) if (match := NEARLY.fullmatch(stripped)) else None
    except (ValueError, OverflowError):
        return None


def has_time(text: str) -> bool:
    """Whether it names a time of day."""
    return ":" in text


def _of(match: re.Match[str]) -> datetime:
    packed = match["packed"]
    year, month, day = (packed[:4], packed[4:6], packed[6:]) if packed else match.group("year", "month", "day")
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    at = datetime(int(year), int(month or 1), int(day or 1), hour, minute, min(second, 59), tzinfo=_zone(match))
    return at.astimezone(UTC)


def _zone(match: re.Match[str]) -> timezone:
    if not match["sign"]:
        return UTC
    offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0))
    return timezone(-offset if match["sign"] == "-" else offset)
