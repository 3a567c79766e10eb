import asyncio
import os
import signal
from pathlib import Path

import pytest

from copydesk_standalone.children import Child


def _child(tmp_path: Path, program: str) -> Child:
    (tmp_path / "sample_child.py").write_text(program)
    return Child("sample", ("sample_child",), env={"PYTHONPATH": str(tmp_path)})


async def _until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


async def test_one_that_dies_is_started_again_with_a_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    child = _child(tmp_path, "import time\ntime.sleep(60)\n")
    stopping = asyncio.Event()
    watcher = asyncio.create_task(child.supervise(stopping))
    await _until(child.running)
    assert child.process is not None
    first = child.process.pid
    os.kill(first, signal.SIGKILL)
    await _until(lambda: child.starts == 2 and child.running())
    assert child.process.pid != first
    assert "copydesk: sample was killed by SIGKILL; starting it again in 0.5 s" in capfd.readouterr().err
    stopping.set()
    await child.stop(5)
    await watcher


async def test_the_back_off_grows(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    child = _child(tmp_path, "raise SystemExit(3)\n")
    stopping = asyncio.Event()
    watcher = asyncio.create_task(child.supervise(stopping))
    await _until(lambda: child.starts == 3)
    stopping.set()
    await child.stop(5)
    await watcher
    assert child.first_exit_code == 3
    lines = capfd.readouterr().err.splitlines()
    assert [line.rpartition(" in ")[2] for line in lines[:2]] == ["0.5 s", "1 s"]
    assert "ended with exit code 3" in lines[0]


async def test_one_that_does_not_stop_is_killed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ready = tmp_path / "ready"
    child = _child(
        tmp_path,
        "import signal, time, pathlib\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"pathlib.Path({str(ready)!r}).touch()\ntime.sleep(60)\n",
    )
    await child.start()
    await _until(ready.exists)
    await child.stop(0.3)
    assert not child.running()
    assert "sample did not stop within 0.3 s and is killed" in capfd.readouterr().err


async def test_stopping_one_that_is_not_there_is_nothing(tmp_path: Path) -> None:
    child = _child(tmp_path, "")
    await child.stop(1)
    child.kill()
    assert not child.running()
