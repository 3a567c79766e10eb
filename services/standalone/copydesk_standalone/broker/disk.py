"""What has to be on the disk: descriptors, renames, files replaced whole, and forced writes shared by who waits."""

import asyncio
import contextlib
import os
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

# macOS has no fdatasync.
force = getattr(os, "fdatasync", os.fsync)


class OpenFile:
    """A descriptor that is closed when its last user lets go of it: a thread may be forcing it to the disk.

    Raises OSError when the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        weakref.finalize(self, os.close, self.fd)

    def force(self) -> None:
        force(self.fd)


def sync_folder(folder: Path) -> None:
    """Make a rename or a new file in ``folder`` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file so that a reader finds either the old or the new content, whatever happens in between."""
    temporary = path.with_name(path.name + ".new")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        # A disk that is full needs the room.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


class Syncable(Protocol):
    """Something with writes that the disk was not asked to keep yet."""

    def pending(self) -> Callable[[], None]:
        """What forces the writes made so far, to be called in a thread. Raises OSError when called."""


class GroupSync:
    """Forces writes in rounds: whatever arrives during one round shares the next."""

    def __init__(self) -> None:
        self._wanted: set[Syncable] = set()
        self._waiting: list[asyncio.Future[None]] = []
        self._rounds: asyncio.Task[None] | None = None

    async def force(self, *items: Syncable) -> None:
        """Return when what was written to ``items`` before the call is on the disk. Raises OSError."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._wanted.update(items)
        self._waiting.append(done)
        if self._rounds is None or self._rounds.done():
            self._rounds = loop.create_task(self._run())
        await done

    async def _run(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            work = [item.pending() for item in self._wanted]
            self._wanted.clear()
            refused: OSError | None = None
            try:
                await asyncio.to_thread(_call_all, work)
            except OSError as error:
                refused = error
            for done in waiting:
                if done.done():
                    continue
                if refused is None:
                    done.set_result(None)
                else:
                    done.set_exception(refused)


def _call_all(work: list[Callable[[], None]]) -> None:
    for each in work:
        each()
