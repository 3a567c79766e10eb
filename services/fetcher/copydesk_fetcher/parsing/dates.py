"""Times as feeds write them: ISO 8601, RFC 5322, seconds since 1970, and how people write them in some languages."""

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

DATE_CHARACTERS = 100
SECONDS = re.compile(r"(\d{9,10})(?:\.\d+)?")
MILLISECONDS = re.compile(r"\d{12,13}")
CLOCK = r"(?:\D{1,12}?(\d{1,2})[:h.](\d{2})(?:[:.](\d{2}))?)?"
ZONE = r"\s*(?:(?:Z|GMT|UTC|UT)?\s*(?:([+-])(\d{2}):?(\d{2}))?)?\D*"
# 22.11.2026 09:30, and 22 nov. 2026 09:30:00 +0100 in several languages.
NUMBERS = re.compile(rf"(\d{{1,2}})[./](\d{{1,2}})[./](\d{{4}}){CLOCK}{ZONE}")
WORDS = re.compile(
    rf"(?:[^\W\d]+[.,]{{0,2}}\s+){{0,2}}(\d{{1,2}})\.?(?:\s+de)?\s+([^\W\d]{{3,12}})\.?(?:\s+de)?\s+(\d{{4}}){CLOCK}{ZONE}"
)
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
    """The time that the text names, in UTC; without a zone it is taken for UTC. ``None`` when it names none."""
    text = " ".join(text[:DATE_CHARACTERS].split())
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
    return _utc(datetime.fromisoformat(text)) if text[:4].isdigit() and text[4:5] == "-" else None


def _mail(text: str) -> datetime:
    return _utc(parsedate_to_datetime(text))


def _epoch(text: str) -> datetime | None:
    if MILLISECONDS.fullmatch(text):
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    return datetime.fromtimestamp(int(found[1]), UTC) if (found := SECONDS.fullmatch(text)) else None


def _written(text: str) -> datetime | None:
    found = NUMBERS.fullmatch(text) or WORDS.fullmatch(text)
    if found is None:
        return None
    day, month, year, hour, minute, second, sign, hours, minutes = found.groups(default="")
    number = int(month) if month.isdigit() else _month(month.lower())
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    day_at = datetime(int(year), number, int(day), int(hour or 0), int(minute or 0), tzinfo=timezone(offset))
    return day_at.replace(second=int(second or 0)).astimezone(UTC)


def _month(name: str) -> int:
    """Raises ``ValueError`` when it is none."""
    try:
        return MONTHS.get(name[:4]) or MONTHS[name[:3]]
    except KeyError:
        raise ValueError(f"{name!r} is no month") from None
