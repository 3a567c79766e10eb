import asyncio

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


async def test_records_go_out_in_the_order_they_were_taken() -> None:
    window = Window()
    for offset in range(6):
        window.take(offset)
    out: list[int] = []

    async def go(offset: int) -> None:
        if await window.turn(offset):
            out.append(offset)
            window.out()

    await asyncio.gather(*(go(offset) for offset in (3, 1, 5, 0, 4, 2)))
    assert out == [0, 1, 2, 3, 4, 5]


async def test_nothing_goes_out_behind_a_record_that_was_left() -> None:
    window = Window()
    for offset in range(3):
        window.take(offset)
        window.started += 1
    waiting = [asyncio.create_task(window.turn(offset)) for offset in (1, 2)]
    await asyncio.sleep(0)
    window.abandon()
    assert await asyncio.gather(*waiting) == [False, False]
    assert await window.turn(0) is False
    assert window.closed
