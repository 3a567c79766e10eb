"""The folder that holds everything of a standalone run, and the lock that keeps a second run out."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from copydesk_shared.errors import SettingsError, UserError

LEFTOVER_SECONDS = 15.0
LOCKS = frozenset(("owner", "lock"))


def _open(folder: Path, name: str) -> int:
    return os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _take(owner: int, services: int, folder: Path) -> None:
    """Take both locks. When the owner was killed, its services still finish their work: wait for them."""
    if not _lock(owner):
        process = os.pread(owner, 32, 0).decode("ascii", "replace").strip()
        raise SettingsError(f"{folder} is in use by another copydesk (process {process})")
    os.ftruncate(owner, 0)
    os.pwrite(owner, str(os.getpid()).encode(), 0)
    deadline = time.monotonic() + LEFTOVER_SECONDS
    while not _lock(services):
        if time.monotonic() > deadline:
            raise SettingsError(f"{folder} is still in use by services of a copydesk that was killed")
        time.sleep(0.1)


@contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Own the folder, made if need be. Yields the descriptor of the lock that services inherit and keep too.

    The other lock is the owner's alone: it is free as soon as the owner is gone, however it went.
    Raises :class:`SettingsError` when the folder cannot be used or another run owns it. Where a person's mistake ends
    the run before anything was put there, a folder that was made for it goes again.
    """
    with ExitStack() as stack:
        is_ours = not folder.exists()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            owner, services = _open(folder, "owner"), _open(folder, "lock")
        except OSError as error:
            raise SettingsError(f"data dir {folder} cannot be used: {(error.strerror or str(error)).lower()}") from None
        stack.callback(os.close, owner)
        stack.callback(os.close, services)
        _take(owner, services, folder)
        try:
            yield services
        except UserError:
            if is_ours:
                _take_away(folder)
            raise


def _take_away(folder: Path) -> None:
    if {each.name for each in folder.iterdir()} <= LOCKS:
        for name in LOCKS:
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()
