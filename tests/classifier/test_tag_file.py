import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_classifier.notation import alternatives, check, variants, words_of
from copydesk_classifier.tokens import phrase_words


@pytest.mark.parametrize(
    ("written", "phrases"),
    [
        ("prisoner swap", ["prisoner swap"]),
        ("ferry|ferries", ["ferry", "ferries"]),
        ("open fire | opened fire", ["open fire", "opened fire"]),
        ("(prisoner|captive) (swap|trade)", ["prisoner swap", "prisoner trade", "captive swap", "captive trade"]),
        ("(take|lost) control | rout", ["take control", "lost control", "rout"]),
        ("take (full control|charge)", ["take full control", "take charge"]),
        ("Il-76", ["Il-76"]),
    ],
)
def test_what_a_line_stands_for(written: str, phrases: list[str]) -> None:
    assert alternatives(written) == phrases


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("", "empty alternative"),
        ("a|", "empty alternative"),
        ("|a", "empty alternative"),
        ("(a|) b", "empty alternative"),
        ("()", "empty alternative"),
        ("(a|b", "stray parenthesis"),
        ("a) b", "stray parenthesis"),
        ("((a|b) c)", "stray parenthesis"),
        ("a, b", "punctuation inside"),
        ("...", "no words"),
        ("(a|b|c|d|e|f|g|h) (a|b|c|d|e|f|g|h) (a|b|c|d|e|f|g|h)", "more than 400"),
    ],
)
def test_a_line_that_stands_for_nothing_is_refused(written: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        check(written)


@given(st.text(alphabet="ab()| ,.-_'é\u0301\u00a0\t1", max_size=30))
def test_any_line_is_either_phrases_or_one_complaint(written: str) -> None:
    try:
        check(written)
    except ValueError as error:
        complaint = str(error)
    else:
        complaint = ""
        phrases = alternatives(written)
        assert len(phrases) == variants(written) > 0
        assert all(words_of(phrase) == phrase_words(phrase) for phrase in phrases)
    assert "\n" not in complaint


@given(st.text(max_size=20))
def test_the_quick_way_to_read_a_phrase_is_the_long_one(phrase: str) -> None:
    try:
        expected = phrase_words(phrase)
    except ValueError:
        with pytest.raises(ValueError, match=r"words in|punctuation inside"):
            words_of(phrase)
    else:
        assert words_of(phrase) == expected


def test_a_line_that_would_take_for_ever_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="more than 400 phrases"):
        check("(a|b) " * 600)
    with pytest.raises(ValueError, match="longer than 4000 characters"):
        check("(a|b) " * 60_000)
