"""What captions and credits look like in a line: patterns, and the rules over whole lines. Nothing here is a place."""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from copydesk_cleaner.rulebook.book import Rule, shipped
from copydesk_cleaner.rulebook.patterns import words_pattern
from copydesk_cleaner.rulebook.sieve import Candidate, shipped_sieve
from copydesk_cleaner.text import LOWER, UPPER

BRACKETED = re.compile(r"\s?⇥?[(\[（](?P<content>[^()\[\]（）\n]{2,160})[)\]）]")
# A letter that is not small, a figure, a price or a handle; iPhone; a bullet.
FUSED_NEXT = re.compile(rf"[\"“‘'*—–•\[«„¿¡]?(?:[^\W\d_{LOWER}]|[0-9£$€¥@#]|[a-z][A-Z])|[*—–•▪►]\s|…")
SPACED_NEXT = re.compile(rf"\s[\"“‘'«„]?(?P<word>[{UPPER}][\w’']*)")
DATELINE = re.compile(rf"(?:[{UPPER}][{UPPER}.'’\-]+[ ,/]*){{1,5}}(?:[A-Z][a-z]+\.?,? ?){{0,2}}(?:\d{{1,2}})?,?\s*")
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
# "Sunday, Feb. 4, 2018," in the first sentence: how the agencies write captions of more than a sentence.
DATED = re.compile(
    r"\b(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day,? (?:on )?(?:(?:Jan|Feb|Aug|Sept|Oct|Nov|Dec)\.|"
    rf"{MONTHS}) \d{{1,2}}"
    r"|(?:Jan(?:\.|uary)|Feb(?:\.|ruary)|March|April|May|June|July|Aug(?:\.|ust)|Sept(?:\.|ember)|Oct(?:\.|ober)|"
    r"Nov(?:\.|ember)|Dec(?:\.|ember)) \d{1,2}, \d{4}|file photo)\b"
)
TRAILING_COPYRIGHT = re.compile(r"\s?©\s?[^©.()]{2,60}$")

# Labels that also stand before other things than names of pictures' makers.
WEAK_LABELS = frozenset(shipped().vocabulary("weak_labels"))


LABELS = frozenset(shipped().vocabulary("credit_labels"))
LABELS_BY = frozenset(shipped().vocabulary("credit_labels_by"))
MAX_LABEL_WORDS = 4
TAIL = 130  # characters in which a label's source lies
MIN_SOURCE = 2
ALONE = ""  # the words of a label without a mark
LONGEST_LABEL = 30
# Where a label without a colon may begin: what begins with letters alone is found quickly.
BY_STEMS = re.compile(
    "|".join(sorted({re.escape(label.split()[0].capitalize()) for label in LABELS_BY}))
    + r"|f(?<=[.!?] f)ot\.|z(?<=[.!?] z)dj\."
)
BY = re.compile(
    rf"{words_pattern(sorted(LABELS_BY))}\s*:?\s+(?P<source>[^:\n]{{2,120}})$",
    re.IGNORECASE,
)


class Gap(Enum):
    """What stands between a caption and a label."""

    START = "the label begins the line"
    FUSED = "no space"
    MARK = "an end mark or a bar"
    SPACE = "a space alone"


@dataclass(frozen=True)
class Label:
    """A label and a source at the end of a line. ``start`` is where the credit begins, with its bar or bracket."""

    start: int
    gap: Gap
    words: str
    source: str


def tail_label_of(text: str) -> Label | None:
    """The label and the source at the end of a line, or ``None``."""
    return _marked_label(text) or _label_by(text) or _label_alone(text)


def _marked_label(text: str) -> Label | None:
    """A label before the last colon or bar of a line: "Photo: AP"."""
    find = text.rfind
    position = max(find(":"), find("："), find("|"), find("="), find("＝"))
    if position < 0 and "ource," in text:
        position = text.rfind("ource,") + len("ource")
    source = text[position + 1 :].strip(" )]")
    if position < 0 or not MIN_SOURCE <= len(source) <= TAIL:
        return None
    before = text[:position].rstrip()
    found = None
    start = len(before)
    for _ in range(MAX_LABEL_WORDS):
        if not (bare := before[:start].rstrip()):
            break
        start = bare.rfind(" ") + 1
        for at in _inside(before, start):
            words = before[at:].casefold()
            if (
                words in LABELS
                and not before[at].islower()
                and (gap := gap_before(before[:at], before[at:])) is not None
            ):
                found = Label(gap[0], gap[1], words, source)
    return found


def _inside(text: str, start: int) -> Iterator[int]:
    """Where a label may begin in the word at ``start``: there, after a bracket, or at a capital that is fused to it."""
    end = text.find(" ", start)
    word = text[start : end if end >= 0 else len(text)]
    yield start
    for index in range(1, len(word)):
        if word[index].isupper() or word[index - 1] in "([":
            yield start + index


PHOTO = re.compile(r"(?:Photos?|PHOTO|Foto|FOTO|Bild|BILD|Beeld|BEELD)\s(?P<source>\S[^:\n]{1,120})$")


def _label_alone(text: str) -> Label | None:
    """A label without a colon after an end mark, and a source: "….Photo Jane Doe/AFP"."""
    tail = text[-TAIL:]
    if "oto" not in tail and "OTO" not in tail and "Bild" not in tail and "Beeld" not in tail:
        return None
    position = max(
        text.rfind(stem, max(0, len(text) - TAIL)) for stem in ("Photo", "PHOTO", "Foto", "FOTO", "Bild", "Beeld")
    )
    match = PHOTO.match(text, position) if position >= 0 else None
    gap = gap_before(text[:position], "Photo") if match else None
    if match is None or gap is None or gap[1] not in {Gap.MARK, Gap.START}:
        return None
    return Label(gap[0], gap[1], ALONE, match["source"].strip(" )]"))


def _label_by(text: str) -> Label | None:
    """A label that needs no colon, and a source: "Photo by Jane Doe"."""
    for stem in BY_STEMS.finditer(text, max(0, len(text) - TAIL - LONGEST_LABEL)):
        match = BY.match(text, stem.start())
        gap = gap_before(text[: stem.start()], stem[0]) if match else None
        if match and gap:
            words = text[stem.start() : match.start("source")].strip(" :").casefold()
            return Label(gap[0], gap[1], words, match["source"].strip(" )]"))
    return None


def gap_before(before: str, label: str) -> tuple[int, Gap] | None:
    """Where the credit starts and what is before it; ``None`` when the label is the end of a longer word."""
    if not before or before in "([":
        return 0, Gap.START
    opened = before[:-1] if before[-1] in "([" else before
    bare = opened.rstrip()
    if not bare:
        return 0, Gap.START
    if bare[-1] in '.!?…"”’»)':
        return len(bare), Gap.MARK
    if bare[-1] in "|/•–—-" and bare != opened:
        return len(bare[:-1].rstrip()), Gap.MARK
    if bare != opened:
        return len(bare), Gap.SPACE
    is_word = bare[-1].isupper() and label[:2].isupper()
    return None if is_word or not bare[-1].isalnum() else (len(bare), Gap.FUSED)


_RULES = {rule.id: number for number, rule in enumerate(shipped().rules("captions", scope="line"))}


def line_rule(text: str) -> tuple[Rule, re.Match[str]] | None:
    """The rule over whole lines that the text matches."""
    met = [candidate for candidate in shipped_sieve().met(text) if candidate.rule.id in _RULES]
    for candidate in sorted(met, key=_place):
        if (match := candidate.pattern.fullmatch(text)) is not None:
            return candidate.rule, match
    return None


def _place(candidate: Candidate) -> tuple[int, int]:
    return _RULES[candidate.rule.id], candidate.number
