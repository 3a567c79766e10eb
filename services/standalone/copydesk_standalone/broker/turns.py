"""Long requests in slices: between two of them the other clients have their turn."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

SLICE_S = 0.01


async def in_turns(items: Iterable[Item], work: Callable[[Item], Result]) -> list[Result]:
    """``[work(item) for item in items]``, pausing whenever a slice of time is used up."""

    async def at_once(item: Item) -> Result:
        return work(item)

    return await in_waiting_turns(items, at_once)


async def in_waiting_turns(items: Iterable[Item], work: Callable[[Item], Awaitable[Result]]) -> list[Result]:
    """The same with work that may have to wait."""
    results = []
    until = time.monotonic() + SLICE_S
    for item in items:
        results.append(await work(item))
        if time.monotonic() > until:
            await asyncio.sleep(0)
            until = time.monotonic() + SLICE_S
    return results


def once(items: Iterable[Item], key: Callable[[Item], Hashable]) -> list[Item]:
    """The items without repetitions: who asks for a thing a thousand times is told it once."""
    return list({key(item): item for item in items}.values())
