"""The oracle itself: Apache Kafka's jars, its nodes, and the one that the workers of a run share."""

import contextlib
import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from tests.broker.members import wait_until
from tests.brokers import Broker
from tools import kafka_jars
from tools.apache_kafka import READY_PREFIX, ApacheKafka, StartError, check_ports, free_ports, new_id, seen_nodes

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "tools.apache_kafka")
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
        [sys.executable, "-m", "tools.apache_kafka"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
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


@pytest.mark.apache
def test_a_port_that_somebody_takes_before_the_start_is_left_to_them(
    apache_kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a listener of its own the broker says so much after the refusal that it is not in the end of the log."""
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        taken = somebody.getsockname()[1]
        last = [[taken], []]

        @contextlib.contextmanager
        def choose(count: int, without: list[int]) -> Iterator[list[int]]:
            bad = last.pop(0)
            with free_ports(count - len(bad), without) as good:
                yield good + bad

        monkeypatch.setattr("tools.apache_kafka.free_ports", choose)
        with ApacheKafka(tmp_path, listeners={"OTHER": "PLAINTEXT"}) as cluster:
            assert last == []
            assert str(taken) not in cluster.addresses("OTHER")
            assert seen_nodes(cluster.members[0].ports["OTHER"]) == {0}


def three_ports() -> int:
    """The first of three free ports in a row."""
    while True:
        with free_ports(1) as (first,):
            pass
        with contextlib.suppress(StartError):
            check_ports(range(first, first + 3))
            return first


@pytest.mark.apache
def test_the_command_goes_on_while_a_node_is_left(apache_kafka: Broker, tmp_path: Path) -> None:
    first = three_ports()
    command = [*COMMAND, "--data", str(tmp_path), "--nodes", "3", "--port", str(first)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        address = ",".join(f"127.0.0.1:{first + number}" for number in range(3))
        assert running.stdout.readline() == f"{READY_PREFIX}{address}\n"
        told = [re.fullmatch(r"  node (\d): (.+), pid (\d+)\n", running.stdout.readline()) for _ in range(3)]
        pids = [int(each[3]) for each in told if each]
        assert [each.group(1, 2) for each in told if each] == [
            (str(number), f"127.0.0.1:{first + number}") for number in range(3)
        ]
        os.kill(pids[1], signal.SIGKILL)
        assert running.stderr.readline() == "copydesk: node 1 ended (Killed), 2 of 3 left\n"
        wait_until(lambda: seen_nodes(first) == seen_nodes(first + 2) == {0, 2})
        Broker("apache", f"127.0.0.1:{first}").create_topics("t")
        assert written(f"127.0.0.1:{first}", b"while one is away") == 0
        for left, pid in ((1, pids[0]), (0, pids[2])):
            os.kill(pid, signal.SIGKILL)
            assert f"{left} of 3 left" in running.stderr.readline()
        assert running.stderr.readline().startswith("copydesk: error: no node is left; the last one said:")
        running.stderr.read()
        assert running.wait(60) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_or_none_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for given, complaint in ((port, f"port {port} of 127.0.0.1 cannot"), (65_534, "port 65536: "), (0, "port 0: ")):
            done = subprocess.run(
                [*COMMAND, "--nodes", "3", "--port", str(given)],
                cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip
            assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
            assert complaint in done.stderr


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
    assert shared.wait(60) == 0
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
