"""CPU work in worker processes, so that heartbeats never wait for it.

A record has a deadline; a worker that passes it is killed and the record goes to the dead letters. A worker that dies
takes nothing with it: its record is tried once more in a new one.
"""

import asyncio
import copy
import os
import pickle
import sys
from collections.abc import Callable, Coroutine
from hashlib import sha256
from typing import Any, Protocol, runtime_checkable

from anyio import BrokenWorkerProcess, CapacityLimiter, WouldBlock, fail_after, to_process

from copydesk_shared.errors import DeadLetterReason, Poison
from copydesk_shared.message import Message
from copydesk_shared.stage import Drop, Emit

TRIES = 2
# anyio stops workers that were idle for five minutes: the next records would wait until new ones have loaded all.
to_process.WORKER_MAX_IDLE_TIME = sys.maxsize
# Handlers in a worker process: of a stage and of one on trial beside it, which share the processes, the one in use and
# the one that comes after it or went before it.
KEPT = 4

Handler = Callable[[Any], Emit[Any] | Drop]


@runtime_checkable
class Prepared(Protocol):
    """A handler that loads what it would otherwise load for its first record."""

    def prepare(self) -> None:
        """Asked once in each worker process, before any record."""


def default_workers() -> int:
    """As many worker processes as there are processors, four at most."""
    return min(4, os.cpu_count() or 1)


# In a worker process: the handlers that it has, the last loaded last.
_kept: dict[str, Handler] = {}


def _keep(key: str, handle: bytes) -> Handler:
    """The handler, from now on kept in this worker process with whatever it has loaded."""
    loaded: Any = pickle.loads(handle)  # noqa: S301 - our own bytes, from our parent
    if isinstance(loaded, Prepared):
        loaded.prepare()
    handler: Handler = loaded
    while len(_kept) >= KEPT:
        del _kept[next(iter(_kept))]
    _kept[key] = handler
    return handler


def _work(key: str, message: Message) -> Emit[Any] | Drop | None:
    """What becomes of the message; ``None`` in a process that does not have the handler."""
    handler = _kept.get(key)
    return handler(message) if handler else None


def _work_with(key: str, handle: bytes, message: Message) -> Emit[Any] | Drop:
    return (_kept.get(key) or _keep(key, handle))(message)


def _warm_up(key: str, handle: bytes) -> None:
    if key not in _kept:
        _keep(key, handle)


class WorkerPool:
    """Runs a picklable handler in up to ``workers`` processes, each call no longer than the deadline.

    What a process takes to start is no record's time: all are started by :meth:`warm_up`, and one that was lost is
    replaced before what became of its record is told.
    """

    def __init__(self, handle: Handler, workers: int, deadline_seconds: float) -> None:
        self._take(handle)
        self._deadline_seconds = deadline_seconds
        self._free = CapacityLimiter(workers)
        self._limiter = CapacityLimiter(workers)

    def _take(self, handle: Handler) -> None:
        self._handle = pickle.dumps(handle)
        self._key = sha256(self._handle).hexdigest()

    async def renewed(self, handle: Any) -> "WorkerPool":
        """The same processes with another handler, which all of them have then; this pool can be used beside it.

        Waits for a moment between records, in which every process loads the handler. Raises what :meth:`warm_up` does.
        """
        pool = copy.copy(self)
        pool._take(handle)  # noqa: SLF001 - one of us
        together = asyncio.Barrier(int(self._free.total_tokens))
        await asyncio.gather(*(pool._start_with(together) for _ in range(together.parties)))  # noqa: SLF001
        return pool

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
                    return await self._handled(message)
                except TimeoutError:
                    await self._heal()
                    raise Poison(f"took longer than {self._deadline_seconds:g} s", DeadLetterReason.TIMED_OUT) from None
                except BrokenWorkerProcess:
                    await self._heal()
        raise Poison(f"{TRIES} workers died on it", DeadLetterReason.WORKER_DIED)

    async def _handled(self, message: Message) -> Emit[Any] | Drop:
        """The handler may be large, so it is sent to those that do not have it only.

        That is a process which takes the place of one that died idle: what it loads is no record's time either.
        """
        with fail_after(self._deadline_seconds):
            result: Emit[Any] | Drop | None = await self._run(_work, self._key, message)
        return result or await self._sent_along(message)

    async def _sent_along(self, message: Message) -> Emit[Any] | Drop:
        await self._start()
        with fail_after(self._deadline_seconds):
            result: Emit[Any] | Drop = await self._run(_work_with, self._key, self._handle, message)
        return result

    async def _run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await to_process.run_sync(function, *arguments, cancellable=True, limiter=self._limiter)

    async def _heal(self) -> None:
        """Start a worker in place of one that was lost, in the place that the caller holds.

        Whoever is idle is asked at the same moment: it would be taken for the new one. A start that fails is not this
        record's fault; the next call tries again.
        """
        await asyncio.gather(self._start(), *self._starts(), return_exceptions=True)

    def _starts(self) -> list[Coroutine[Any, Any, None]]:
        return [self._start_in_free_place() for _ in range(int(self._free.available_tokens))]

    async def _start_in_free_place(self) -> None:
        """Waits for no place: all of them may be held by those who wait for one another in :meth:`renewed`."""
        try:
            self._free.acquire_nowait()
        except WouldBlock:
            return
        try:
            await self._start()
        finally:
            self._free.release()

    async def _start_with(self, together: asyncio.Barrier) -> None:
        """Whoever is idle is asked, so each process is reached for sure only when all are asked at once."""
        async with self._free:
            await together.wait()
            await self._start()

    async def _start(self) -> None:
        await self._run(_warm_up, self._key, self._handle)
