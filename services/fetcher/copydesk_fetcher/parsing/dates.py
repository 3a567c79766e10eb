"""Times as feeds and sitemaps write them: ISO 8601, RFC 5322, seconds since 1970, what is nearly that, and how people
write them in some languages.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

from copydesk_shared.zones import plain_clock

DATE_CHARACTERS = 100
SECONDS = re.compile(r"(\d{9,10})(?:\.\d+)?")
MILLISECONDS = re.compile(r"\d{12,13}")
ISO_DAY = re.compile(r"\d{4}-|\d{8}(?!\d)", re.ASCII)
ZONE = r"\s*(?:Z|GMT|UTC|UT)?\s*(?:(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2})?)?"
# 2026, 2026-11, 2026/11/2 09:30:60 UTC.
NEARLY_ISO = re.compile(
    r"(?P<year>\d{4})(?:(?P<dash>[-/.])(?P<month>\d{1,2})(?:(?P=dash)(?P<day>\d{1,2}))?)?"
    rf"(?:[T ](?P<hour>\d{{1,2}}):(?P<minute>\d{{2}})(?::(?P<second>\d{{2}})(?:[.,]\d+)?)?{ZONE})?",
    re.ASCII | re.IGNORECASE,
)
CLOCK = r"(?:\D{1,12}?(?P<hour>\d{1,2})[:h.](?P<minute>\d{2})(?:[:.](?P<second>\d{2}))?)?"
# 22.11.2026 09:30, and 22 nov. 2026 09:30:00 +0100 in several languages.
NUMBERS = re.compile(rf"(?P<day>\d{{1,2}})[./](?P<month>\d{{1,2}})[./](?P<year>\d{{4}}){CLOCK}{ZONE}\D*")
WORDS = re.compile(
    r"(?:[^\W\d]+[.,]{0,2}\s+){0,2}(?P<day>\d{1,2})\.?(?:\s+de)?\s+(?P<month>[^\W\d]{3,12})\.?(?:\s+de)?\s+"
    rf"(?P<year>\d{{4}}){CLOCK}{ZONE}\D*"
)
TIMES = ("hour", "minute", "second", "hours", "minutes")
LAST_SECOND = 59  # of the 60 of a leap second
# How the months begin in English, German, French, Spanish, Italian, Portuguese, Dutch and Swedish.
MONTHS = {
    beginning: number
    for number, beginnings in enumerate(
        (
            "jan jän ene gen", "feb fév fev", "mar mär maa mrt mars", "apr avr abr", "may mai maj mag mei",
            "jun juin giu", "jul juil lug", "aug aoû aou ago", "sep set", "oct okt ott out", "nov", "dec dez déc dic",
        ),
        start=1,
    )
    for beginning in beginnings.split()
}  # fmt: skip


def read_date(text: str) -> datetime | None:
    """The time that the text names, in UTC; without a zone it is taken for UTC, without a month or a day for the first.

    ``None`` when it names none.
    """
    text = plain_clock(" ".join(text[:DATE_CHARACTERS].split()))
    for read in (_iso, _mail, _epoch, _written):
        try:
            found = read(text)
        except (ValueError, OverflowError, TypeError):
            continue
        if found is not None:
            return found
    return None


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _iso(text: str) -> datetime | None:
    return _utc(datetime.fromisoformat(text)) if ISO_DAY.match(text) else None


def _mail(text: str) -> datetime:
    return _utc(parsedate_to_datetime(text))


def _epoch(text: str) -> datetime | None:
    if MILLISECONDS.fullmatch(text):
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    return datetime.fromtimestamp(int(found[1]), UTC) if (found := SECONDS.fullmatch(text)) else None


def _written(text: str) -> datetime | None:
    found = NEARLY_ISO.fullmatch(text) or NUMBERS.fullmatch(text) or WORDS.fullmatch(text)
    if found is None:
        return None
    said = {name: value for name, value in found.groupdict().items() if value}
    month = said.get("month", "1")
    hour, minute, second, hours, minutes = (int(said.get(name, 0)) for name in TIMES)
    offset = timedelta(hours=hours, minutes=minutes) * (-1 if said.get("sign") == "-" else 1)
    return datetime(
        int(said["year"]), int(month) if month.isdigit() else _month(month.lower()), int(said.get("day", 1)),
        hour, minute, min(second, LAST_SECOND), tzinfo=timezone(offset),
    ).astimezone(UTC)  # fmt: skip


def _month(name: str) -> int:
    """Raises ``ValueError`` when it is none."""
    try:
        return MONTHS.get(name[:4]) or MONTHS[name[:3]]
    except KeyError:
        raise ValueError(f"{name!r} is no month") from None
