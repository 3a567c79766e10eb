from hypothesis import given
from hypothesis import strategies as st

from copydesk_shared.window import Window


@given(st.data())
def test_only_the_contiguous_finished_prefix_is_committable(data: st.DataObject) -> None:
    offsets = sorted(data.draw(st.sets(st.integers(0, 200), min_size=1, max_size=30)))
    window: Window[int] = Window()
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
    window: Window[int] = Window()
    window.take(7)
    window.finish(7)
    assert window.committable() == 8
    window.committed(8)
    assert window.committable() is None
    window.take(8)
    assert window.committable() is None
    window.finish(8)
    assert window.committable() == 9


@given(st.permutations(range(8)))
def test_records_go_out_in_the_order_they_were_taken(order: list[int]) -> None:
    window: Window[int] = Window()
    for offset in range(8):
        window.take(offset)
        window.started += 1
    out = [ready for offset in order for ready in window.arrange(offset, offset)]
    assert out == list(range(8))


def test_nothing_goes_out_behind_a_record_that_was_left() -> None:
    window: Window[int] = Window()
    for offset in range(3):
        window.take(offset)
        window.started += 1
    assert window.arrange(1, 1) == []
    window.abandon()
    assert window.arrange(2, 2) == []
    assert window.closed
    assert window.started == 0


def test_beside_a_record_that_was_left_goes_out_what_needs_no_order() -> None:
    window: Window[int] = Window(ordered=False)
    for offset in range(2):
        window.take(offset)
        window.started += 1
    window.abandon()
    assert window.closed
    assert window.arrange(1, 1) == [1]
    window.finish(1)
    assert window.committable() is None
    window.break_off()
    assert window.started == 0


def test_an_abandoned_window_counts_nothing_as_started() -> None:
    window: Window[int] = Window()
    window.take(1)
    window.started += 1
    window.break_off()
    assert window.started == 1
    assert window.arrange(1, 1) == []
    assert window.started == 0
