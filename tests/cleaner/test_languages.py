"""The language of a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from copydesk_cleaner.languages import Identifier, language_of

ENGLISH = "The ministers met in the harbour town on Friday to talk about the strike of the dockers. " * 4
GERMAN = "Die Minister trafen sich am Freitag in der Hafenstadt, um über den Streik der Arbeiter zu sprechen. " * 4
NORWEGIAN = "Statsrådene møttes i havnebyen på fredag for å snakke om streiken blant havnearbeiderne der. " * 4


@pytest.mark.parametrize(
    ("text", "said", "expected"),
    [
        (ENGLISH, "en", "en"),
        (ENGLISH, None, "en"),
        (GERMAN, "en", "de"),
        (NORWEGIAN, "nb", "nb"),
        (NORWEGIAN, "nn", "nn"),
    ],
)
def test_letters_and_page_agree_or_letters_win_where_they_are_sure(text: str, said: str | None, expected: str) -> None:
    language, confidence = language_of(text, said)
    assert language == expected
    assert confidence is not None
    assert confidence > 0.9


def test_a_short_text_has_the_language_that_the_page_says() -> None:
    assert language_of("Row grows.", "fr") == ("fr", None)
    assert language_of("Row grows.", None) == (None, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Die Minister trafen sich am Freitag in der Hafenstadt, um über den Streik der Arbeiter zu sprechen.", "de"),
        ("Les ministres se sont réunis vendredi dans la ville portuaire.", "fr"),
        ("Правление порта собралось в пятницу.", "ru"),
        ("港务委员会周五开会，听取渡轮船员对时刻表的投诉。", "zh"),
        ("港湾委員会は金曜日に会合を開いた。", "ja"),
        ("항만 위원회는 금요일에 모여 불만을 들었다.", "ko"),
    ],
)
def test_a_sentence_is_told_where_its_letters_are_sure(text: str, expected: str) -> None:
    language, confidence = language_of(text, None)
    assert language == expected
    assert confidence is not None
    assert confidence >= 0.8
    assert language_of(text, expected)[0] == expected


@pytest.mark.parametrize("text", ["港务会", "Taxi! 12345 67890 12345 67890", "Hotel Radio Taxi", "1 2 3 4 5 " * 15])
def test_words_that_any_language_may_have_are_not_told(text: str) -> None:
    assert language_of(text, None) == (None, None)


def test_a_sentence_does_not_overrule_what_the_page_says() -> None:
    assert language_of(GERMAN[:100], "en") == ("en", None)
    assert language_of(GERMAN, "en")[0] == "de"


def test_without_letters_there_is_no_language() -> None:
    language, confidence = language_of("1 2 3 4 5 6 7 8 9 " * 40, "en")
    assert language == "en"
    assert confidence is None or confidence < 1


WORDS = st.sampled_from(
    (f"{ENGLISH}{GERMAN}{NORWEGIAN} Правление порта собралось в пятницу 港务委员会周五开会 Ο δήμος συνεδρίασε").split()
)


@pytest.fixture(scope="module")
def identifiers() -> tuple[LanguageIdentifier, LanguageIdentifier]:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True), Identifier.from_model_file(
        MODEL_FILE, norm_probs=True
    )


@given(st.lists(st.one_of(WORDS, st.text(max_size=9)), max_size=60))
def test_the_quick_walk_finds_what_the_walk_by_single_bytes_finds(
    identifiers: tuple[LanguageIdentifier, LanguageIdentifier], words: list[str]
) -> None:
    slow, quick = identifiers
    assert quick.rank(" ".join(words)) == slow.rank(" ".join(words))
