"""The text being cleaned, what the rules find in it, and the account of what was cut.

A text is lines; a line is one or more units. Lines that were fused without a space ("...on Friday.Police stand guard")
hold several units. Rules look at units and answer with findings; :func:`settle` turns the findings into paragraphs and
removals whose offsets count in the text before any cut.
"""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Literal

from copydesk_cleaner.text import LOWER, UPPER
from copydesk_shared.errors import DeadLetterReason, Poison
from copydesk_shared.messages import Image, RelatedLink, Removal

MAX_FINDINGS = 5_000
MAX_UNITS = 50_000

Kind = Literal["caption", "credit", "related-link", "title", "promotion", "boilerplate", "whitespace"]

# What ends before the joint comes first, so that it is found quickly.
JOINT = re.compile(
    rf"[.!?…\"”’](?:(?<=[{LOWER}0-9)\]%”’\"“»«][.!?…])(?=[\"“‘]?[{UPPER}])|(?<=[.!?…][\"”’])(?=[\"“‘]?[{UPPER}])"
    rf"|(?<=[{LOWER}]{{4}}[.!?…])(?=[0-9]{{1,3}} [^\W\d_])|(?<=[{UPPER}]{{2}}[.!?])(?=[{UPPER}][{LOWER}]))"
)
CAMEL_JOINT = re.compile(rf"(?<=[{LOWER}]{{2}})(?=[{UPPER}][{LOWER}]*[ ’'])")
ONE_LINE_LENGTH = 1500
ONE_LINE_JOINTS = 5


@dataclass(frozen=True)
class Unit:
    """A run of kept text inside one line; ``start`` is its offset in the extracted text."""

    start: int
    text: str
    line: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(frozen=True)
class Cut:
    """A span to cut, with the rule that says so."""

    start: int
    end: int
    rule: str
    kind: Kind


@dataclass(frozen=True)
class Finding:
    """What a rule found: spans to cut and what they were, so that nothing cut is lost.

    ``byline`` names authors, ``attribution`` the agency or desk that the text is from.
    """

    cuts: tuple[Cut, ...]
    image: Image | None = None
    link: RelatedLink | None = None
    byline: str = ""
    attribution: str = ""


@dataclass(frozen=True)
class Context:
    """What is known besides the text. Titles and captions are as printed, links and headings are keys.

    ``titles`` are the titles that the page gives itself (headline, heading, OpenGraph), which may differ;
    ``pointers`` are the links of few words too;
    ``alternatives`` are the alternative texts of its pictures, ``host_lines`` digests of lines that recur on its host.
    """

    titles: tuple[str, ...] = ()
    known_titles: tuple[str, ...] = ()
    host_lines: frozenset[str] = frozenset()
    captions: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    links: Collection[str] = frozenset()
    pointers: Collection[str] = frozenset()
    headings: frozenset[str] = frozenset()
    authors: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()


Family = Callable[[Sequence[Unit], Context], Iterable[Finding]]


@dataclass(frozen=True)
class Settled:
    """The article's half of the account."""

    paragraphs: tuple[str, ...]
    removals: tuple[Removal, ...]


@dataclass
class Story:
    """A normalised text and the findings so far. ``units`` is what is left."""

    text: str
    units: list[Unit]
    findings: list[Finding] = field(default_factory=list)

    @classmethod
    def of(cls, text: str) -> "Story":
        """Raises :class:`Poison` for a text of more units than any article has."""
        units = list(islice(split_units(text), MAX_UNITS + 1))
        if len(units) > MAX_UNITS:
            raise Poison(f"text of more than {MAX_UNITS} units", DeadLetterReason.TOO_LARGE)
        return cls(text, units)

    def apply(self, family: Family, context: Context) -> None:
        """Run a family of rules over what is left; a finding that overlaps an earlier one is ignored.

        Raises :class:`Poison` for more findings than any article has.
        """
        taken: list[tuple[int, int]] = []
        found = list(islice(family(self.units, context), MAX_FINDINGS + 1))
        if len(found) + len(self.findings) > MAX_FINDINGS:
            raise Poison(f"text with more than {MAX_FINDINGS} things to cut", DeadLetterReason.TOO_LARGE)
        for finding in sorted(found, key=lambda finding: finding.cuts[0].start):
            if not taken or finding.cuts[0].start >= taken[-1][1]:
                self.findings.append(finding)
                taken += ((cut.start, cut.end) for cut in finding.cuts)
        if taken:
            self.units = list(subtract(self.units, taken))

    def cuts(self) -> list[Cut]:
        return sorted((cut for finding in self.findings for cut in finding.cuts), key=lambda cut: cut.start)


def _joints(line: str, *, fused: bool) -> list[int]:
    """Where units end inside a line. A straight quotation mark opens the next unit when an even number precede it."""
    found = set()
    quotes = counted = 0
    for match in JOINT.finditer(line):
        position = match.end()
        quotes += line.count('"', counted, position - 1)
        counted = position - 1
        if line[counted] == '"' and quotes % 2 == 0:
            position -= 1
        found.add(position)
    if fused:
        found |= {match.start() for match in CAMEL_JOINT.finditer(line)}
    return sorted(found)


def split_units(text: str) -> Iterator[Unit]:
    """The units of a normalised text.

    Only where a whole article stands in one line and paragraphs are joined without a space does a small letter before a
    capital count as a joint: elsewhere it is a name (YouTube, McDonald).
    """
    lines = text.split("\n") if text else []
    fused = len(lines) == 1 and len(text) > ONE_LINE_LENGTH and len(JOINT.findall(text)) >= ONE_LINE_JOINTS
    offset = 0
    for number, line in enumerate(lines):
        start = 0
        for end in [*_joints(line, fused=fused), len(line)]:
            if end > start:
                yield Unit(offset + start, line[start:end], number)
                start = end
        offset += len(line) + 1


def subtract(units: Iterable[Unit], spans: Sequence[tuple[int, int]]) -> Iterator[Unit]:
    """What is left of the units; both are in order."""
    first = 0
    for unit in units:
        position = unit.start
        while first < len(spans) and spans[first][1] <= unit.start:
            first += 1
        index = first
        if (index == len(spans) or spans[index][0] >= unit.end) and unit.text.strip() == unit.text != "":
            yield unit
            continue
        while index < len(spans) and spans[index][0] < unit.end:
            yield from _part(unit, position, spans[index][0])
            position = spans[index][1]
            index += 1
        yield from _part(unit, position, unit.end)


def _part(unit: Unit, start: int, end: int) -> Iterator[Unit]:
    text = unit.text[start - unit.start : max(end, start) - unit.start]
    stripped = text.strip()
    if stripped:
        yield Unit(start + text.index(stripped), stripped, unit.line)


def _widen(line: str, offset: int, cuts: Sequence[Cut]) -> list[Cut]:
    """The cuts of one line, widened over the blanks that they would leave behind."""
    widened: list[Cut] = []
    position = offset
    blank_before = True
    for cut in cuts:
        start, end = cut.start, cut.end
        if not line[position - offset : start - offset].strip():
            start = position
        if start > position:
            blank_before = line[start - offset - 1] == " "
        if blank_before:
            end = offset + len(line) - len(line[end - offset :].lstrip(" "))
        widened.append(replace(cut, start=start, end=end))
        position = end
    if widened and position == offset + len(line):
        _strip_end(line, offset, widened)
    return widened


def _strip_end(line: str, offset: int, cuts: list[Cut]) -> None:
    """Widen the cuts that take the end of a line over the blank before them."""
    first = len(cuts) - 1
    while first > 0 and cuts[first - 1].end == cuts[first].start:
        first -= 1
    kept = len(line[: cuts[first].start - offset].rstrip(" "))
    cuts[first] = replace(cuts[first], start=max(offset + kept, cuts[first - 1].end if first else offset))


def _is_whole(line: str, cuts: Sequence[Cut]) -> bool:
    return sum(cut.end - cut.start for cut in cuts) == len(line)


def _lines(text: str, cuts: Sequence[Cut]) -> list[tuple[int, str, list[Cut]]]:
    """Each line with its offset and its widened cuts."""
    found: list[tuple[int, str, list[Cut]]] = []
    offset = taken = 0
    for line in text.split("\n"):
        end = offset + len(line)
        first = taken
        while taken < len(cuts) and cuts[taken].start <= end:
            taken += 1
        found.append((offset, line, _widen(line, offset, cuts[first:taken])))
        offset = end + 1
    return found


def settle(text: str, cuts: Sequence[Cut]) -> Settled:
    """The paragraphs and the removals of a normalised text after these cuts, sorted and without overlap.

    A cut that takes a whole line takes one line break with it: the one after, or the one before when nothing that is
    kept follows.
    """
    lines = _lines(text, cuts)
    last_kept = max((i for i, (_, line, found) in enumerate(lines) if not _is_whole(line, found)), default=-1)
    paragraphs: list[str] = []
    removals: list[Removal] = []
    for number, (offset, line, found) in enumerate(lines):
        whole = _is_whole(line, found)
        if whole and number < last_kept:
            found[-1] = replace(found[-1], end=found[-1].end + 1)
        elif whole and last_kept >= 0:
            found[0] = replace(found[0], start=found[0].start - 1)
        removals += (_removal(text, cut, len(paragraphs)) for cut in found)
        if not whole:
            paragraphs.append(_kept(line, offset, found))
    return Settled(tuple(paragraphs), tuple(removals))


def _removal(text: str, cut: Cut, paragraph: int) -> Removal:
    return Removal(
        rule=cut.rule,
        kind=cut.kind,
        text=text[cut.start : cut.end],
        paragraph=paragraph,
        start=cut.start,
        end=cut.end,
    )


def _kept(line: str, offset: int, cuts: Sequence[Cut]) -> str:
    parts, position = [], 0
    for cut in cuts:
        parts.append(line[position : cut.start - offset])
        position = cut.end - offset
    parts.append(line[position:])
    return "".join(parts)
