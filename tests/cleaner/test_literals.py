"""The words that patterns need, and that rules found by them are those that match."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk_cleaner.rulebook import shipped
from copydesk_cleaner.rulebook.engine import line_family
from copydesk_cleaner.rulebook.literals import OTHER_I_FOLDED, literals_of
from copydesk_cleaner.rules import LINES
from copydesk_cleaner.story import Context, Unit

RULES = shipped().rules(*LINES, scope="line")
LINES_FOUND = [example.text for rule in RULES for example in rule.hit]


@pytest.mark.parametrize(
    ("pattern", "ignore_case", "expected"),
    [
        ("Read more", False, {"read more"}),
        ("[Rr]ead(?: more)?", False, {"read"}),
        ("(?P<headline>.+) (?:watch|listen)", False, {"watch", "listen"}),
        ("(?:watch|.*)", False, set()),
        ("(?:follow ){0,2}us", False, set()),
        ("(?:follow ){1,2}us", False, {"follow "}),
        ("(?:an der )?Straße", True, {"strasse"}),
        ("a(?=bcd)", False, set()),
        ("(?!abcd)x+", False, set()),
    ],
)
def test_words_that_a_pattern_needs(pattern: str, ignore_case: bool, expected: set[str]) -> None:
    assert literals_of(pattern, ignore_case=ignore_case) == expected


@settings(max_examples=40)
@given(st.data())
def test_whatever_matches_holds_one_of_the_words(data: st.DataObject) -> None:
    rule = data.draw(st.sampled_from(RULES))
    pattern = data.draw(st.sampled_from(rule.patterns))
    flags = re.IGNORECASE if rule.ignores_case else 0
    line = data.draw(st.from_regex(re.compile(pattern, flags), fullmatch=True))
    folded = line.casefold()
    needs = literals_of(pattern, ignore_case=rule.ignores_case)
    assert not needs or any(need in folded for need in needs) or any(letter in folded for letter in OTHER_I_FOLDED)


@pytest.mark.parametrize("change", [str, str.upper, lambda line: line.replace("i", "İ")])
def test_the_first_rule_that_matches_is_found(change: Callable[[str], str]) -> None:
    family = line_family(RULES)
    for line in map(change, LINES_FOUND):
        wanted = next((rule.id for rule in RULES if rule.match(line)), None)
        found = next(iter(family([Unit(0, line, 0)], Context())), None)
        assert (found.cuts[0].rule if found else None) == wanted
