"""A text as words, sentences and paragraphs, each word with its place.

Hyphens join nothing: ``Il-76`` is two words, so that ``air-strike`` and ``air strike`` are one phrase. A possessive
``'s`` is not a word. Any other punctuation between two words is a break that no phrase spans.

The words that French and Italian shorten are words of their own: ``l'armée`` is two, so that ``armée`` is found in it.
Any other apostrophe, whichever sign stands for it, joins: ``isn't`` and ``п'ять`` are one.

Most of a classifier's time would go into a loop over words, so there is none: one regular expression finds the words
and the breaks, and where a word stands is worked out for the few words that somebody asks about.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import compress, count, pairwise
from math import ceil
from operator import itemgetter

# What lies after it is not read. It bounds the memory that a hostile text takes; no report is a tenth as long.
MAX_CHARACTERS = 400_000
MAX_TITLE_CHARACTERS = 2_000
APOSTROPHE = "'"
# What is written for it: the quotation marks, the letter apostrophe that Ukrainian keyboards give, the two accents.
_APOSTROPHES = "\u2019\u2018\u02bc\u0060\u00b4"
_ASCII_APOSTROPHES = "".join(filter(str.isascii, _APOSTROPHES))
NEWLINE = "\n"
TITLE_PASSAGE = 0
STOPS = ".!?\u2026"
# A paragraph of more words is looked at in passages of about so many: some sources deliver a whole story in one line.
LONG_PARAGRAPH = 200
PASSAGE_WORDS = 120
MARKS = ",;:()[]{}<>/\\|*\u2022\u00b7\u2014=+-\u2013"

_ABBREVIATIONS = (
    "mr mrs ms dr prof gen lt col sgt maj capt cpl pvt adm cmdr brig sen rep gov st no vs jr sr "
    "jan feb mar apr jun jul aug sep sept oct nov dec ltd inc corp co "
    "mio mrd bzw ca sra gral cnel"
).split()

_YO, _YE = "\u0451", "\u0435"

# By their length, since a look behind has one.
_ELIDED = (
    "l d j m t s n c",
    "qu un gl",
    "all del",
    "dell nell dall sull coll bell quel",
    "jusqu quell quest",
    "lorsqu puisqu quoiqu",
)
_ELISION = "".join(rf"(?<!(?<![\w'])(?i:{'|'.join(words.split())})')" for words in _ELIDED)

_SHORTENED = "|".join(rf"(?<=(?<![\w'.,]){short}\.)" for short in _ABBREVIATIONS)

# The group is a word or a break; what stands outside it is skipped: a possessive, the point after an abbreviation. Most
# words end at a blank, so they come first; a look at the next sign comes before each rare case, and the blank after a
# word goes with it: all three are for speed alone.
_TOKEN = re.compile(
    rf"""
    ( [^\W_]++(?=[ ]) | (?:[^\W\d_]\.){{2,}} | EE\.UU\.
    | [^\W_]++(?:(?=['.,])(?:'(?!s\b){_ELISION}|(?<=\d)[.,](?=\d))[^\W_]+)*
    | [{STOPS}]++["'\u201d)\]]*+
    | [\n,;:()\[\]{{}}<>/\\|*\u2022\u00b7\u2014=+] | (?<=\s)[-\u2013](?=\s)
    )
    (?:(?=['.])(?:'s\b|\.(?i:(?<=(?<![\w'.,])[^\W_]\.)|{_SHORTENED})))?
    [ ]?
    """,
    re.VERBOSE,
)
BREAKS = frozenset(NEWLINE + STOPS + MARKS)
_STOPS = frozenset(STOPS)
SEMICOLON = ";"
_FIRST = itemgetter(0)


def fold(word: str) -> str:
    """A word as it is compared when neither case matters nor the dots of the Russian yo, which most texts omit."""
    plain = _plain(word)
    return plain.lower() if plain.isascii() else plain.casefold().replace(_YO, _YE)


def _plain(text: str) -> str:
    """The text with one sign for every apostrophe, as long as it was."""
    for sign in _ASCII_APOSTROPHES if text.isascii() else _APOSTROPHES:
        text = text.replace(sign, APOSTROPHE)
    return text


@dataclass(slots=True)
class _Line:
    """The words of a line that have been looked for: where they stand, the next token, and what is still to be read."""

    spans: list[tuple[int, int]]
    token: int
    at: int
    end: int


class Document:
    """The words of a title and a text, numbered from 0, the title's words first.

    ``haystack`` is the folded words and breaks with one space around each. Sentences never span paragraphs; paragraph 0
    is the title. ``len`` counts words.
    """

    def __init__(self, title: str, text: str) -> None:
        self.title = title
        self.text = text
        head = title[:MAX_TITLE_CHARACTERS].replace(NEWLINE, " ")
        self._text_from = len(head) + 1
        self._source = _plain(f"{head}{NEWLINE}{text[:MAX_CHARACTERS]}")
        self._tokens: list[str] = _TOKEN.findall(self._source)
        self._breaks = list(compress(count(), map(BREAKS.__contains__, map(_FIRST, self._tokens))))
        self._newlines: list[int] = []
        self._sentences: list[int] = []
        self._clauses: list[int] = []
        self._paragraphs: list[int] = []
        self._read_boundaries()
        self._passages = self._read_passages()
        self._found: dict[int, _Line] = {}
        self.title_words = self._paragraphs[0]
        self.haystack = fold(f" {' '.join(self._tokens)} ")

    def __len__(self) -> int:
        return len(self._tokens) - len(self._breaks)

    def _read_boundaries(self) -> None:
        """Note the words before which paragraphs, sentences and clauses begin, but for the first of each."""
        tokens, sentences, paragraphs = [*self._tokens, NEWLINE], self._sentences, self._paragraphs
        clauses = self._clauses
        for before, at in enumerate(self._breaks):
            sign = tokens[at][0]
            if sign == NEWLINE:
                paragraphs.append(at - before)
                sentences.append(at - before)
                self._newlines.append(at)
            elif sign == SEMICOLON:
                clauses.append(at - before)
            elif sign in _STOPS and not tokens[at + 1][0].islower():
                sentences.append(at - before)

    def _read_passages(self) -> list[int]:
        """The words before which passages begin, but for the first: paragraphs, and parts of those that are long."""
        if len(self) <= LONG_PARAGRAPH:
            return self._paragraphs
        passages = list[int]()
        for first, after in pairwise([*self._paragraphs, len(self)]):
            passages.append(first)
            if after - first > LONG_PARAGRAPH:
                inner = self._sentences[bisect_right(self._sentences, first) : bisect_left(self._sentences, after)]
                passages += _parts(first, inner, after)
        return passages

    def word_of_token(self, token: int) -> int:
        """The number of a word from its number among words and breaks."""
        return token - bisect_left(self._breaks, token)

    def surface(self, token: int, count: int) -> tuple[str, ...]:
        """So many words in the case in which they are written, from a number among words and breaks on."""
        return tuple(self._tokens[token : token + count])

    def sentence(self, word: int) -> int:
        return bisect_right(self._sentences, word)

    def is_one_clause(self, word: int, other: int) -> bool:
        """Whether two words stand in one sentence with no semicolon between them."""
        return self.sentence(word) == self.sentence(other) and (
            not self._clauses or bisect_right(self._clauses, word) == bisect_right(self._clauses, other)
        )

    def paragraph(self, word: int) -> int:
        return bisect_right(self._paragraphs, word)

    def within_paragraph(self, word: int, start: int, end: int) -> tuple[int, int]:
        """The words from ``start`` up to ``end`` as far as they stand in the paragraph of ``word``."""
        number = self.paragraph(word)
        first = self._paragraphs[number - 1] if number else 0
        after = self._paragraphs[number] if number < len(self._paragraphs) else len(self)
        return max(start, first), min(end, after)

    def passage(self, word: int) -> int:
        """The number of a paragraph, or of a part of a long one; 0 is the title."""
        return bisect_right(self._passages, word)

    def passage_words(self, passage: int) -> int:
        """How many words a passage has."""
        first = self._passages[passage - 1] if passage else 0
        after = self._passages[passage] if passage < len(self._passages) else len(self)
        return after - first

    def passage_text(self, passage: int, characters: int) -> str:
        """The first so many characters of a passage, and of what follows it in its paragraph."""
        start, end = self._passage_lines(passage)
        return self._source[start : min(end, start + characters)]

    def passage_start(self, passage: int) -> int:
        """The character of the text at which a passage begins; negative for the title."""
        return self._passage_lines(passage)[0] - self._text_from

    def _passage_lines(self, passage: int) -> tuple[int, int]:
        """From where the passage begins up to where its paragraph ends, in the source."""
        word = self._passages[passage - 1] if passage else 0
        paragraph = self.paragraph(word)
        first = self._paragraphs[paragraph - 1] if paragraph else 0
        start, end = self._lines[paragraph]
        if word == first:
            return start, end
        return self._word_spans(paragraph, word + 1)[word - first][0], end

    def span(self, start: int, end: int) -> tuple[bool, int, int]:
        """Whether the words stand in the title, and from which character up to which of the title or the text.

        The words must be of one paragraph.
        """
        paragraph = self.paragraph(start)
        spans = self._word_spans(paragraph, end)
        first = self._paragraphs[paragraph - 1] if paragraph else 0
        offset = self._text_from if paragraph else 0
        return not paragraph, spans[start - first][0] - offset, spans[end - 1 - first][1] - offset

    def _word_spans(self, paragraph: int, end: int) -> list[tuple[int, int]]:
        """Where the words of a paragraph stand, up to the word ``end`` at least.

        The words are looked for one after the other. What is skipped between them holds no letters but those of a
        possessive, so only the word ``s`` could be found too early; a paragraph with it is read again.
        """
        line = self._found.get(paragraph)
        if line is None:
            token = self._newlines[paragraph - 1] + 1 if paragraph else 0
            line = self._found[paragraph] = _Line([], token, *self._lines[paragraph])
        missing = end - (self._paragraphs[paragraph - 1] if paragraph else 0) - len(line.spans)
        if missing > 0:
            self._find_words(line, missing, self._lines[paragraph])
        return line.spans

    def _find_words(self, line: _Line, missing: int, limits: tuple[int, int]) -> None:
        tokens, index, add = self._tokens, self._source.index, line.spans.append
        at, end = line.at, line.end
        for token in range(line.token, len(tokens)):
            word = tokens[token]
            if word == "s":
                line.spans = self._read_again(*limits)
                break
            if word[0] not in BREAKS:
                start = index(word, at, end)
                at = start + len(word)
                add((start, at))
                missing -= 1
                if not missing:
                    break
        line.token, line.at = token + 1, at

    @cached_property
    def _lines(self) -> list[tuple[int, int]]:
        ends = [match.start() for match in re.finditer(NEWLINE, self._source)]
        return list(zip([0, *(end + 1 for end in ends)], [*ends, len(self._source)], strict=True))

    def _read_again(self, start: int, end: int) -> list[tuple[int, int]]:
        """Where the words of a line stand. The line break is scanned too, because a dash may stand before it."""
        matches = _TOKEN.finditer(self._source, start, end + 1)
        return [match.span(1) for match in matches if match[1][0] not in BREAKS]


def _parts(first: int, sentences: list[int], after: int) -> Iterator[int]:
    """The sentences before which a paragraph of the words from ``first`` up to ``after`` is cut into parts of about one
    length.
    """
    wanted = (after - first) / ceil((after - first) / PASSAGE_WORDS)
    begun = first
    for sentence, end in pairwise([*sentences, after]):
        if (sentence + end) / 2 - begun > wanted and sentence > begun:
            begun = sentence
            yield sentence


def read_document(title: str, text: str) -> Document:
    """Both fields as one sequence of words."""
    return Document(title, text)


def phrase_words(phrase: str) -> tuple[str, ...]:
    """The words of a phrase, in the case they were written. Raises ``ValueError`` if it cannot match any text."""
    document = Document("", phrase)
    if not len(document):
        raise ValueError(f"no words in {phrase!r}")
    words = document.surface(1, len(document))
    if document.haystack != f" {NEWLINE} {' '.join(map(fold, words))} ":
        raise ValueError(f"punctuation inside {phrase!r} would keep it from matching")
    return words
