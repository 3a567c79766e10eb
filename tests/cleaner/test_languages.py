"""The language of a text."""

import pytest

from copydesk_cleaner.languages import language_of

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


def test_without_letters_there_is_no_language() -> None:
    language, confidence = language_of("1 2 3 4 5 6 7 8 9 " * 40, "en")
    assert language == "en"
    assert confidence is None or confidence < 1
