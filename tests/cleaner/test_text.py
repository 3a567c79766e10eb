import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_cleaner.combining import BASIC_PLANE, MARKS, MAX_MARKS
from copydesk_cleaner.text import count_sentences, has_end_mark, key, last_sentence_start, normalise


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_normalising_twice_is_normalising_once(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_normal_text_can_be_encoded_and_has_no_empty_or_padded_line(text: str) -> None:
    normal = normalise(text)
    normal.encode("utf-8")
    for line in normal.split("\n"):
        assert line == line.strip()
        assert line or not normal


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("a\r\nb\rc\u2028d\x0be", "a\nb\nc\nd\ne"),
        ("a\u00a0b \t c", "a b c"),
        ("\ufeffzero\u200bwidth and soft\u00adhyphen", "zerowidth and softhyphen"),
        ("\n\n  one \n\n two\n", "one\ntwo"),
        ("cafe\u0301", "café"),
        ("a\x00b\x1b[31mc", "ab[31mc"),
        ("lone \ud800", "lone \ufffd"),
        ("family 👨\u200d👩\u200d👧", "family 👨\u200d👩\u200d👧"),
        ("", ""),
    ],
)
def test_normal_form(given_text: str, expected: str) -> None:
    assert normalise(given_text) == expected


@pytest.mark.parametrize(
    "line", ["It ended.", 'He said: "Yes."', "Really?", "She writes:", "“Done.”", "(It was.)", "fin…"]
)
def test_ended_lines(line: str) -> None:
    assert has_end_mark(line)


@pytest.mark.parametrize(
    "line", ["Nein.“", "Nein.«", "Non.»", "No.”", "Nej.‘", "No.’", "いいえ。」", "Er sagte „nein“", "»Nein«"]
)
def test_every_style_of_closing_quotation_mark_ends_a_line(line: str) -> None:
    assert has_end_mark(line)


@pytest.mark.parametrize("line", ["A crisis demanding attention", "Nice (AP)", "Best of 2026", "the dogs'"])
def test_lines_without_an_end_mark(line: str) -> None:
    assert not has_end_mark(line)


def test_the_last_sentence_starts_after_the_last_end_mark() -> None:
    text = "He met Mr. Smith in the U.S. on Friday. A man stands by the sea"
    assert text[last_sentence_start(text) :] == "A man stands by the sea"
    assert count_sentences(text) == 2


def test_keys_compare_words_only() -> None:
    assert key("Putin's ‘Row’ - Grows!") == key("putin s row grows")


@pytest.mark.parametrize("marks", ["\u0316\u0334", "\u0344", "\u0f73\u0316", "\U0001d165\u0316\U0001d16d"])
def test_a_row_of_marks_is_cut_at_thirty(marks: str) -> None:
    made = normalise(f"a{marks * 50_000}b")
    assert len(made) <= len("ab") + MAX_MARKS
    assert made.endswith("b")
    assert normalise(made) == made


def test_all_characters_that_begin_with_a_mark_are_known_as_marks() -> None:
    begin = {chr(code) for code in BASIC_PLANE if unicodedata.combining(unicodedata.normalize("NFD", chr(code))[0])}
    assert begin == MARKS
