from hypothesis import given
from hypothesis import strategies as st

from copydesk_shared.window import Window


@given(st.data())
def test_only_the_contiguous_finished_prefix_is_committable(data: st.DataObject) -> None:
    offsets = sorted(data.draw(st.sets(st.integers(0, 200), min_size=1, max_size=30)))
    window = Window()
    for offset in offsets:
        window.take(offset)
    finished: set[int] = set()
    for offset in data.draw(st.permutations(offsets)):
        window.finish(offset)
        finished.add(offset)
        prefix = [each for each in offsets if all(earlier in finished for earlier in offsets if earlier <= each)]
        assert window.committable() == (prefix[-1] + 1 if prefix else None)
    assert len(window) == 0


def test_what_is_committed_is_not_committed_again() -> None:
    window = Window()
    window.take(7)
    window.finish(7)
    assert window.committable() == 8
    window.committed(8)
    assert window.committable() is None
    window.take(8)
    assert window.committable() is None
    window.finish(8)
    assert window.committable() == 9
