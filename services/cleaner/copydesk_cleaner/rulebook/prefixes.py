"""How all that a pattern matches begins, read off the pattern: a line that begins otherwise needs no closer look.

Beginnings are compared letter by letter and without case, any digit as "0" and any blank as " ". A letter that becomes
several when case is folded, or that :mod:`re` alone takes for another, begins nothing for sure.
"""

from functools import lru_cache
from typing import Any

from copydesk_cleaner.rulebook.literals import OTHER_I_FOLDED

LENGTH = 4  # letters of a beginning that are looked at
MAX_LETTERS = 64  # of a class, all of which are tried
MAX_BEGINNINGS = 600
ANY = frozenset({""})
NONE: frozenset[str] = frozenset()
# What says where a match may be and takes no letter of it.
WITHOUT_WIDTH = frozenset({"AT", "ASSERT", "ASSERT_NOT"})
SPACE = " "


def beginnings_in(tree: Any) -> frozenset[str]:
    """One of these begins :func:`beginning` of whatever a parsed pattern matches; the empty one where none is sure."""
    begun, ended = _follow(tree, ANY)
    return _fewest(begun | ended)


@lru_cache(maxsize=4096)
def beginning(text: str) -> str | None:
    """The first letters of a line, of which there are ``LENGTH`` at most, as they are compared; nothing where they
    cannot be.
    """
    folded = [_folded(letter) for letter in text]
    return None if None in folded else "".join(filter(None, folded))


def _folded(letter: str) -> str | None:
    if letter.isspace():
        return SPACE
    if letter.isdecimal():
        return "0"
    folded = letter.casefold()
    return folded if len(folded) == 1 and folded not in OTHER_I_FOLDED else None


def _fewest(found: frozenset[str]) -> frozenset[str]:
    """The beginnings shortened until there are few enough, without those that another one begins."""
    length = LENGTH
    while len(found) > MAX_BEGINNINGS:
        length -= 1
        found = frozenset(each[:length] for each in found)
    return frozenset(each for each in found if not any(each[:end] in found for end in range(len(each))))


Begun = tuple[
    frozenset[str], frozenset[str]
]  # which go on with what follows, and which are known as far as they can be


def _follow(tree: Any, begun: frozenset[str]) -> Begun:
    """The beginnings behind the parts of a pattern, one after the other."""
    ended = NONE
    for kind, value in tree:
        begun, more = _part(str(kind), value, begun)
        ended |= more
        if len(begun) > MAX_BEGINNINGS:
            return NONE, ended | begun
        if not begun:
            break
    return begun, ended


def _part(kind: str, value: Any, begun: frozenset[str]) -> Begun:
    match kind:
        case "LITERAL":
            found = _with_letters(begun, frozenset({_folded(chr(value))}))
        case "IN":
            found = _with_letters(begun, _letters(value))
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            found = _repeated(value, begun)
        case "SUBPATTERN":
            found = _follow(value[3], begun)
        case "ATOMIC_GROUP":
            found = _follow(value, begun)
        case "BRANCH":
            branches = [_follow(branch, begun) for branch in value[1]]
            found = NONE.union(*(each for each, _ in branches)), NONE.union(*(each for _, each in branches))
        case _:
            found = (begun, NONE) if kind in WITHOUT_WIDTH else (NONE, begun)
    return found


def _with_letters(begun: frozenset[str], letters: frozenset[str | None]) -> Begun:
    if None in letters:
        return NONE, begun
    longer = frozenset(each + letter for each in begun for letter in letters if letter)
    full = frozenset(each for each in longer if len(each) == LENGTH)
    return longer - full, full


def _letters(members: Any) -> frozenset[str | None]:
    """What the members of a class fold to; nothing sure where they are many, or all but some."""
    found: set[str | None] = set()
    for kind, value in members:
        match str(kind):
            case "LITERAL":
                found.add(_folded(chr(value)))
            case "RANGE" if value[1] - value[0] < MAX_LETTERS:
                found.update(_folded(chr(code)) for code in range(value[0], value[1] + 1))
            case "CATEGORY" if str(value) == "CATEGORY_DIGIT":
                found.add("0")
            case "CATEGORY" if str(value) == "CATEGORY_SPACE":
                found.add(SPACE)
            case _:
                found.add(None)
        if len(found) > MAX_LETTERS:
            found.add(None)
    return frozenset(found)


def _repeated(value: Any, begun: frozenset[str]) -> Begun:
    least, most, tree = value
    passed = begun if least == 0 else NONE
    ended = NONE
    for number in range(1, min(most, least + LENGTH) + 1):
        begun, more = _follow(tree, begun)
        ended |= more
        if number >= least:
            passed |= begun
        if not begun:
            break
    return passed, ended
