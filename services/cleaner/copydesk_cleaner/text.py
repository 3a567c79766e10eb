"""Plain text: one normal form, and small questions about lines. Everything here is pure."""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from copydesk_cleaner.combining import stream_safe
from copydesk_cleaner.mojibake import is_suspect, repaired
from copydesk_shared.lines import line_key

# Punctuation that publishers print. It separates words as a blank does, and without it most English text is ASCII.
MARKS = tuple("’‘“”–—…")
INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb]"
)
# Joiners change nothing among letters that are never joined, where they only mark a text.
JOINERS = "\u200c\u200d"
IDLE_JOINERS = re.compile(r"(?<![^\x00-\x7f\s])[\u200c\u200d]++(?![^\x00-\x7f\s])")
SURROGATES = re.compile("[\ud800-\udfff]")

LOWER = "a-zß-öø-ÿа-яёіїєґąćęłńóśźżčďđěğģıķļňőřşšţťūůűžșțα-ωάέήίόύώ"
UPPER = "A-ZÀ-ÖØ-ÞА-ЯЁІЇЄҐĄĆĘŁŃÓŚŹŻČĎĐĚĞĢİĶĻŇŐŘŞŠŢŤŪŮŰŽȘȚΑ-ΩΆΈΉΊΌΎΏ"
MAX_CLOSERS = 12
LONG_TEXT = 400  # what was found in shorter ones is not kept
MAX_REPAIRS = 8  # text may have been decoded wrongly more than once
END_MARKS = ".!?…。！？।"
# Some of them open a quotation in one language and close it in another.
CLOSERS = "\"”’'»)]“‘«›‹」』）"

SURE_ENDS = frozenset(f'{END_MARKS}:;”"»“«」』')
ENDS = re.compile(rf"[{END_MARKS}:;][{re.escape(CLOSERS)}]*$|[”\"»“«」』]$")
SENTENCE_END = re.compile(
    rf"(?:(?<=[{LOWER}0-9)\]%{re.escape(CLOSERS)}][.!?…])|(?<=[{UPPER}]{{2}}\.))([\"”’'»“‘«)\]]*)(?=\s+[\"“‘'(\[]?[{UPPER}0-9])"
)
# Where nothing stands between sentences.
IDEOGRAPHIC_END = re.compile(r"(?<=[。！？])[」』”）]*(?=[^\s」』”）])")
STARTS_UPPER = re.compile(rf"[\"“‘'«(\[]*[{UPPER}0-9]")

ABBREVIATION = re.compile(
    r"(?:^|[\s(\"“])(?:[A-Z]|Mr|Mrs|Ms|Dr|St|Gov|Sen|Rep|Lt|Col|Gen|Sgt|Prof|Rev|Jr|Sr|vs|No|Pa|"
    r"Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec)\.$"
)


def key(text: str) -> str:
    """:func:`line_key` of the text, sooner where only typographic marks in it are not ASCII."""
    return line_key(text if text.isascii() else without_marks(text))


def without_marks(text: str) -> str:
    """The text with a blank for each typographic mark."""
    for mark in MARKS:
        text = text.replace(mark, " ")
    return text


def normalise(text: str) -> str:
    """The extracted text as everything after this sees it; the offsets of removals count in the result.

    Text decoded with the wrong character set is put right; Unicode NFC; every kind of line break becomes a newline;
    control, direction and zero-width characters go (joiners stay where scripts and emoji need them), and what is beyond
    30 combining marks in a row; each run of spaces of any kind becomes one space; lines are stripped and empty ones go.
    A lone surrogate, which no encoding can carry, becomes U+FFFD. Quotation marks stay as they are. Idempotent.
    """
    if text.isascii() and text.isprintable():  # as most short texts of a page
        return " ".join(text.split())
    for _ in range(MAX_REPAIRS):
        text, before = _normal_form(repaired(text) if is_suspect(text) else text), text
        if text == before or not is_suspect(text):
            break
    return text


def _normal_form(text: str) -> str:
    text = INVISIBLE.sub("", text)
    if not text.isascii():
        safe = stream_safe(SURROGATES.sub("\ufffd", text))
        text = unicodedata.normalize("NFC", safe)
        if text != safe:
            text = stream_safe(text)  # some marks become two
        if any(map(text.__contains__, JOINERS)):
            text = IDLE_JOINERS.sub("", text)
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def has_end_mark(text: str) -> bool:
    """Whether the text ends as a sentence or a quotation does, or announces something with a colon."""
    tail = text[-MAX_CLOSERS:].rstrip()
    last = tail[-1:]
    return last in SURE_ENDS or (last in CLOSERS and ENDS.search(tail) is not None)


def sentence_starts(text: str) -> list[int]:
    """Where the sentences after the first one begin, in order."""
    return sorted({_after_blanks(text, end) for end in _sentence_ends(text)})


def last_sentence_start(text: str) -> int:
    """Where the last sentence of the text begins; 0 when there is only one."""
    return max((_after_blanks(text, end) for end in _sentence_ends(text)), default=0)


def _after_blanks(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def count_sentences(text: str) -> int:
    """How many sentences the text seems to hold, at least 1."""
    return 1 + len(_sentence_ends(text))


def _sentence_ends(text: str) -> tuple[int, ...]:
    """Where sentences end, those of ideographs first. Many ask that of a text in one line."""
    return _ends_of_long(text) if len(text) > LONG_TEXT else tuple(_found_ends(text))


@lru_cache(maxsize=16)
def _ends_of_long(text: str) -> tuple[int, ...]:
    return tuple(_found_ends(text))


def _found_ends(text: str) -> Iterator[int]:
    if "。" in text:
        yield from (match.end() for match in IDEOGRAPHIC_END.finditer(text))
    for match in SENTENCE_END.finditer(text):
        if not ABBREVIATION.search(text[max(0, match.start() - 8) : match.start()]):
            yield match.end()
