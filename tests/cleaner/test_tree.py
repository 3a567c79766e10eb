"""The tree that HTML becomes."""

from hypothesis import given
from hypothesis import strategies as st

from copydesk_cleaner.extraction.tree import most_elements, parse, size

TAGS = "html head body p div li td table select a b font frameset form style title br img svg".split()
PIECES = st.sampled_from(
    [f"<{mark}{tag}>" for tag in TAGS for mark in ("", "/")] + ["<", "<p", "</", "a", "&amp;", "<!--"]
)


@given(st.lists(st.one_of(PIECES, st.text(max_size=4)), max_size=60))
def test_a_page_never_has_more_elements_than_its_tags_can_make(pieces: list[str]) -> None:
    content = "".join(pieces)
    tree = parse(content)
    assert tree is None or size(tree) <= most_elements(content)
