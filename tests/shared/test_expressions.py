"""Regular expressions that mean the same on every Python that Copydesk promises.

Up to 3.11.4 a possessive quantifier on a group (``(?:ab)*+``) eats what its last, failed turn had passed (gh-106052),
so matches are too long or empty. On a single sign, as in ``[a-z]++``, it has always worked, and so have atomic groups:
``(?>(?:ab)*)`` is the same.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for folder in ("services", "shared", "tools")
    for kind in ("py", "yaml")
    for path in (ROOT / folder).rglob(f"*.{kind}")
)
POSSESSIVE_GROUP = re.compile(r"(?<![\\(])\)(?:[*+?]|\{\d*,?\d*\})\+")


@pytest.mark.parametrize("pattern", ["(?:ab)*+", "(a|b)++c", "(?:=x)?+", "(?:-a){0,9}+", "(ab){3}+"])
def test_a_possessive_group_is_found(pattern: str) -> None:
    assert POSSESSIVE_GROUP.search(pattern)


@pytest.mark.parametrize("pattern", ["(?>(?:ab)*)", "[a-z]++", r"\)++", "()*+,", "(?:ab)*", "(?:a)+b+"])
def test_others_are_not(pattern: str) -> None:
    assert not POSSESSIVE_GROUP.search(pattern)


def test_no_source_has_one() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if POSSESSIVE_GROUP.search(line)
    ]
    assert len(SOURCES) > 100
    assert found == []
