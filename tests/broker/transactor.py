"""A transactional producer for tests: it says what the test wants, at the versions the test names."""

from typing import Any

from copydesk_standalone.broker.errors import Code

from .batches import batch
from .client import WireClient, fetch_message

Place = tuple[str, int]


class Transactor:
    """A producer with a transactional id. ``id`` and ``epoch`` are those of its last InitProducerId that worked."""

    def __init__(self, client: WireClient, name: str) -> None:
        self.client, self.name = client, name
        self.id = self.epoch = -1
        self.sequences: dict[Place, int] = {}

    def init(self, version: int = 4, timeout_ms: int = 60_000, expected: tuple[int, int] = (-1, -1)) -> int:
        message = {"producer_id": expected[0], "producer_epoch": expected[1]}
        answer = self.client.call(
            "InitProducerId", version, transactional_id=self.name, transaction_timeout_ms=timeout_ms, **message
        )
        if answer["error_code"] == Code.NONE:
            self.id, self.epoch = answer["producer_id"], answer["producer_epoch"]
            self.sequences = {}
        return int(answer["error_code"])

    def started(self, **options: Any) -> "Transactor":
        assert self.init(**options) == Code.NONE
        return self

    def _owner(self) -> dict[str, Any]:
        return {"transactional_id": self.name, "producer_id": self.id, "producer_epoch": self.epoch}

    def add(self, topic: str, *partitions: int, version: int = 3) -> list[int]:
        """The codes of the partitions, which are 0 when none is named."""
        topics = [{"name": topic, "partitions": list(partitions or (0,))}]
        answer = self.client.call("AddPartitionsToTxn", version, **self._owner(), topics=topics)
        return [partition["error_code"] for partition in answer["topics"][0]["partitions"]]

    def batch(self, topic: str, *values: bytes, partition: int = 0, transactional: bool = True) -> bytes:
        sequence = self.sequences.get((topic, partition), 0)
        return batch(values or (b"x",), producer=(self.id, self.epoch, sequence), transactional=transactional)

    def send(self, topic: str, *values: bytes, partition: int = 0, transactional: bool = True) -> dict[str, Any]:
        records = self.batch(topic, *values, partition=partition, transactional=transactional)
        partitions = [{"index": partition, "records": records}]
        topics = [{"name": topic, "partitions": partitions}]
        answer = self.client.call("Produce", 8, transactional_id=self.name, acks=-1, timeout_ms=1_000, topics=topics)
        stored: dict[str, Any] = answer["topics"][0]["partitions"][0]
        if stored["error_code"] == Code.NONE:
            place = topic, partition
            self.sequences[place] = self.sequences.get(place, 0) + max(len(values), 1)
        return stored

    def put(self, topic: str, *values: bytes, partition: int = 0) -> int:
        """Add the partition and send; the offset of the first record."""
        assert self.add(topic, partition) == [Code.NONE]
        stored = self.send(topic, *values, partition=partition)
        assert stored["error_code"] == Code.NONE, stored
        return int(stored["base_offset"])

    def end(self, *, commit: bool, version: int = 3) -> int:
        return int(self.client.call("EndTxn", version, **self._owner(), committed=commit)["error_code"])

    def add_group(self, group: str, version: int = 3) -> int:
        return int(self.client.call("AddOffsetsToTxn", version, **self._owner(), group_id=group)["error_code"])

    def commit_offset(self, group: str, topic: str, offset: int, version: int = 3, **member: Any) -> int:
        partitions = [{"index": 0, "offset": offset, "metadata": "m"}]
        topics = [{"name": topic, "partitions": partitions}]
        message = {**self._owner(), "group_id": group, "topics": topics, **member}
        answer = self.client.call("TxnOffsetCommit", version, **message)
        return int(answer["topics"][0]["partitions"][0]["error_code"])

    def described(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.call("DescribeTransactions", 0, ids=[self.name])["transactions"][0]
        return answer


def fetched(client: WireClient, topic: str, offset: int = 0, *, committed: bool = True, **changes: Any) -> Any:
    """The answer for one partition, with ``aborted`` as a list of (producer id, first offset) or None."""
    message = fetch_message(topic, offset, **changes) | {"isolation_level": int(committed)}
    answer = client.call("Fetch", 11, **message)["topics"][0]["partitions"][0]
    told = answer["aborted_transactions"]
    answer["aborted"] = told and [(each["producer_id"], each["first_offset"]) for each in told]
    return answer
