"""The broker's disk is full, and has room again: what was acknowledged is there, and the stages go on.

Needs the right to mount a file system of its own; it is small, and a file fills it.
"""

import logging
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.broker_faults import BY_HAND, assert_waits, moving, running
from tests.faults.cluster import ApachePower, Cluster, embedded_cluster, own_apache_kafka
from tests.faults.pods import until
from tests.tiers import unavailable

pytestmark = pytest.mark.timeout(300)
EMBEDDED_SIZE, APACHE_SIZE = "64m", "192m"
CHUNK = bytes(64 * 1024)


class Disk:
    """A file system in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Leave no room."""
        with self._filler.open("ab", buffering=0) as filler:
            try:
                while filler.write(CHUNK):
                    pass
            except OSError:
                return

    def free(self) -> None:
        """Give the room back."""
        self._filler.unlink()

    @contextmanager
    def kept_full(self) -> Iterator[None]:
        """Whatever room comes up is taken meanwhile."""
        ended = threading.Event()

        def keep() -> None:
            while not ended.wait(0.02):
                self.fill()

        self.fill()
        keeper = threading.Thread(target=keep)
        keeper.start()
        try:
            yield
        finally:
            ended.set()
            keeper.join()
            self.free()


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Disk]:
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        unavailable("small-disk", mounted.stderr.strip())
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.kafka
def test_the_disk_of_the_embedded_broker_is_full(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", EMBEDDED_SIZE) as disk, embedded_cluster(disk.folder) as cluster:
        cluster.make_topics()
        with running(cluster, tmp_path) as (chain, feed):
            pod = chain.start_all({"store-seconds": 1.0})
            moving(chain)
            with disk.kept_full():
                logging.getLogger(__name__).info("readyz: %s", assert_waits(pod))
            freed_at = time.monotonic()
            moving(chain)
            logging.getLogger(__name__).info("works %.1f s after there is room", time.monotonic() - freed_at)
            chain.account(feed).check()
            assert pod.is_running()


@pytest.mark.skipif(not BY_HAND, reason="by hand: COPYDESK_FAULT_BROKERS=long")
@pytest.mark.kafka
@pytest.mark.apache
def test_the_disk_of_apache_kafka_is_full(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", APACHE_SIZE) as disk, own_apache_kafka(disk.folder) as kafka:
        cluster = Cluster("apache", kafka.bootstrap_servers, ApachePower(kafka))
        cluster.make_topics()
        with running(cluster, tmp_path) as (chain, feed):
            pod = chain.start_all(instance_id="chain")
            moving(chain)
            disk.fill()
            until(lambda: not kafka.members[0].is_running(), "the node gives up its only disk and ends")
            logging.getLogger(__name__).info("readyz: %s", assert_waits(pod))
            disk.free()
            cluster.power.on()
            moving(chain)
            chain.account(feed).check()
            assert pod.is_running()
