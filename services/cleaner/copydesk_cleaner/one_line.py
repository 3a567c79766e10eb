"""Articles that stand in one line, and lines into which other stories' headlines ran: where those begin and end.

A headline has no stop. It ends where a word that begins sentences follows it with a capital: "…over winter timetable
The board met…". Where no such word follows, nothing tells its end, and it stays.
"""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise

from copydesk_cleaner.headline_features import Surroundings, looks_like_headline
from copydesk_cleaner.headlines import is_off_topic, until_settled
from copydesk_cleaner.rulebook.book import shipped
from copydesk_cleaner.rulebook.patterns import words_pattern
from copydesk_cleaner.story import Context, Cut, Family, Finding, Unit
from copydesk_cleaner.text import UPPER, count_sentences, has_end_mark, sentence_starts
from copydesk_shared.messages import RelatedLink

MIN_HEADLINE_WORDS, MAX_HEADLINE_WORDS = 3, 34
MIN_SENTENCE_WORDS = 3
MIN_SENTENCES = 3
MAX_ONE_LINE = 30_000  # characters; each border is compared with all sentences
MAX_INNER = 50  # of such headlines in a text
MAX_SENTENCE = 800
TITLE_SHARE = 0.7
MIN_LETTERS = 4

STARTERS = frozenset(shipped().vocabulary("sentence_starters"))
OPENERS = frozenset(shipped().vocabulary("sentence_openers"))
GOVERNED = frozenset(shipped().vocabulary("governing_words"))
IMPERATIVES = frozenset(shipped().vocabulary("imperatives"))
BID = re.compile(rf"{words_pattern(shipped().vocabulary('prompt_verbs'))}\b")
INSIDE = frozenset({"I"})  # has a capital everywhere
# A word with a capital behind another word, and where the word before it begins.
BORDER = re.compile(rf" (?=[\"“‘„«]?(?P<word>[{UPPER}][\w’']*) )")
WORD_MARKS = "’'”\")%"
BRACKET = re.compile(r"[(\[（]")
QUOTES = frozenset("\"'“‘„«")
LISTED_INSIDE = re.compile(r"\s[-–—•*]\s.*\s[-–—•*]\s")
QUOTATION = re.compile(r" (?=[\"“„«]\w)")  # what somebody said is no part of the bid before it
STOP = re.compile(r"[.!?…](?:[\"”’»)]|\s|$)")


def borders(text: str, start: int = 0, after_names: frozenset[str] = OPENERS) -> Iterator[int]:
    """Where a sentence seems to begin without a stop before it, from ``start`` on.

    After a word in small letters or a figure any word that begins sentences tells it; after a word with a capital one
    that stands in few names itself ("Boris Johnson He said"), or one of ``after_names``.
    """
    for match in BORDER.finditer(text, start):
        word = match["word"]
        if word in INSIDE or word not in STARTERS:
            continue
        last = text[max(start, text.rfind(" ", start, match.start()) + 1) : match.start()].rstrip(WORD_MARKS)
        if not last[-1:].isalnum():
            continue
        plain = last[-1].isdigit() or last[0].islower()
        if (plain or word in after_names) and last.casefold() not in GOVERNED:
            yield match.end()


def headline_end(text: str, start: int) -> int | None:
    """Where the headline at ``start`` ends and a sentence begins; ``None`` when that cannot be told."""
    limit = _stop(text, start)
    bracket = BRACKET.search(text, start, limit)  # a credit may begin there
    limit = bracket.start() if bracket else limit
    for end in borders(text, start, STARTERS):
        words = len(text[start:end].split())
        rest = text[end:limit].split()
        if len(rest) < MIN_SENTENCE_WORDS or words > MAX_HEADLINE_WORDS:
            return None
        # In a headline of capitals a capital tells little.
        if words >= MIN_HEADLINE_WORDS and not (rest[1][0].isupper() and _is_title_case(text[start:end])):
            return end
    return None


def _stop(text: str, start: int) -> int:
    """Where the next sentence ends, or is too long to be one."""
    stop = STOP.search(text, start, start + MAX_SENTENCE)
    return stop.start() if stop else min(len(text), start + MAX_SENTENCE)


def _is_title_case(text: str) -> bool:
    """Whether most of the longer words have capitals."""
    long = [word for word in re.findall(r"[^\W\d_]+", text) if len(word) >= MIN_LETTERS]
    return sum(1 for word in long if word[0].isupper()) >= TITLE_SHARE * len(long)


def is_one_line(units: Sequence[Unit]) -> bool:
    """Whether all that is left of the text stands in one line, and is no longer than an article."""
    return bool(units) and units[0].line == units[-1].line and units[-1].end - units[0].start <= MAX_ONE_LINE


def by_sentence(family: Family) -> Family:
    """The same for those sentences of a text in one line that bid the reader do something.

    A sentence inside a quotation is what somebody said.
    """

    def sentences(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
        if not is_one_line(units):
            return
        parts = [part for unit in units for part in _bids(unit)]
        if parts and sum(count_sentences(unit.text) for unit in units) >= MIN_SENTENCES:
            yield from (found for found in family(parts, context) if all(cut.kind == "promotion" for cut in found.cuts))

    return sentences


def _bids(unit: Unit) -> Iterator[Unit]:
    if BID.search(unit.text) is None:
        return
    starts = [0, *sentence_starts(unit.text), len(unit.text)]
    for start, end in pairwise(starts):
        text = QUOTATION.split(unit.text[start:end], maxsplit=1)[0].rstrip()
        if BID.match(text) and not _in_quotation(unit.text, max(0, start - MAX_SENTENCE), start):
            yield from (Unit(unit.start + start, part, unit.line) for part in (*_beginnings(text), text))


def _beginnings(text: str) -> Iterator[str]:
    """The bid without the sentence that seems to begin in it after all: the shortest that is one goes."""
    for match in BORDER.finditer(text):
        if match["word"] in IMPERATIVES and len(text[: match.start()].split()) >= MIN_HEADLINE_WORDS:
            yield text[: match.start()]


def _in_quotation(text: str, low: int, position: int) -> bool:
    is_open = any(text.rfind(a, low, position) > text.rfind(b, low, position) for a, b in ("“”", "«»"))
    return is_open or text.count('"', low, position) % 2 == 1


def inner_headlines(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
    """Headlines of other stories between the sentences of a text in one line."""
    if is_one_line(units):
        yield from until_settled(_inner_headlines, units, context)


def _inner_headlines(units: Sequence[Unit], _: Context) -> Iterator[Finding]:
    lines, candidates = _lines(units)
    around = Surroundings(lines) if candidates else None
    for index in candidates[:MAX_INNER]:
        if around and 0 < index < len(lines) - 1 and is_off_topic(around, index):
            unit = lines[index]
            cut = Cut(unit.start, unit.end, "headline.off-topic", "related-link")
            yield Finding((cut,), link=RelatedLink(title=unit.text))


def _lines(units: Sequence[Unit]) -> tuple[list[Unit], list[int]]:
    """The text as if its headlines stood on lines of their own, and the numbers of those lines."""
    lines: list[Unit] = []
    candidates: list[int] = []
    for unit in units:
        position = 0
        starts = [0]
        for end in borders(unit.text):
            starts = starts if len(starts) > 1 else [0, *sentence_starts(unit.text)]
            start = starts[bisect_left(starts, end) - 1]
            if start < position or not _stands_alone(unit.text, start, end):
                continue
            lines += _part(unit, position, start)
            candidates.append(len(lines))
            lines += _part(unit, start, end)
            position = end
        lines += _part(unit, position, len(unit.text))
    return lines, candidates


def _stands_alone(text: str, start: int, end: int) -> bool:
    headline = text[start:end].rstrip()
    if text[end] in QUOTES or LISTED_INSIDE.search(headline) or any(map(headline.__contains__, "()")):
        return False
    rest = text[end : _stop(text, end)]
    return (
        looks_like_headline(headline)
        and not has_end_mark(headline)
        and len(rest.split()) >= MIN_SENTENCE_WORDS
        and not _is_title_case(rest)
    )


def _part(unit: Unit, start: int, end: int) -> list[Unit]:
    text = unit.text[start:end].rstrip()
    return [Unit(unit.start + start, text, unit.line)] if text else []
