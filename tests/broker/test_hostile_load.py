"""Clients that try to take the broker for themselves: a well-behaved one beside them goes on, in bounded memory."""

import contextlib
import random
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from copydesk_standalone.broker.errors import Code
from copydesk_standalone.broker.process import BrokerProcess
from copydesk_standalone.broker.protocol import BY_KEY

from .batches import batch
from .bystander import TOPIC, Bystander
from .client import KEYS, WireClient, fetch_message, request_bytes
from .conftest import StartBroker

pytestmark = pytest.mark.kafka

HELD = 48 << 20
MEMORY = 300 << 20
LARGE = "large"
MANY = 20_000


class Attack:
    """What attackers have at hand: connections that stay open until the test ends."""

    def __init__(self, broker: BrokerProcess, stack: ExitStack) -> None:
        self.broker = broker
        self._stack = stack

    def connect(self) -> WireClient:
        return self._stack.enter_context(WireClient(self.broker.address))

    def send(self, data: bytes, times: int = 1) -> None:
        """Each on a connection of its own, which may be cut off for it."""
        for _ in range(times):
            client = self.connect()
            with contextlib.suppress(OSError):
                client.socket.sendall(data)

    def ask(self, name: str, version: int, message: dict[str, Any], times: int = 1) -> None:
        self.send(request_bytes(name, version, message), times)


@pytest.fixture
def broker(start_broker: StartBroker) -> Iterator[BrokerProcess]:
    """One with little memory to give, and a topic of 8 MB."""
    running = start_broker("--max-held-bytes", str(HELD), "--max-connections", "300")
    with WireClient(running.address) as client:
        assert client.create_topic(LARGE)["error_code"] == Code.NONE
        for _ in range(8):
            assert client.produce(LARGE, batch([bytes(1_000_000)]))["error_code"] == Code.NONE
    yield running
    assert "Traceback" not in running.log()


def slow_readers(attack: Attack) -> None:
    """Ask for 8 MB, many times, and never read."""
    attack.ask("Fetch", 11, fetch_message(LARGE, 0, partition_max_bytes=8 << 20), times=60)


def slow_readers_that_ask_on(attack: Attack) -> None:
    attack.send(20 * request_bytes("Fetch", 11, fetch_message(LARGE, 0, partition_max_bytes=8 << 20)), times=20)


def half_requests(attack: Attack) -> None:
    """Begin a request of 60 MB, bring 4 MB of it and stop."""
    attack.send(struct.pack(">ih", 60 << 20, KEYS["Produce"]) + bytes(4 << 20), times=100)


def drips(attack: Attack) -> None:
    clients = [attack.connect() for _ in range(50)]
    for byte in request_bytes("Metadata", 9, {"topics": [{"name": "drip"}]})[:-1]:
        for client in clients:
            client.socket.sendall(bytes([byte]))


def silent_connections(attack: Attack) -> None:
    """More than there are places."""
    attack.send(b"", times=400)


def large_requests_without_records(attack: Attack) -> None:
    frame = request_bytes("JoinGroup", 5, join("large", metadata=bytes(6 << 20)))
    attack.send(frame, times=10)


def unknown_topics(attack: Attack) -> None:
    topics = [{"name": f"unknown{number}"} for number in range(MANY)]
    attack.ask("Metadata", 9, {"topics": topics, "allow_auto_topic_creation": True}, times=10)


def one_topic_very_often(attack: Attack) -> None:
    with WireClient(attack.broker.address) as client:
        client.create_topic("wide", partitions=500)
    attack.ask("Metadata", 9, {"topics": [{"name": "wide"}] * MANY}, times=10)
    attack.ask("DescribeConfigs", 4, {"resources": [{"type": 2, "name": "wide"}] * 5_000}, times=5)


def fetches_of_very_many_partitions(attack: Attack) -> None:
    message = fetch_message(LARGE, 8, max_wait_ms=20_000, min_bytes=1 << 30)
    message["topics"][0]["partitions"] *= MANY - 1
    attack.ask("Fetch", 11, message, times=30)
    message = fetch_message(LARGE, 0, partition_max_bytes=1)
    message["topics"][0]["partitions"] *= MANY - 1
    attack.ask("Fetch", 11, message, times=10)


def fetches_that_every_record_wakes(attack: Attack) -> None:
    """Each waits on thousands of partitions, among them the bystander's, for more bytes than there ever will be."""
    with WireClient(attack.broker.address) as client:
        client.create_topic("wide", partitions=1_000)
        client.create_topic("wider", partitions=2_000)
    message = fetch_message(TOPIC, 0, max_wait_ms=60_000, min_bytes=(1 << 31) - 1)
    for name, count in (("wide", 1_000), ("wider", 2_000)):
        parts = [{"partition": n, "fetch_offset": 0, "partition_max_bytes": 1} for n in range(count)]
        message["topics"].append({"topic": name, "partitions": parts})
    attack.ask("Fetch", 11, message, times=60)


def producers_without_end(attack: Attack) -> None:
    """Ids that nobody gave out, each used once."""
    with WireClient(attack.broker.address) as client:
        client.create_topic("ids", partitions=100)
    client = attack.connect()
    for first in range(0, 20_000, 100):
        parts = [{"index": n, "records": batch([b"x"], producer=(1_000_000 + first + n, 0, 0))} for n in range(100)]
        client.call("Produce", 8, acks=-1, timeout_ms=1, topics=[{"name": "ids", "partitions": parts}])
    asked = [{"name": "ids", "partitions": [n % 100 for n in range(MANY - 2)]}]
    attack.ask("DescribeProducers", 0, {"topics": asked}, times=5)


def times_in_bombs(attack: Attack) -> None:
    """Look for times in batches that unpack to much more than they are."""
    with WireClient(attack.broker.address) as client:
        client.create_topic("bomb")
        bomb = batch([bytes(15 << 20), b"x"], timestamps=[1_000, 3_000], codec="zstd")
        assert client.produce("bomb", bomb)["error_code"] == Code.NONE
    asked = [{"index": 0, "timestamp": 2_000}] * 300
    attack.ask("ListOffsets", 7, {"topics": [{"name": "bomb", "partitions": asked}]}, times=3)


def tiny_batches(attack: Attack) -> None:
    """All of one request; a broker that takes them one by one is busy for long."""
    records = batch([b""]) * 200_000
    partitions = [{"index": 0, "records": records}]
    attack.ask("Produce", 8, {"acks": 1, "timeout_ms": 1, "topics": [{"name": LARGE, "partitions": partitions}]}, 3)


def join(group: str, *, metadata: bytes = b"m", **changes: Any) -> dict[str, Any]:
    message = {"group_id": group, "session_timeout_ms": 1_800_000, "rebalance_timeout_ms": 1_800_000, "member_id": ""}
    return {**message, "protocol_type": "c", "protocols": [{"name": "p", "metadata": metadata}], **changes}


def groups_without_end(attack: Attack) -> None:
    client = attack.connect()
    for number in range(3_000):
        client.call("JoinGroup", 5, **join(f"reserved{number}"))
    for number in range(150):
        attack.ask("JoinGroup", 3, join(f"joined{number}"))


def members_without_end(attack: Attack) -> None:
    client = attack.connect()
    answers = {client.call("JoinGroup", 5, **join("one"))["error_code"] for _ in range(2_000)}
    assert answers == {Code.MEMBER_ID_REQUIRED, Code.GROUP_MAX_SIZE_REACHED}


def members_that_talk_a_lot(attack: Attack) -> None:
    metadata = bytes(1_000_000)
    for number in range(100):
        attack.ask("JoinGroup", 3, join(f"talk{number}", metadata=metadata))
    protocols = [{"name": f"p{number}", "metadata": b""} for number in range(9_000)]
    client = attack.connect()
    assert client.call("JoinGroup", 3, **join("names", protocols=protocols))["error_code"] == Code.INVALID_REQUEST


def offsets_without_end(attack: Attack) -> None:
    client = attack.connect()
    client.call("OffsetCommit", 8, **commit("x" * 30_000))
    for number in range(3_000):
        client.call("OffsetCommit", 8, **commit(f"g{number}"))
    groups = [f"g{number % 3_000}" for number in range(MANY)]
    attack.ask("DescribeGroups", 5, {"groups": groups}, times=5)
    attack.ask("OffsetFetch", 8, {"groups": [{"group_id": group} for group in groups]}, times=5)


def commit(group: str) -> dict[str, Any]:
    partitions = [{"index": 0, "offset": 1, "metadata": "m" * 4_000}]
    topics = [{"name": LARGE, "partitions": partitions}]
    return {"group_id": group, "generation_id": -1, "member_id": "", "topics": topics}


def topics_in_bulk(attack: Attack) -> None:
    topics = [
        {"name": f"bulk{number}", "partitions": 1, "replication_factor": 1, "configs": []} for number in range(800)
    ]
    attack.ask("CreateTopics", 5, {"topics": topics, "timeout_ms": 1})
    attack.ask("CreateTopics", 5, {"topics": [{**topics[0], "name": "wide", "partitions": 3_000}], "timeout_ms": 1})


def requests_in_a_row(attack: Attack) -> None:
    """Thousands at once on each of many connections, with no answer read."""
    attack.send(2_000 * request_bytes("Metadata", 9, {"topics": None}), times=20)


def arrays_in_arrays(attack: Attack) -> None:
    """Lengths that lie at every depth of a request."""
    header = struct.pack(">hhih", KEYS["Fetch"], 4, 1, -1) + bytes(17)
    for depth in range(1, 6):
        body = header + struct.pack(">i", 1) * depth + struct.pack(">i", 0x7FFFFFF0)
        attack.send(len(body).to_bytes(4, "big") + body, times=5)


def changed_requests(attack: Attack) -> None:
    """Requests of every kind, sound but for a few bytes, and cut or lengthened."""
    source = random.Random(11)
    for api in BY_KEY.values():
        for version in range(api.first, api.last + 1):
            frame = bytearray(request_bytes(api.name, version, {})[4:])
            for _ in range(3):
                frame[source.randrange(8, len(frame))] = source.randrange(256)
            body = bytes(frame) + source.randbytes(source.randrange(4))
            with WireClient(attack.broker.address) as client, contextlib.suppress(OSError):
                client.socket.sendall(len(body).to_bytes(4, "big") + body)
                client.socket.shutdown(socket.SHUT_WR)


ATTACKS: list[Callable[[Attack], None]] = [
    slow_readers,
    slow_readers_that_ask_on,
    half_requests,
    drips,
    silent_connections,
    large_requests_without_records,
    unknown_topics,
    one_topic_very_often,
    fetches_of_very_many_partitions,
    fetches_that_every_record_wakes,
    producers_without_end,
    times_in_bombs,
    tiny_batches,
    groups_without_end,
    members_without_end,
    members_that_talk_a_lot,
    offsets_without_end,
    topics_in_bulk,
    requests_in_a_row,
    arrays_in_arrays,
    changed_requests,
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_a_bystander_goes_on(broker: BrokerProcess, attack: Callable[[Attack], None]) -> None:
    with ExitStack() as stack, Bystander(broker) as bystander:
        attack(Attack(broker, stack))
        bystander.wait(5)
    assert bystander.peak < MEMORY
