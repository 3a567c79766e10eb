import asyncio

from hypothesis import given
from hypothesis import strategies as st

from copydesk_shared.handout import Handout


async def _taken(turns: list[int], takers: int) -> list[int]:
    """The order in which items are taken, each by a taker that then lets others run that many turns."""
    handout: Handout[int] = Handout()
    taken: list[int] = []

    async def take() -> None:
        while True:
            item = await handout.take()
            taken.append(item)
            await _let_run(turns[item])

    tasks = [asyncio.create_task(take()) for _ in range(takers)]
    for item in range(len(turns)):
        handout.put(item)
        await _let_run(turns[item] % 2)
    async with asyncio.timeout(60):
        while len(taken) < len(turns):
            await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return taken


async def _let_run(turns: int) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


@given(st.lists(st.integers(0, 5), max_size=12), st.integers(1, 4))
def test_every_item_is_taken_once_in_order_by_whoever_is_free(turns: list[int], takers: int) -> None:
    assert asyncio.run(_taken(turns, takers)) == list(range(len(turns)))


async def test_takers_that_wait_work_side_by_side() -> None:
    handout: Handout[int] = Handout()
    release = asyncio.Event()
    busy = 0

    async def take() -> None:
        nonlocal busy
        await handout.take()
        busy += 1
        await release.wait()

    tasks = [asyncio.create_task(take()) for _ in range(5)]
    await asyncio.sleep(0)
    for item in range(5):
        handout.put(item)
    async with asyncio.timeout(60):
        while busy < 5:
            await asyncio.sleep(0)
    release.set()
    await asyncio.gather(*tasks)
