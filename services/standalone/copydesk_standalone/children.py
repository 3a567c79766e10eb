"""A child process of a standalone run: started, watched, started again with a back-off, stopped."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from copydesk_shared.service import EXIT_USER_ERROR

FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 15.0
SETTLED_SECONDS = 30.0


def say(line: str) -> None:
    """One line to the person who started the run."""
    with contextlib.suppress(OSError):  # whoever read it may be gone; the run goes on
        sys.stderr.write(f"copydesk: {line}\n")
        sys.stderr.flush()


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"was killed by {signal.Signals(-code).name}"
    return f"was killed by signal {-code}"


@dataclass
class Child:
    """What to start, and how it is doing.

    ``env`` is on top of our own environment; ``port`` is where it listens when that is all it tells, ``health_port``
    where it answers for itself.
    """

    name: str
    arguments: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)  # passwords may be in it
    port: int | None = None
    health_port: int | None = None
    inherited: tuple[int, ...] = ()
    process: asyncio.subprocess.Process | None = None
    first_exit_code: int | None = None
    starts: int = 0
    was_ready: bool = False

    async def start(self) -> None:
        """Start the process in a session of its own, so that a Ctrl-C reaches us only and we stop things in order."""
        self.starts += 1
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *self.arguments,
            env={**os.environ, **self.env}, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            start_new_session=True, pass_fds=self.inherited,
        )  # fmt: skip

    async def supervise(self, stopping: asyncio.Event) -> None:
        """Start it, and again whenever it ends, until told to stop."""
        backoff = FIRST_BACKOFF_SECONDS
        while not stopping.is_set():
            started = time.monotonic()
            await self.start()
            code = await self._ended()
            if stopping.is_set():
                return
            if self.first_exit_code is None:
                self.first_exit_code = code
            if code == EXIT_USER_ERROR and not self.was_ready:
                return  # it has said why; starting it again would say the same
            if time.monotonic() - started > SETTLED_SECONDS:
                backoff = FIRST_BACKOFF_SECONDS
            say(f"{self.name} {_how_it_ended(code)}; starting it again in {backoff:g} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), backoff)
            backoff = min(backoff * 2, LONGEST_BACKOFF_SECONDS)

    async def _ended(self) -> int:
        if self.process is None:
            raise RuntimeError("not started")
        return await self.process.wait()

    def running(self) -> bool:
        """Whether the process is there."""
        return self.process is not None and self.process.returncode is None

    async def stop(self, seconds: float) -> None:
        """Ask it to stop; kill it when it has not after that time."""
        process = self.process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), seconds)
        except TimeoutError:
            say(f"{self.name} did not stop within {seconds:g} s and is killed")
            self.kill()
            await process.wait()

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
