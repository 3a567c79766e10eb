"""Who a text is from: the names in its sign-offs, sorted into authors and agencies."""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from collections.abc import Iterable, Sequence
from functools import cache

from copydesk_cleaner.credits import RIGHTS
from copydesk_cleaner.people import clean_authors, without_agencies
from copydesk_cleaner.rulebook import shipped
from copydesk_cleaner.rulebook.engine import line_family
from copydesk_cleaner.rulebook.sieve import shipped_sieve
from copydesk_cleaner.story import Context, Family, Finding, Unit
from copydesk_cleaner.text import key

# Where the author was, after the name: "Ada Holm in Oslo and Jo Bell in Bergen".
PLACE = re.compile(r"\s(?:in|from|at)\s(?:the\s)?[A-Z][\w.'-]*(?:\s[A-Z][\w.'-]*)*")
SEPARATOR = re.compile(r"\s*[,;/|]\s*|\s+[-–—&]\s+|\s+(?:and|und|et|y|e|en|i|и|та|och|og)\s+")
NOT_A_SOURCE = re.compile(r"^(?:©|\(c\)|copyright)?\s*(?:©|@|\d{4}(?:-\d{2,4})?)*\s*|[\s.,]+$", re.IGNORECASE)
MAX_SOURCE = 60
MAX_SOURCES = 12


def byline_in(line: str) -> Finding | None:
    """What a line says of authors and agencies that is a byline and nothing else."""
    return next(iter(_bylines()([Unit(0, line, 0)], Context())), None)


@cache
def _bylines() -> Family:
    return line_family(shipped().rules("bylines"), shipped_sieve())


def authors_of(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The people that bylines and sign-offs name, without places, each once."""
    return clean_authors([PLACE.sub("", finding.byline) for finding in findings if finding.byline], "")


def attribution_of(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The agencies and desks that sign-offs name, as printed, each once and in order."""
    found: dict[str, str] = {}
    for finding in findings:
        for part in SEPARATOR.split(finding.attribution):
            name = NOT_A_SOURCE.sub("", part.strip(" ()[]<>*.:"))
            if name and len(name) <= MAX_SOURCE and RIGHTS.match(name) is None:
                found.setdefault(key(name), name)
    return tuple(found.values())[:MAX_SOURCES]


def signed_by(said: Sequence[Sequence[str]], agencies: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Authors and attribution: the first of the lists that names somebody else than agencies, and all the agencies that
    the lists up to there name, before those that are known.
    """
    found: list[str] = []
    for names in said:
        people, theirs = without_agencies(names)
        found += theirs
        if people:
            break
    else:
        people = ()
    once = {key(name): name for name in reversed((*found, *agencies))}
    return people, tuple(once.values())[::-1][:MAX_SOURCES]
