"""How phrases are written in tag files and gazetteers: ``(prisoner|captive) swap | spy swap`` stands for three."""

import re
from functools import lru_cache
from itertools import product
from math import prod

from copydesk_classifier.tokens import phrase_words

MAX_VARIANTS = 400
MAX_CHARACTERS = 4_000
LIST_MARK = "$"
GAZETTEER_MARK = "@"
MARKS = (LIST_MARK, GAZETTEER_MARK)

_PIECE = re.compile(r"\(([^()]*)\)|([^()|\s]+)|(\||[()])")

# Letters, digits and single hyphens: nothing that could keep a phrase from matching. Nearly all lines are of these, and
# need no phrase of theirs looked at.
_PLAIN_LINE = re.compile(r"(?:[^\W_]++(?:-[^\W_]++)*(?![-_])|[\s()|]++)*")
_PLAIN_PHRASE = re.compile(r"[^\W_]++(?:[ -][^\W_]++)*")

# For each alternative its places, and for each place the words that may stand there.
Branches = list[list[list[str]]]


def _branches(written: str) -> Branches:
    if len(written) > MAX_CHARACTERS:
        raise ValueError(f"{written[:40]!r}… is longer than {MAX_CHARACTERS} characters")
    branches: Branches = [[]]
    for group, word, sign in _PIECE.findall(written):
        if sign == "|":
            branches.append([])
        elif sign:
            raise ValueError(f"a stray parenthesis in {written!r}")
        else:
            branches[-1].append([word] if word else [choice.strip() for choice in group.split("|")])
    if any(not branch or not all(map(all, branch)) for branch in branches):
        raise ValueError(f"an empty alternative in {written!r}")
    return branches


def _size(branches: Branches) -> int:
    return sum(prod(map(len, branch)) for branch in branches)


@lru_cache(maxsize=8192)
def variants(written: str) -> int:
    """For how many phrases a line stands; nothing is made of them. Raises ``ValueError`` as :func:`check`."""
    return _size(_branches(written))


def check(written: str) -> None:
    """See that a line stands for phrases.

    Raises ``ValueError`` for an empty alternative, a stray parenthesis, too many variants, or a phrase that cannot
    match.
    """
    if variants(written) > MAX_VARIANTS:
        raise ValueError(f"{written!r} stands for more than {MAX_VARIANTS} phrases")
    if not _PLAIN_LINE.fullmatch(written):
        for phrase in alternatives(written):
            phrase_words(phrase)


def alternatives(written: str) -> list[str]:
    """The phrases that a line stands for, which was checked."""
    return [" ".join(choice) for branch in _branches(written) for choice in product(*branch)]


def words_of(phrase: str) -> tuple[str, ...]:
    """The words of a phrase, in the case they were written. Raises ``ValueError`` if it cannot match any text."""
    if _PLAIN_PHRASE.fullmatch(phrase):
        return tuple(phrase.replace("-", " ").split(" "))
    return phrase_words(phrase)
