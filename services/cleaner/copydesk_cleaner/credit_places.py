"""Where a credit stands in its line, whether that is a credit's place, and where the caption before it begins.

When unsure the body is kept: then the credit alone is cut, or nothing.
"""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from copydesk_cleaner.caption_forms import DATED, DATELINE, FUSED_NEXT, SPACED_NEXT
from copydesk_cleaner.caption_signs import is_clause, shows_picture, tells_story
from copydesk_cleaner.credits import (
    PERSON,
    WIRES,
    Credit,
    Strength,
    are_wires,
    expands,
    is_picture_agency,
    is_source,
    is_supplier,
    is_unknown_chain,
)
from copydesk_cleaner.rulebook.book import shipped
from copydesk_cleaner.story import Context, Unit
from copydesk_cleaner.text import count_sentences, has_end_mark, key, last_sentence_start, sentence_starts

MAX_CAPTION = 480
WINDOW = 2000  # how far back a caption is looked for
MAX_DATED_CAPTION = 1400
MAX_INLINE_CAPTION = 300
MAX_FIRST_CAPTION, MAX_FIRST_SENTENCES = 400, 3
RUN_ON_SENTENCES = 2
MIN_KNOWN_CAPTION = 15
MIN_INSTITUTION_WORDS = 3
MIN_CAPTION_WORDS = 2
MIN_SPACED_WORDS = 4
MAX_PLACE_WORDS = 3
MAX_DATELINE = 60
MAX_PARTY = 4
MAX_NAME_WORDS = 6
ONE_LINE_LENGTH = 900
# What a caption of more than a sentence says of its picture, and how its second sentence begins or refers back.
SHOWN = re.compile(
    r"\b(?:pictured|(?:seen|shown) here|(?:from|at) left|at right|file photo)\b|\((?:left|right|above)\)"
)
DATELINED = re.compile(r"[^.!?()]{2,60}\([^()]{2,30}\) ?[-–—] ")
FILE_LED = re.compile(r"FILE\s?[-–—]\s")
FULL_DATE = re.compile(r"day, [A-Z][a-z]+\.? \d{1,2}, \d{4}\b")
REFERS_BACK = re.compile(r"(?:He|She|They|It|His|Her|Their|Its)\b|.*\bthat (?:day|night|morning|evening|week)\b")
# The source of what is said rather than of a picture.
SOURCED = re.compile(r"[\s⇥(\[]*(?:Quelle|Source|SOURCE|Fuente|Fonte|Bron|Źródło|Источник|Джерело)\b")
ABBREVIATED = re.compile(r"(?:\bD\.C\.|\b[ap]\.m\.)\s?(?=[A-Z][a-z])")
MIN_SPLIT_WORDS = 3
STARTS = "’‘“\"'«„0123456789"  # of a caption, besides a capital
STARTERS = frozenset(shipped().vocabulary("sentence_starters"))


class Place(Enum):
    """What follows a parenthesis."""

    FUSED = "a capital without a space"
    END = "the end of the line"
    SPACED = "a capital after a space"
    INSIDE = "the rest of a sentence"


@dataclass(frozen=True)
class Surroundings:
    """What is known besides the line: captions of the page, by key, and the shape of the whole text.

    A caption's value is whether a line that equals it may be cut.
    """

    known: Mapping[str, bool]
    one_line: bool
    last: int

    @classmethod
    def of(cls, units: Sequence[Unit], context: Context) -> "Surroundings":
        known = {key(text): False for text in context.alternatives if len(text) >= MIN_KNOWN_CAPTION}
        known |= {
            key(text): key(text) not in context.headings for text in context.captions if len(text) >= MIN_KNOWN_CAPTION
        }
        one_line = bool(units) and units[0].line == units[-1].line and units[-1].end - units[0].start > ONE_LINE_LENGTH
        return cls(known, one_line, units[-1].start if units else 0)


def place_of(after: str) -> tuple[Place, str]:
    """The place of a parenthesis by what follows it, and the word that does."""
    if not after.strip():
        return Place.END, ""
    if FUSED_NEXT.match(after):
        return Place.FUSED, ""
    spaced = SPACED_NEXT.match(after)
    return (Place.SPACED, spaced["word"]) if spaced else (Place.INSIDE, "")


def stands_as_credit(credit: Credit, before: str, place: Place, word: str, around: Surroundings) -> bool:
    """Whether the place of a parenthesis is that of a credit, given how credit-like its content is.

    ``word`` is the one that follows after a space.
    """
    if place == Place.INSIDE or expands(before, credit.source) or _is_dateline(before, credit.source):
        return False
    if credit.strength == Strength.SURE:
        is_storys = not credit.labelled and are_wires(credit.source) and (has_end_mark(before) or not before.strip())
        return not is_storys and (place != Place.SPACED or credit.labelled or _starts_anew(credit, before, word))
    if not before:
        return place == Place.END and is_supplier(credit.source)
    words = len(before.split())
    is_begun = before[:1].isupper() or before[:1] in STARTS or is_picture_agency(credit.source)
    if words < MIN_CAPTION_WORDS or not is_begun:
        return False
    if known_end(before, around.known) is not None:
        return True
    starts_anew = place == Place.SPACED and words >= MIN_SPACED_WORDS
    starts_anew = starts_anew and (word in STARTERS or is_picture_agency(credit.source))
    is_shown = place == Place.END and not around.one_line and has_end_mark(before) and _is_shown(credit, before)
    return is_shown or _fits(credit, before, place, starts_anew=starts_anew)


def _starts_anew(credit: Credit, before: str, word: str) -> bool:
    """Whether a chain with a known agency ends a caption, and the next sentence begins after it."""
    if not has_end_mark(before) or count_sentences(before) == 1:
        return True
    return word in STARTERS or is_unknown_chain(credit.source)


def _fits(credit: Credit, before: str, place: Place, *, starts_anew: bool) -> bool:
    """The same for a credit that is none by its content alone."""
    if has_end_mark(before):
        if credit.strength == Strength.AGENCY:
            return place == Place.FUSED or _is_picture(credit, place)
        return place == Place.FUSED and PERSON.fullmatch(credit.source) is not None
    if place == Place.END and is_clause(before):
        return False
    if credit.strength >= Strength.CHAIN:
        return place != Place.SPACED or starts_anew
    fused = place == Place.FUSED and not _is_party(credit.source, before)
    return (fused or starts_anew) and _has_name(credit.source) and count_sentences(before) == 1


def _is_shown(credit: Credit, before: str) -> bool:
    """Whether a sentence says that it describes a picture, and a credit or who may have handed it out is behind it."""
    if are_wires(credit.source) or count_sentences(before) > 1 or not shows_picture(before) or tells_story(before):
        return False
    return credit.strength >= Strength.CHAIN or len(credit.source.split()) >= MIN_INSTITUTION_WORDS


def _is_picture(credit: Credit, place: Place) -> bool:
    """Whether it is "(File photo)", "(Alamy)" or their like at a line's end, about a picture even after a full stop."""
    is_supplied = is_supplier(credit.source) and " " in credit.source
    return place == Place.END and (is_supplied or is_picture_agency(credit.source))


def _has_name(source: str) -> bool:
    return sum(map(str.isalpha, source)) > sum(map(str.isdigit, source)) + 1


def _is_party(source: str, before: str) -> bool:
    """Whether these are letters after a name in a list of people: "Anna Berg (SPD)"."""
    return source.isupper() and len(source) <= MAX_PARTY and len(before.split()) <= MAX_PLACE_WORDS


def _is_dateline(before: str, source: str) -> bool:
    """The place and the wire, "Hong Kong (CNN Business)", and what follows fused to them start a story: no caption."""
    before = before[-2 * MAX_DATELINE :]
    before = before[last_sentence_start(before) :]
    words = before.split()
    if len(before) <= MAX_DATELINE and DATELINE.fullmatch(before):
        return True
    return (
        source.casefold() in WIRES and 0 < len(words) <= MAX_PLACE_WORDS and all(word[:1].isupper() for word in words)
    )


def known_end(before: str, known: Mapping[str, bool]) -> int | None:
    """Where a caption that is known from the page starts, when ``before`` ends with it."""
    if not known:
        return None
    words = key(before)
    for caption in known:
        if words.endswith(caption):
            return _start_of_tail(before, caption)
    return None


def _start_of_tail(text: str, tail: str) -> int:
    """The offset in the text at which the tail, given as a key, starts."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if len(key(text[middle:])) >= len(tail):
            low = middle
        else:
            high = middle - 1
    return low


def caption_start(unit: Unit, low: int, high: int, place: Place, around: Surroundings) -> int:
    """Where the caption before a credit at ``high`` starts, not before ``low``; both and the result count in the unit.

    The same as ``high`` when no caption can be told from the text before the credit.
    """
    before = unit.text[low:high]
    start = known_end(before, around.known)
    if start is not None:
        return low + start
    if DATELINED.match(before):
        return high
    start = _after_abbreviation(unit.text, _told_start(unit, low, high, place, around), high)
    caption = unit.text[start:high].strip()
    if not has_end_mark(caption):
        return start
    if SOURCED.match(unit.text, high) and not shows_picture(caption):
        return high
    whole = around.last == 0 and place == Place.END
    stays = tells_story(caption, whole=whole) or (unit.text[:start].strip() and not shows_picture(caption))
    return high if stays else start


def _after_abbreviation(text: str, start: int, high: int) -> int:
    """The start, or that of the sentence after "Washington, D.C." and "at 9 a.m.", whose stop ends the one before."""
    for match in ABBREVIATED.finditer(text, start, high):
        enough = min(len(text[start : match.end()].split()), len(text[match.end() : high].split()))
        if enough >= MIN_SPLIT_WORDS:
            return match.end()
    return start


def _told_start(unit: Unit, low: int, high: int, place: Place, around: Surroundings) -> int:
    """The same by the shape of the text alone."""
    before = unit.text[low:high]
    if _is_caption_whole(unit, low, before, place, around):
        return low + _dated_start(before)
    start = low + last_sentence_start(before)
    is_own = not low and not around.one_line
    if has_end_mark(before):
        is_last = is_own and place != Place.SPACED and len(before) <= MAX_CAPTION
        is_dated = high - start <= MAX_INLINE_CAPTION and FULL_DATE.search(before, start - low) is not None
        return start if start and (is_last or is_dated) else high
    longest = MAX_CAPTION if is_own and place != Place.SPACED else MAX_INLINE_CAPTION
    return start if high - start <= longest else high


def _dated_start(before: str) -> int:
    """Where the sentence begins that says the picture's date; those before it may be the story's. 0 without one."""
    starts = [0, *sentence_starts(before)]
    dated = next((at for at, end in pairwise([*starts, len(before)]) if DATED.search(before, at, end)), 0)
    return 0 if SHOWN.search(before, 0, dated) else dated


def _is_caption_whole(unit: Unit, low: int, before: str, place: Place, around: Surroundings) -> bool:
    """Whether all of a text of several sentences, or of one with an end mark, is the caption of the credit after it.

    A paragraph of the story may run on into a caption, so that several sentences have to show that they are one.
    """
    sentences = count_sentences(before)
    is_alone = unit.start == 0 and around.last == 0
    is_file = FILE_LED.match(before) is not None and len(before) <= MAX_CAPTION and sentences <= MAX_FIRST_SENTENCES
    if low or is_file or (sentences > 1 and (place == Place.SPACED or is_alone)):
        return is_file and not low
    if not has_end_mark(before):
        return _run_on(before, sentences) and unit.start > 0 and not around.one_line
    if unit.start == 0 and len(before) <= MAX_FIRST_CAPTION and sentences <= MAX_FIRST_SENTENCES:
        return sentences == 1 or place == Place.END
    if around.one_line:
        return False
    is_dated = place == Place.END and DATED.search(before) is not None
    if len(before) <= MAX_CAPTION:
        most = RUN_ON_SENTENCES if place == Place.END else 1
        return sentences <= most or is_dated or _run_on(before, sentences)
    return is_dated and len(before) <= MAX_DATED_CAPTION


def _run_on(before: str, sentences: int) -> bool:
    """Whether a caption goes on in a second sentence: the first says that it is one, or the second refers back."""
    if sentences != RUN_ON_SENTENCES or len(before) > MAX_CAPTION:
        return False
    second = last_sentence_start(before)
    is_dated = has_end_mark(before) and FULL_DATE.search(before, 0, second) is not None
    name = before[second:].strip()
    if len(name.split()) <= MAX_NAME_WORDS and is_source(name):  # "…still being built. Jane Doe for Courier (Northpix)"
        return True
    return is_dated or SHOWN.search(before, 0, second) is not None or REFERS_BACK.match(before, second) is not None
