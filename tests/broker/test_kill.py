"""kill -9 of the broker: nothing that was acknowledged is lost, nothing is stored twice."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from confluent_kafka import Producer

from . import kill_many
from .batches import batch, read
from .client import WireClient
from .conftest import StartBroker
from .test_clients import reading, take

pytestmark = pytest.mark.kafka
ROOT = Path(__file__).parents[2]


def stored(client: WireClient, topic: str) -> list[bytes]:
    found: list[tuple[int, bytes]] = []
    while data := client.fetch(topic, len(found))["records"]:
        found += read(data)[max(len(found) - read(data)[0][0], 0) :]
    assert [offset for offset, _ in found] == list(range(len(found)))
    return [value for _, value in found]


def test_confluent_through_three_kills(start_broker: StartBroker) -> None:
    broker = start_broker()
    with WireClient(broker.address) as client:
        client.create_topic("t", segment_bytes="20000")
    acknowledged: list[bytes] = []
    producer = Producer(
        {
            "bootstrap.servers": broker.address,
            "enable.idempotence": True,
            "linger.ms": 1,
            "batch.num.messages": 20,
            "reconnect.backoff.ms": 20,
            "reconnect.backoff.max.ms": 100,
            "retry.backoff.ms": 20,
            "log_level": 0,
        }
    )

    def delivered(error: Any, message: Any) -> None:
        assert error is None
        acknowledged.append(message.value())

    for number in range(6_000):
        producer.produce("t", b"%d" % number, callback=delivered)
        producer.poll(0)
        if number in {1_500, 3_000, 4_500}:
            broker.kill()
            broker = start_broker(port=broker.port)
    assert producer.flush(30) == 0
    expected = [b"%d" % number for number in range(6_000)]
    assert acknowledged == expected
    with WireClient(broker.address) as client:
        assert stored(client, "t") == expected


async def test_everything_at_once_through_a_few_kills(tmp_path: Path) -> None:
    """``python -m tests.broker.kill_many`` does this a hundred times."""
    figures = await kill_many.run(2, tmp_path / "broker", up_s=(0.2, 1.0))
    assert (figures.lost, figures.twice, figures.wrong) == ([], [], [])
    assert min(figures.records, figures.committed, figures.commits, figures.topics) > 0


@pytest.mark.parametrize("times", ["0", "-1"])
def test_no_kills_are_no_success(times: str) -> None:
    command = [sys.executable, "-m", "tests.broker.kill_many", "--times", times]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert f"--times {times}: 1 or more" in done.stderr


async def test_aiokafka_through_a_kill(start_broker: StartBroker) -> None:
    broker = start_broker()
    with WireClient(broker.address) as client:
        client.create_topic("t")
    async with AIOKafkaProducer(
        bootstrap_servers=broker.address, enable_idempotence=True, retry_backoff_ms=20, compression_type="zstd"
    ) as producer:
        sent = [await producer.send("t", b"%d" % number) for number in range(300)]
        broker.kill()
        broker = await asyncio.to_thread(start_broker, port=broker.port)
        sent += [await producer.send("t", b"%d" % number) for number in range(300, 600)]
        acknowledged = [record.offset for record in await asyncio.gather(*sent)]
    assert acknowledged == list(range(600))
    async with reading(broker, "t") as consumer:
        values = [record.value for record in await take(consumer, 600)]
    assert values == [b"%d" % number for number in range(600)]


async def test_a_consumer_goes_on_after_a_kill(start_broker: StartBroker) -> None:
    broker = start_broker()
    with WireClient(broker.address) as client:
        client.create_topic("t")
        client.produce("t", batch([b"before"]))
    consumer = AIOKafkaConsumer(
        "t", bootstrap_servers=broker.address, group_id="g", auto_offset_reset="earliest",
        enable_auto_commit=False, retry_backoff_ms=20, session_timeout_ms=6_000, heartbeat_interval_ms=200,
    )  # fmt: skip
    await consumer.start()
    try:
        await take(consumer, 1)
        await consumer.commit()
        broker.kill()
        broker = await asyncio.to_thread(start_broker, port=broker.port)
        with WireClient(broker.address) as client:
            client.produce("t", batch([b"after"]))
        assert [record.value for record in await take(consumer, 1)] == [b"after"]
    finally:
        await consumer.stop()


def test_an_answer_means_stored(start_broker: StartBroker) -> None:
    """The last acknowledgement before the kill counts, whatever the moment."""
    source = random.Random(3)
    broker = start_broker()
    count = 0
    with WireClient(broker.address) as client:
        client.create_topic("t")
    for _ in range(5):
        with WireClient(broker.address) as client:
            for _ in range(source.randrange(1, 30)):
                assert client.produce("t", batch([b"%d" % count]))["base_offset"] == count
                count += 1
            broker.kill()
        broker = start_broker()
    with WireClient(broker.address) as client:
        assert stored(client, "t") == [b"%d" % number for number in range(count)]
    assert "cut" not in broker.log()


def test_a_resent_batch_is_known_after_a_kill(start_broker: StartBroker) -> None:
    broker = start_broker()
    with WireClient(broker.address) as client:
        client.create_topic("t")
        producer_id = client.call("InitProducerId", 1, transaction_timeout_ms=1)["producer_id"]
        first = batch([b"a", b"b"], producer=(producer_id, 0, 0))
        assert client.produce("t", first)["base_offset"] == 0
    broker.kill()
    with WireClient(start_broker().address) as client:
        assert client.produce("t", first)["base_offset"] == 0
        assert client.offset_at("t", -1)[0] == 2
        assert client.call("InitProducerId", 1, transaction_timeout_ms=1)["producer_id"] != producer_id


def test_a_torn_tail_is_cut_at_the_start_and_said(start_broker: StartBroker) -> None:
    broker = start_broker()
    with WireClient(broker.address) as client:
        client.create_topic("t")
        for value in (b"a", b"b"):
            client.produce("t", batch([value]))
    broker.kill()
    (path,) = (broker.data_dir / "logs").rglob("*.log")
    os.truncate(path, path.stat().st_size - 1)
    again = start_broker()
    with WireClient(again.address) as client:
        assert stored(client, "t") == [b"a"]
    assert again.log().count("unsound bytes") == 1


def test_the_broker_ends_when_its_starter_is_killed(start_broker: StartBroker, tmp_path: Any) -> None:
    script = (
        "import sys, time, pathlib; from copydesk_standalone.broker.process import start;"
        "b = start(pathlib.Path(sys.argv[1])); print(b.process.pid, flush=True); time.sleep(60)"
    )
    starter = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "other")], stdout=subprocess.PIPE)
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    deadline = time.monotonic() + 60
    while _is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    start_broker(data_dir=tmp_path / "other")


def _is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - not a path, a view of the kernel
            return stat.read().split()[2] != "Z"
    except FileNotFoundError:
        return False
