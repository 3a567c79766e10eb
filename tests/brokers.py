"""The brokers that tests run against: the embedded one, and Apache Kafka, which all workers of a run share.

Tests keep apart by the names of their topics and groups.
"""

import fcntl
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import TopicPartition
from confluent_kafka import admin as confluent_admin_module
from confluent_kafka.admin import AdminClient

from copydesk_standalone.broker import process as embedded
from tests.tiers import unavailable
from tools import kafka_jars
from tools.apache_kafka import READY_PREFIX, ApacheKafka, seen_nodes

# Its stubs leave out what it exports.
confluent_admin: Any = confluent_admin_module

ROOT = Path(__file__).resolve().parent.parent
EMBEDDED = "embedded"
APACHE = "apache"

_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
_NUMBERS = itertools.count()
_started: list["subprocess.Popen[str]"] = []  # kept, since a process that nobody refers to is complained about


@dataclass(frozen=True, slots=True)
class Broker:
    """A running broker. ``kind`` is ``embedded`` or ``apache``."""

    kind: str
    bootstrap_servers: str

    def create_topics(self, *names: str, partitions: int = 1, config: Mapping[str, str] | None = None) -> None:
        """Create topics and wait until clients can use them. Raises KafkaException when the broker refuses one."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap_servers})
        wanted = [
            confluent_admin.NewTopic(name, num_partitions=partitions, config=dict(config or {})) for name in names
        ]
        for outcome in admin.create_topics(wanted).values():
            outcome.result(30)
        while not all(_is_served(admin, name, partitions) for name in names):
            time.sleep(0.02)


def unique(prefix: str = "t") -> str:
    """A name for a topic or a group that no other test of this run has."""
    return f"{prefix}-{_WORKER}-{next(_NUMBERS)}"


def _is_served(admin: AdminClient, name: str, partitions: int) -> bool:
    """Whether each partition's leader answers for it; for a moment, Apache Kafka names leaders that do not know yet."""
    if len(admin.list_topics(name, timeout=30).topics[name].partitions) != partitions:
        return False
    asked = {TopicPartition(name, number): confluent_admin.OffsetSpec.latest() for number in range(partitions)}
    return not any(future.exception(30) for future in admin.list_offsets(asked).values())


@contextmanager
def embedded_broker(folder: Path) -> Iterator[Broker]:
    """An embedded broker with its data below the folder."""
    with embedded.start(folder / "broker") as running:
        yield Broker(EMBEDDED, running.address)


@contextmanager
def own_broker(kind: str, folder: Path) -> Iterator[Broker]:
    """An empty broker of the test's own: the topics of Copydesk have fixed names, so no two tests can share one."""
    if kind == EMBEDDED:
        with embedded_broker(folder) as running:
            yield running
        return
    _needs_apache_kafka()
    with ApacheKafka(folder / "apache-kafka") as kafka:
        yield Broker(APACHE, kafka.bootstrap_servers)


def _needs_apache_kafka() -> None:
    try:
        kafka_jars.java()
        kafka_jars.class_path()
    except kafka_jars.Unavailable as error:
        unavailable("apache-kafka", str(error))


@contextmanager
def shared_apache_kafka(folder: Path) -> Iterator[Broker]:
    """The run's Apache Kafka: started by who needs it first, stopped when nobody in the folder uses it any more.

    Users hold a shared lock; the process stops once it gets the lock to itself. The system drops the locks of a
    process that was killed, so nothing survives an interrupted run.
    """
    _needs_apache_kafka()
    folder.mkdir(exist_ok=True)
    with (folder / "start.lock").open("a") as start, (folder / "users.lock").open("a") as users:
        fcntl.flock(start, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_SH)
        address = _address(folder)
        fcntl.flock(start, fcntl.LOCK_UN)
        yield Broker(APACHE, address)


def _address(folder: Path) -> str:
    kept = folder / "address"
    if kept.exists():
        address = kept.read_text()
        if seen_nodes(int(address.rpartition(":")[2])):
            return address
    address = _start(folder)
    kept.write_text(address)
    return address


def _start(folder: Path) -> str:
    command = [sys.executable, "-m", "tools.apache_kafka", "--data", str(folder)]
    errors = folder / "errors.log"
    with errors.open("a") as log:
        process = subprocess.Popen(
            [*command, "--while-locked", str(folder / "users.lock")],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    _started.append(process)
    assert process.stdout
    with process.stdout:
        line = process.stdout.readline()
    assert line.startswith(READY_PREFIX), errors.read_text()
    return line.removeprefix(READY_PREFIX).strip()
