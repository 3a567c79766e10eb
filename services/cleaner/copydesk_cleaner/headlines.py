"""Bare headlines of other stories that stand between two paragraphs.

Only a title known from the feed is sure (:func:`copydesk_cleaner.related.known_titles`). This is second best: a line of
headline length without an end mark, between paragraphs, whose words are not those of its neighbours or of the story.
Sub-heads fail that, as they share words with what follows. When unsure, the line stays.
"""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from copydesk_cleaner.story import Context, Cut, Finding, Unit
from copydesk_cleaner.text import UPPER, has_end_mark, key
from copydesk_shared.messages import RelatedLink

MIN_WORDS, MAX_WORDS = 6, 20
MIN_LINK_WORDS = 5
MAX_LENGTH = 300
MIN_CAPS_WORDS = 8
MIN_CONTENT_WORDS = 3
STEM, CONTENT_LENGTH = 5, 4
NEIGHBOURS = 3
FULL_PARAGRAPH = 60
LISTED_SHARE, LISTED_MIN = 0.3, 6

# The shares of words that neither the neighbours nor the rest of the story hold. Tuned on texts with known headlines:
# of related headlines 95 % reach both, of sub-heads 3 %.
NEW_TO_NEIGHBOURS, NEW_TO_STORY = 0.75, 0.5
BESIDE_CUT_NEW, BESIDE_CUT_UNSEEN, BESIDE_CUT_WORDS = 0.5, 0.4, 8
CLEARLY_NEW_TO_NEIGHBOURS, CLEARLY_NEW_TO_STORY, CLEARLY_WORDS = 0.85, 0.8, 7

STARTS_LIKE_HEADLINE = re.compile(rf"[\"“‘']?[{UPPER}0-9]")
LISTED = re.compile(
    r"(?:[-–—•*▪►]|\d{1,2}[.)] |[\w.]+ ?\d* -- )|.*(?:https?:|@\w|#\w|\.{3}$|…$|pic\.twitter|[\U0001F300-\U0001FAFF])"
)
STARTS_LIKE_SENTENCE = re.compile(
    r"(?:And|But|However|Meanwhile|Also|This|These|Those|That|He|She|It|They|We|I|There|Here|Users|Scroll)\b"
)
DOUBLED = re.compile(r"(?P<headline>.{15,}) (?P=headline)")


# The commonest words of four letters and more; those of other languages are shorter or do little harm.
COMMON = frozenset(
    "about after also amid been before being between both could down during even from have here into just like make "
    "more most much must only other over says should since some such than that their them then there these they this "
    "those through under until very want were what when where which while will with would your".split()
)


def _stems(text: str) -> set[str]:
    words = key(text).split()
    return {word[:STEM] for word in words if len(word) >= CONTENT_LENGTH and word not in COMMON}


class _Surroundings:
    """The words of each line and of the whole story, each computed once."""

    def __init__(self, units: Sequence[Unit]) -> None:
        self.units = units
        self.lines = Counter(unit.line for unit in units)

    @cached_property
    def stems(self) -> list[set[str]]:
        return [_stems(unit.text) for unit in self.units]

    @cached_property
    def counts(self) -> Counter[str]:
        once = {unit.text: stems for unit, stems in zip(self.units, self.stems, strict=True)}
        return Counter(stem for stems in once.values() for stem in stems)

    def beside_cut(self, index: int) -> bool:
        """Whether a line before or after this one was cut: related links come in groups."""
        before, unit, after = self.units[index - 1 : index + 2]
        return unit.start - before.end > 1 or after.start - unit.end > 1

    def new_to_neighbours(self, index: int) -> float:
        around = self.stems[max(0, index - 1) : index] + self.stems[index + 1 : index + 1 + NEIGHBOURS]
        own = self.stems[index]
        return len(own - set().union(*around)) / len(own)

    def new_to_story(self, index: int) -> float:
        own = self.stems[index]
        return sum(1 for stem in own if self.counts[stem] == 1) / len(own)


def bare_headlines(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
    """Related headlines without a lead, links that fill a line, lines in capitals, doubled headlines."""
    around = _Surroundings(units)
    candidates = [index for index in range(len(units)) if _looks_like_headline(units[index])]
    listed = len(candidates) >= LISTED_MIN and len(candidates) > LISTED_SHARE * len(units)
    for index, unit in enumerate(units):
        if index and _is_link(unit, context):
            yield _finding(unit, "headline.link")
    for index in candidates:
        unit = units[index]
        if around.lines[unit.line] > 1 and unit.line != units[0].line:
            continue
        rule = _wording(unit)
        if rule is None and not listed and _off_topic(around, index, context):
            rule = "headline.off-topic"
        if rule is not None:
            yield _finding(unit, rule)


def _finding(unit: Unit, rule: str) -> Finding:
    doubled = DOUBLED.fullmatch(unit.text)
    title = doubled["headline"] if doubled else unit.text
    return Finding((Cut(unit.start, unit.end, rule, "related-link"),), link=RelatedLink(title=title))


def _looks_like_headline(unit: Unit) -> bool:
    words = unit.text.split()
    return (
        MIN_LINK_WORDS <= len(words) <= MAX_WORDS
        and len(unit.text) <= MAX_LENGTH
        and not has_end_mark(unit.text)
        and STARTS_LIKE_HEADLINE.match(unit.text) is not None
        and LISTED.match(unit.text) is None
        and STARTS_LIKE_SENTENCE.match(unit.text) is None
    )


def _wording(unit: Unit) -> str | None:
    if DOUBLED.fullmatch(unit.text):
        return "headline.doubled"
    if unit.text.isupper() and len(unit.text.split()) >= MIN_CAPS_WORDS:
        return "headline.capitals"
    return None


def _is_link(unit: Unit, context: Context) -> bool:
    """Whether a line is the text of a link on the page, and no sentence and no heading of the story."""
    if not context.links or len(unit.text.split()) > MAX_WORDS or has_end_mark(unit.text) or LISTED.match(unit.text):
        return False
    words = key(unit.text)
    return words in context.links and words not in context.headings


def _off_topic(around: _Surroundings, index: int, context: Context) -> bool:
    units = around.units
    if not 0 < index < len(units) - 1 or len(around.stems[index]) < MIN_CONTENT_WORDS:
        return False
    if key(units[index].text) in context.headings:
        return False
    words = len(units[index].text.split())
    before, after = units[index - 1].text, units[index + 1].text
    new, unseen = around.new_to_neighbours(index), around.new_to_story(index)
    if around.beside_cut(index) and words >= BESIDE_CUT_WORDS and new >= BESIDE_CUT_NEW and unseen >= BESIDE_CUT_UNSEEN:
        return True
    if _full(before) and _full(after):
        return words >= MIN_WORDS and new >= NEW_TO_NEIGHBOURS and unseen >= NEW_TO_STORY
    clearly = new >= CLEARLY_NEW_TO_NEIGHBOURS and unseen >= CLEARLY_NEW_TO_STORY and words >= CLEARLY_WORDS
    return clearly and (_full(before) or _full(after)) and _has_name(units[index].text)


def _full(text: str) -> bool:
    return has_end_mark(text) and len(text) >= FULL_PARAGRAPH and not text.endswith(":")


def _has_name(text: str) -> bool:
    return any(word[:1].isupper() for word in text.split()[1:])


def with_words(texts: Iterable[str], minimum: int) -> frozenset[str]:
    """The keys of those texts that have at least so many words."""
    return frozenset(words for words in map(key, texts) if len(words.split()) >= minimum)
