"""A text as words, sentences and paragraphs, each word with its place.

Hyphens join nothing: ``Il-76`` is two words, so that ``air-strike`` and ``air strike`` are one phrase. A possessive
``'s`` is not a word. Any other punctuation between two words is a break that no phrase spans.
"""

import re
from dataclasses import dataclass, field

TITLE_PARAGRAPH = 0
BREAK = "|"
APOSTROPHE = "\u2019"

_SCAN = re.compile(
    r"""
      (?P<acronym>(?:[^\W\d_]\.){2,})
    | (?P<possessive>['\u2019]s\b)
    | (?P<word>[^\W_]+(?:['\u2019](?!s\b)[^\W_]+|(?<=\d)[.,](?=\d)[^\W_]+)*)
    | (?P<newline>\n)
    | (?P<stop>[.!?\u2026]++["'\u201d\u2019)\]]*+(?P<gap>[^\S\n]*+)["'\u201c\u2018(\[]*+)
    | (?P<mark>[,;:()\[\]{}<>/\\|*\u2022\u00b7\u2014=+]|(?<=\s)[-\u2013](?=\s))
    """,
    re.VERBOSE,
)

_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof gen lt col sgt maj capt cpl pvt adm cmdr brig sen rep gov st no vs jr sr "
    "jan feb mar apr jun jul aug sep sept oct nov dec ltd inc corp co".split(),
)


def fold(word: str) -> str:
    """A word as it is compared when case does not matter."""
    return word.replace(APOSTROPHE, "'").casefold()


@dataclass
class Document:
    """The words of a title and a text: parallel lists, one entry a word, the title's words first.

    ``starts`` and ``ends`` are character offsets in the word's own field. ``sentences`` never span paragraphs;
    paragraph 0 is the title. ``haystack`` is the folded words with one space around each and ``|`` for a break;
    ``word_at`` maps the offset of a word in it to the word's index.
    """

    title: str
    text: str
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    sentences: list[int] = field(default_factory=list)
    paragraphs: list[int] = field(default_factory=list)
    title_words: int = 0
    haystack: str = ""
    word_at: dict[int, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.starts)

    def words(self, start: int, end: int) -> tuple[str, ...]:
        """The words from index ``start`` up to ``end`` as they stand in the text."""
        source = self.title if start < self.title_words else self.text
        return tuple(source[self.starts[at] : self.ends[at]].replace(APOSTROPHE, "'") for at in range(start, end))


class _Reader:
    """Fills a document. Linear in the length of the text."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._pieces: list[str] = [" "]
        self._offset = 1
        self._sentence = 0
        self._paragraph = TITLE_PARAGRAPH

    def read(self, source: str) -> None:
        """Read a field. One loop with local names: most of the classifier's time goes here."""
        document, pieces = self._document, self._pieces
        starts, ends, word_at = document.starts, document.ends, document.word_at
        last = ""
        for match in _SCAN.finditer(source):
            kind = match.lastgroup
            if kind in ("word", "acronym"):
                word_at[self._offset] = len(starts)
                starts.append(match.start())
                ends.append(match.end())
                document.sentences.append(self._sentence)
                document.paragraphs.append(self._paragraph)
                last = fold(match.group())
                pieces.append(last + " ")
                self._offset += len(last) + 1
            elif kind == "newline":
                self.end_paragraph()
            elif kind == "mark":
                self._break()
            elif kind == "stop":
                self._stop(match, source, last)

    def _break(self) -> None:
        self._pieces.append(BREAK + " ")
        self._offset += 2

    def _stop(self, match: re.Match[str], source: str, last: str) -> None:
        after = source[match.end() : match.end() + 1]
        if match.group().startswith(".") and (last in _ABBREVIATIONS or len(last) == 1):
            return
        self._break()
        if not after or after.isupper() or (match["gap"] and not after.islower()) or after == "\n":
            self._sentence += 1

    def end_paragraph(self) -> None:
        self._break()
        self._sentence += 1
        self._paragraph += 1

    def finish(self) -> None:
        self._document.haystack = "".join(self._pieces)


def read_document(title: str, text: str) -> Document:
    """Both fields as one sequence of words."""
    document = Document(title, text)
    reader = _Reader(document)
    reader.read(title.replace("\n", " "))
    document.title_words = len(document)
    reader.end_paragraph()
    reader.read(text)
    reader.finish()
    return document


def phrase_words(phrase: str) -> tuple[str, ...]:
    """The words of a phrase, in the case they were written. Raises ``ValueError`` if it cannot match any text."""
    document = read_document("", phrase)
    if not len(document):
        raise ValueError(f"no words in {phrase!r}")
    words = document.words(0, len(document))
    expected = "".join(f"{fold(word)} " for word in words)
    if document.haystack.removeprefix(f" {BREAK} ") != expected:
        raise ValueError(f"punctuation inside {phrase!r} would keep it from matching")
    return words
