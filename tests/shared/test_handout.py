import asyncio

from hypothesis import given
from hypothesis import strategies as st

from copydesk_shared.handout import Handout


@given(st.lists(st.integers(0, 5), max_size=12), st.integers(1, 4))
def test_every_item_is_taken_once_in_order_by_whoever_is_free(waits: list[int], takers: int) -> None:
    async def go() -> list[int]:
        handout: Handout[int] = Handout()
        taken: list[int] = []

        async def take() -> None:
            while True:
                item = await handout.take()
                taken.append(item)
                for _ in range(waits[item]):
                    await asyncio.sleep(0)

        tasks = [asyncio.create_task(take()) for _ in range(takers)]
        for item in range(len(waits)):
            handout.put(item)
            if waits[item] % 2:
                await asyncio.sleep(0)
        async with asyncio.timeout(5):
            while len(taken) < len(waits):
                await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return taken

    assert asyncio.run(go()) == list(range(len(waits)))


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
    async with asyncio.timeout(5):
        while busy < 5:
            await asyncio.sleep(0)
    release.set()
    await asyncio.gather(*tasks)
