"""The system below the images, made from Debian's packages: no image can be pulled in the gate."""

import fcntl
import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

SUITE = "trixie"  # its Python is that of the Dockerfile's own base, its PostgreSQL that of docker-compose.yml
PACKAGES = "python3,ca-certificates"
FOLDER = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "copydesk" / "containers"
MAKE_SECONDS = 400
# As the slim images leave out: what only people and package managers read.
LEFT_OUT = ("var/cache/apt/*", "var/lib/apt/lists/*", "usr/share/doc/*", "usr/share/locale/*", "usr/share/man/*")


def base_archive() -> Path:
    """The archive of the base, from the user's cache; made when it is not there, which takes a minute or two."""
    made_of = hashlib.sha256(repr((SUITE, PACKAGES, LEFT_OUT)).encode()).hexdigest()[:12]
    archive = FOLDER / f"base-{made_of}.tar"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.exists():
            _make(archive)
    return archive


def _make(archive: Path) -> None:
    partial = archive.with_suffix(".part")
    folder = tempfile.mkdtemp(prefix="copydesk-base-")
    try:
        _run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, folder)
        _run("tar", "-C", folder, *(f"--exclude=./{each}" for each in LEFT_OUT), "-cf", str(partial), ".")
    finally:
        _run("rm", "-rf", "--one-file-system", folder)
    partial.rename(archive)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=MAKE_SECONDS)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
