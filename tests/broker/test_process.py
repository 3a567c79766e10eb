"""Starting, refusing to start, and stopping."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from copydesk_standalone.broker.process import BrokerProcess, StartError, command, parse_ready, start

from .client import WireClient
from .conftest import StartBroker

pytestmark = pytest.mark.kafka


def run(*arguments: str, data_dir: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(data_dir, options=arguments), capture_output=True, text=True, timeout=60, check=False)


def test_it_says_where_it_listens(start_broker: StartBroker) -> None:
    broker = start_broker()
    assert broker.address == f"127.0.0.1:{broker.port}"
    with WireClient(broker.address) as client:
        node = client.call("Metadata", 9, topics=None)["brokers"][0]
    assert (node["host"], node["port"]) == ("127.0.0.1", broker.port)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_stop_it_cleanly(start_broker: StartBroker, number: signal.Signals) -> None:
    broker = start_broker()
    with WireClient(broker.address) as client:
        client.send("Fetch", 11, {"max_wait_ms": 60_000, "min_bytes": 1, "max_bytes": 1, "topics": []})
        broker.process.send_signal(number)
        assert broker.process.wait(60) == 0
    assert broker.log() == ""


def test_it_ends_with_its_parent(start_broker: StartBroker) -> None:
    broker = start_broker()
    assert broker.process.stdin is not None
    broker.process.stdin.close()
    assert broker.process.wait(60) == 0


def test_a_taken_port_is_one_line(start_broker: StartBroker, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("--port", str(port), data_dir=tmp_path / "other")
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert f"127.0.0.1:{port}" in result.stderr
    assert "in use" in result.stderr


def test_a_data_folder_has_one_broker(start_broker: StartBroker) -> None:
    broker = start_broker()
    result = run(data_dir=broker.data_dir)
    assert result.returncode == 2
    assert result.stderr == f"broker: the data folder {broker.data_dir} is in use by another broker\n"


def test_a_killed_broker_leaves_the_folder_free(start_broker: StartBroker) -> None:
    start_broker().kill()
    start_broker()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--host", "0.0.0.0"), "not a loopback address"),
        (("--host", "192.168.0.1"), "not a loopback address"),
        (("--host", "example.org"), "not a loopback address"),
        (("--port", "70000"), "0 to 65535"),
        (("--port", "http"), "0 to 65535"),
        (("--fsync", "sometimes"), "invalid choice"),
        (("--max-request-bytes", "0"), "1024"),
        (("--nonsense",), "--nonsense"),
    ],
)
def test_bad_settings_are_one_line(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    result = run(*arguments, data_dir=tmp_path)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert said in result.stderr


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    result = run(data_dir=tmp_path / "data")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert str(tmp_path / "data") in result.stderr


@pytest.mark.parametrize("name", ["topics.json", "broker.json", "producer-ids.json"])
@pytest.mark.parametrize("content", ["{", "[1]"])
def test_a_damaged_state_file_is_named(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    result = run(data_dir=tmp_path)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert name in result.stderr


def test_data_of_a_later_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broker.json").write_text('{"format": 99, "cluster_id": "x"}')
    assert "format 1" in run(data_dir=tmp_path).stderr


def test_start_reports_why_it_failed(start_broker: StartBroker) -> None:
    broker = start_broker()
    with pytest.raises(StartError, match="in use by another broker"):
        start(broker.data_dir)


def test_a_broker_that_does_not_stop_is_killed(start_broker: StartBroker) -> None:
    broker = start_broker()
    os.kill(broker.process.pid, signal.SIGSTOP)
    assert broker.stop(timeout_s=0.2) == -signal.SIGKILL


def test_the_cluster_keeps_its_id(start_broker: StartBroker) -> None:
    def cluster_id(broker: BrokerProcess) -> str:
        with WireClient(broker.address) as client:
            return str(client.call("DescribeCluster", 0)["cluster_id"])

    first = start_broker()
    before = cluster_id(first)
    first.stop()
    assert cluster_id(start_broker()) == before


@pytest.mark.parametrize("policy", ["interval", "always"])
def test_the_other_fsync_policies_serve(start_broker: StartBroker, policy: str) -> None:
    from .batches import batch, read

    broker = start_broker("--fsync", policy)
    with WireClient(broker.address) as client:
        client.create_topic("t")
        assert client.produce("t", batch([b"a"]))["base_offset"] == 0
        commit = {"group_id": "g", "generation_id": -1, "member_id": ""}
        topics = [{"name": "t", "partitions": [{"index": 0, "offset": 1, "metadata": ""}]}]
        assert client.call("OffsetCommit", 7, **commit, topics=topics)["topics"][0]["partitions"][0]["error_code"] == 0
        if policy == "interval":
            time.sleep(1.2)
        assert read(client.fetch("t", 0)["records"]) == [(0, b"a")]
    assert broker.log() == ""


def test_the_ready_line() -> None:
    assert parse_ready("broker ready 127.0.0.1:9092\n") == "127.0.0.1:9092"
    assert parse_ready("something else\n") is None
