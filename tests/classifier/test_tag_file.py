import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_classifier.tag_file import alternatives


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
        alternatives(written)


@given(st.text(alphabet="ab()| ,.", max_size=30))
def test_any_line_is_either_phrases_or_one_complaint(written: str) -> None:
    try:
        phrases = alternatives(written)
    except ValueError as error:
        complaint = str(error)
    else:
        complaint = ""
        assert phrases
        assert all(phrase.strip() for phrase in phrases)
    assert "\n" not in complaint
