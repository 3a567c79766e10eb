"""Expiry and compaction in the running broker, seen by clients that people use, and through kills."""

import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer

from copydesk_standalone.broker.batch import end_offset
from copydesk_standalone.broker.process import BrokerProcess

from .batches import batch
from .client import WireClient
from .conftest import StartBroker
from .test_clients import confluent_consumer, confluent_take, reading, take
from .test_compaction import Found, found_in, keyed, last_of_each

pytestmark = pytest.mark.kafka

SETTINGS: dict[str, Any] = {"cleanup_policy": "compact", "segment_bytes": "4096", "min_cleanable_dirty_ratio": "0.01"}


@pytest.fixture
def busy(start_broker: StartBroker) -> BrokerProcess:
    """A broker that cleans every second."""
    return start_broker("--cleanup-interval-s", "1")


@pytest.fixture
def busy_client(busy: BrokerProcess) -> Iterator[WireClient]:
    with WireClient(busy.address) as connected:
        yield connected


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def stored(client: WireClient, topic: str) -> list[Found]:
    """All that a reader finds, moving on as clients do."""
    found: list[Found] = []
    offset = client.offset_at(topic, -2)[0]
    while data := client.fetch(topic, offset, partition_max_bytes=1 << 20)["records"]:
        found += found_in(data)
        offset = end_offset(data)
    return found


def fill(client: WireClient, topic: str, *, count: int = 200, keys: int = 7, codec: str = "none") -> None:
    for number in range(count):
        record = (b"%d" % (number % keys), b"%d" % number + b"." * 200)
        assert client.produce(topic, keyed([record], codec=codec, timestamp=1_700_000_000_000))["error_code"] == 0


def test_old_records_go(busy_client: WireClient) -> None:
    busy_client.create_topic("old", retention_ms="3600000")
    busy_client.produce("old", batch([b"a", b"b"], timestamps=[1_600_000_000_000] * 2))
    wait_for(lambda: busy_client.offset_at("old", -2)[0] == 2)
    assert busy_client.fetch("old", 1)["error_code"] == 1
    assert busy_client.produce("old", batch([b"c"]))["base_offset"] == 2


def test_what_is_too_much_goes(busy_client: WireClient) -> None:
    busy_client.create_topic("much", retention_bytes="10000", retention_ms="-1", segment_bytes="2000")
    for _ in range(60):
        busy_client.produce("much", batch([bytes(500)]))
    wait_for(lambda: busy_client.offset_at("much", -2)[0] >= 36)
    assert busy_client.offset_at("much", -1)[0] == 60


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
async def test_clients_read_on_over_what_is_gone(busy: BrokerProcess, busy_client: WireClient, codec: str) -> None:
    busy_client.create_topic("t", **SETTINGS)
    fill(busy_client, "t", codec=codec)
    expected = {key: record.value for key, record in last_of_each(stored(busy_client, "t")).items()}
    async with reading(busy, "t", max_poll_records=5) as consumer:
        seen = {record.offset: record for record in await take(consumer, 5)}
        wait_for(lambda: len(stored(busy_client, "t")) < 60)
        left = stored(busy_client, "t")
        while left[-1].offset not in seen:
            seen |= {record.offset: record for record in await take(consumer, 1)}
        assert list(seen) == sorted(seen)
        assert {record.key: record.value for record in seen.values()} == expected
        # A reader that starts afterwards finds the same.
    group = confluent_consumer(busy, "later", **{"check.crcs": True})
    group.subscribe(["t"])
    # Cleaning may go on meanwhile, so that it finds less.
    records = confluent_take(group, 1)
    while records[-1].offset() < left[-1].offset:
        records += confluent_take(group, 1)
    group.close()
    offsets = [record.offset() for record in records]
    assert offsets == sorted(set(offsets) & {record.offset for record in left})
    assert {record.key(): record.value() for record in records} == expected


@pytest.mark.kcat
def test_kcat_reads_what_is_left(kcat: str, busy: BrokerProcess, busy_client: WireClient) -> None:
    busy_client.create_topic("t", **SETTINGS)
    fill(busy_client, "t", codec="zstd")
    wait_for(lambda: len(stored(busy_client, "t")) < 60)
    asked = [kcat, "-b", busy.address, "-C", "-t", "t", "-e", "-q", "-f", "%o\n"]
    printed = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True).stdout
    assert list(map(int, printed.split())) == [record.offset for record in stored(busy_client, "t")]


async def test_an_idempotent_producer_goes_on_after_compaction(busy: BrokerProcess, busy_client: WireClient) -> None:
    busy_client.create_topic("t", **SETTINGS)
    options = {"enable_idempotence": True, "compression_type": "zstd", "linger_ms": 0}
    async with AIOKafkaProducer(bootstrap_servers=busy.address, **options) as producer:
        for number in range(100):
            await producer.send_and_wait("t", b"%d" % number + bytes(300), key=b"mine")
        fill(busy_client, "t", count=40, keys=1)
        wait_for(lambda: len([record for record in stored(busy_client, "t") if record.key == b"mine"]) < 20)
        sent = await producer.send_and_wait("t", b"last", key=b"mine")
    assert sent.offset == 140
    assert last_of_each(stored(busy_client, "t"))[b"mine"].value == b"last"


def test_kills_while_it_compacts(start_broker: StartBroker) -> None:
    """What was acknowledged last for each key is there after every kill."""
    broker = start_broker("--cleanup-interval-s", "1")
    with WireClient(broker.address) as client:
        client.create_topic("t", **SETTINGS)
    known: dict[bytes, int] = {}

    def delivered(error: Any, message: Any) -> None:
        assert error is None
        known[message.key()] = int(message.value()[:8])

    for kill in range(4):
        producer = Producer({"bootstrap.servers": broker.address, "linger.ms": 1, "batch.num.messages": 10})
        for number in range(3_000):
            value = b"%08d" % (kill * 3_000 + number) + b"." * 50
            producer.produce("t", value, key=b"%d" % (number % 50), on_delivery=delivered)
        assert producer.flush(30) == 0
        swaps = broker.log().count("compacted")
        wait_for(lambda before=swaps, log=broker.log: log().count("compacted") > before)  # type: ignore[misc]
        broker.kill()
        broker = start_broker("--cleanup-interval-s", "1", port=broker.port)
        with WireClient(broker.address) as client:
            left = {key: int((record.value or b"")[:8]) for key, record in last_of_each(stored(client, "t")).items()}
        assert left == known
    assert "unsound" not in broker.log()
