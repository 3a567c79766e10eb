"""The words of a line, as lines are compared."""

import re

from hypothesis import given
from hypothesis import strategies as st

from copydesk_shared.lines import line_key

NOT_WORD = re.compile(r"[\W_]+")


@given(st.one_of(st.text(), st.text(st.characters(max_codepoint=127))))
def test_the_key_of_a_line_is_its_letters_and_digits_in_small_letters(text: str) -> None:
    assert line_key(text) == NOT_WORD.sub(" ", text.casefold()).strip()


def test_lines_of_the_same_words_have_one_key() -> None:
    assert line_key("READ MORE: Ferry_crews  walk out!") == line_key("“Read more — ferry crews walk out”")
