"""Clients that mean harm, or are broken: their connection ends, and nothing else does."""

import contextlib
import random
import socket
import struct
from pathlib import Path

import psutil
import pytest

from copydesk_standalone.broker import handlers_groups
from copydesk_standalone.broker.broker import Broker, Options
from copydesk_standalone.broker.errors import Code, KafkaError
from copydesk_standalone.broker.offsets import Committed
from copydesk_standalone.broker.process import BrokerProcess
from copydesk_standalone.broker.protocol import BY_KEY

from .batches import batch
from .client import WireClient, fetch_message, request_bytes
from .conftest import StartBroker

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        b"\xff\xff\xff\xff",
        b"\x7f\xff\xff\xff",
        b"\x00\x00\x00\x00",
        struct.pack(">ihhi", 8, 999, 0, 1),
        struct.pack(">ihhi", 8, 3, 99, 1),
        struct.pack(">ihhih", 10, -1, -1, -1, -1),
        # An array that claims two thousand million elements, flexible and not.
        struct.pack(">ihhihi", 14, 3, 1, 1, -1, 0x7FFFFFFF),
        struct.pack(">ihhihb5s", 16, 3, 9, 1, -1, 0, b"\xff\xff\xff\xff\x07"),
    ],
)
def test_garbage_ends_the_connection_only(start_broker: StartBroker, data: bytes) -> None:
    broker = start_broker()
    for _ in range(3):
        with WireClient(broker.address) as hostile:
            hostile.socket.sendall(data)
            assert hostile.is_hung_up()
    with WireClient(broker.address) as client:
        assert client.create_topic("t")["error_code"] == Code.NONE
    said = broker.log()
    # Repeating oneself does not fill the log.
    assert said.count("closing the connection from 127.0.0.1:") == said.count("\n") == 1


def test_random_bytes_for_every_api(broker: BrokerProcess, client: WireClient, name: str) -> None:
    before = len(broker.log())
    source = random.Random(7)
    for api in BY_KEY.values():
        for version in range(api.first, api.last + 1):
            header = struct.pack(">hhih", api.key, version, 1, -1)
            body = header + source.choice([b"\x00", b""]) + source.randbytes(source.randrange(40))
            with WireClient(broker.address) as hostile:
                hostile.socket.sendall(len(body).to_bytes(4, "big") + body)
                hostile.socket.shutdown(socket.SHUT_WR)
    assert client.create_topic(name)["error_code"] == Code.NONE
    assert "Traceback" not in broker.log()[before:]


def test_half_a_request_then_silence_or_the_end(start_broker: StartBroker) -> None:
    broker = start_broker()
    frame = request_bytes("Metadata", 9, {"topics": None})
    waiting = []
    for length in range(1, len(frame)):
        client = WireClient(broker.address)
        client.socket.sendall(frame[:length])
        waiting.append(client)
    with WireClient(broker.address) as client:
        assert client.call("Metadata", 9, topics=None)["topics"] == []
    for client in waiting:
        client.socket.close()
    with WireClient(broker.address) as client:
        assert client.call("Metadata", 9, topics=None)["topics"] == []
    assert broker.log() == ""


def test_the_frame_limit_is_a_setting(start_broker: StartBroker) -> None:
    broker = start_broker("--max-request-bytes", "100000")
    with WireClient(broker.address) as client:
        client.create_topic("t")
        assert client.produce("t", batch([bytes(90_000)]))["error_code"] == Code.NONE
        with pytest.raises((EOFError, OSError)):
            client.produce("t", batch([bytes(110_000)]))
    assert "allowed: 8 to 100000" in broker.log()


def test_lengths_reserve_no_memory(start_broker: StartBroker) -> None:
    broker = start_broker()
    process = psutil.Process(broker.process.pid)
    before = process.memory_info().rss
    clients = [WireClient(broker.address) for _ in range(50)]
    for client in clients:
        client.socket.sendall(struct.pack(">ih", 60 << 20, 0))
    with WireClient(broker.address) as other:
        other.call("Metadata", 9, topics=None)
    assert process.memory_info().rss - before < 40 << 20
    for client in clients:
        client.socket.close()


def test_connections_are_bounded(start_broker: StartBroker) -> None:
    broker = start_broker("--max-connections", "3")
    clients = [WireClient(broker.address) for _ in range(3)]
    for client in clients:
        client.call("Metadata", 9, topics=None)
    with WireClient(broker.address) as extra:
        assert extra.is_hung_up()
    assert clients[0].call("Metadata", 9, topics=None)["topics"] == []
    clients.pop().socket.close()
    for client in clients:
        client.socket.close()
    assert "3 connections already" in broker.log()


def test_what_arrives_together_with_garbage_is_not_done(start_broker: StartBroker) -> None:
    broker = start_broker()
    with WireClient(broker.address) as client:
        client.create_topic("t")
        topics = [{"name": "t", "partitions": [{"index": 0, "records": batch([b"a"])}]}]
        good = request_bytes("Produce", 8, {"acks": 1, "timeout_ms": 1, "topics": topics})
        client.socket.sendall(good + b"\xff\xff\xff\xff")
        assert client.is_hung_up()
    with WireClient(broker.address) as client:
        assert client.offset_at("t", -1)[0] == 0


def test_a_version_that_is_too_new_gets_the_list(client: WireClient) -> None:
    body = struct.pack(">hhih", 18, 77, 5, -1) + b"\x00\x02x\x02y\x00"
    client.socket.sendall(len(body).to_bytes(4, "big") + body)
    answer = client.receive("ApiVersions", 0)
    assert answer["error_code"] == Code.UNSUPPORTED_VERSION
    assert {key["api_key"] for key in answer["api_keys"]} == set(BY_KEY)
    assert client.call("ApiVersions", 3, software_name="x", software_version="y")["error_code"] == Code.NONE


def test_an_address_has_its_own_bound(start_broker: StartBroker) -> None:
    broker = start_broker("--max-connections-per-address", "2")
    clients = [WireClient(broker.address) for _ in range(2)]
    for client in clients:
        client.call("Metadata", 9, topics=None)
    with WireClient(broker.address) as extra:
        assert extra.is_hung_up()
    with socket.create_connection(("127.0.0.1", broker.port), 10, ("127.0.0.2", 0)) as other:
        other.sendall(request_bytes("Metadata", 9, {"topics": None}))
        assert other.recv(4)
    for client in clients:
        client.socket.close()


def test_connections_that_nobody_uses_are_closed(start_broker: StartBroker) -> None:
    broker = start_broker("--idle-timeout-s", "1")
    with WireClient(broker.address) as idle, WireClient(broker.address) as silent, WireClient(broker.address) as busy:
        idle.create_topic("t")
        # A fetch that waits for records is use.
        busy.send("Fetch", 11, fetch_message("t", 0, max_wait_ms=60_000))
        assert idle.is_hung_up()
        assert silent.is_hung_up()
        with WireClient(broker.address) as client:
            client.produce("t", batch([b"x"]))
        assert busy.receive("Fetch", 11)["topics"][0]["partitions"][0]["records"]


def test_only_records_come_in_large_requests(start_broker: StartBroker) -> None:
    broker = start_broker()
    with WireClient(broker.address) as client:
        with contextlib.suppress(OSError):
            client.send("SyncGroup", 5, {"assignments": [{"member_id": "m", "assignment": bytes(5 << 20)}]})
        assert client.is_hung_up()
    assert "bytes without records" in broker.log()


def test_a_request_has_one_batch_for_a_partition(client: WireClient, topic: str) -> None:
    assert client.produce(topic, batch([b"a"]) + batch([b"b"]))["error_code"] == Code.INVALID_RECORD
    assert client.produce(topic, batch([b"a"]))["base_offset"] == 0


def test_offsets_are_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(handlers_groups, "MAX_OFFSETS", 3)
    broker = Broker(Options(tmp_path / "broker"))
    asked = [{"partitions": [0, 1]}]
    broker.offsets.commit("old", {("t", 0): Committed(1), ("t", 1): Committed(1)})
    handlers_groups.check_room(broker, "old", asked)
    handlers_groups.check_room(broker, "new", [{"partitions": [0]}])
    with pytest.raises(KafkaError, match="3 offsets at most"):
        handlers_groups.check_room(broker, "new", asked)
    broker.close()
