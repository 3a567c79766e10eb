"""feedparser's own test files, from the source distribution that uv.lock pins, kept in ``.tools/feedparser-VERSION/``.

pip fetches it and checks its digest. Usage: python tools/feedparser_files.py (prints where they are).
"""

import fcntl
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".tools"
PACKAGE = "feedparser"
FETCH_TIMEOUT_S = 100


class Unavailable(Exception):
    """The files cannot be had here; the message says in one line why."""


def pinned() -> tuple[str, str]:
    """The version and the digest (``sha256:...``) of the source distribution."""
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    package = next(each for each in lock["package"] if each["name"] == PACKAGE)
    return package["version"], package["sdist"]["hash"]


def folder(cache: Path = CACHE) -> Path:
    """The folder with the test files; fetches them when they are not there.

    Callers at the same time wait for one another, and the folder only ever appears whole. Raises Unavailable.
    """
    version, digest = pinned()
    found = cache / f"{PACKAGE}-{version}"
    if not found.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(cache / f"{PACKAGE}.lock"):
            if not found.is_dir():
                _fetch(found, version, digest)
    return found


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _pip() -> list[str]:
    """A command that is pip: an environment made by uv has none of its own."""
    uv = ROOT / ".tools" / "uv"
    program = shutil.which("pip3") or shutil.which("pip")
    if program:
        return [program]
    if uv.is_file():
        return [str(uv), "tool", "run", "pip"]
    raise Unavailable("there is no pip to fetch feedparser's source distribution with")


def _fetch(destination: Path, version: str, digest: str) -> None:
    with tempfile.TemporaryDirectory(prefix=f".{PACKAGE}-", dir=destination.parent) as name:
        partial = Path(name)
        wanted = partial / "requirements.txt"
        wanted.write_text(f"{PACKAGE}=={version} --hash={digest}\n", encoding="utf-8")
        command = [
            *_pip(), "download", "--quiet", "--no-deps", "--no-binary", PACKAGE, "--require-hashes", "--retries", "0",
            "--dest", str(partial), "--requirement", str(wanted),
        ]  # fmt: skip
        try:
            said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=FETCH_TIMEOUT_S)  # noqa: S603 - the user's pip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"feedparser's source distribution cannot be fetched: {error}") from None
        archives = list(partial.glob("*.tar.gz"))
        if said.returncode or not archives:
            why = (said.stderr.strip().splitlines() or ["pip said nothing"])[-1]
            raise Unavailable(f"feedparser's source distribution cannot be fetched: {why}")
        with tarfile.open(archives[0]) as archive:
            archive.extractall(partial, filter="data")
        (partial / f"{PACKAGE}-{version}" / "tests").rename(destination)


if __name__ == "__main__":
    try:
        print(folder())  # noqa: T201 - what it is for
    except Unavailable as unavailable:
        sys.exit(f"copydesk: error: {unavailable}")
