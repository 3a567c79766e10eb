"""Text as the words that search goes by, the same for what is indexed, what is searched for and what is highlighted.

Words are runs of letters and digits in lower case, without accents. Scripts that leave no space between words are cut
into overlapping pairs of characters (as Lucene's CJKBigramFilter does), and the last character of a run stands alone as
well, so that a single one is found wherever it is. Neither database takes part in this: what one finds the other finds.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

MAX_WORD = 200
MAX_INDEXED = 200_000  # characters
# A tsvector holds 1 MiB: the characters of its words, and up to so many bytes beside them for each occurrence.
MAX_BYTES = 1_000_000
BESIDE = 6

_WORDS = re.compile(r"[^\W_]+")
# Marks that are letters to those who read them: the voicing marks of kana make another syllable.
_VOICING = "\u3099\u309a"
_ACCENTS = "".join(
    char for char in map(chr, range(0x300, 0x10000)) if unicodedata.category(char) == "Mn" and char not in _VOICING
)
_ACCENT = re.compile(f"[{_ACCENTS}]+")
_MARKED_WORDS = re.compile(f"[^\\W_](?:[^\\W_]|[{_ACCENTS}{_VOICING}])*")
# Thai, Lao, Myanmar, Khmer, kana, Han and Hangul: a class of a regular expression.
UNSPACED = (
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
_UNSPACED = re.compile(f"{UNSPACED}+")


class Token(NamedTuple):
    """A word or a pair of characters, and where it stands in the text."""

    word: str
    start: int
    end: int


class Phrase(NamedTuple):
    """Words that follow each other; of the last one only the beginning counts where ``is_open``."""

    words: tuple[str, ...]
    is_open: bool


def fold(value: str) -> str:
    """In lower case and without accents, one space between words."""
    if value.isascii():
        return " ".join(_WORDS.findall(value.lower()))
    plain = _ACCENT.sub("", unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", value).casefold()))
    return " ".join(_WORDS.findall(unicodedata.normalize("NFC", plain)))


def words(value: str, room: int = MAX_BYTES) -> list[str]:
    """All of them, in order; at most as many as there is room for."""
    found: list[str] = []
    for word in fold(value[:MAX_INDEXED]).split():
        for part in _parts(word):
            room -= len(part.encode()) + BESIDE
            if room < 0:
                return found
            found.append(part)
    return found


def _parts(word: str) -> list[str]:
    if word.isascii():
        return [word[:MAX_WORD]]
    found: list[str] = []
    end = 0
    for run in _UNSPACED.finditer(word):
        found += [word[end : run.start()][:MAX_WORD]] if end < run.start() else []
        found += [run[0][at : at + 2] for at in range(len(run[0]))]
        end = run.end()
    return found + ([word[end:][:MAX_WORD]] if end < len(word) else [])


def phrase(term: str) -> Phrase | None:
    """What a term searches for; ``None`` when nothing of it is left."""
    found = words(term)
    if not found or not _UNSPACED.fullmatch(found[-1]):
        return Phrase(tuple(found), is_open=False) if found else None
    # The last character alone is the end of a run in the text; a run that goes on there is meant as well.
    is_pair = len(found) > 1 and len(found[-2]) > 1 and found[-2].endswith(found[-1]) and _UNSPACED.match(found[-2])
    return Phrase(tuple(found[:-1]), is_open=False) if is_pair else Phrase(tuple(found), is_open=True)


def tokens(value: str) -> Iterator[Token]:
    """The words of a text with their places."""
    for match in _MARKED_WORDS.finditer(value):
        parts = _parts_of(match[0])
        runs = _UNSPACED.fullmatch(match[0]) and len(parts) == len(match[0])
        for at, part in enumerate(parts):
            start = match.start() + at if runs else match.start()
            yield Token(part, start, start + len(part) if runs else match.end())


@lru_cache(4096)
def _parts_of(word: str) -> tuple[str, ...]:
    return tuple(part for each in fold(word).split() for part in _parts(each))
