"""The oracle itself: Apache Kafka's jars, its nodes, and the one that the workers of a run share."""

import fcntl
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from tests.broker.members import wait_until
from tests.brokers import Broker
from tools import kafka_jars
from tools.apache_kafka import READY_PREFIX, ApacheKafka, new_id, seen_nodes

ROOT = Path(__file__).resolve().parents[2]
MAVEN = """#!{python}
import pathlib, sys, time
root = pathlib.Path(__file__).parent
(root / "calls").open("a").write("x")
target = pathlib.Path(next(a.partition("=")[2] for a in sys.argv if a.startswith("-DoutputDirectory=")))
(target / "half.jar").write_text("")
time.sleep(0.2)
if (root / "broken").exists():
    sys.exit("[ERROR] Could not find artifact")
(target / "whole.jar").write_text("")
"""


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an mvn that counts its calls, and fails while the folder has a file ``broken``."""
    program = tmp_path / "mvn"
    program.write_text(MAVEN.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return tmp_path


def test_the_jars_are_resolved_once_by_all_who_ask(maven: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: kafka_jars.class_path(maven / "cache"), range(4)))
    (path,) = found
    assert {each.name for each in Path(path).parent.iterdir()} == {"half.jar", "whole.jar", "pom.xml"}
    assert (maven / "calls").read_text() == "x"


def test_a_resolve_that_failed_leaves_nothing_to_run(maven: Path) -> None:
    (maven / "broken").touch()
    with pytest.raises(kafka_jars.Unavailable, match="Could not find artifact"):
        kafka_jars.class_path(maven / "cache")
    (maven / "broken").unlink()
    kept = Path(kafka_jars.class_path(maven / "cache")).parent
    assert [each.name for each in (maven / "cache").iterdir() if each.is_dir()] == [kept.name]
    (kept / "pom.xml").write_text("of another version")
    kafka_jars.class_path(maven / "cache")
    assert (maven / "calls").read_text() == "xxx"


@pytest.mark.parametrize(
    ("says", "complaint"),
    [('openjdk version "11.0.2"', "needed, .* is 11"), ("no idea", "of no version"), (None, "none in JAVA_HOME")],
)
def test_java_that_is_missing_or_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str | None, complaint: str
) -> None:
    if says:
        program = tmp_path / "bin" / "java"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
        program.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(kafka_jars.Unavailable, match=complaint):
        kafka_jars.java()
    done = subprocess.run(
        [sys.executable, "-m", "tools.apache_kafka"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_an_id_is_no_option() -> None:
    assert not any(new_id().startswith("-") for _ in range(1000))


@pytest.mark.apache
def test_three_nodes_survive_the_loss_of_one(apache_kafka: Broker, tmp_path: Path) -> None:
    with ApacheKafka(tmp_path, nodes=3, listeners={"OTHER": "PLAINTEXT"}) as cluster:
        broker = Broker("apache", cluster.bootstrap_servers)
        broker.create_topics("t")
        first = written(cluster.bootstrap_servers, b"before")
        cluster.kill(1)
        second = written(cluster.bootstrap_servers, b"while one is away")
        cluster.restart(1)
        assert [seen_nodes(node.ports["PLAINTEXT"]) for node in cluster.members] == [{0, 1, 2}] * 3
        assert [(first, b"before"), (second, b"while one is away")] == stored(cluster.addresses("OTHER"), 2)
        assert "Kafka Server started" in cluster.log(1)
        processes = [node.process for node in cluster.members]
    assert all(process and process.returncode is not None for process in processes)


def written(address: str, value: bytes) -> int:
    offsets: list[Any] = []
    producer = Producer({"bootstrap.servers": address, "acks": "all"})
    producer.produce("t", value, on_delivery=lambda error, message: offsets.append(error or message.offset()))
    producer.flush(60)
    return int(offsets[0])


def stored(address: str, count: int) -> list[Any]:
    consumer = Consumer({"bootstrap.servers": address, "group.id": "g"})
    consumer.assign([TopicPartition("t", 0, 0)])
    found = [(message.offset(), message.value()) for message in consumer.consume(count, 30)]
    consumer.close()
    return found


USER = """
import fcntl, pathlib, sys
lock = pathlib.Path(sys.argv[1]).open("a")
fcntl.flock(lock, fcntl.LOCK_SH)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.apache
def test_the_shared_one_ends_with_its_last_user_however_that_ends(apache_kafka: Broker, tmp_path: Path) -> None:
    lock = tmp_path / "users.lock"
    user = subprocess.Popen([sys.executable, "-c", USER, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert user.stdout is not None
    assert user.stdout.readline() == b"held\n"
    command = [sys.executable, "-m", "tools.apache_kafka", "--data", str(tmp_path), "--while-locked", str(lock)]
    shared = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert shared.stdout is not None
    port = int(shared.stdout.readline().removeprefix(READY_PREFIX).rpartition(":")[2])
    assert seen_nodes(port) == {0}
    user.kill()
    assert shared.wait(30) == 0
    assert seen_nodes(port) == set()
    assert [each.name for each in tmp_path.iterdir()] == ["users.lock"]
    with user, shared, lock.open("a") as free:
        fcntl.flock(free, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.apache
def test_nodes_end_when_who_started_them_is_killed(apache_kafka: Broker, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tools.apache_kafka", "--data", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        port = int(starter.stdout.readline().removeprefix(READY_PREFIX).rpartition(":")[2])
        starter.kill()
    wait_until(lambda: not seen_nodes(port))
