"""Apache Kafka's jars, resolved once by Maven into ``.tools/kafka-VERSION/``, and the Java that runs them."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
POM = Path(__file__).resolve().parent / "kafka" / "pom.xml"
CACHE = ROOT / ".tools"
JAVA_MAJOR = 17  # what a server of Kafka 4 needs
RESOLVE_TIMEOUT_S = 600


class Unavailable(Exception):
    """Apache Kafka cannot run here; the message says in one line what is missing."""


def java() -> str:
    """The java program. Raises Unavailable when there is none or it is too old."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=str(Path(home, "bin"))) if home else shutil.which("java")
    if not found:
        where = f"in JAVA_HOME ({home})" if home else "on the PATH"
        raise Unavailable(f"Java {JAVA_MAJOR} or newer is needed and there is none {where}")
    said = subprocess.run([found, "-version"], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - the user's java
    version = re.search(r'version "(\d+)', said.stderr + said.stdout)
    if not version or int(version[1]) < JAVA_MAJOR:
        raise Unavailable(
            f"Java {JAVA_MAJOR} or newer is needed, {found} is {version[1] if version else 'of no version'}"
        )
    return found


def kafka_version() -> str:
    """The version that the pom pins."""
    found = re.search(r"<kafka\.version>([\w.-]+)</kafka\.version>", POM.read_text(encoding="utf-8"))
    if not found:
        raise Unavailable(f"{POM} does not say which Kafka")
    return found[1]


def class_path(cache: Path = CACHE) -> str:
    """Java's class path of Apache Kafka; resolves the jars when they are not there.

    Callers at the same time wait for one another, and a folder only ever appears whole. Raises Unavailable.
    """
    folder = cache / f"kafka-{kafka_version()}"
    if not _is_current(folder):
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(cache / "kafka.lock"):
            if not _is_current(folder):
                _resolve(folder)
    return f"{folder}/*"


def _is_current(folder: Path) -> bool:
    made_from = folder / POM.name
    return made_from.is_file() and made_from.read_bytes() == POM.read_bytes()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _resolve(folder: Path) -> None:
    for left_behind in folder.parent.glob(".kafka-*"):
        shutil.rmtree(left_behind)
    partial = Path(tempfile.mkdtemp(prefix=".kafka-", dir=folder.parent))
    _maven(partial)
    shutil.copy(POM, partial)
    if folder.exists():
        folder.rename(partial / "replaced")
    partial.rename(folder)
    shutil.rmtree(folder / "replaced", ignore_errors=True)


def _maven(target: Path) -> None:
    program = shutil.which("mvn")
    if not program:
        raise Unavailable("Maven is needed to fetch Apache Kafka and there is no mvn on the PATH")
    goal = [program, "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={target}"]
    try:
        done = subprocess.run(goal, capture_output=True, text=True, check=False, timeout=RESOLVE_TIMEOUT_S)  # noqa: S603 - the user's mvn
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"Maven did not fetch Apache Kafka within {RESOLVE_TIMEOUT_S} s") from error
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
        raise Unavailable(f"Maven could not fetch Apache Kafka {kafka_version()}: {lines[0] if lines else 'no reason'}")


def main() -> int:
    """Fetch the jars; 2 when Java or Maven are missing."""
    try:
        java()
        class_path()
    except Unavailable as error:
        sys.stderr.write(f"copydesk: error: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
