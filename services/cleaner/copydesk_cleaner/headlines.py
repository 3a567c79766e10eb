"""Bare headlines of other stories that stand between two paragraphs.

Only a known title is sure (:func:`copydesk_cleaner.related.known_titles`). This is second best: a line that is shaped
like a headline gets a score from its wording, from its vocabulary beside that of the story, and from the rhythm in
which such lines stand in the text. Sub-heads share words with what follows. When unsure, the line stays.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from copydesk_cleaner.headline_features import LISTED, Surroundings, looks_like_headline
from copydesk_cleaner.headline_sentences import begins_as_sentence, is_plain_sentence
from copydesk_cleaner.headline_weights import THRESHOLD, WEIGHTS
from copydesk_cleaner.story import Context, Cut, Family, Finding, Unit, subtract
from copydesk_cleaner.text import has_end_mark, key
from copydesk_shared.messages import RelatedLink

MIN_LINK_WORDS, MAX_LINK_WORDS = 5, 20
MIN_CAPS_WORDS = 8
MOST = 2  # half of a run
MAX_ROUNDS = 4

DOUBLED = re.compile(r"(?P<headline>.{15,}) (?P=headline)")


def bare_headlines(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
    """Related headlines without a lead, links that fill a line, lines in capitals, doubled headlines."""
    yield from until_settled(_bare_headlines, units, context)


def until_settled(family: Family, units: Sequence[Unit], context: Context) -> Iterator[Finding]:
    """What a family finds, and what it finds in what is then left: beside fewer headlines a line is more of one."""
    left, gone = units, [(0, 0)]
    for _ in range(MAX_ROUNDS):
        found = list(family(left, context)) if gone else []
        yield from found
        gone = [(cut.start, cut.end) for finding in found for cut in finding.cuts]
        left = list(subtract(left, gone))


def _bare_headlines(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
    around = Surroundings(units)
    for index, unit in enumerate(units):
        rule = _rule(around, index, unit, context)
        if rule is not None:
            yield _finding(unit, rule)


def _rule(around: Surroundings, index: int, unit: Unit, context: Context) -> str | None:
    if index and _is_link(unit, context):
        return "headline.link"
    if not looks_like_headline(unit.text):
        return None
    if DOUBLED.fullmatch(unit.text):
        return "headline.doubled"
    if unit.text.isupper() and len(unit.text.split()) >= MIN_CAPS_WORDS:
        return "headline.capitals"
    inside = 0 < index < len(around.units) - 1 and key(unit.text) not in context.headings
    if index == 1 and looks_like_headline(around.units[0].text):  # what stands below a title belongs to it
        return None
    return "headline.off-topic" if inside and is_off_topic(around, index) else None


def is_off_topic(around: Surroundings, index: int) -> bool:
    """Whether a line that could be a headline is one of another story."""
    if not _is_likely(around, index) or is_plain_sentence(around.units[index].text):
        return False
    # The lines of a list or of verse stay together.
    run = around.run(index)
    likely = sum(1 for i in run if _could_be_one(around, i))
    return not around.is_on_topic(index) and MOST * likely >= len(run)


def _could_be_one(around: Surroundings, index: int) -> bool:
    inside = 0 < index < len(around.units) - 1
    return inside and looks_like_headline(around.units[index].text) and _is_likely(around, index)


def _is_likely(around: Surroundings, index: int) -> bool:
    if around.units[index + 1].text[:1].islower():  # a sentence that was broken into lines
        return False
    # What is told sooner comes first.
    if around.is_one_of_a_row(index) or around.is_too_short_to_tell(index) or not around.is_foreign(index):
        return False
    return score(around, index) > THRESHOLD


def score(around: Surroundings, index: int) -> float:
    """The logarithm of the odds that a line is the headline of another story."""
    return sum(WEIGHTS.get(feature, 0.0) for feature in around.features(index))


def _finding(unit: Unit, rule: str) -> Finding:
    doubled = DOUBLED.fullmatch(unit.text)
    title = doubled["headline"] if doubled else unit.text
    return Finding((Cut(unit.start, unit.end, rule, "related-link"),), link=RelatedLink(title=title))


def _is_link(unit: Unit, context: Context) -> bool:
    """Whether a line is the text of a link on the page, and no sentence and no heading of the story."""
    if has_end_mark(unit.text) or len(unit.text.split()) > MAX_LINK_WORDS:
        return False
    words = key(unit.text)
    if words in context.headings or LISTED.match(unit.text) is not None or begins_as_sentence(unit.text):
        return False
    return words in context.links or words.replace(" ", "") in context.links


def with_words(texts: Iterable[str], minimum: int) -> frozenset[str]:
    """The keys of those texts that have at least so many words."""
    return frozenset(words for words in map(key, texts) if len(words.split()) >= minimum)
