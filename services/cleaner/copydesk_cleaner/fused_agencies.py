"""The name of an agency into which the next sentence runs, and before it perhaps the caption: "gateGetty ImagesThe"."""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from itertools import islice

from ahocorasick_rs import AhoCorasick

from copydesk_cleaner.credit_lines import with_caption
from copydesk_cleaner.credit_places import STARTERS, WINDOW, Place, Surroundings, caption_start
from copydesk_cleaner.findings import picture_finding
from copydesk_cleaner.rulebook import shipped
from copydesk_cleaner.rulebook.patterns import words_pattern
from copydesk_cleaner.story import Finding, Unit
from copydesk_cleaner.text import LOWER, UPPER, has_end_mark

RULE = "credit.fused"
MIN_SENTENCE_WORDS = 4
MIN_CAPTION_WORDS = 4
MIN_LETTERS = 3
ENDINGS = frozenset({"A", "I", "Is", "As", "Es"})  # of abbreviations too
GOVERNED = frozenset(shipped().vocabulary("governing_words"))
_SELLERS = sorted(
    {
        form
        for name in shipped().vocabulary("picture_agencies")
        for form in (name.title(), name.upper())
        if name.isascii()
    }
    | {"GettyImages", "iStock", "EPA-EFE", "NurPhoto"}
)
# Not AP: "APIs" and "APPs" are words.
_WIRES = ("AFP", "ANSA", "EPA", "REUTERS", "Reuters", "TASS", "dpa")
FUSED = re.compile(
    rf"(?P<credit>(?:(?P<names>{words_pattern((*_SELLERS, *_WIRES))})(?: ?/ ?| via | - )){{0,2}}"
    rf"(?:(?P<seller>{words_pattern(_SELLERS)})|{words_pattern(_WIRES)}))"
    rf"(?=[\"“„«]?(?P<word>[{UPPER}][{LOWER}’']*\w*) )"
)
JOINED = re.compile(rf"(?<=[A-Za-z])[\"“„«]?[{UPPER}][{LOWER}]")  # few texts have any
NAMES = AhoCorasick([*_SELLERS, *_WIRES])
LAST_WORDS = tuple({name.split()[-1].casefold() for name in (*_SELLERS, *_WIRES)})
MAX_NAME = 80
MAX_JOINTS = 200
BEFORE = re.compile(rf"(?:^|[{LOWER}0-9.!?…”\"’)\]] ?)$")


def fused_agency(unit: Unit, previous: Unit | None, around: Surroundings) -> list[Finding]:
    """The first such credit of a unit, with its caption where one is told."""
    if not NAMES.find_matches_as_indexes(unit.text):
        return []
    for joint in islice(JOINED.finditer(unit.text), MAX_JOINTS):
        start, end = max(0, joint.start() - MAX_NAME), joint.start()
        if not unit.text[start:end].casefold().endswith(LAST_WORDS):
            continue
        for match in FUSED.finditer(unit.text, start, end + MAX_NAME):
            if match.end() == end and _is_credit(match, unit.text, previous):
                return [_finding(match, unit, previous, around)]
    return []


def _is_credit(match: re.Match[str], text: str, previous: Unit | None) -> bool:
    """Whether a sentence begins behind the name: with a word that begins sentences, or with any behind a name that does
    nothing but sell pictures and has run into what stands before it too.
    """
    before, rest = text[: match.start()], text[match.end() :]
    words = before.split()
    if BEFORE.search(before[-2:]) is None or len(rest.split()) < MIN_SENTENCE_WORDS:
        return False
    if before.endswith(" ") and words[-1].casefold() in GOVERNED:
        return False
    if match["word"] in STARTERS and match["word"] not in ENDINGS:
        return True
    runs_on = not before.endswith(" ") if before else previous is not None
    return runs_on and match["seller"] is not None and len(match["word"]) >= MIN_LETTERS and has_end_mark(rest)


def _finding(match: re.Match[str], unit: Unit, previous: Unit | None, around: Surroundings) -> Finding:
    before = unit.text[: match.start()].rstrip()
    credit = match["credit"]
    if not before:
        alone = picture_finding(unit, 0, 0, match.end(), RULE, credit)
        return with_caption(alone, previous, credit, around)
    low = max(0, match.start() - WINDOW)
    start = caption_start(unit, low, len(before), Place.FUSED, around)
    if len(before[start:].split()) < MIN_CAPTION_WORDS:
        start = len(before)
    return picture_finding(unit, start, len(before), match.end(), RULE, credit)
