"""The sieve lets through every pattern that matches: nothing that it asks of a line is more than the pattern asks."""

import re
import sys
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk_cleaner.rulebook import Rule, shipped
from copydesk_cleaner.rulebook.literals import DIGIT, parsed, searchable, sets_in, small
from copydesk_cleaner.rulebook.prefixes import beginning, beginnings_in
from copydesk_cleaner.rulebook.sieve import Sieve

RULES = [rule for rule in shipped().rules() if rule.patterns]
EXAMPLES = [example.text for rule in RULES for example in (*rule.hit, *rule.keep)]


@cache
def sieve() -> Sieve:
    return Sieve(RULES)


def met(line: str, of: Sieve) -> set[tuple[str, int]]:
    return {(candidate.rule.id, candidate.number) for candidate in of.met(line)}


@cache
def compiled(rule_id: str, number: int) -> re.Pattern[str]:
    """Kept here: the cache of :mod:`re` is smaller than the number of patterns."""
    rule = next(rule for rule in RULES if rule.id == rule_id)
    return re.compile(rule.patterns[number], re.IGNORECASE if rule.ignores_case else 0)


def matches(rule: Rule, number: int, line: str) -> bool:
    pattern = compiled(rule.id, number)
    find = {"line": pattern.fullmatch, "start": pattern.match, "end": pattern.search}[rule.scope]
    return find(line) is not None


@pytest.mark.parametrize(
    ("pattern", "ignore_case", "expected"),
    [
        ("Read more", False, {"read"}),
        ("(?:- )?Read", True, {"- re", "read"}),
        ("(?=X)(?<!y)[Rr]ead", False, {"read"}),
        (r"\d{1,2} of", False, {"0 of", "00 o"}),
        (r"\s?By (?P<byline>.+)", False, {" by ", "by "}),
        (".{0,3}Read", False, {""}),
        ("[^a]bc", False, {""}),
        ("(?:ab){1,3}c", False, {"abab", "abc"}),
        ("(?>ab|c)de", False, {"abde", "cde"}),
        ("ab(?:c|.)d", False, {"ab"}),
        ("a", False, {"a"}),
        ("(?:Ad|Advert)s", False, {"ads", "adve"}),
        ("Straße", True, {"stra"}),
        ("ißt", True, {"i"}),
        (r"(a)\1b", False, {"a"}),
    ],
)
def test_how_all_that_a_pattern_matches_begins(pattern: str, ignore_case: bool, expected: set[str]) -> None:
    assert beginnings_in(parsed(pattern, ignore_case=ignore_case)) == expected


def test_too_many_beginnings_are_shortened() -> None:
    found = beginnings_in(parsed("[A-Z][A-Z][A-Z]x", ignore_case=False))
    assert found == {chr(code) for code in range(ord("a"), ord("z") + 1)}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"\w+@\w+", {frozenset({"@"})}),
        (r".+(?:\.jpg|-png)", {frozenset({".jpg", "-png"})}),
        (r".+ \d+", {frozenset({DIGIT})}),
        (r".+[0-9]", {frozenset({DIGIT})}),
        (r".+[0-9a]", set()),
        (r".+[/-9]", set()),
    ],
)
def test_letters_and_figures_that_a_pattern_needs(pattern: str, expected: set[frozenset[str]]) -> None:
    assert set(small(sets_in(parsed(pattern, ignore_case=False)))) == expected


@pytest.mark.parametrize("line", ["9 ferries", "٣ ferries"])
def test_figures_of_any_script_are_figures(line: str) -> None:
    assert DIGIT in searchable(line)
    assert DIGIT not in searchable(line[1:])


def test_letters_that_are_the_same_without_case_begin_alike() -> None:
    """For whatever :mod:`re` says; where letters would not be compared alike, nothing is compared."""
    for code in range(sys.maxunicode + 1):
        letter = chr(code)
        others = {each for each in (letter.lower(), letter.upper(), letter.casefold()) if len(each) == 1} - {letter}
        for other in others:
            if re.fullmatch(re.escape(letter), other, re.IGNORECASE):
                assert beginning(letter) == beginning(other) or None in {beginning(letter), beginning(other)}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_no_pattern_that_matches_an_example_is_held_back(rule: Rule) -> None:
    """Whatever the rule of the example, and whatever a rule names as its needs."""
    for line in (example.text for example in (*rule.hit, *rule.keep)):
        found = met(line, sieve())
        for other in RULES:
            for number in range(len(other.patterns)):
                assert (other.id, number) in found or not matches(other, number, line)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_pattern_is_held_back_from_what_it_matches(data: st.DataObject) -> None:
    rule = data.draw(st.sampled_from(RULES))
    number = data.draw(st.integers(0, len(rule.patterns) - 1))
    flags = re.IGNORECASE if rule.ignores_case else 0
    line = data.draw(st.from_regex(re.compile(rule.patterns[number], flags), fullmatch=True))
    assert (rule.id, number) in met(line, sieve()) or not matches(rule, number, line)


@pytest.mark.parametrize("change", [str, str.upper, lambda line: line.replace("i", "ı").replace("I", "İ")])
def test_what_is_let_through_does_not_depend_on_other_rules_or_lines(change: Callable[[str], str]) -> None:
    parts = Sieve(RULES[::2]), Sieve(RULES[1::2])
    for line in map(change, EXAMPLES):
        assert met(line, sieve()) == met(line, parts[0]) | met(line, parts[1])
