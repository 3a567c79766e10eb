"""Rows of combining marks, which normalisation sorts in quadratic time: a page of them would take an hour.

Unicode Standard Annex 15, section 13 (Stream-Safe Text Format): no more than 30 in a row have a use in any language.
"""

import re
import unicodedata

MAX_MARKS = 30
BASIC_PLANE = range(0x300, 0x10000)
TWO_IN_ONE = frozenset("\u0f73\u0f75\u0f81")  # only their parts are marks
MARKS = TWO_IN_ONE.union(chr(code) for code in BASIC_PLANE if unicodedata.combining(chr(code)))
# Beyond the basic plane everything is a candidate: a class of many ranges is looked through one by one.
CANDIDATES = re.compile(f"[{''.join(sorted(MARKS))}\U00010000-\U0010ffff]{{{MAX_MARKS + 1},}}")


CANDIDATE = re.compile(CANDIDATES.pattern.partition("{")[0])


def stream_safe(text: str) -> str:
    """The text without the marks of a row that come after the thirtieth."""
    # A row that is too long has one of its marks in any sample of one in so many.
    if text.isascii() or CANDIDATE.search(text[:: MAX_MARKS + 1]) is None:
        return text
    return CANDIDATES.sub(_shortened, text)


def _shortened(match: re.Match[str]) -> str:
    kept: list[str] = []
    row = 0
    for character in match[0]:
        row = row + 1 if character in MARKS or unicodedata.combining(character) else 0
        if row <= MAX_MARKS:
            kept.append(character)
    return "".join(kept)
