"""Dates as readers see them: ``24 janvier 2026 à 10h30``, ``24.01.2026, 10:30 Uhr``, ``2026年1月24日 10:30``.

Only where a line is little more than a date does it say when the story was published. Slashes are read in the order
that one of the numbers allows, and as day and month where both do, but not in English, where nobody can tell.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from itertools import islice

from copydesk_cleaner.dates import parse_date
from copydesk_cleaner.rulebook import shipped
from copydesk_cleaner.rulebook.patterns import words_pattern
from copydesk_shared.zones import ZONES, plain_clock

MAX_LINE = 120
MAX_LINES = 80
LONG_PARAGRAPH = 150
MAX_OTHER_WORDS = 3
MAX_STAMP_WORDS = 9  # besides the date where the line says that it was published then, or who wrote it
MONTHS = 12
SHORTEST, LONGEST = 3, 6  # letters of the beginnings of names of months

_YEAR = r"(?P<year>(?:19|20)\d{2})"
_MONTH = r"(?P<name>[^\W\d_]{3,12})\.?"
FORMS = tuple(
    re.compile(form)
    for form in (
        rf"(?<!\d){_YEAR}-(?P<month>\d{{1,2}})-(?P<day>\d{{1,2}})(?!\d)",
        rf"(?<!\d)(?P<day>\d{{1,2}})(?:\.|º|°|ª|er|st|nd|rd|th)?(?:\s(?:de|of|d['’]))?\s?{_MONTH},?(?:\s(?:de|del))?\s{_YEAR}",  # noqa: RUF001
        rf"{_MONTH}\s(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s{_YEAR}",
        rf"(?<![\d.])(?P<day>\d{{1,2}})\.\s?(?P<month>\d{{1,2}})\.\s?{_YEAR}",
        rf"(?<!\d){_YEAR}[年년./]\s?(?P<month>\d{{1,2}})[月월./]\s?(?P<day>\d{{1,2}})(?:日|일|\.|(?!\d))",
        rf"(?<![\d/])(?P<first>\d{{1,2}})[/-](?P<second>\d{{1,2}})[/-]{_YEAR}",
    )
)
CLOCK = re.compile(
    r"(?<![\d.:/-])(?P<hour>\d{1,2})(?:[:hHч](?P<minute>\d{2})?|\.(?P<dotted>\d{2}))(?!\d)(?::\d{2})?"
    rf"(?P<rest>\s?[ap]\.?m\b\.?)?(?:\s?[Uu]hr|\s?uur)?(?P<zone>\s(?:{'|'.join(ZONES)})\b)?"
)
WORD = re.compile(r"[^\W\d_]{2,}")
UPDATED = re.compile(rf"\b{words_pattern(shipped().vocabulary('update_words'))}\b", re.IGNORECASE)
_STAMPS = words_pattern((*shipped().vocabulary("update_words"), *shipped().vocabulary("publication_words")))
STAMP = re.compile(rf"(?:by|von|por|par|di|door|af|av|автор)\s|(?:.{{0,60}}\b)?{_STAMPS}\b", re.IGNORECASE)


def first_date(lines: Iterable[str], now: datetime, language: str | None) -> datetime | None:
    """The date that the lines above a story print, of its update only where there is no other; at most now."""
    updated = None
    for line in islice(lines, MAX_LINES):
        if len(line) > LONG_PARAGRAPH:
            break
        date = date_line(line, now, language)
        if date is not None and UPDATED.search(line) is None:
            return date
        updated = updated or date
    return updated


def date_line(line: str, now: datetime, language: str | None) -> datetime | None:
    """The date in a line that is little more; ``None`` where there is none, or it lies in the future."""
    if len(line) > MAX_LINE:
        return None
    for form in FORMS:
        for match in form.finditer(line):
            day = _day(match, language)
            others = WORD.findall(f"{line[: match.start()]} {line[match.end() :]}")
            most = MAX_STAMP_WORDS if STAMP.match(line) else MAX_OTHER_WORDS
            if day is not None and len(others) <= most:
                after = CLOCK.search(line, match.end()) or CLOCK.search(line[: match.start()])
                return parse_date(f"{day} {_clock(after)}" if after else day, now) or parse_date(day, now)
    return None


def _day(match: re.Match[str], language: str | None) -> str | None:
    """The day as ISO 8601 writes it; whether it is one is for the parser to say."""
    told = match.groupdict()
    if told.get("name"):
        month = _month(told["name"])
        return f"{told['year']}-{month:02}-{int(told['day']):02}" if month else None
    if told.get("first"):
        day, month = int(told["first"]), int(told["second"])
        if month > MONTHS:
            day, month = month, day
        elif day <= MONTHS and language in {None, "en"} and day != month:
            return None
        return f"{told['year']}-{month:02}-{day:02}"
    return f"{told['year']}-{int(told['month']):02}-{int(told['day']):02}"


def _clock(match: re.Match[str]) -> str:
    minutes = match["minute"] or match["dotted"] or "00"
    return plain_clock(f"x {int(match['hour']):02}:{minutes}{match['rest'] or ''}{match['zone'] or ''}").removeprefix(
        "x "
    )


def _month(name: str) -> int | None:
    """The number of a month by the first letters of its name, the longest that are known."""
    starts, word = _months(), name.casefold()
    return next((starts[word[:end]] for end in range(LONGEST, SHORTEST - 1, -1) if word[:end] in starts), None)


@cache
def _months() -> dict[str, int]:
    listed = shipped().vocabulary_by_language("months").values()
    return {start: number for names in listed for number, each in enumerate(names, 1) for start in each.split("/")}
