"""Lines that were joined into a text in one line: "Advertisement", "By Jane Roe", "Sign up to our newsletter".

A sentence of such a text, or its beginning up to where another sentence seems to begin without a stop, is tried as if
it stood on a line of its own. At the end of the text the last sentences are, with their stops.
"""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice, pairwise
from typing import NamedTuple

from copydesk_cleaner.headlines import until_settled
from copydesk_cleaner.one_line import (
    GOVERNED,
    MIN_HEADLINE_WORDS,
    MIN_SENTENCES,
    Span,
    borders,
    in_quotation,
    is_one_line,
    ordinary_words,
    quotations,
)
from copydesk_cleaner.story import Context, Family, Finding, Unit
from copydesk_cleaner.text import UPPER, count_sentences, sentence_starts

MAX_WORDS = 30
MAX_ENDS = 12
LAST = 3  # sentences that may be the end of the page
MAX_SENTENCES = 1_500
NEXT = re.compile(rf" (?=[\"“„«] ?[{UPPER}]|[{UPPER}0-9])")
# What one word alone may be, before whatever follows.
ADVERTISEMENT = "boilerplate.advertisement"
SIGNED = re.compile(r"[.!?…”\"»] (?=\([^()]{2,60}\)$)")
# A place and an agency begin a story: "TOLLHAVEN, Jan 24 (Reuters) - ".
DATELINE = re.compile(rf"[{UPPER}][{UPPER}.’' -]{{2,30}}(?:, [^()]{{2,30}})? (?:\([^()]{{2,30}}\) )?[-–—] ")


class _Part(NamedTuple):
    """A part of a text that may be a line; ``is_told`` when what follows it seems to begin a sentence."""

    unit: Unit
    is_told: bool


def inline_lines(inside: Sequence[Family], at_end: Sequence[Family]) -> Family:
    """A family that finds in a text in one line what these families, which cut whole lines, find in lines.

    They must not ask the context: what is found in a text is known when it is asked again.
    """
    nothing = Context()

    def beginnings(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
        ordinary = ordinary_words(units)
        return _found([part for unit in units for part in _parts(unit, ordinary)], inside, context)

    def ends(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
        return _longest_end(units[-1], (*at_end, *inside), context) if units else iter(())

    @lru_cache(maxsize=2)
    def found(units: tuple[Unit, ...]) -> tuple[Finding, ...]:
        whole = _whole(units, inside, nothing)
        left = [unit for unit in units if (unit.start, unit.end) not in whole]
        begun = until_settled(beginnings, left, nothing)
        return (*whole.values(), *begun, *until_settled(ends, left, nothing))

    def family(units: Sequence[Unit], _: Context) -> Iterator[Finding]:
        if is_one_line(units) and sum(count_sentences(unit.text) for unit in units) >= MIN_SENTENCES:
            yield from found(tuple(units))

    return family


@lru_cache(maxsize=64)
def _parts(unit: Unit, ordinary: frozenset[str]) -> tuple[_Part, ...]:
    """The parts of a unit that may be lines. Most units are as they were in the round before."""
    return tuple(_found_parts(unit, ordinary))


def _found_parts(unit: Unit, ordinary: frozenset[str]) -> Iterator[_Part]:
    starts = [0, *islice(sentence_starts(unit.text), MAX_SENTENCES), len(unit.text)]
    for start, end in pairwise(starts):
        if not in_quotation(unit.text, max(0, start - 800), start):
            yield from islice(_beginnings(unit, Span(unit.text, start, end, ordinary)), MAX_ENDS)


def _beginnings(unit: Unit, span: Span) -> Iterator[_Part]:
    """The sentence up to each of its words with a capital."""
    text, start, end, _ = span
    told = {*borders(span), *quotations(text, start, len(text) if end is None else end)}
    for match in NEXT.finditer(text, start, len(text) if end is None else end):
        if text.count(" ", start, match.start()) >= MAX_WORDS:
            return
        last = text[max(start, text.rfind(" ", start, match.start()) + 1) : match.start()]
        if last and last.casefold() not in GOVERNED and last[-1] not in ":,;":
            is_told = match.end() in told or DATELINE.match(text, match.end()) is not None
            yield _Part(Unit(unit.start + start, text[start : match.start()], unit.line), is_told)


def _found(parts: Sequence[_Part], families: Sequence[Family], context: Context) -> Iterator[Finding]:
    """One finding for each sentence: the shortest that is told by what follows, or the only one."""
    findings = _whole([part.unit for part in parts], families, context)
    for start in dict.fromkeys(part.unit.start for part in parts):
        here = [part for part in parts if part.unit.start == start]
        matched = [part for part in here if (start, part.unit.end) in findings]
        told = next((part for part in matched if part.is_told), None)
        chosen = told or (matched[0] if len(matched) == 1 else None)
        if chosen is None:
            continue
        finding = findings[start, chosen.unit.end]
        if " " in chosen.unit.text or finding.cuts[0].rule == ADVERTISEMENT:
            yield finding


def _longest_end(unit: Unit, families: Sequence[Family], context: Context) -> Iterator[Finding]:
    """The last sentence of the text when it is a line which belongs to no story, with the questions before it."""
    text = unit.text
    signed = SIGNED.search(text)
    starts = [signed.end()] if signed else []
    for start in reversed(sentence_starts(text)[-LAST:]):
        if starts and not (text[: starts[-1]].rstrip().endswith("?") or (signed and starts == [signed.end()])):
            break
        starts.append(start)
    units = [Unit(unit.start + at, text[at:], unit.line) for at in starts if not _begins_inside(text, at)]
    findings = _whole(units, families, context)
    yield from islice((findings[one.start, one.end] for one in reversed(units) if (one.start, one.end) in findings), 1)


def _begins_inside(text: str, start: int) -> bool:
    """Whether a sentence seems to begin without a stop after some words from ``start`` on."""
    return any(len(text[start:border].split()) >= MIN_HEADLINE_WORDS for border in borders(Span(text, start)))


def _whole(units: Sequence[Unit], families: Sequence[Family], context: Context) -> dict[tuple[int, int], Finding]:
    """What the families find that is all of a unit, by its place."""
    places = {(unit.start, unit.end) for unit in units}
    found: dict[tuple[int, int], Finding] = {}
    for family in families:
        for finding in family(units, context):
            place = finding.cuts[0].start, finding.cuts[-1].end
            if place in places:
                found.setdefault(place, finding)
    return found
