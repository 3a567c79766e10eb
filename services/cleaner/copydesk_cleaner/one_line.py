"""Articles that stand in one line, and lines into which other stories' headlines ran: where those begin and end.

A headline has no stop. It ends where a word that begins sentences follows it with a capital: "…over winter timetable
The board met…". Where no such word follows, nothing tells its end, and it stays.
"""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from heapq import merge
from itertools import pairwise
from typing import NamedTuple

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
# The first words of what points to other stories: "Read", "Lea", "Czytaj". They have capitals where they begin only.
LEAD_WORDS = frozenset(lead.words.split()[0].capitalize() for lead in shipped().leads if " " in lead.words)
INSIDE = frozenset({"I"})  # has a capital everywhere
# A word with a capital behind another word, and where the word before it begins.
BORDER = re.compile(rf" (?=[\"“‘„«]?(?P<word>[{UPPER}][\w’']*)(?P<comma>,?) )")
# Words that follow verbs in headlines ("is cut off") and after which no pronoun has a capital.
PARTICLES = frozenset({"about", "by", "in", "off", "on", "onto", "out", "over"})
PRONOUNS = frozenset({"He", "Her", "His", "However", "She", "Their", "They", "We"})
AFTER_VERB = frozenset({"Das", "Der", "Die", "Ein", "Eine", "Er", "Es", "Sie"})  # "bricht in Bäckerei ein Die …"
FIRST_CAPITAL = re.compile(
    rf"[^\W\d_]\w*(?: [a-zà-ÿа-яіїєґąćęłńóśźż][^\s.!?:;,()]*)*? "
    rf"(?P<last>[a-zà-ÿа-яіїєґąćęłńóśźż]{{4,}}) "
    rf"(?=[{UPPER}]\w{{2,}}(?:s|en|y|i|и|ы|і) (?:[a-zà-ÿа-яіїєґąćęłńóśźż]{{3}}|go ))"
)
NAME_ARTICLES = frozenset({"Das", "El", "La", "Las", "Le", "Les", "Los"})  # "Los Angeles", "La Liga"
ELIDED_NOUN = re.compile(r"(?:L|D|C|J|N|S|Qu|Un|Dell|All|Nell)['’][a-zà-ÿ]{2}")  # and no place, as L'Aquila is
ELIDED = re.compile(r"(?:L|D|C|J|N|S|Qu|Un|Dell|All|Nell)['’][^\W\d_]{2}")
# What somebody did, or was: headlines speak in the present.
TOLD = re.compile(rf"[{UPPER}]\w*[a-z]s (?:said|told|were)\b")
QUOTED = re.compile(r" (?=(?P<open>[\"“„«]) ?[^\W\d_])")
CLOSES = {'"': '"', "“": "”", "„": "”“", "«": "»"}
QUOTATION_END = re.compile(r"[.,!?…] ?[\"”“»]|[\"”“»] ?(?:[,–—-]|[a-zà-ÿа-яіїєґ])")
MIN_QUOTED = 2
LEAST_BEFORE = 4
MIN_ORDINARY, GERMAN_SHARE = 3, 0.25  # letters; share of words with a capital where nouns have one
WORD = re.compile(r"[^\W\d_]+")
WORD_MARKS = "’'”\")%"
BRACKET = re.compile(r"[(\[（]")
QUOTES = frozenset("\"'“‘„«")
LISTED_INSIDE = re.compile(r"\s[-–—•*]\s.*\s[-–—•*]\s")
QUOTATION = re.compile(r" (?=[\"“„«]\w)")  # what somebody said is no part of the bid before it
STOP = re.compile(r"[.!?…](?:[\"”’»)]|\s|$)")


class Span(NamedTuple):
    """A part of a text, and the words that the whole article has in small letters too."""

    text: str
    start: int = 0
    end: int | None = None
    ordinary: frozenset[str] = frozenset()


def borders(span: Span, after_names: frozenset[str] = OPENERS) -> Iterator[int]:
    """Where a sentence seems to begin in the span without a stop before it.

    After a word in small letters or a figure any word that begins sentences tells it; after a word with a capital one
    that stands in few names itself ("Boris Johnson He said"), or one of ``after_names``.
    """
    text, start = span.text, span.start
    for match in BORDER.finditer(text, start, len(text) if span.end is None else span.end):
        word = match["word"]
        last = text[max(start, text.rfind(" ", start, match.start()) + 1) : match.start()].rstrip(WORD_MARKS)
        if word in INSIDE or not last[-1:].isalnum():
            continue
        if last.casefold() in GOVERNED:
            if (last in PARTICLES and word in PRONOUNS) or (last == "ein" and word in AFTER_VERB):
                yield match.end()
        elif last[-1].isdigit() or last[0].islower():
            if _begins(span, match, last):
                yield match.end()
        elif (word in after_names or word in IMPERATIVES) and not match["comma"]:
            yield match.end()


def _begins(span: Span, match: re.Match[str], last: str) -> bool:
    """Whether the word with a capital is an ordinary one, that has it because a sentence begins.

    ``last`` is the word before it; names stand behind short ones ("wa", "van").
    """
    text, word = span.text, match["word"]
    before_name = text[match.end() + len(word) + 1 : match.end() + len(word) + 2].isupper()
    if match["comma"] or (before_name and word in NAME_ARTICLES):
        return word in LEAD_WORDS or ELIDED_NOUN.match(word) is not None
    if word in STARTERS or word in LEAD_WORDS or ELIDED.match(word) or TOLD.match(text, match.end()):
        return True
    plain = word.casefold()
    is_free = len(last) >= LEAST_BEFORE and not before_name
    return is_free and (plain in span.ordinary or plain.removesuffix("s") in span.ordinary)


class _Words(NamedTuple):
    """How many words a text has, how many of them are in small letters, and which of these are long enough to tell."""

    all: int
    small: int
    ordinary: frozenset[str]


def ordinary_words(units: Sequence[Unit]) -> frozenset[str]:
    """The words that a text has in small letters too; none where nouns have capitals."""
    words = [_words(unit.text) for unit in units]
    number, small = sum(each.all for each in words), sum(each.small for each in words)
    if number - small > GERMAN_SHARE * number:
        return frozenset()
    return frozenset().union(*(each.ordinary for each in words))


@lru_cache(maxsize=64)
def _words(text: str) -> _Words:
    found = Counter(WORD.findall(text))
    small = {word: count for word, count in found.items() if word[0].islower()}
    ordinary = frozenset(word for word in small if len(word) >= MIN_ORDINARY and word.islower())
    return _Words(found.total(), sum(small.values()), ordinary)


def quotations(text: str, start: int, limit: int) -> Iterator[int]:
    """Where a quotation begins that is a sentence, or that somebody says, without a stop before it."""
    for match in QUOTED.finditer(text, start, limit):
        mark, at = match["open"], match.end()
        if mark == '"' and text.count('"', start, at) % 2:
            continue
        end = min((e for close in CLOSES[mark] if (e := text.find(close, at + 1, at + MAX_SENTENCE)) > 0), default=-1)
        inside = text[at + 1 : end].strip()
        if end < 0 or not inside[:1].isupper() or len(inside.split()) < MIN_QUOTED:
            continue
        if text[match.start() - 1].isalnum() and QUOTATION_END.match(text, end - (inside[-1:] in ",.!?…")):
            yield at


def headline_end(text: str, start: int, ordinary: frozenset[str] = frozenset()) -> int | None:
    """Where the headline at ``start`` ends and a sentence begins; ``None`` when that cannot be told."""
    limit = _stop(text, start)
    bracket = BRACKET.search(text, start, limit)  # a credit may begin there
    limit = bracket.start() if bracket else limit
    far = min(len(text), start + MAX_SENTENCE)
    for end in merge(borders(Span(text, start, far, ordinary), STARTERS), quotations(text, start, far)):
        words = len(text[start:end].split())
        rest = text[end : max(limit, _stop(text, end + 1) if text[end] in QUOTES else 0)].split()
        if len(rest) < MIN_SENTENCE_WORDS or words > MAX_HEADLINE_WORDS or end > limit:
            return None
        # In a headline of capitals a capital tells little.
        if words >= MIN_HEADLINE_WORDS and not (rest[1][0].isupper() and _is_title_case(text[start:end])):
            return end
    return None


def first_capital(text: str, start: int) -> int | None:
    """Where the first word with a capital stands behind the headline at ``start``, when it is a plural.

    All that is before it is the headline, so that no sentence is lost whatever the word is.
    """
    match = FIRST_CAPITAL.match(text, start, start + MAX_SENTENCE)
    if match is None or match["last"].casefold() in GOVERNED:
        return None
    words = len(text[start : match.end()].split())
    return match.end() if MIN_HEADLINE_WORDS <= words <= MAX_HEADLINE_WORDS else None


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
        if BID.match(text) and not in_quotation(unit.text, max(0, start - MAX_SENTENCE), start):
            yield from (Unit(unit.start + start, part, unit.line) for part in (*_beginnings(text), text))


def _beginnings(text: str) -> Iterator[str]:
    """The bid without the sentence that seems to begin in it after all: the shortest that is one goes."""
    for match in BORDER.finditer(text):
        if match["word"] in IMPERATIVES and len(text[: match.start()].split()) >= MIN_HEADLINE_WORDS:
            yield text[: match.start()]


def in_quotation(text: str, low: int, position: int) -> bool:
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
    ordinary = ordinary_words(units)
    for unit in units:
        position = 0
        starts = [0]
        for end in borders(Span(unit.text, ordinary=ordinary)):
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
