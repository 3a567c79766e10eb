"""The lines of a page without its tree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.blocks import MAX_BLOCKS, MAX_MARKUP, blocks

PAGE = """<!doctype html><html><head><title>A title of four words</title></head><body>
<!-- a comment of four words --><nav><a href="/">Home</a></nav>
<p>The <b>harbour</b> board met on <a href="/x">Friday &amp; Saturday</a>.</p>
<script>var text = "<p>no line of the page</p>"</script>
<div>Sign up for our
   newsletter <em>today</em></div><style>p { color: red of no use }</style>
</body></html>"""


def test_lines_are_what_stands_between_block_tags() -> None:
    assert list(blocks(PAGE)) == ["The harbour board met on Friday & Saturday.", "Sign up for our newsletter today"]


def test_what_is_not_closed_hides_the_rest() -> None:
    assert list(blocks("<p>This one is read</p><script><p>This one is not</p>")) == ["This one is read"]


def test_there_is_an_end_to_lines_and_markup() -> None:
    assert len(list(blocks("<p>This one is read</p>" * 2 * MAX_BLOCKS))) == MAX_BLOCKS
    assert list(blocks(" " * MAX_MARKUP + "<p>This one is not</p>")) == []


@pytest.mark.parametrize("evil", ["<script ", "<!--", "<a ", "<head>", ">", "<svg><", "<a>", "</", "&#", "<p>a b c"])
def test_hostile_markup_is_read_once(evil: str) -> None:
    """These took minutes where each opening searched the rest for its end."""
    assert len(list(blocks(evil * 60_000))) <= MAX_BLOCKS


PARTS = ("<", ">", "p", "a", " ", "script", "!--", "-->", "/", "words of text", "&")


@given(st.lists(st.sampled_from(PARTS)))
def test_any_text_has_lines_of_words(parts: list[str]) -> None:
    for line in blocks("".join(parts)):
        assert "<" not in line
        assert len(line.split()) >= 3
