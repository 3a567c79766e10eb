"""Text that was decoded with the wrong character set, and text that only looks so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_cleaner.text import normalise

ODD = "ÂÃÐÑâðïРСв€‚„…’“”™\x80\x99\x9f\xa0\xbf¿»Ÿ abz.\n\u00ad\u0301Ђ°"


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("doesn’t work, “he said” — naïve café 🙂", "latin-1"),
        ("Ça va être très bien à São Paulo", "cp1252"),
        ("Україна отримала допомогу", "cp1252"),
        ("Михаил Петров сказал: «Это ёж»", "latin-1"),
        ("Михаил Петров сказал: «Это ёж»", "cp1251"),
        ("The minister’s “plan”", "cp1251"),
        ("Žluťoučký kůň", "latin-1"),
    ],
)
def test_wrong_decoding_is_put_right(text: str, read_as: str) -> None:
    assert normalise(text.encode().decode(read_as)) == text
    assert normalise(text) == text


def test_lines_are_judged_apart() -> None:
    wrong = "Ännu en gång".encode().decode("latin-1")
    assert normalise(f"Märta är här\n{wrong}\n“Ok”") == "Märta är här\nÄnnu en gång\n“Ok”"


@pytest.mark.parametrize("text", ["AÇÃO E REAÇÃO", "DÂN TỘC", "Â ÎLE", "Привет, СССР", "ÐÐ Ñ", "â la carte"])
def test_real_text_stays(text: str) -> None:
    assert normalise(text) == text


@given(st.text(alphabet=st.sampled_from(ODD), max_size=14))
def test_it_is_idempotent(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
