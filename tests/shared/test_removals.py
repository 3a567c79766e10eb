import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_shared.messages import Removal
from copydesk_shared.removals import restore_text


@given(st.text(max_size=200), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 20)), max_size=8))
def test_cut_text_goes_back_to_its_place(text: str, cuts: list[tuple[int, int]]) -> None:
    spans: list[tuple[int, int]] = []
    for start, length in sorted(cuts):
        if start + length <= len(text) and (not spans or start >= spans[-1][1]):
            spans.append((start, start + length))
    kept = "".join(
        text[begin:end]
        for begin, end in zip([0, *(end for _, end in spans)], [*(start for start, _ in spans), len(text)], strict=True)
    )
    removals = [
        Removal(rule="r", kind="boilerplate", text=text[start:end], paragraph=0, start=start, end=end)
        for start, end in spans
    ]
    assert restore_text(kept, reversed(removals)) == text


@pytest.mark.parametrize(("start", "end", "cut"), [(5, 6, "x"), (0, 3, "x"), (0, 0, "x")])
def test_removals_that_do_not_fit_are_refused(start: int, end: int, cut: str) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        restore_text("abc", [Removal(rule="r", kind="credit", text=cut, paragraph=0, start=start, end=end)])
