"""Patterns of rule files: named parts put in, compiled, and refused when they are wrong."""

import re
from collections.abc import Mapping, Sequence

from copydesk_cleaner.text import LOWER, UPPER

PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
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
    unknown = sorted(set(found.groupindex) - GROUPS)
    if unknown:
        raise PatternError(f"a group may be called {', '.join(sorted(GROUPS))}; not {unknown[0]!r}")
    return found


def unnamed(pattern: str, *, ignore_case: bool) -> str:
    """The pattern as part of a larger one, in which no name may come twice."""
    inner = NAMED_GROUP.sub("(?:", pattern)
    return f"(?i:{inner})" if ignore_case else f"(?:{inner})"
