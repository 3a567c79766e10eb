"""Outside any group, on both brokers: tables are read to their end, and a session follows what it is told to."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaProducer
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from copydesk_shared.brokers import Brokers
from copydesk_shared.kafka import KafkaTables, follow, partition_of
from copydesk_shared.kafka.scanning import delete_records
from copydesk_shared.log import Log, LogError, Outgoing, Record
from tests.broker.client import WireClient
from tests.broker.foreign_batches import batch_with_headers
from tests.brokers import Broker, unique

PARTITIONS = 3


@pytest.fixture
def topic(any_broker: Broker) -> str:
    name = unique()
    any_broker.create_topics(name, partitions=PARTITIONS)
    return name


async def _send(log: Log, *records: Outgoing) -> None:
    for stored in [await log.send(record) for record in records]:
        await stored


async def _take(log: Log, count: int) -> list[Record]:
    taken: list[Record] = []
    async with asyncio.timeout(60):
        while len(taken) < count:
            taken += await log.poll(100, 0.2)
    return taken


def _in(topic: str, partition: int, *values: bytes) -> list[Outgoing]:
    return [Outgoing(topic, b"k", value, partition=partition) for value in values]


async def test_a_place_is_the_partition_of_a_key_of_that_text(any_broker: Broker, topic: str) -> None:
    names = ["courier.example", "", "münchen.example", "127.0.0.1", *(f"site-{number}.example" for number in range(20))]
    async with follow(Brokers(any_broker.bootstrap_servers), client_id="t") as log:
        assert await log.count(topic) == PARTITIONS
        await _send(log, *(Outgoing(topic, name.encode(), b"key") for name in names))
        await _send(log, *(Outgoing(topic, b"another", name.encode(), place=name) for name in names))
        log.assign({(topic, number): 0 for number in range(PARTITIONS)})
        records = await _take(log, 2 * len(names))
    by_key = {(record.key or b"").decode(): record.partition for record in records if record.value == b"key"}
    by_place = {(record.value or b"").decode(): record.partition for record in records if record.value != b"key"}
    assert by_key == by_place == {name: partition_of(name, PARTITIONS) for name in names}
    assert set(by_place.values()) == set(range(PARTITIONS))


@given(st.text(), st.integers(1, 1000))
def test_a_place_is_one_of_the_partitions(place: str, partitions: int) -> None:
    assert 0 <= partition_of(place, partitions) < partitions


def test_places_are_those_of_the_java_client() -> None:
    """The values of org.apache.kafka.common.utils.UtilsTest, as unsigned numbers without their sign bit."""
    java = {"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536}
    for text, number in java.items():
        assert partition_of(text, 2**31) == number & 0x7FFFFFFF


async def test_a_session_follows_what_it_is_told_to_and_nothing_else(any_broker: Broker, topic: str) -> None:
    async with follow(Brokers(any_broker.bootstrap_servers), client_id="t") as log:
        await _send(log, *_in(topic, 0, b"0", b"1", b"2"), *_in(topic, 1, b"other"))
        assert await log.poll(10, 0.1) == []
        log.assign({(topic, 0): 1})
        assert log.assigned() == {(topic, 0)}
        assert [record.value for record in await _take(log, 2)] == [b"1", b"2"]
        assert await log.positions() == {(topic, 0): (3, 3)}
        log.assign({(topic, 0): 3, (topic, 1): 0})
        assert [record.value for record in await _take(log, 1)] == [b"other"]
        log.assign({})
        await _send(log, *_in(topic, 0, b"unseen"))
        assert await log.poll(10, 0.3) == []
        log.assign({(topic, 0): 3})
        assert [record.value for record in await _take(log, 1)] == [b"unseen"]


async def test_what_was_deleted_before_it_was_read_is_counted(any_broker: Broker, topic: str) -> None:
    brokers, name = Brokers(any_broker.bootstrap_servers), unique("reader")
    async with follow(brokers, client_id=name) as log:
        await _send(log, *_in(topic, 0, *(b"gone" for _ in range(5)), b"left"))
        await delete_records(brokers, topic, {0: 5})
        log.assign({(topic, 0): 2})
        assert [record.value for record in await _take(log, 1)] == [b"left"]
        await log.positions()
    assert REGISTRY.get_sample_value("copydesk_records_lost_total", {"group": name, "topic": topic}) == 3


async def test_tables_are_read_to_their_end(any_broker: Broker, topic: str) -> None:
    brokers, other = Brokers(any_broker.bootstrap_servers), unique()
    any_broker.create_topics(other, partitions=PARTITIONS)
    values = [b"%d" % number for number in range(2500)]
    async with follow(brokers, client_id="t") as log:
        await _send(log, *_in(topic, 0, *values), *_in(topic, 1, b"not asked for"), *_in(other, 2, b"x"))
    read: list[Record] = []
    ends = await KafkaTables(brokers).read([topic, other], [0, 2], read.append)
    assert ends == {(topic, 0): 2500, (topic, 2): 0, (other, 0): 0, (other, 2): 1}
    assert [record.value for record in read if record.topic == topic] == values
    assert [record.value for record in read if record.topic == other] == [b"x"]
    assert await KafkaTables(brokers).read([topic], [], read.append) == {}


async def test_a_table_that_ends_in_what_is_no_record_has_an_end(any_broker: Broker, topic: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=any_broker.bootstrap_servers, transactional_id=unique("id"))
    async with producer, producer.transaction():
        await producer.send_and_wait(topic, b"in a transaction", partition=0)
    with WireClient(any_broker.bootstrap_servers) as client:
        for names in ([b"one"], [b"\xff\xfe\xfd\xfc"]):
            assert client.produce(topic, batch_with_headers(names))["error_code"] == 0
    read: list[Record] = []
    ends = await KafkaTables(Brokers(any_broker.bootstrap_servers)).read([topic], range(PARTITIONS), read.append)
    assert ends[topic, 0] >= 4
    assert len(read) == 2


async def test_a_time_is_a_place_to_begin(any_broker: Broker, topic: str) -> None:
    brokers = Brokers(any_broker.bootstrap_servers)
    tables, now = KafkaTables(brokers), datetime.now(UTC)
    async with follow(brokers, client_id="t") as log:
        await _send(log, *_in(topic, 0, b"0", b"1"))
    hour = timedelta(hours=1)
    assert await tables.since(topic, [0, 1], now - hour) == {(topic, 0): 0, (topic, 1): 0}
    starts = await tables.since(topic, [0, 1], now + hour)
    assert starts == {(topic, 0): 2, (topic, 1): 0}
    async with follow(brokers, client_id="t") as log:
        await _send(log, *_in(topic, 0, b"2"))
    read: list[Record] = []
    await tables.tail(starts, read.append)
    assert [record.value for record in read] == [b"2"]


async def test_brokers_that_are_away_are_told() -> None:
    with pytest.raises(LogError):
        await KafkaTables(Brokers("127.0.0.1:1")).read(["t"], [0], lambda _: None)
