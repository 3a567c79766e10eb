"""Paragraphs that the page prints more than once."""

from collections.abc import Iterator, Sequence

from copydesk_cleaner.story import Context, Cut, Finding, Unit
from copydesk_cleaner.text import key

# Refrains, answers and questions that a story repeats on purpose are shorter.
MIN_LENGTH = 60


def repeated_paragraphs(units: Sequence[Unit], _: Context) -> Iterator[Finding]:
    """The second and each later copy of a long line, whatever its case and punctuation."""
    seen: set[str] = set()
    for unit in units:
        if len(unit.text) < MIN_LENGTH:
            continue
        words = key(unit.text)
        if words in seen:
            yield Finding((Cut(unit.start, unit.end, "boilerplate.repeat", "boilerplate"),))
        elif words:
            seen.add(words)
