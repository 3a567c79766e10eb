"""The words that a pattern cannot match without, read off the pattern, so that most lines need no closer look.

Words are compared by their case folding, as Unicode defines it. The dotted and the dotless i, which :mod:`re` takes for
the letter i when case does not count, fold to something else: lines that hold one of them must be looked at anyway.
"""

import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

_parser = import_module("re._parser")  # what re itself parses patterns with

OTHER_I_FOLDED = ("i\u0307", "\u0131")
MIN_LITERAL = 3  # shorter ones are in every other line
MAX_LITERALS = 400
MAX_TRIED, MAX_SETS = 12, 3  # words, and sets of words, that are looked for one by one
DIGIT = "\x00"  # stands for any digit: no text holds it
DIGITS = re.compile(r"\d")


def parsed(pattern: str, *, ignore_case: bool) -> Any:
    """The pattern as :mod:`re` understands it, for the questions of this module and of its neighbour."""
    return _parser.parse(pattern, re.IGNORECASE if ignore_case else 0)


def literals_of(pattern: str, *, ignore_case: bool) -> frozenset[str]:
    """Folded words one of which is in all that the pattern matches; none where no word is sure.

    What matches with one of ``OTHER_I_FOLDED`` in it may hold none of them.
    """
    return telling(sets_in(parsed(pattern, ignore_case=ignore_case)))


def sets_in(tree: Any) -> tuple[frozenset[str], ...]:
    """Sets of words, or of letters, of a parsed pattern, in its order.

    One of each is in :func:`searchable` of whatever it matches.
    """
    return tuple(words for words in _sets(tree) if len(words) <= MAX_LITERALS and _shortest(words) > 0)


def telling(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    """The most telling of the sets, of words that are not in every other line; none where there is no such set."""
    return max((words for words in sets if _shortest(words) >= MIN_LITERAL), key=_worth, default=frozenset())


def searchable(line: str) -> str:
    """The line as words are looked for in it."""
    return line.casefold() + DIGIT if DIGITS.search(line) else line.casefold()


def small(sets: Iterable[frozenset[str]]) -> tuple[frozenset[str], ...]:
    """The most telling of those that are looked for word by word."""
    found = dict.fromkeys(words for words in sets if len(words) <= MAX_TRIED)
    return tuple(sorted(found, key=_worth, reverse=True)[:MAX_SETS])


def _best(tree: Any) -> frozenset[str] | None:
    """The most telling of the sets of words one of which must be there."""
    return max(sets_in(tree), key=_worth, default=None)


def _worth(words: frozenset[str]) -> tuple[int, int]:
    return _shortest(words), -len(words)


def _shortest(words: frozenset[str]) -> int:
    return min(len(word.strip()) for word in words)


def _sets(tree: Any) -> Iterator[frozenset[str]]:
    """Sets of words, one of each of which is in whatever the parts of a pattern match one after the other."""
    run = ""
    for kind, value in tree:
        letter = _letter(str(kind), value)
        if letter is not None:
            run += letter
            continue
        if run:
            yield frozenset({run})
        run = ""
        yield from filter(None, _within(str(kind), value))
    if run:
        yield frozenset({run})


def _letter(kind: str, value: Any) -> str | None:
    """What a part of a pattern that is one letter, in whatever case, folds to."""
    if kind == "LITERAL":
        return chr(value).casefold()
    if kind != "IN" or any(str(each) != "LITERAL" for each, _ in value):
        return None
    folded = {chr(code).casefold() for _, code in value}
    return folded.pop() if len(folded) == 1 else None


def _within(kind: str, value: Any) -> Iterator[frozenset[str] | None]:
    match kind:
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT" if value[0] > 0:
            yield _best(value[2])
        case "SUBPATTERN":
            yield _best(value[3])
        case "ATOMIC_GROUP":
            yield _best(value)
        case "IN" if all(_is_digits(str(each), which) for each, which in value):
            yield frozenset({DIGIT})
        case "BRANCH":
            branches = [_best(branch) for branch in value[1]]
            if None not in branches:
                yield frozenset[str]().union(*filter(None, branches))
        case _:
            pass


def _is_digits(kind: str, value: Any) -> bool:
    if kind == "RANGE":
        return {*range(value[0], value[1] + 1)} <= {*map(ord, "0123456789")}
    return kind == "CATEGORY" and str(value) == "CATEGORY_DIGIT"
