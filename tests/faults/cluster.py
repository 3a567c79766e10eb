"""A broker of one's own for the faults of services: their topics have fixed names, so no two tests may share it.

What lies on it is read with librdkafka, that is with another client than the services use.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from copydesk_shared.brokers import Brokers
from copydesk_shared.kafka import ensure_topics
from copydesk_shared.log import Record
from copydesk_standalone.broker import process as embedded
from tests.brokers import APACHE, EMBEDDED
from tests.tiers import unavailable
from tools import kafka_jars
from tools.apache_kafka import ApacheKafka

READ_SECONDS = 60.0
ADMIN_SECONDS = 30.0
ADMIN_TRIES = 4
FORGET_SECONDS = 20.0
PROXIED = "PROXIED"
BOTH = [
    pytest.param(EMBEDDED, marks=pytest.mark.kafka),
    pytest.param(APACHE, marks=[pytest.mark.kafka, pytest.mark.apache]),
]


class Power(Protocol):
    """What can be done to a broker as a whole."""

    def off(self) -> None:
        """End it as a power cut would."""

    def stop(self) -> None:
        """End it in good order."""

    def on(self) -> None:
        """Start it again, at its address and with its data."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a consumer group, and the partitions it has by topic."""

    client_id: str
    instance_id: str
    partitions: dict[str, frozenset[int]]


class Cluster:
    """A broker with the topics of Copydesk and nothing on them."""

    def __init__(self, kind: str, servers: str, power: Power) -> None:
        self.kind = kind
        self.servers = servers
        self.power = power
        self._admin = AdminClient({"bootstrap.servers": servers})

    def make_topics(self) -> None:
        """Create what is declared."""
        asyncio.run(ensure_topics(Brokers(self.servers)))

    def clear(self) -> None:
        """Delete all topics and groups."""
        deadline = time.monotonic() + FORGET_SECONDS
        if names := self._topics():
            for done in self._admin.delete_topics(names).values():
                done.result(ADMIN_SECONDS)
        while names := self._topics():
            assert time.monotonic() < deadline, f"topics do not go: {names}"
            time.sleep(0.05)
        while groups := self._groups():
            for done in self._admin.delete_consumer_groups(groups).values():
                with contextlib.suppress(KafkaException):  # a member that was killed is there until its session ends
                    done.result(ADMIN_SECONDS)
            assert time.monotonic() < deadline, f"groups do not go: {groups}"
            time.sleep(0.2)

    def _topics(self) -> list[str]:
        return [name for name in self._admin.list_topics(timeout=ADMIN_SECONDS).topics if not name.startswith("__")]

    def _groups(self) -> list[str]:
        listed: Any = self._admin.list_consumer_groups().result(ADMIN_SECONDS)
        return [each.group_id for each in listed.valid]

    def members(self, group: str) -> list[Member]:
        """Who is in the group now, as DescribeGroups says."""
        described: Any = self._described(group)
        return [
            Member(each.client_id, each.group_instance_id or "", _by_topic(each.assignment.topic_partitions))
            for each in described.members
        ]

    def _described(self, group: str) -> Any:
        """Ask anew: librdkafka may wait for ever when it asks while the brokers make the topic of the groups."""
        for _ in range(ADMIN_TRIES - 1):
            with contextlib.suppress(TimeoutError, KafkaException):
                return self._admin.describe_consumer_groups([group])[group].result(ADMIN_SECONDS / ADMIN_TRIES)
            self._admin = AdminClient({"bootstrap.servers": self.servers})
        return self._admin.describe_consumer_groups([group])[group].result(ADMIN_SECONDS)

    def committed(self, group: str, topic: str) -> int:
        """The sum of the group's offsets on the topic."""
        with self._reader(group) as reader:
            offsets = reader.committed(self._partitions(reader, topic), timeout=ADMIN_SECONDS)
            return sum(max(0, each.offset) for each in offsets)

    def count(self, topic: str) -> int:
        """How many records were ever written to the topic."""
        with self._reader() as reader:
            return sum(reader.get_watermark_offsets(each)[1] for each in self._partitions(reader, topic))

    def records(self, topic: str) -> list[Record]:
        """Everything on the topic now."""
        found: list[Record] = []
        with self._reader() as reader:
            left = {}
            for each in self._partitions(reader, topic):
                start, end = reader.get_watermark_offsets(each, timeout=ADMIN_SECONDS)
                if end > start:
                    left[each.partition] = end
            reader.assign([TopicPartition(topic, number, 0) for number in left])
            deadline = time.monotonic() + READ_SECONDS
            while left:
                assert time.monotonic() < deadline, f"{topic}: not read to its end: {left}"
                for message in reader.consume(1000, 0.2):
                    assert message.error() is None, message.error()
                    record = _record(message)
                    found.append(record)
                    if record.offset + 1 >= left.get(record.partition, 0):
                        left.pop(record.partition, None)
        return found

    def _partitions(self, reader: Any, topic: str) -> list[Any]:
        partitions = reader.list_topics(topic, timeout=ADMIN_SECONDS).topics[topic].partitions
        return [TopicPartition(topic, number) for number in partitions]

    @contextmanager
    def _reader(self, group: str = "faults-reader") -> Iterator[Any]:
        reader = Consumer(
            {"bootstrap.servers": self.servers, "group.id": group, "enable.auto.commit": False,
             "auto.offset.reset": "earliest", "fetch.wait.max.ms": 20}
        )  # fmt: skip
        try:
            yield reader
        finally:
            reader.close()


def _by_topic(partitions: Sequence[Any]) -> dict[str, frozenset[int]]:
    topics = {each.topic for each in partitions}
    return {name: frozenset(each.partition for each in partitions if each.topic == name) for name in topics}


def _record(message: Any) -> Record:
    return Record(
        topic=message.topic(), partition=message.partition(), offset=message.offset(), key=message.key(),
        value=message.value(), headers=tuple(message.headers() or ()), timestamp_ms=message.timestamp()[1],
    )  # fmt: skip


class _EmbeddedPower:
    def __init__(self, folder: Path, options: Sequence[str]) -> None:
        self._folder = folder
        self._options = options
        self.running = embedded.start(folder, options=options)

    def off(self) -> None:
        self.running.kill()

    def stop(self) -> None:
        assert self.running.stop() == 0

    def on(self) -> None:
        self.running = embedded.start(self._folder, port=self.running.port, options=self._options)


@contextmanager
def embedded_cluster(folder: Path, *options: str) -> Iterator[Cluster]:
    """The embedded broker, empty."""
    power = _EmbeddedPower(folder / "broker", options)
    try:
        yield Cluster(EMBEDDED, power.running.address, power)
    finally:
        power.running.stop()


class ApachePower:
    """One node of Apache Kafka."""

    def __init__(self, kafka: ApacheKafka) -> None:
        self.kafka = kafka

    def off(self) -> None:
        """See :class:`Power`."""
        self.kafka.kill(0)

    def stop(self) -> None:
        """See :class:`Power`."""
        self.kafka.stop()

    def on(self) -> None:
        """See :class:`Power`."""
        self.kafka.restart(0)


@contextmanager
def own_apache_kafka(folder: Path, **options: Any) -> Iterator[ApacheKafka]:
    """A node of Apache Kafka, or several; skipped, or failed when required, without Java or Maven."""
    try:
        kafka_jars.java()
        kafka_jars.class_path()
    except kafka_jars.Unavailable as error:
        unavailable("apache-kafka", str(error))
    config = {"group.min.session.timeout.ms": "1000"}
    with ApacheKafka(folder, config=config, **options) as kafka:
        yield kafka
