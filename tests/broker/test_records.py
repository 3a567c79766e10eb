"""Produce, Fetch, ListOffsets and producer ids, said word by word."""

import threading
import time
import uuid
from typing import Any

import pytest

from copydesk_standalone.broker.errors import Code
from copydesk_standalone.broker.process import BrokerProcess

from .batches import batch, read
from .client import WireClient, fetch_message
from .conftest import StartBroker

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("version", range(3, 11))
def test_every_produce_version_stores(client: WireClient, topic: str, version: int) -> None:
    answer = client.produce(topic, batch([b"a", b"b"]), version=version)
    assert (answer["error_code"], answer["base_offset"]) == (Code.NONE, 0)
    assert read(client.fetch(topic, 0)["records"]) == [(0, b"a"), (1, b"b")]


@pytest.mark.parametrize("version", range(4, 17))
def test_every_fetch_version_reads(client: WireClient, topic: str, version: int) -> None:
    client.produce(topic, batch([b"a"]))
    described = client.call("Metadata", 12, topics=[{"name": topic}])["topics"][0]
    message = fetch_message(topic, 0)
    message["topics"][0]["topic_id"] = described["topic_id"]
    answered = client.call("Fetch", version, **message)["topics"][0]
    assert answered["topic_id" if version >= 13 else "topic"] == (described["topic_id"] if version >= 13 else topic)
    part = answered["partitions"][0]
    assert read(part["records"]) == [(0, b"a")]
    assert (part["high_watermark"], part["last_stable_offset"], part["log_start_offset"]) == (
        1,
        1,
        0 if version >= 5 else -1,
    )


def test_without_acks_there_is_no_answer(client: WireClient, topic: str) -> None:
    topics = [{"name": topic, "partitions": [{"index": 0, "records": batch([b"a"])}]}]
    client.send("Produce", 8, {"acks": 0, "timeout_ms": 1, "topics": topics})
    assert client.produce(topic, batch([b"b"]))["base_offset"] == 1


@pytest.mark.parametrize(
    ("records", "code"),
    [
        (batch([b"a"])[:-1] + b"!", Code.CORRUPT_MESSAGE),
        (b"", Code.INVALID_RECORD),
        (None, Code.INVALID_RECORD),
        (b"not a batch at all", Code.INVALID_RECORD),
        (batch([bytes(1_048_588)]), Code.MESSAGE_TOO_LARGE),
    ],
)
def test_bad_records_are_refused(client: WireClient, topic: str, records: Any, code: Code) -> None:
    answer = client.produce(topic, records)
    assert (answer["error_code"], answer["base_offset"]) == (code, -1)
    assert answer["error_message"]
    assert client.offset_at(topic, -1) == (0, -1)


def test_the_size_limit_of_a_topic_counts(client: WireClient, name: str) -> None:
    client.create_topic(name, max_message_bytes="2000")
    assert client.produce(name, batch([bytes(1_900)]))["error_code"] == Code.NONE
    assert client.produce(name, batch([bytes(2_000)]))["error_code"] == Code.MESSAGE_TOO_LARGE


@pytest.mark.parametrize(("topic_name", "partition"), [("no-such-topic", 0), (None, 7), (None, -1)])
def test_records_for_nowhere(client: WireClient, topic: str, topic_name: str | None, partition: int) -> None:
    target = topic_name or topic
    unknown = Code.UNKNOWN_TOPIC_OR_PARTITION
    assert client.produce(target, batch([b"a"]), partition)["error_code"] == unknown
    assert client.fetch(target, 0, partition)["error_code"] == unknown


def test_an_unknown_topic_id_is_told(client: WireClient) -> None:
    message = fetch_message("", 0)
    message["topics"][0]["topic_id"] = uuid.uuid4()
    answer = client.call("Fetch", 13, **message)["topics"][0]["partitions"][0]
    assert answer["error_code"] == Code.UNKNOWN_TOPIC_ID


def test_acks_that_do_not_exist(client: WireClient, topic: str) -> None:
    topics = [{"name": topic, "partitions": [{"index": 0, "records": batch([b"a"])}]}]
    answer = client.call("Produce", 8, acks=2, timeout_ms=1, topics=topics)
    assert answer["topics"][0]["partitions"][0]["error_code"] == Code.INVALID_REQUIRED_ACKS


def test_a_resent_batch_gets_its_old_offset(client: WireClient, topic: str) -> None:
    producer = client.call("InitProducerId", 4, transaction_timeout_ms=1)
    assert producer["error_code"] == Code.NONE
    identity = producer["producer_id"], producer["producer_epoch"]
    first = batch([b"a", b"b"], producer=(*identity, 0))
    assert client.produce(topic, first)["base_offset"] == 0
    assert client.produce(topic, batch([b"c"], producer=(*identity, 2)))["base_offset"] == 2
    again = client.produce(topic, first)
    assert (again["error_code"], again["base_offset"]) == (Code.NONE, 0)
    assert client.offset_at(topic, -1)[0] == 3
    gap = client.produce(topic, batch([b"e"], producer=(*identity, 9)))
    assert gap["error_code"] == Code.OUT_OF_ORDER_SEQUENCE


@pytest.mark.parametrize("offset", [-1, 2, 1 << 40])
def test_offsets_out_of_range(client: WireClient, topic: str, offset: int) -> None:
    client.produce(topic, batch([b"a"]))
    began = time.monotonic()
    answer = client.fetch(topic, offset, max_wait_ms=5_000)
    assert answer["error_code"] == Code.OFFSET_OUT_OF_RANGE
    assert answer["log_start_offset"] == 0
    assert time.monotonic() - began < 4, "an error must not wait for data"


def test_an_epoch_that_never_was(client: WireClient, topic: str) -> None:
    message = fetch_message(topic, 0)
    message["topics"][0]["partitions"][0]["current_leader_epoch"] = 3
    answer = client.call("Fetch", 11, **message)
    assert answer["topics"][0]["partitions"][0]["error_code"] == Code.UNKNOWN_LEADER_EPOCH


def test_a_fetch_session_that_never_was(client: WireClient, topic: str) -> None:
    answer = client.call("Fetch", 11, **fetch_message(topic, 0), session_id=5)
    assert answer["error_code"] == Code.FETCH_SESSION_ID_NOT_FOUND


def test_byte_limits_hold_but_a_first_batch_always_comes(client: WireClient, topic: str) -> None:
    for _ in range(5):
        client.produce(topic, batch([bytes(10_000)]))
    assert len(read(client.fetch(topic, 0, partition_max_bytes=100)["records"])) == 1
    assert len(read(client.fetch(topic, 0, max_bytes=0)["records"])) == 1
    assert len(read(client.fetch(topic, 0, partition_max_bytes=25_000)["records"])) == 2
    assert 2 <= len(read(client.fetch(topic, 0, max_bytes=35_000)["records"])) <= 3
    assert len(read(client.fetch(topic, 0)["records"])) == 5


def test_the_byte_limit_of_a_request_spans_partitions(client: WireClient, name: str) -> None:
    client.create_topic(name, partitions=2)
    for partition in (0, 1):
        client.produce(name, batch([bytes(10_000)]), partition)
    message = fetch_message(name, 0, max_bytes=5_000)
    message["topics"][0]["partitions"] = [
        {"partition": partition, "fetch_offset": 0, "partition_max_bytes": 1 << 20} for partition in (0, 1)
    ]
    parts = client.call("Fetch", 11, **message)["topics"][0]["partitions"]
    assert [len(read(part["records"])) for part in parts] == [1, 0]


def test_a_waiting_fetch_wakes_on_produce(broker: BrokerProcess, client: WireClient, topic: str) -> None:
    client.send("Fetch", 11, fetch_message(topic, 0, max_wait_ms=30_000))
    with WireClient(broker.address) as other:
        other.produce(topic, batch([b"a"]))
    part = client.receive("Fetch", 11)["topics"][0]["partitions"][0]
    assert read(part["records"]) == [(0, b"a")]


def test_a_waiting_fetch_gathers_min_bytes(broker: BrokerProcess, client: WireClient, topic: str) -> None:
    client.send("Fetch", 11, fetch_message(topic, 0, max_wait_ms=30_000, min_bytes=2_500))
    with WireClient(broker.address) as other:
        for _ in range(3):
            other.produce(topic, batch([bytes(1_000)]))
    part = client.receive("Fetch", 11)["topics"][0]["partitions"][0]
    assert len(read(part["records"])) == 3


def test_a_fetch_with_nothing_to_read_ends_in_time(client: WireClient, topic: str) -> None:
    assert client.fetch(topic, 0, max_wait_ms=50)["records"] == b""


def test_a_fetch_of_nothing_ends_at_once(client: WireClient) -> None:
    assert client.call("Fetch", 11, **{**fetch_message("t", 0, max_wait_ms=60_000), "topics": []})["topics"] == []


def test_a_waiting_fetch_learns_that_its_topic_is_gone(broker: BrokerProcess, client: WireClient, topic: str) -> None:
    client.send("Fetch", 11, fetch_message(topic, 0, max_wait_ms=30_000))
    with WireClient(broker.address) as other:
        time.sleep(0.1)
        assert other.call("DeleteTopics", 4, names=[topic], timeout_ms=1)["topics"][0]["error_code"] == 0
    part = client.receive("Fetch", 11)["topics"][0]["partitions"][0]
    assert part["error_code"] == Code.UNKNOWN_TOPIC_OR_PARTITION


def test_offsets_by_time(client: WireClient, topic: str) -> None:
    client.produce(topic, batch([b"a", b"b", b"c"], timestamps=[100, 200, 300], codec="zstd"))
    client.produce(topic, batch([b"d"], timestamps=[250]))
    assert client.offset_at(topic, -2) == (0, -1)
    assert client.offset_at(topic, -1) == (4, -1)
    assert client.offset_at(topic, -3) == (2, 300)
    assert client.offset_at(topic, 150) == (1, 200)
    assert client.offset_at(topic, 301) == (-1, -1)


def test_the_end_of_an_epoch(client: WireClient, topic: str) -> None:
    client.produce(topic, batch([b"a", b"b"]))

    def end(epoch: int) -> tuple[int, int]:
        asked = [{"name": topic, "partitions": [{"index": 0, "leader_epoch": epoch}]}]
        part = client.call("OffsetForLeaderEpoch", 3, topics=asked)["topics"][0]["partitions"][0]
        return part["leader_epoch"], part["end_offset"]

    assert end(0) == (0, 2)
    assert end(5) == (-1, -1)


def test_requests_sent_ahead_are_answered_in_order(client: WireClient, topic: str) -> None:
    for number in range(200):
        partitions = [{"index": 0, "records": batch([b"%d" % number])}]
        topics = [{"name": topic, "partitions": partitions}]
        client.send("Produce", 8, {"acks": 1, "timeout_ms": 1, "topics": topics})
    for number in range(200):
        answer = client.receive("Produce", 8)["topics"][0]["partitions"][0]
        assert answer["base_offset"] == number


def test_large_records_go_through(start_broker: StartBroker) -> None:
    broker = start_broker()
    value = bytes(range(256)) * 80_000
    with WireClient(broker.address) as client:
        client.create_topic("large", max_message_bytes=str(64 << 20))
        assert client.produce("large", batch([value]))["error_code"] == Code.NONE
        assert read(client.fetch("large", 0)["records"]) == [(0, value)]


def test_a_slow_reader_holds_up_nobody(broker: BrokerProcess, client: WireClient, topic: str) -> None:
    for _ in range(20):
        client.produce(topic, batch([bytes(1_000_000)]))
    with WireClient(broker.address) as slow:
        sender = threading.Thread(target=send_many, args=(slow, topic), daemon=True)
        sender.start()
        for _ in range(20):
            assert len(read(client.fetch(topic, 19)["records"])) == 1
        slow.socket.shutdown(2)
        sender.join(5)


def send_many(client: WireClient, topic: str) -> None:
    try:
        for _ in range(100):
            client.send("Fetch", 11, fetch_message(topic, 0, partition_max_bytes=30 << 20))
    except OSError:
        return
