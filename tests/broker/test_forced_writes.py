"""Those who wait for a forced write share it, and hear of it when it fails."""

import asyncio
import errno
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk_standalone.broker.disk import GroupSync

from .batches import batch
from .test_log import append, opened


class Slow:
    """Something whose forced write waits until it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.times = 0
        self.error: OSError | None = None

    def pending(self) -> Callable[[], None]:
        self.times += 1

        def force() -> None:
            assert self.let_go.wait(60)
            if self.error:
                raise self.error

        return force


async def test_those_who_wait_share_a_forced_write() -> None:
    slow, sync = Slow(), GroupSync()
    first = asyncio.create_task(sync.force(slow))
    while not slow.times:
        await asyncio.sleep(0)
    others = [asyncio.create_task(sync.force(slow)) for _ in range(50)]
    await asyncio.sleep(0)
    slow.let_go.set()
    await asyncio.gather(first, *others)
    assert slow.times == 2


async def test_who_waits_hears_of_a_disk_that_refuses() -> None:
    slow, sync = Slow(), GroupSync()
    slow.let_go.set()
    slow.error = OSError(errno.EIO, "bad disk")
    with pytest.raises(OSError, match="bad disk"):
        await sync.force(slow)
    slow.error = None
    await sync.force(slow)


async def test_a_write_during_a_forced_write_is_still_to_be_forced(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        append(log, batch([b"a"]))
        force = log.pending()
        assert not log.is_dirty
        append(log, batch([b"b"]))
        force()
        assert log.is_dirty
