"""The folder that holds everything of a standalone run, and the lock that keeps a second run out."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from copydesk_shared.errors import SettingsError

LEFTOVER_SECONDS = 15.0


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _owner(descriptor: int) -> int | None:
    text = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
    return int(text) if text.isdigit() else None


def _take(descriptor: int, folder: Path) -> None:
    """Take the lock. When its owner was killed, its services still finish their work: wait for them."""
    deadline = time.monotonic() + LEFTOVER_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _owner(descriptor)
            if owner is not None and _alive(owner):
                raise SettingsError(f"{folder} is in use by another copydesk (process {owner})") from None
            if time.monotonic() > deadline:
                raise SettingsError(f"{folder} is still in use by services of a copydesk that was killed") from None
            time.sleep(0.1)
        else:
            return


@contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Own the folder, made if need be. Yields the lock's descriptor, which services inherit to keep the lock too.

    Raises :class:`SettingsError` when the folder cannot be used or another run owns it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise SettingsError(f"data dir {folder} cannot be used: {(error.strerror or str(error)).lower()}") from None
    try:
        _take(descriptor, folder)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)
