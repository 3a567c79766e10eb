"""Transactions by the clients that people use, on the embedded broker and on Apache Kafka alike."""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import ProducerFenced
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka import TopicPartition as Place

from tests.brokers import Broker, unique

WAIT_S = 30


@pytest.fixture
def topic(any_broker: Broker) -> str:
    name = unique("txn")
    any_broker.create_topics(name)
    return name


@contextlib.asynccontextmanager
async def sending(broker: Broker, name: str) -> AsyncIterator[Any]:
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers, transactional_id=name)
    await producer.start()
    try:
        yield producer
    finally:
        with contextlib.suppress(ProducerFenced):
            await producer.stop()


@contextlib.asynccontextmanager
async def reading(broker: Broker, topic: str, *, committed: bool = True, **options: Any) -> AsyncIterator[Any]:
    level = "read_committed" if committed else "read_uncommitted"
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=broker.bootstrap_servers,
        isolation_level=level,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **options,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def until(consumer: Any, last: bytes) -> list[bytes]:
    """The values up to ``last``, which closes what a test writes."""
    values: list[bytes] = []
    async with asyncio.timeout(WAIT_S):
        while last not in values:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                values += [record.value for record in records]
    return values


async def send_then_fail(producer: Any, topic: str, value: bytes) -> None:
    async with producer.transaction():
        await producer.send_and_wait(topic, value)
        raise ValueError("changed my mind")


async def test_aiokafka_readers_see_only_what_was_committed(any_broker: Broker, topic: str) -> None:
    async with sending(any_broker, unique("id")) as producer:
        async with producer.transaction():
            await producer.send_and_wait(topic, b"a")
        with pytest.raises(ValueError, match="changed my mind"):
            await send_then_fail(producer, topic, b"b")
        async with producer.transaction():
            await producer.send_and_wait(topic, b"c")
            await producer.send_and_wait(topic, b"end")
    async with reading(any_broker, topic) as consumer:
        assert await until(consumer, b"end") == [b"a", b"c", b"end"]
        # A consumer that starts in the middle of the aborted part is told of it too.
        consumer.seek(TopicPartition(topic, 0), 3)
        assert await until(consumer, b"end") == [b"c", b"end"]
    async with reading(any_broker, topic, committed=False) as consumer:
        assert await until(consumer, b"end") == [b"a", b"b", b"c", b"end"]


async def test_aiokafka_an_open_transaction_holds_readers_back(any_broker: Broker, topic: str) -> None:
    async with (
        sending(any_broker, unique("id")) as producer,
        reading(any_broker, topic) as consumer,
        reading(any_broker, topic, committed=False) as hasty,
    ):
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"open")
        assert await until(hasty, b"open") == [b"open"]
        assert await consumer.getmany(timeout_ms=300) == {}
        place = TopicPartition(topic, 0)
        assert await consumer.end_offsets([place]) == {place: 0}
        await producer.commit_transaction()
        assert await until(consumer, b"open") == [b"open"]


async def test_aiokafka_offsets_go_with_the_transaction(any_broker: Broker, topic: str) -> None:
    group, place = unique("g"), TopicPartition(topic, 0)
    async with sending(any_broker, unique("id")) as producer:
        for offset, commit in ((3, True), (8, False)):
            await producer.begin_transaction()
            await producer.send_and_wait(topic, b"x")
            await producer.send_offsets_to_transaction({place: offset}, group)
            await (producer.commit_transaction() if commit else producer.abort_transaction())
    async with reading(any_broker, topic, group_id=group) as consumer:
        async with asyncio.timeout(WAIT_S):
            while await consumer.committed(place) is None:
                await asyncio.sleep(0.05)
        assert await consumer.committed(place) == 3


async def test_aiokafka_a_zombie_is_fenced(any_broker: Broker, topic: str) -> None:
    name = unique("id")
    async with sending(any_broker, name) as zombie:
        await zombie.begin_transaction()
        await zombie.send_and_wait(topic, b"zombie")
        async with sending(any_broker, name) as heir:
            async with heir.transaction():
                await heir.send_and_wait(topic, b"heir")
            with pytest.raises(ProducerFenced):
                await zombie.send_and_wait(topic, b"too late")
            with pytest.raises(ProducerFenced):
                await zombie.commit_transaction()
            async with heir.transaction():
                await heir.send_and_wait(topic, b"end")
    async with reading(any_broker, topic) as consumer:
        assert await until(consumer, b"end") == [b"heir", b"end"]


# librdkafka


def confluent_producer(broker: Broker, name: str, **options: Any) -> Producer:
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "transactional.id": name, **options})
    producer.init_transactions(WAIT_S)
    return producer


@contextlib.contextmanager
def confluent_consumer(broker: Broker, topic: str, group: str) -> Iterator[Consumer]:
    """One of group ``group``; read_committed is librdkafka's default."""
    options = {"group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    consumer = Consumer({"bootstrap.servers": broker.bootstrap_servers, **options})
    consumer.subscribe([topic])
    try:
        yield consumer
    finally:
        consumer.close()


def take(consumer: Consumer, last: bytes) -> list[bytes]:
    values: list[bytes] = []
    while last not in values:
        message = consumer.poll(WAIT_S)
        assert message is not None
        assert message.error() is None
        values.append(message.value() or b"")
    return values


def test_confluent_commit_abort_and_purge(any_broker: Broker, topic: str) -> None:
    # A long linger keeps the records of the last transaction at the client, for the abort to purge.
    producer = confluent_producer(any_broker, unique("id"), **{"linger.ms": 20_000})
    for values, commit in (([b"a", b"b"], True), ([b"c"], False), ([b"end"], True)):
        producer.begin_transaction()
        for value in values:
            producer.produce(topic, value)
        if commit:
            producer.commit_transaction(WAIT_S)
        else:
            producer.flush(WAIT_S)
            producer.produce(topic, b"purged")
            producer.abort_transaction(WAIT_S)
    with confluent_consumer(any_broker, topic, unique("g")) as consumer:
        assert take(consumer, b"end") == [b"a", b"b", b"end"]


def test_confluent_consume_transform_produce(any_broker: Broker, topic: str) -> None:
    """Every input appears once in the output, though each batch is aborted before it is done again."""
    output, group = unique("out"), unique("g")
    any_broker.create_topics(output)
    feeder = Producer({"bootstrap.servers": any_broker.bootstrap_servers})
    for number in range(30):
        feeder.produce(topic, b"%d" % number)
    feeder.flush(WAIT_S)
    producer = confluent_producer(any_broker, unique("id"))
    done = 0
    with confluent_consumer(any_broker, topic, group) as consumer:
        for commit in (False, True) * 3:
            producer.begin_transaction()
            for message in consumer.consume(10, WAIT_S):
                producer.produce(output, message.value())
            positions = consumer.position(consumer.assignment())
            producer.send_offsets_to_transaction(positions, consumer.consumer_group_metadata(), WAIT_S)
            if commit:
                producer.commit_transaction(WAIT_S)
                done += 10
            else:
                producer.abort_transaction(WAIT_S)
                consumer.seek(Place(topic, 0, done))
    producer.begin_transaction()
    producer.produce(output, b"end")
    producer.commit_transaction(WAIT_S)
    with confluent_consumer(any_broker, output, unique("g")) as consumer:
        assert take(consumer, b"end") == [*(b"%d" % number for number in range(30)), b"end"]
    with confluent_consumer(any_broker, topic, group) as consumer:
        assert consumer.committed([Place(topic, 0)], WAIT_S)[0].offset == 30


def test_confluent_a_zombie_is_fenced(any_broker: Broker, topic: str) -> None:
    name = unique("id")
    zombie = confluent_producer(any_broker, name)
    zombie.begin_transaction()
    zombie.produce(topic, b"zombie")
    zombie.flush(WAIT_S)
    heir = confluent_producer(any_broker, name)
    heir.begin_transaction()
    heir.produce(topic, b"end")
    heir.commit_transaction(WAIT_S)
    with pytest.raises(KafkaException) as raised:
        zombie.commit_transaction(WAIT_S)
    error = raised.value.args[0]
    assert error.fatal()
    assert error.code() == KafkaError._FENCED
    with confluent_consumer(any_broker, topic, unique("g")) as consumer:
        assert take(consumer, b"end") == [b"end"]


def test_confluent_a_member_that_was_passed_by_cannot_commit(any_broker: Broker, topic: str) -> None:
    """KIP-447: the group's generation fences the offsets, whatever the transactional id."""
    group = unique("g")
    feeder = Producer({"bootstrap.servers": any_broker.bootstrap_servers})
    feeder.produce(topic, b"x")
    feeder.flush(WAIT_S)
    producer = confluent_producer(any_broker, unique("id"))
    with confluent_consumer(any_broker, topic, group) as consumer:
        assert consumer.poll(WAIT_S) is not None
        stale = consumer.consumer_group_metadata()
    producer.begin_transaction()
    producer.produce(topic, b"y")
    with pytest.raises(KafkaException) as raised:
        producer.send_offsets_to_transaction([Place(topic, 0, 1)], stale, WAIT_S)
    assert raised.value.args[0].txn_requires_abort()
    producer.abort_transaction(WAIT_S)


# kcat


@pytest.mark.kcat
def test_kcat_reads_what_was_committed(any_broker: Broker, topic: str, kcat: str) -> None:
    producer = confluent_producer(any_broker, unique("id"))
    for value, commit in ((b"a", True), (b"b", False), (b"c", True)):
        producer.begin_transaction()
        producer.produce(topic, value)
        producer.flush(WAIT_S)
        (producer.commit_transaction if commit else producer.abort_transaction)(WAIT_S)

    def read(*options: str) -> list[str]:
        command = [kcat, "-b", any_broker.bootstrap_servers, "-C", "-t", topic, "-e", "-q", *options]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.split()

    with confluent_consumer(any_broker, topic, unique("g")) as consumer:
        take(consumer, b"c")
    assert read() == ["a", "c"]
    assert read("-o", "3") == ["c"]
    assert read("-X", "isolation.level=read_uncommitted") == ["a", "b", "c"]
