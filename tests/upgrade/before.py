"""The release before, whose programs run beside those of this one: its packages as they were, in an archive.

``python -m tests.upgrade.before COMMIT NAME`` pins another: what a release holds is never written again, and when the
programs of one cannot be run any more with the libraries of today, its archive goes.
"""

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from tests.faults.cluster import Cluster

ROOT = Path(__file__).resolve().parent.parent.parent
RELEASED = Path(__file__).parent / "released"
SERVICES = ("fetcher", "cleaner", "classifier", "api")
PACKAGES = ("shared/copydesk_shared", *(f"services/{name}/copydesk_{name}" for name in SERVICES))
BEFORE = "1"
SECONDS = 180.0
MAKE_TOPICS = """
import asyncio, sys
from copydesk_shared.brokers import Brokers
from copydesk_shared.kafka import ensure_topics
asyncio.run(ensure_topics(Brokers(sys.argv[1])))
"""
Variables = Mapping[str, str]


def unpack(folder: Path, name: str = BEFORE) -> Variables:
    """Put the packages of a release into a folder of their own; the variables with which Python takes them from there."""
    place = folder / f"release-{name}"
    with tarfile.open(RELEASED / f"{name}.tar.xz") as archive:
        archive.extractall(place, filter="data")
    return {"PYTHONPATH": str(place)}


def run(*arguments: str, env: Variables) -> str:
    """What Python said. Fails with what it complained of."""
    done = subprocess.run(
        [sys.executable, *arguments], env={**os.environ, **env}, capture_output=True, text=True, check=False,
        timeout=SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def make_topics(cluster: Cluster, release: Variables) -> None:
    """The topics as the release declares them."""
    run("-c", MAKE_TOPICS, cluster.servers, env=release)


def are_shared(cluster: Cluster, *groups: str) -> bool:
    """Whether each group has two members, and both of them have partitions."""
    members = [cluster.members(group) for group in groups]
    return all(len(each) == 2 and all(any(one.partitions.values()) for one in each) for each in members)


def pin(commit: str, name: str) -> Path:
    """Write the archive of what a commit has. Raises ``CalledProcessError`` where there is no such commit."""
    asked = ["git", "archive", "--format=tar", commit, *PACKAGES]
    given = subprocess.run(asked, cwd=ROOT, check=True, capture_output=True).stdout
    path = RELEASED / f"{name}.tar.xz"
    with tarfile.open(fileobj=io.BytesIO(given)) as tree, tarfile.open(path, "w:xz", preset=9) as archive:
        for member in sorted(tree, key=lambda each: each.name):
            package = next((each for each in PACKAGES if member.name.startswith(f"{each}/")), None)
            if package and member.isfile():
                kept = tarfile.TarInfo(str(PurePosixPath(member.name).relative_to(PurePosixPath(package).parent)))
                kept.size = member.size
                archive.addfile(kept, tree.extractfile(member))
    return path


if __name__ == "__main__":
    written = pin(sys.argv[1], sys.argv[2])
    sys.stdout.write(f"{written}: {written.stat().st_size:,} bytes\n")
