"""A session on both brokers: what it hands out, holds, goes back to, and how it gets past what cannot be read."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from prometheus_client import REGISTRY

from copydesk_shared.brokers import Brokers
from copydesk_shared.kafka import connect, follow, read_partitions
from copydesk_shared.kafka.connections import Consumer
from copydesk_shared.kafka.scanning import delete_records
from copydesk_shared.kafka.session import KafkaLog
from copydesk_shared.log import Log, Outgoing, Partition, Record
from tests.broker.client import WireClient
from tests.broker.foreign_batches import batch_with_headers
from tests.brokers import Broker, unique


class Listener:
    """Starts where it is told to."""

    def __init__(self, starts: Mapping[Partition, int], seconds: float = 0.0) -> None:
        self._starts = starts
        self._seconds = seconds

    async def on_assigned(self, partitions: frozenset[Partition]) -> Mapping[Partition, int]:
        await asyncio.sleep(self._seconds)
        return {where: offset for where, offset in self._starts.items() if where in partitions}

    async def on_revoked(self, partitions: frozenset[Partition]) -> None:
        """Nothing is in flight."""


@asynccontextmanager
async def _session(broker: Broker, topic: str, starts: Mapping[Partition, int] | None = None) -> AsyncIterator[Log]:
    brokers = Brokers(broker.bootstrap_servers)
    listener = Listener(starts or {})
    async with connect(brokers, client_id="t", group=unique("g"), topics=(topic,), listener=listener) as log:
        yield log


async def _take(log: Log, count: int) -> list[Record]:
    taken: list[Record] = []
    async with asyncio.timeout(60):
        while len(taken) < count:
            taken += await log.poll(100, 0.2)
    return taken


@pytest.fixture
def topic(any_broker: Broker) -> str:
    name = unique()
    any_broker.create_topics(name, partitions=2)
    return name


async def _fill(log: Log, topic: str, *values: bytes) -> None:
    for stored in [await log.send(Outgoing(topic, b"same key", value)) for value in values]:
        await stored


async def test_a_held_partition_gives_nothing_and_a_rewound_one_gives_it_again(any_broker: Broker, topic: str) -> None:
    async with _session(any_broker, topic) as log:
        await _fill(log, topic, *(b"%d" % number for number in range(6)))
        first = await _take(log, 6)
        log.rewind(first[2].where, first[2].offset)
        assert [record.value for record in await _take(log, 4)] == [b"2", b"3", b"4", b"5"]
        log.hold(log.assigned())
        await _fill(log, topic, b"6")
        assert await log.poll(10, 0.5) == []
        log.hold(frozenset())
        assert [record.value for record in await _take(log, 1)] == [b"6"]


async def test_positions_say_how_far_behind_it_is(any_broker: Broker, topic: str) -> None:
    async with _session(any_broker, topic) as log:
        await _fill(log, topic, b"0", b"1", b"2")
        where = (await _take(log, 3))[0].where
        log.hold(log.assigned())
        await _fill(log, topic, b"3", b"4")
        positions = await log.positions()
        assert positions[where] == (3, 5)
        assert len(positions) == 2


async def test_partitions_that_go_to_somebody_else_while_their_positions_are_asked_are_no_failure(
    any_broker: Broker, topic: str
) -> None:
    async with follow(Brokers(any_broker.bootstrap_servers), client_id="t") as log:
        await _fill(log, topic, b"0", b"1")
        log.assign({(topic, 0): 0, (topic, 1): 0})
        assert (await log.positions()).keys() == {(topic, 0), (topic, 1)}
        for kept, turns in ((0, 2), (1, 3), (0, 4), (1, 8)):
            asking = asyncio.create_task(log.positions())
            for _ in range(turns):
                await asyncio.sleep(0)  # it has asked, and has no answer yet
            log.assign({(topic, kept): 0})
            assert (await asking).keys() <= {(topic, 0), (topic, 1)}


async def test_what_a_poll_takes_while_partitions_are_set_back_comes_again(
    any_broker: Broker, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, read = Consumer.committed, Consumer.getmany
    is_reading, first_is_known, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def told(consumer: Consumer, **options: Any) -> Any:
        is_reading.set()
        return await read(consumer, **options)

    async def slow_for_the_second(consumer: Consumer, where: TopicPartition) -> Any:
        if first_is_known.is_set():
            await go_on.wait()
        first_is_known.set()
        return await ask(consumer, where)

    async with _session(any_broker, topic) as log, asyncio.timeout(60):
        assert isinstance(log, KafkaLog)
        while not log.assigned():
            await log.poll(1, 0.1)
        await log._settled.wait()
        monkeypatch.setattr(Consumer, "getmany", told)
        polling = asyncio.create_task(log.poll(10, 30))
        await is_reading.wait()
        monkeypatch.setattr(Consumer, "committed", slow_for_the_second)
        log.moving()
        setting_back = asyncio.create_task(log.starts_at({}))
        await first_is_known.wait()
        for number in (0, 1):
            await (await log.send(Outgoing(topic, b"key", b"%d" % number, partition=number)))
        assert await polling == []
        assert await log.poll(10, 1) == []
        go_on.set()
        await setting_back
        log.settled()
        assert sorted(record.where for record in await _take(log, 2)) == [(topic, 0), (topic, 1)]


async def test_a_renewed_producer_goes_on_where_the_old_one_was(any_broker: Broker, topic: str) -> None:
    async with _session(any_broker, topic) as log:
        await _fill(log, topic, b"0")
        await log.renew_producer()
        await _fill(log, topic, b"1")
        assert [record.value for record in await _take(log, 2)] == [b"0", b"1"]


@pytest.mark.parametrize("start", [None, 1])
async def test_a_record_that_cannot_be_read_is_told_and_passed_and_costs_no_other(
    any_broker: Broker, topic: str, start: int | None
) -> None:
    with WireClient(any_broker.bootstrap_servers) as client:
        for names in ([b"one"], [b"two", b"\xff\xfe\xfd\xfc", b"lost with it"], [b"three"]):
            assert client.produce(topic, batch_with_headers(names))["error_code"] == 0
    async with _session(any_broker, topic, {(topic, 0): start} if start is not None else None) as log:
        await _fill(log, topic, b"another partition or the same")
        taken = await _take(log, 6 - (start or 0))
    by_foreigners = sorted((record for record in taken if record.key != b"same key"), key=lambda record: record.offset)
    offsets = [record.offset for record in by_foreigners]
    assert offsets == list(range(start or 0, 5))
    assert [record.offset for record in by_foreigners if record.fault] == [2, 3]
    assert [record.value for record in taken if record.key == b"same key"] == [b"another partition or the same"]


@pytest.mark.parametrize("kept", [0, 1])
async def test_partitions_that_move_while_a_record_that_cannot_be_read_is_passed_cost_none(
    any_broker: Broker, topic: str, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with WireClient(any_broker.bootstrap_servers) as client:
        for number in (0, 1):
            batch = batch_with_headers([b"one", b"\xff\xfe\xfd\xfc", b"three"])
            assert client.produce(topic, batch, number)["error_code"] == 0
    async with follow(Brokers(any_broker.bootstrap_servers), client_id="t") as log:
        ask, moves = Consumer.getmany, [{(topic, kept): 0}]

        async def moved_meanwhile(consumer: Consumer, *only: Any, **options: Any) -> Any:
            if only and moves:
                log.assign(moves.pop())
            return await ask(consumer, *only, **options)

        monkeypatch.setattr(Consumer, "getmany", moved_meanwhile)
        log.assign({(topic, 0): 0, (topic, 1): 0})
        taken = await _take(log, 3)
        assert moves == []
        assert [(record.where, record.offset) for record in taken] == [((topic, kept), offset) for offset in (0, 1, 2)]


async def test_reading_a_topic_to_its_end_leaves_out_what_cannot_be_read(any_broker: Broker, topic: str) -> None:
    with WireClient(any_broker.bootstrap_servers) as client:
        client.produce(topic, batch_with_headers([b"one", b"\xff\xfe\xfd\xfc"]))
        client.produce(topic, batch_with_headers([b"three"]))
    records = await read_partitions(Brokers(any_broker.bootstrap_servers), topic, [0, 1])
    assert [record.offset for record in records] == [0, 2]


@pytest.mark.parametrize("start", [None, 2])
async def test_nothing_is_handed_out_before_it_is_known_where_to_begin(
    any_broker: Broker, topic: str, start: int | None
) -> None:
    """A store that says slowly where it has got to must not be given again what it was given meanwhile."""
    brokers = Brokers(any_broker.bootstrap_servers)
    async with connect(brokers, client_id="t") as log:
        await _fill(log, topic, b"0", b"1", b"2", b"3")
    starts = {} if start is None else {(topic, 0): start, (topic, 1): start}
    listener = Listener(starts, seconds=0.7)
    async with connect(brokers, client_id="t", group=unique("g"), topics=(topic,), listener=listener) as log:
        expected = [b"0", b"1", b"2", b"3"][start or 0 :]
        taken = await _take(log, len(expected))
        taken += await log.poll(100, 2.0)
        assert [record.value for record in taken] == expected


def _lost(topic: str, group: str) -> float:
    return REGISTRY.get_sample_value("copydesk_records_lost_total", {"group": group, "topic": topic}) or 0.0


async def _read_on(
    any_broker: Broker, topic: str, group: str, starts: Mapping[Partition, int], values: list[bytes]
) -> None:
    brokers = Brokers(any_broker.bootstrap_servers)
    async with connect(brokers, client_id="t", group=group, topics=(topic,), listener=Listener(starts)) as log:
        taken = await _take(log, len(values))
        assert sorted(record.value or b"" for record in taken) == sorted(values)
        await log.positions()
        await log.commit({record.where: record.offset + 1 for record in taken})


@pytest.mark.parametrize("source", ["group", "store"])
async def test_records_that_were_deleted_before_they_were_read_are_counted(
    any_broker: Broker, topic: str, source: str
) -> None:
    """Whether the place to go on from is the group's or a store's, aiokafka goes on behind the hole without a word."""
    group = unique("g")
    brokers = Brokers(any_broker.bootstrap_servers)
    async with connect(brokers, client_id="t") as log:
        await _fill(log, topic, b"0", b"1")
        await _read_on(any_broker, topic, group, {}, [b"0", b"1"])
        await _fill(log, topic, *(b"gone" for _ in range(5)))
        records = await read_partitions(brokers, topic, [0, 1])
        where = records[-1].where
        await delete_records(brokers, topic, {where[1]: 7})
        await _fill(log, topic, b"7")
    await _read_on(any_broker, topic, group, {where: 2} if source == "store" else {}, [b"7"])
    assert _lost(topic, group) == 5


async def test_gaps_in_what_is_there_are_no_loss(any_broker: Broker, topic: str) -> None:
    """A transaction leaves a marker in the log, and an offset that holds nothing to lose."""
    group = unique("g")
    producer = AIOKafkaProducer(bootstrap_servers=any_broker.bootstrap_servers, transactional_id=unique("id"))
    async with producer:
        for value in (b"0", b"1"):
            async with producer.transaction():
                await producer.send_and_wait(topic, value, partition=0)
    await _read_on(any_broker, topic, group, {(topic, 0): 0}, [b"0", b"1"])
    assert _lost(topic, group) == 0


async def test_a_new_group_says_where_it_begins(any_broker: Broker, topic: str) -> None:
    """Before it has handled anything: else what was deleted long ago counts as its lag."""
    brokers, group = Brokers(any_broker.bootstrap_servers), unique("g")
    async with connect(brokers, client_id="t") as writer:
        await _fill(writer, topic, *(b"%d" % number for number in range(10)))
    async with follow(brokers, client_id="t") as log:
        log.assign({(topic, 0): 0, (topic, 1): 0})
        ends = {where: end for where, (_, end) in (await log.positions()).items()}
    await delete_records(brokers, topic, {number: end for (_, number), end in ends.items()})
    async with connect(brokers, client_id="t", group=group, topics=(topic,), listener=Listener({})) as log:
        async with asyncio.timeout(60):
            while len(log.assigned()) < 2:
                await log.poll(1, 0.1)
        assert {where: position for where, (position, _) in (await log.positions()).items()} == ends
    async with Consumer(brokers, client_id="t", group_id=group, enable_auto_commit=False) as consumer:
        committed = {where: await consumer.committed(TopicPartition(*where)) for where in ends}
    assert committed == ends
