"""When a feed asks not to be polled: ``skipHours`` and ``skipDays`` of RSS, which feedparser does not read."""

import re
from typing import NamedTuple

from copydesk_fetcher.parsing.bounds import END_OF_ENTRY, START_OF_ENTRY

LIST = re.compile(rb"<skip(?:hours|days)\b", re.IGNORECASE)
LISTS = {
    name: (re.compile(rb"<skip%s\b[^<>]*>" % name, re.IGNORECASE), re.compile(rb"</skip%s\b" % name, re.IGNORECASE))
    for name in (b"hours", b"days")
}
LIST_BYTES = 4000
ONE = re.compile(rb"<(?:hour|day)\b[^<>]*>\s*(\w{1,20})\s*</", re.IGNORECASE)
HOURS = 24
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Skips(NamedTuple):
    """Hours of the day (0 to 23, UTC) and days of the week (Monday is 0)."""

    hours: tuple[int, ...] = ()
    days: tuple[int, ...] = ()


def read_skips(body: bytes) -> Skips:
    """What a feed says outside its entries.

    All hours, or all days, are none: nobody publishes a feed that is never to be read.
    """
    if not LIST.search(body):
        return Skips()
    first = START_OF_ENTRY.search(body)
    about = body[: first.start()] if first else body
    if first:
        about += body[max((match.end() for match in END_OF_ENTRY.finditer(body)), default=len(body)) :]
    hours = {hour for text in _listed(about, b"hours") if (hour := _hour(text)) is not None}
    days = {DAYS.index(text) for text in _listed(about, b"days") if text in DAYS}
    return Skips(
        tuple(sorted(hours)) if len(hours) < HOURS else (),
        tuple(sorted(days)) if len(days) < len(DAYS) else (),
    )


def _listed(about: bytes, name: bytes) -> list[str]:
    begins, ends = LISTS[name]
    begin = begins.search(about)
    end = ends.search(about, begin.end(), begin.end() + LIST_BYTES) if begin else None
    return [each.decode().lower() for each in ONE.findall(about, begin.end(), end.start())] if begin and end else []


def _hour(text: str) -> int | None:
    """Of RSS 0.91 24 is midnight; ``None`` for what is no hour."""
    return int(text) % HOURS if text.isascii() and text.isdigit() and int(text) <= HOURS else None
