"""Captions without a credit and without a stop, on lines of their own among paragraphs that have one.

A line says that it describes a picture ("Ada Holm (left) at the gate"). Where a text has two such lines, its captions
are printed so, and other long lines without a stop between its paragraphs are captions too.
"""

# Captions in scripts that look alike.
# ruff: noqa: RUF001

import re
from collections.abc import Iterator, Sequence

from copydesk_cleaner.credit_places import MAX_CAPTION
from copydesk_cleaner.findings import image_of
from copydesk_cleaner.headline_features import LISTED, is_full
from copydesk_cleaner.headline_sentences import QUOTED
from copydesk_cleaner.rulebook.patterns import words_pattern
from copydesk_cleaner.story import Context, Cut, Finding, Unit
from copydesk_cleaner.text import LOWER, SURE_ENDS, has_end_mark

MIN_WORDS, MIN_FURTHER_WORDS = 6, 9
MIN_SHOWN = 2  # lines that tell how a page prints its captions
MIN_LINES, MIN_PLACES = 5, 3  # long lines without a stop that are so many, and in so many places, tell it too
MIN_PARAGRAPHS = 3

# Where somebody stands in the picture, in its captions' own words.
PLACES = words_pattern(
    (
        *("left", "right", "centre", "center", "pictured", "above", "below", "inset", "links", "rechts"),
        *("à gauche", "à droite", "au centre", "izquierda", "derecha", "izq.", "a sinistra", "a destra", "al centro"),
        *("à esquerda", "à direita", "po lewej", "po prawej", "z lewej", "z prawej", "слева", "справа", "в центре"),
        *("зліва", "ліворуч", "праворуч", "у центрі"),
    )
)
SHOWN = re.compile(
    rf"\((?:[^()]{{0,40}}\b)?{PLACES}(?![\w-])[^()]{{0,60}}\)|\b[Pp]ictured\b|, (?:left|right|centre|center)(?:,|$)"
    r"|\b(?:is|are) (?:seen|shown|pictured)\b|\bseen (?:here|above)\b"
    r"|\b(?:file|handout|undated) (?:photo|picture|image)\b"
)
SIGNS = ("(", "ictured", ", left", ", right", ", cent", " seen", " shown", " photo", " picture", " image")  # in each
SMALL = re.compile(rf"[{LOWER}]")


def unmarked_captions(units: Sequence[Unit], _: Context) -> Iterator[Finding]:
    """Lines that say that they describe a picture, and those that look like them where a text has several."""
    told = [unit for unit in units[1:] if unit.text[-1] not in SURE_ENDS and _may_show(unit.text)]
    shown = {unit.start for unit in told if _is_unmarked(unit.text, MIN_WORDS) and _shows(unit.text)}
    if not shown or sum(is_full(unit.text) for unit in units) < MIN_PARAGRAPHS:
        return
    several = len(shown) >= MIN_SHOWN
    for index, unit in enumerate(units):
        if unit.start in shown or (several and _is_further(units, index)):
            cut = Cut(unit.start, unit.end, "caption.unmarked", "caption")
            yield Finding((cut,), image=image_of(unit.text, ""))


def _may_show(text: str) -> bool:
    """A cheap question first."""
    return any(sign in text for sign in SIGNS)


def _shows(text: str) -> bool:
    return SHOWN.search(QUOTED.sub("X", text)) is not None


def _is_unmarked(text: str, least: int) -> bool:
    """Whether a line may be such a caption: long enough, without a stop, no item of a list, not in capitals."""
    words = text.split()
    return (
        len(text) <= MAX_CAPTION
        and len(words) >= least
        and not has_end_mark(text)
        and not text.startswith("(")
        and not text.endswith(("...", "…", ","))
        and LISTED.match(text) is None
        and 2 * sum(SMALL.match(word) is not None for word in words) >= len(words)
    )


def _is_further(units: Sequence[Unit], index: int) -> bool:
    """Whether a long line without a stop stands behind the first paragraph, alone or among its like."""
    if not 0 < index < len(units) or not _is_unmarked(units[index].text, MIN_FURTHER_WORDS):
        return False
    first = last = index
    while first and _is_unmarked(units[first - 1].text, MIN_FURTHER_WORDS):
        first -= 1
    while last + 1 < len(units) and _is_unmarked(units[last + 1].text, MIN_FURTHER_WORDS):
        last += 1
    before = first > 0 and is_full(units[first - 1].text)
    after = last + 1 == len(units) or is_full(units[last + 1].text)
    return before and after
