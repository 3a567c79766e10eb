"""Paragraphs that the page prints more than once."""

from collections.abc import Iterator, Sequence

from copydesk_cleaner.headlines import until_settled
from copydesk_cleaner.story import Context, Cut, Finding, Unit

# Answers and questions that a story repeats on purpose are shorter, and so are most refrains.
MIN_LENGTH, MIN_NEXT_LENGTH = 60, 50
# Items of lists and rows of tables may well say the same.
LISTED = ("- ", "| ")
# Lines of verse stand among others; a page's head has a few short lines too.
MAX_VERSE = 100
MIN_VERSE, MIN_SONG = 4, 6
MIN_BEFORE = 3


def repeated_paragraphs(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
    """The second and each later copy of a long line that is no refrain."""
    yield from until_settled(_repeated, units, context)


def _repeated(units: Sequence[Unit], _: Context) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for index, unit in enumerate(units):
        if len(unit.text) < MIN_NEXT_LENGTH or unit.text.startswith(LISTED):
            continue
        last = seen.get(unit.text)
        seen[unit.text] = index
        if last is None or (len(unit.text) < MIN_LENGTH and index - last > 1):
            continue
        if not _is_refrain(units, last, index):
            yield Finding((Cut(unit.start, unit.end, "boilerplate.repeat", "boilerplate"),))


def _is_refrain(units: Sequence[Unit], last: int, index: int) -> bool:
    """Whether the line stands in verse, other lines after the last time it was printed, or in a longer song."""
    least = MIN_VERSE if index - last > 1 else MIN_SONG
    return last > 0 and index >= MIN_BEFORE and _verse_around(units, index) >= least


def _verse_around(units: Sequence[Unit], index: int) -> int:
    """How many short lines follow each other where this one stands, itself included."""
    first = last = index
    while first and _is_short(units[first - 1]):
        first -= 1
    while last + 1 < len(units) and _is_short(units[last + 1]):
        last += 1
    return last - first + 1 if _is_short(units[index]) else 0


def _is_short(unit: Unit) -> bool:
    return len(unit.text) <= MAX_VERSE and not unit.text.startswith(LISTED)
