"""Patterns of rule files: named parts put in, compiled, and refused when they are wrong."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from copydesk_cleaner.text import LOWER, UPPER

_parser = import_module("re._parser")  # what re itself parses patterns with

MAX_PATTERN = 20_000
UNBOUNDED = 64  # a repetition that may go on for longer counts as one without end
PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")
NAMED_GROUP = re.compile(r"\(\?P<\w+>")
GROUPS = frozenset({"attribution", "byline", "caption", "credit", "headline"})
BUILT_IN: Mapping[str, str] = {"lower": LOWER, "upper": UPPER}


class PatternError(ValueError):
    """What is wrong with a pattern."""


def words_pattern(words: Sequence[str]) -> str:
    """A pattern for any of these words, the longest first."""
    return "(?:" + "|".join(re.escape(word) for word in sorted(set(words), key=lambda word: (-len(word), word))) + ")"


def expanded(pattern: str, parts: Mapping[str, str]) -> str:
    """The pattern with each ``{{name}}`` replaced. Raises :class:`PatternError` for a name that is not known."""

    def part(match: re.Match[str]) -> str:
        if match[1] not in parts:
            raise PatternError(f"no fragment or vocabulary is called {match[1]!r}")
        return parts[match[1]]

    return PLACEHOLDER.sub(part, pattern)


def compiled(pattern: str, *, ignore_case: bool) -> re.Pattern[str]:
    """Raises :class:`PatternError` for what is no regular expression, or has a group that means nothing here."""
    try:
        found = re.compile(pattern, re.IGNORECASE if ignore_case else 0)
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternError(f"not a regular expression: {error}") from None
    unknown = sorted({group_name(name) for name in found.groupindex} - GROUPS)
    if unknown:
        raise PatternError(f"a group may be called {', '.join(sorted(GROUPS))}; not {unknown[0]!r}")
    return found


def joined(patterns: Sequence[str]) -> str:
    """The patterns as one; a group whose name has come before gets a number, as each name may come once only."""
    names: Counter[str] = Counter()

    def numbered(match: re.Match[str]) -> str:
        name = match[0][4:-1]
        names[name] += 1
        return match[0] if names[name] == 1 else f"(?P<{name}_{names[name]}>"

    return NAMED_GROUP.sub(numbered, "|".join(patterns))


def group_name(name: str) -> str:
    """The name of a group without its number."""
    return name.split("_", 1)[0]


def unnamed(pattern: str, *, ignore_case: bool) -> str:
    """The pattern as part of a larger one, in which no name may come twice."""
    inner = NAMED_GROUP.sub("(?:", pattern)
    return f"(?i:{inner})" if ignore_case else f"(?:{inner})"


def check(pattern: str, *, ignore_case: bool) -> None:
    """Raises :class:`PatternError` for a pattern that can match nothing at all, or that could take for ever.

    A repetition without end inside another is refused: (a+)+ tries each way to share the letters out. Which other
    patterns are slow :mod:`copydesk_cleaner.rulebook.trial` finds out.
    """
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"longer than {MAX_PATTERN} characters with its fragments put in")
    tree = _parser.parse(pattern, re.IGNORECASE if ignore_case else 0)
    if tree.getwidth()[0] == 0:
        raise PatternError("matches the empty string")
    if _nested(tree, inside=False):
        raise PatternError("a repetition without end stands inside another: give the outer one a bound, such as {0,5}")


def _nested(tree: Any, *, inside: bool) -> bool:
    """Whether a repetition without end stands inside another one."""
    for repeat, part in _parts_of(tree):
        if repeat and inside:
            return True
        if _nested(part, inside=inside or repeat):
            return True
    return False


def _parts_of(tree: Any) -> Iterator[tuple[bool, Any]]:
    """The parts of a parsed pattern, and whether each is repeated without end."""
    for kind, value in tree:
        match str(kind):
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                yield value[1] > UNBOUNDED and value[2].getwidth()[1] != 0, value[2]
            case "BRANCH":
                yield from ((False, branch) for branch in value[1])
            case "SUBPATTERN":
                yield False, value[3]
            case "ASSERT" | "ASSERT_NOT":
                yield False, value[1]
            case "GROUPREF_EXISTS":
                yield from ((False, part) for part in value[1:] if part)
            case "ATOMIC_GROUP":
                yield False, value
            case _:
                pass
