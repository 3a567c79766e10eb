"""The two Python clients that people use, unpatched, on the broker process."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import MessageSizeTooLargeError, TopicAlreadyExistsError
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka import TopicPartition as Place
from confluent_kafka import admin as confluent_admin_module

from copydesk_standalone.broker.process import BrokerProcess

from .client import WireClient

pytestmark = pytest.mark.kafka

# Its stubs leave out what it exports.
confluent_admin: Any = confluent_admin_module
CODECS = [None, "gzip", "snappy", "lz4", "zstd"]


async def take(consumer: Any, count: int, within_s: float = 20) -> list[Any]:
    """The next ``count`` records of an aiokafka consumer."""
    taken: list[Any] = []
    async with asyncio.timeout(within_s):
        while len(taken) < count:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                taken += records
    return taken


@contextlib.asynccontextmanager
async def reading(broker: BrokerProcess, topic: str, **settings: Any) -> AsyncIterator[Any]:
    options = {"auto_offset_reset": "earliest", "enable_auto_commit": False, "session_timeout_ms": 6_000, **settings}
    options.setdefault("heartbeat_interval_ms", 200)
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=broker.address, **options)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


@pytest.fixture
async def producer(broker: BrokerProcess) -> AsyncIterator[Any]:
    async with AIOKafkaProducer(bootstrap_servers=broker.address, enable_idempotence=True, linger_ms=0) as made:
        yield made


@pytest.fixture
async def admin(broker: BrokerProcess) -> AsyncIterator[Any]:
    client = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await client.start()
    yield client
    await client.close()


@pytest.mark.parametrize("codec", CODECS)
async def test_aiokafka_round_trip(broker: BrokerProcess, topic: str, codec: str | None) -> None:
    options = {"enable_idempotence": True, "compression_type": codec, "acks": "all"}
    headers = [("a", b"1"), ("a", b""), ("b", "é".encode())]
    async with AIOKafkaProducer(bootstrap_servers=broker.address, **options) as producer:
        await producer.send_and_wait(topic, b"value" * 100, key=b"key", headers=headers, timestamp_ms=12_345)
        await producer.send_and_wait(topic, None, key=b"key")
    async with reading(broker, topic) as consumer:
        first, second = await take(consumer, 2)
    assert (first.key, first.value, first.timestamp) == (b"key", b"value" * 100, 12_345)
    assert list(first.headers) == headers
    assert (second.offset, second.value) == (1, None)


async def test_aiokafka_group_resumes_where_it_committed(broker: BrokerProcess, topic: str, producer: Any) -> None:
    for number in range(20):
        await producer.send_and_wait(topic, b"%d" % number)
    async with reading(broker, topic, group_id=topic) as consumer:
        await take(consumer, 20)
        await consumer.commit({TopicPartition(topic, 0): 15})
    began = time.monotonic()
    async with reading(broker, topic, group_id=topic) as consumer:
        assert [record.offset for record in await take(consumer, 5)] == [15, 16, 17, 18, 19]
    assert time.monotonic() - began < 5, "a group of one must not wait for its old session"


async def test_aiokafka_members_share_and_take_over(
    broker: BrokerProcess, client: WireClient, name: str, producer: Any
) -> None:
    client.create_topic(name, partitions=4)
    async with reading(broker, name, group_id=name) as first:
        async with reading(broker, name, group_id=name) as second:
            async with asyncio.timeout(60):
                while not (len(first.assignment()) == len(second.assignment()) == 2):
                    await asyncio.sleep(0.05)
            for partition in range(4):
                await producer.send_and_wait(name, b"x", partition=partition)
            both = await asyncio.gather(take(first, 2), take(second, 2))
            assert {record.partition for records in both for record in records} == {0, 1, 2, 3}
            await asyncio.gather(first.commit(), second.commit())
        async with asyncio.timeout(60):
            while len(first.assignment()) != 4:
                await asyncio.sleep(0.05)


async def test_aiokafka_idle_consumer_wakes_at_once(broker: BrokerProcess, topic: str, producer: Any) -> None:
    async with reading(broker, topic, fetch_max_wait_ms=30_000) as consumer:
        await producer.send_and_wait(topic, b"first")
        await take(consumer, 1)
        await asyncio.sleep(0.1)
        await producer.send_and_wait(topic, b"second")
        async with asyncio.timeout(60):
            assert (await consumer.getone()).value == b"second"


async def test_aiokafka_seeks(broker: BrokerProcess, topic: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=broker.address, compression_type="zstd") as producer:
        sends = [await producer.send(topic, b"%d" % n, timestamp_ms=1_000 + n) for n in range(50)]
        await asyncio.gather(*sends)
    place = TopicPartition(topic, 0)
    async with reading(broker, topic) as consumer:
        found = await consumer.offsets_for_times({place: 1_023})
        assert (found[place].offset, found[place].timestamp) == (23, 1_023)
        assert await consumer.end_offsets([place]) == {place: 50}
        assert await consumer.beginning_offsets([place]) == {place: 0}
        consumer.seek(place, 47)
        assert [record.value for record in await take(consumer, 3)] == [b"47", b"48", b"49"]
        assert consumer.highwater(place) == 50


async def test_aiokafka_regex_subscription(broker: BrokerProcess, client: WireClient, name: str, producer: Any) -> None:
    for suffix in "ab":
        client.create_topic(f"{name}.{suffix}")
        await producer.send_and_wait(f"{name}.{suffix}", b"x")
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.address, group_id=name, auto_offset_reset="earliest")
    consumer.subscribe(pattern=f"^{name}\\.")
    await consumer.start()
    try:
        assert {record.topic for record in await take(consumer, 2)} == {f"{name}.a", f"{name}.b"}
    finally:
        await consumer.stop()


async def test_aiokafka_too_large_is_told(broker: BrokerProcess, client: WireClient, name: str) -> None:
    client.create_topic(name, max_message_bytes="5000")
    async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:
        with pytest.raises(MessageSizeTooLargeError):
            await producer.send_and_wait(name, bytes(10_000))


async def test_aiokafka_admin(admin: Any, name: str) -> None:
    await admin.create_topics([NewTopic(name, 2, 1, topic_configs={"cleanup.policy": "compact"})])
    again = await admin.create_topics([NewTopic(name, 2, 1)])
    assert again.topic_errors[0][1] == TopicAlreadyExistsError.errno
    await admin.create_partitions({name: NewPartitions(5)})
    (described,) = await admin.describe_topics([name])
    assert len(described["partitions"]) == 5
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    assert ("cleanup.policy", "compact") in {entry[:2] for entry in answer.resources[0][4]}
    await admin.delete_topics([name])
    assert name not in await admin.list_topics()


async def test_aiokafka_admin_of_groups(broker: BrokerProcess, topic: str, admin: Any, producer: Any) -> None:
    await producer.send_and_wait(topic, b"x")
    async with reading(broker, topic, group_id=topic) as consumer:
        await take(consumer, 1)
        await consumer.commit()
        assert (topic, "consumer") in await admin.list_consumer_groups()
        described = await admin.describe_consumer_groups([topic])
        assert described[0].groups[0][2] == "Stable"
    offsets = await admin.list_consumer_group_offsets(topic)
    assert offsets[TopicPartition(topic, 0)].offset == 1


def confluent_consumer(broker: BrokerProcess, group: str, **settings: Any) -> Any:
    options = {"auto.offset.reset": "earliest", "enable.auto.commit": False, "session.timeout.ms": 6_000, **settings}
    options["heartbeat.interval.ms"] = 200
    return Consumer({"bootstrap.servers": broker.address, "group.id": group, **options})


def confluent_take(consumer: Any, count: int) -> list[Any]:
    deadline = time.monotonic() + 60
    taken: list[Any] = []
    while len(taken) < count:
        assert time.monotonic() < deadline
        taken += consumer.consume(count - len(taken), 0.5)
    assert all(message.error() is None for message in taken)
    return taken


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_confluent_round_trip(broker: BrokerProcess, topic: str, codec: str) -> None:
    producer = Producer({"bootstrap.servers": broker.address, "enable.idempotence": True, "compression.type": codec})
    offsets: list[int | None] = []
    for number in range(500):
        producer.produce(topic, b"%d" % number, callback=lambda _, message: offsets.append(message.offset()))
    assert producer.flush(20) == 0
    assert offsets == list(range(500))
    consumer = confluent_consumer(broker, topic)
    consumer.subscribe([topic])
    assert [int(message.value()) for message in confluent_take(consumer, 500)] == list(range(500))
    consumer.commit(asynchronous=False)
    assert consumer.committed([Place(topic, 0)])[0].offset == 500
    consumer.close()


@pytest.mark.parametrize("strategy", ["range", "cooperative-sticky"])
def test_confluent_members_share(broker: BrokerProcess, client: WireClient, name: str, strategy: str) -> None:
    client.create_topic(name, partitions=4)
    consumers = [confluent_consumer(broker, name, **{"partition.assignment.strategy": strategy}) for _ in range(2)]
    for consumer in consumers:
        consumer.subscribe([name])
    deadline = time.monotonic() + 60
    while sorted(len(consumer.assignment()) for consumer in consumers) != [2, 2]:
        assert time.monotonic() < deadline
        for consumer in consumers:
            consumer.poll(0.05)
    for consumer in consumers:
        consumer.close()


def test_confluent_static_member_restarts_without_a_rebalance(broker: BrokerProcess, topic: str) -> None:
    rebalances: list[str] = []

    def start(instance: str) -> Any:
        consumer = confluent_consumer(broker, topic, **{"group.instance.id": instance})
        consumer.subscribe([topic], on_assign=lambda *_: rebalances.append(instance))
        while instance not in rebalances:
            consumer.poll(0.05)
        return consumer

    start("one").close()
    rebalances.clear()
    began = time.monotonic()
    start("one").close()
    assert time.monotonic() - began < 5, "a static member must not wait for its old session"


def test_confluent_admin(broker: BrokerProcess, name: str) -> None:
    admin = confluent_admin.AdminClient({"bootstrap.servers": broker.address})
    admin.create_topics([confluent_admin.NewTopic(name, 1, 1)])[name].result(10)
    with pytest.raises(KafkaException):
        admin.create_topics([confluent_admin.NewTopic(name, 1, 1)])[name].result(10)
    producer = Producer({"bootstrap.servers": broker.address, "compression.type": "zstd"})
    for timestamp in (100, 300, 200):
        producer.produce(name, b"x", timestamp=timestamp)
    producer.flush(10)

    def offset(spec: Any) -> int:
        place = Place(name, 0)
        return int(admin.list_offsets({place: spec})[place].result(10).offset)

    assert offset(confluent_admin.OffsetSpec.latest()) == 3
    assert offset(confluent_admin.OffsetSpec.earliest()) == 0
    assert offset(confluent_admin.OffsetSpec.max_timestamp()) == 1
    assert offset(confluent_admin.OffsetSpec.for_timestamp(150)) == 1
    assert admin.describe_cluster().result(10).controller.id == 1
    admin.delete_topics([name])[name].result(10)
