"""What people type: nothing of it reaches a database's own search syntax."""

import re
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copydesk_api.filters import Filters
from copydesk_api.search import MAX_QUERY_TERMS, parse_terms
from copydesk_api.store import Store
from tests.api.samples import article

SYNTAX = ['"', "'", "*", "^", ":", "(", ")", "{", "}", "+", "-", "NEAR", "NEAR(", "AND", "OR", "NOT", "&", "|", "!", "<->", ";", "--", "\\", "%", "\x00", "body:", "a", "é", "\u0301", "🛩", "ﷺ", "中文", "कि"]  # fmt: skip
queries = st.text(max_size=60) | st.lists(st.sampled_from(SYNTAX), min_size=1, max_size=12).map(" ".join)


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("one two", ("one", "two")),
        ('"one two" three', ("one two", "three")),
        ('say"one two"now', ("say", "one two", "now")),
        ('one "two three', ("one", "two", "three")),
        ("Il-76", ("Il 76",)),
        ('"" one', ("one",)),
        ("under_score", ("under score",)),
        ("NOT (a OR b*)", ("NOT", "a", "OR", "b")),
        ("e\u0301te\u0301", ("été",)),
    ],
)
def test_terms(query: str, terms: tuple[str, ...]) -> None:
    assert parse_terms(query) == terms


@pytest.mark.parametrize("query", ["", " ", "!!!", '""', '"', "\x00", "🛩"])
def test_nothing_to_search_for(query: str) -> None:
    with pytest.raises(ValueError, match="no word"):
        parse_terms(query)


def test_too_many_terms() -> None:
    assert len(parse_terms("a " * MAX_QUERY_TERMS)) == MAX_QUERY_TERMS
    with pytest.raises(ValueError, match="more than 32"):
        parse_terms("a " * (MAX_QUERY_TERMS + 1))


@given(queries)
def test_terms_hold_letters_digits_and_spaces_only(query: str) -> None:
    try:
        terms = parse_terms(query)
    except ValueError:
        return
    assert all(re.fullmatch(r"[^\W_]+( [^\W_]+)*", term) for term in terms)


@pytest.fixture
def search(store: Store) -> Callable[[str], int]:
    text = "All of " + " ".join(char for char in SYNTAX if char != "\x00")
    store.write([("a", article("a", text=text))], {})

    def count(query: str) -> int:
        return len(store.articles(Filters(terms=parse_terms(query)), None, 10).documents)

    return count


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(query=queries)
def test_no_query_upsets_a_database(search: Callable[[str], int], query: str) -> None:
    try:
        found = search(query)
    except ValueError:
        return
    assert found in (0, 1)


@pytest.mark.parametrize("word", ["a", "É", "e", "near", "OR", "NOT", "中文", "body"])
def test_words_are_found_on_both_databases(search: Callable[[str], int], word: str) -> None:
    assert search(word) == 1
