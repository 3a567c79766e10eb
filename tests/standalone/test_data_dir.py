import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from copydesk_shared.errors import SettingsError
from copydesk_standalone.data_dir import locked


def test_the_folder_is_made_and_given_back(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    for _ in range(2):
        with locked(folder):
            assert (folder / "owner").read_text() == str(os.getpid())


def test_a_second_run_is_refused_with_the_first_one_s_process(tmp_path: Path) -> None:
    with locked(tmp_path):
        program = f"from pathlib import Path\nfrom copydesk_standalone.data_dir import locked\nwith locked(Path({str(tmp_path)!r})): pass"
        second = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert f"is in use by another copydesk (process {os.getpid()})" in second.stderr


def test_services_of_a_killed_run_are_waited_for(tmp_path: Path) -> None:
    program = (
        "import os, subprocess, sys\nfrom pathlib import Path\nfrom copydesk_standalone.data_dir import locked\n"
        f"with locked(Path({str(tmp_path)!r})) as lock:\n"
        "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1.5)'], pass_fds=(lock,))\n"
        f"    Path({str(tmp_path / 'killed')!r}).touch()\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    # not waited for: a zombie is a process that still has its number
    with subprocess.Popen([sys.executable, "-c", program]):
        while not (tmp_path / "killed").exists():
            time.sleep(0.05)
        with pytest.raises(BlockingIOError):
            _try_lock(tmp_path)
        with locked(tmp_path):
            assert (tmp_path / "owner").read_text() == str(os.getpid())
    with locked(tmp_path):
        assert (tmp_path / "owner").read_text() == str(os.getpid())


def _try_lock(folder: Path) -> None:
    import fcntl

    with (folder / "lock").open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_folder_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be used: not a directory"), locked(tmp_path / "file" / "x"):
        pass
    with pytest.raises(SettingsError, match="cannot be used"), locked(tmp_path / "file"):
        pass


def _end_in_a_mistake(folder: Path, *left: str) -> None:
    with locked(folder):
        for name in left:
            (folder / name).touch()
        raise SettingsError("a mistake")


def test_a_mistake_leaves_no_folder_that_was_not_there_before(tmp_path: Path) -> None:
    new, before, used = (tmp_path / name for name in ("new", "before", "used"))
    before.mkdir()
    for folder, left in ((new, ()), (before, ()), (used, ("data",))):
        with pytest.raises(SettingsError, match="a mistake"):
            _end_in_a_mistake(folder, *left)
    assert not new.exists()
    assert before.exists()
    assert (used / "data").exists()
