"""Paragraphs that the page prints more than once."""

from collections.abc import Iterator, Sequence

from copydesk_cleaner.story import Context, Cut, Finding, Unit

# Refrains, answers and questions that a story repeats on purpose are shorter.
MIN_LENGTH = 60
# Items of lists and rows of tables may well say the same.
LISTED = ("- ", "| ")


def repeated_paragraphs(units: Sequence[Unit], _: Context) -> Iterator[Finding]:
    """The second and each later copy of a long line."""
    seen: set[str] = set()
    for unit in units:
        if len(unit.text) < MIN_LENGTH or unit.text.startswith(LISTED):
            continue
        if unit.text in seen:
            yield Finding((Cut(unit.start, unit.end, "boilerplate.repeat", "boilerplate"),))
        seen.add(unit.text)
