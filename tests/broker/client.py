"""A client that says exactly what a test wants said, at the version the test names."""

import socket
import struct
from types import TracebackType
from typing import Any, Self

from copydesk_standalone.broker import protocol
from copydesk_standalone.broker.messages import APIS
from copydesk_standalone.broker.wire import Cursor, Output

KEYS = {api.name: api.key for api in APIS}
CLIENT_ID = b"test"


def request_bytes(name: str, version: int, message: dict[str, Any], correlation_id: int = 7) -> bytes:
    """A whole request frame."""
    key = KEYS[name]
    out = Output()
    out.buffer += struct.pack(">hhih", key, version, correlation_id, len(CLIENT_ID)) + CLIENT_ID
    if version >= protocol.BY_KEY[key].flexible:
        out.buffer.append(0)
    protocol._codecs(key, version)[0].write(out, message)
    body = b"".join(out.finish())
    return struct.pack(">i", len(body)) + body


class WireClient:
    """One connection. Waits at most ten seconds for an answer."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, name: str, version: int, message: dict[str, Any]) -> None:
        self.socket.sendall(request_bytes(name, version, message))

    def receive(self, name: str, version: int) -> dict[str, Any]:
        """The next answer. Raises EOFError when the broker hung up."""
        key = KEYS[name]
        body = memoryview(self.exactly(int.from_bytes(self.exactly(4), "big")))
        cursor = Cursor(body, pos=4)
        if version >= protocol.BY_KEY[key].flexible and name != "ApiVersions":
            assert cursor.take(1)[0] == 0
        message: dict[str, Any] = protocol._codecs(key, version)[1].read(cursor)
        assert cursor.pos == len(body), "the answer has bytes left over"
        return message

    def call(self, name: str, version: int, **message: Any) -> dict[str, Any]:
        self.send(name, version, message)
        return self.receive(name, version)

    def exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def is_hung_up(self) -> bool:
        """Whether the broker closed the connection without another word."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    # The few calls that most tests need

    def create_topic(self, name: str, partitions: int = 1, **settings: str) -> dict[str, Any]:
        configs = [{"name": key.replace("_", "."), "value": value} for key, value in settings.items()]
        topic = {"name": name, "partitions": partitions, "replication_factor": 1, "configs": configs}
        answer = self.call("CreateTopics", 5, topics=[topic], timeout_ms=1000)
        created: dict[str, Any] = answer["topics"][0]
        return created

    def produce(self, topic: str, records: bytes, partition: int = 0, version: int = 8) -> dict[str, Any]:
        partitions = [{"index": partition, "records": records}]
        topics = [{"name": topic, "partitions": partitions}]
        answer = self.call("Produce", version, acks=-1, timeout_ms=1000, topics=topics)
        stored: dict[str, Any] = answer["topics"][0]["partitions"][0]
        return stored

    def fetch(self, topic: str, offset: int, partition: int = 0, **overrides: Any) -> dict[str, Any]:
        answer = self.call("Fetch", 11, **fetch_message(topic, offset, partition, **overrides))
        read: dict[str, Any] = answer["topics"][0]["partitions"][0]
        return read

    def offset_at(self, topic: str, timestamp: int, partition: int = 0) -> tuple[int, int]:
        """(offset, timestamp) as ListOffsets says."""
        partitions = [{"index": partition, "timestamp": timestamp}]
        answer = self.call("ListOffsets", 7, replica_id=-1, topics=[{"name": topic, "partitions": partitions}])
        found = answer["topics"][0]["partitions"][0]
        assert found["error_code"] == 0
        return found["offset"], found["timestamp"]


def fetch_message(topic: str, offset: int, partition: int = 0, **overrides: Any) -> dict[str, Any]:
    asked = {"partition": partition, "fetch_offset": offset, "partition_max_bytes": 1 << 20}
    message = {"replica_id": -1, "max_wait_ms": 0, "min_bytes": 1, "max_bytes": 50 << 20}
    asked |= {key: value for key, value in overrides.items() if key in asked}
    message |= {key: value for key, value in overrides.items() if key in message}
    return {**message, "topics": [{"topic": topic, "partitions": [asked]}]}
