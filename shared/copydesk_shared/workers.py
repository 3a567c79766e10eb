"""CPU work in worker processes, so that heartbeats never wait for it.

A record has a deadline; a worker that passes it is killed and the record goes to the dead letters. A worker that dies
takes nothing with it: its record is tried once more in a new one.
"""

import asyncio
import os
import pickle
from collections.abc import Callable, Coroutine
from functools import lru_cache
from typing import Any

from anyio import BrokenWorkerProcess, CapacityLimiter, fail_after, to_process

from copydesk_shared.errors import DeadLetterReason, Poison
from copydesk_shared.messages import Message
from copydesk_shared.stage import Drop, Emit

TRIES = 2


def default_workers() -> int:
    """As many worker processes as there are processors, four at most."""
    return min(4, os.cpu_count() or 1)


@lru_cache(maxsize=4)
def _unpickled(handle: bytes) -> Callable[[Message], Emit[Any] | Drop]:
    """The handler in this worker process, kept with whatever it has loaded."""
    return pickle.loads(handle)  # type: ignore[no-any-return]  # noqa: S301 - our own bytes, from our parent


def _work(handle: bytes, message: Message) -> Emit[Any] | Drop:
    return _unpickled(handle)(message)


def _warm_up(handle: bytes) -> None:
    _unpickled(handle)


class WorkerPool:
    """Runs a picklable handler in up to ``workers`` processes, each call no longer than the deadline.

    What a process takes to start is no record's time: all are started by :meth:`warm_up`, and one that was lost is
    replaced before what became of its record is told.
    """

    def __init__(self, handle: Callable[[Any], Any], workers: int, deadline_seconds: float) -> None:
        self._handle = pickle.dumps(handle)
        self._deadline_seconds = deadline_seconds
        self._free = CapacityLimiter(workers)
        self._limiter = CapacityLimiter(workers)

    async def warm_up(self) -> None:
        """Start the workers and let them import what the handler needs.

        Raises :class:`anyio.BrokenWorkerProcess` when one cannot be started, and what the imports raise.
        """
        await asyncio.gather(*self._starts())

    async def __call__(self, message: Message) -> Emit[Any] | Drop:
        """What becomes of the message. Raises what the handler raises, and :class:`Poison` for a lost worker."""
        for _ in range(TRIES):
            async with self._free:
                try:
                    with fail_after(self._deadline_seconds):
                        return await to_process.run_sync(
                            _work, self._handle, message, cancellable=True, limiter=self._limiter
                        )
                except TimeoutError:
                    await self._heal()
                    raise Poison(f"took longer than {self._deadline_seconds:g} s", DeadLetterReason.TIMED_OUT) from None
                except BrokenWorkerProcess:
                    await self._heal()
        raise Poison(f"{TRIES} workers died on it", DeadLetterReason.WORKER_DIED)

    async def _heal(self) -> None:
        """Start a worker in place of one that was lost, in the place that the caller holds.

        Whoever is idle is asked at the same moment: it would be taken for the new one. A start that fails is not this
        record's fault; the next call tries again.
        """
        await asyncio.gather(self._start(), *self._starts(), return_exceptions=True)

    def _starts(self) -> list[Coroutine[Any, Any, None]]:
        return [self._start_in_free_place() for _ in range(int(self._free.available_tokens))]

    async def _start_in_free_place(self) -> None:
        async with self._free:
            await self._start()

    async def _start(self) -> None:
        await to_process.run_sync(_warm_up, self._handle, cancellable=True, limiter=self._limiter)
