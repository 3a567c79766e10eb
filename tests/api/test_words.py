"""Text as words: the same when it is indexed, searched for and highlighted."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_api.snippets import ELLIPSIS, marked, snippet
from copydesk_api.words import BESIDE, MAX_BYTES, MAX_INDEXED, Phrase, fold, phrase, tokens, words

WORDS = {
    "Il-76": ["il", "76"],
    "Été à Zürich": ["ete", "a", "zurich"],
    "nai\u0308ve": ["naive"],
    "Пленные": ["пленные"],
    "STRASSE Straße": ["strasse", "strasse"],
    "under_score": ["under", "score"],
    "北京大学": ["北京", "京大", "大学", "学"],
    "京": ["京"],
    "北京2024年": ["北京", "京", "2024", "年"],
    "がか": ["がか", "か"],
    "ｶﾞ": ["ガ"],
    "한국": ["한국", "국"],
    "กขค": ["กข", "ขค", "ค"],
    "ﷺ": ["صلى", "الله", "عليه", "وسلم"],
    "": [],
    "🛩 !": [],
}


@pytest.mark.parametrize("text", WORDS)
def test_words(text: str) -> None:
    assert words(text) == WORDS[text]


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("plane", Phrase(("plane",), is_open=False)),
        ("Il 76", Phrase(("il", "76"), is_open=False)),
        ("北京大学", Phrase(("北京", "京大", "大学"), is_open=False)),
        ("京", Phrase(("京",), is_open=True)),
        ("plane 京", Phrase(("plane", "京"), is_open=True)),
        ("北京 plane", Phrase(("北京", "京", "plane"), is_open=False)),
    ],
)
def test_what_a_term_searches_for(term: str, expected: Phrase) -> None:
    assert phrase(term) == expected


def test_nothing_is_left_of_marks() -> None:
    assert phrase("\u0301") is None


@given(st.text(max_size=200))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_what_is_indexed_is_bounded() -> None:
    assert sum(len(word) for word in words("ab " * MAX_INDEXED)) <= MAX_INDEXED
    pairs = "".join(chr(0x4E00 + number % 20_000) for number in range(MAX_INDEXED))
    assert sum(len(word.encode()) + BESIDE for word in words(pairs)) <= MAX_BYTES


# Letters that are put together from others across what a word is are left out: "ß" alone is two letters when folded.
plain = st.text(alphabet="aB7é -_.,\n北京大学がカ한국\u0308&<>\"'", max_size=60)


@given(plain)
def test_the_places_are_those_of_the_words(text: str) -> None:
    found = list(tokens(text))
    assert [token.word for token in found] == words(text)
    for token in found:
        assert token.word in words(text[token.start : token.end])


@given(plain, st.lists(st.sampled_from(["a", "b7", "北京", "京", "é"]), max_size=3))
def test_nothing_but_marks_is_added(text: str, terms: list[str]) -> None:
    for shown in (marked(text, terms), snippet(text, terms)):
        without = shown.replace("<mark>", "").replace("</mark>", "")
        assert "<" not in without
        assert '"' not in without
        assert html.unescape(without).strip(ELLIPSIS) in text
        assert shown.count("<mark>") == shown.count("</mark>")


@pytest.mark.parametrize(
    ("text", "terms", "expected"),
    [
        ("The Il-76 <b>fell</b>.", ["il 76"], "The <mark>Il-76</mark> &lt;b&gt;fell&lt;/b&gt;."),
        ("Naïve nai\u0308ve", ["naive"], "<mark>Naïve</mark> <mark>nai\u0308ve</mark>"),
        ("北京大学的学生", ["大学"], "北京<mark>大学</mark>的学生"),
        ("北京大学", ["京"], "北<mark>京大</mark>学"),
        ("one two three", ["one two", "two three"], "<mark>one two three</mark>"),
        ("nothing here", ["else"], "nothing here"),
    ],
)
def test_highlights(text: str, terms: list[str], expected: str) -> None:
    assert marked(text, terms) == expected


def test_a_snippet_is_around_the_words() -> None:
    text = "before " * 100 + "a plane & a storm over plane " + "after " * 100
    shown = snippet(text, ["storm", "plane"])
    assert "a <mark>plane</mark> &amp; a <mark>storm</mark> over <mark>plane</mark>" in shown
    assert shown.startswith(f"{ELLIPSIS}before")
    assert shown.endswith(ELLIPSIS)
    assert len(re.sub("<[^>]*>", "", shown)) < 500
    assert snippet(text, ["absent"]).startswith("before before")
