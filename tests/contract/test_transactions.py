"""Transactions: what a reader of committed records sees, who is fenced, and offsets that move with the records."""

import asyncio
import time
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka import TopicPartition as Place

from tests.broker.batches import batch, read
from tests.broker.client import WireClient
from tests.contract.both import BUSY, Both, Site, attempt, code, insist, said
from tests.contract.test_idempotence import new_producer

pytestmark = [pytest.mark.kafka, pytest.mark.apache]

NOT_LEADER = 6
COMMITTED, UNCOMMITTED = "read_committed", "read_uncommitted"


def producer(site: Site, suffix: str = "", **settings: Any) -> Any:
    made = Producer({"bootstrap.servers": site.address, "transactional.id": site.name + suffix, **settings})
    made.init_transactions(30)
    return made


def seen(site: Site, isolation: str) -> list[tuple[int | None, bytes | None]]:
    """(offset, value) of what a reader gets until the end."""
    options = {"bootstrap.servers": site.address, "group.id": site.name, "enable.partition.eof": True}
    reader = Consumer({**options, "isolation.level": isolation, "auto.offset.reset": "earliest"})
    reader.assign([Place(site.name, 0, 0)])
    found = []
    while (message := reader.poll(20)) is not None and not message.error():
        found.append((message.offset(), message.value()))
    reader.close()
    assert message is not None
    return found


def ends(client: WireClient, topic: str) -> tuple[int, int]:
    """The high watermark and the last stable offset."""
    answer = client.fetch(topic, 0)
    return answer["high_watermark"], answer["last_stable_offset"]


async def test_commit_and_abort(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        writer = producer(site)
        for values, end in (((b"a", b"b"), "commit"), ((b"c",), "abort"), ((b"d",), "commit")):
            writer.begin_transaction()
            for value in values:
                writer.produce(topic, value)
            writer.flush(30)  # an abort would drop what is still queued
            getattr(writer, f"{end}_transaction")(30)
        with site.client() as client:
            return seen(site, COMMITTED), seen(site, UNCOMMITTED), ends(client, topic)

    committed, uncommitted, marks = await both(scenario)
    # Each end of a transaction is a record of its own, which readers skip.
    assert committed == [(0, b"a"), (1, b"b"), (5, b"d")]
    assert uncommitted[:2] == committed[:2]
    assert uncommitted[-1] == (5, b"d")
    assert marks == (7, 7)


async def test_an_open_transaction_holds_readers_back(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        plain = Producer({"bootstrap.servers": site.address})
        plain.produce(topic, b"before")
        plain.flush(30)
        writer = producer(site)
        writer.begin_transaction()
        writer.produce(topic, b"open")
        writer.flush(30)
        plain.produce(topic, b"behind")
        plain.flush(30)
        with site.client() as client:
            during = seen(site, COMMITTED), seen(site, UNCOMMITTED), ends(client, topic), _latest(client, topic)
            writer.commit_transaction(30)
            return during, seen(site, COMMITTED), ends(client, topic), _latest(client, topic)

    during, after, marks, latest = await both(scenario)
    everything = [(0, b"before"), (1, b"open"), (2, b"behind")]
    assert during == (everything[:1], everything, (3, 1), [3, 1])
    assert (after, marks, latest) == (everything, (4, 4), [4, 4])


def _latest(client: WireClient, topic: str) -> list[int]:
    """The end of the log for readers of all and of committed records."""
    topics = [{"name": topic, "partitions": [{"index": 0, "timestamp": -1}]}]
    answers = [client.call("ListOffsets", 7, replica_id=-1, isolation_level=level, topics=topics) for level in (0, 1)]
    return [each["topics"][0]["partitions"][0]["offset"] for each in answers]


async def test_a_second_producer_fences_the_first(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        first = producer(site)
        first.begin_transaction()
        first.produce(topic, b"lost")
        first.flush(30)
        second = producer(site)
        failed = _failure(lambda: first.commit_transaction(30))
        second.begin_transaction()
        second.produce(topic, b"kept")
        second.commit_transaction(30)
        return failed, [value for _, value in seen(site, COMMITTED)]

    failed, committed = await both(scenario)
    assert failed in {"_FENCED", "PRODUCER_FENCED"}
    assert committed == [b"kept"]


def _failure(call: Any) -> str:
    try:
        call()
    except KafkaException as error:
        return str(error.args[0].name())
    return "ok"


async def test_offsets_move_with_the_records(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        plain = Producer({"bootstrap.servers": site.address})
        for number in range(4):
            plain.produce(topic, b"%d" % number)
        plain.flush(30)
        options = {"bootstrap.servers": site.address, "group.id": site.name, "auto.offset.reset": "earliest"}
        reader = Consumer({**options, "enable.auto.commit": False})
        reader.subscribe([topic])
        assert reader.poll(20) is not None
        writer = producer(site)
        committed = []
        for offset, end in ((1, "abort"), (2, "commit"), (3, "abort")):
            writer.begin_transaction()
            writer.send_offsets_to_transaction([Place(topic, 0, offset)], reader.consumer_group_metadata(), 30)
            getattr(writer, f"{end}_transaction")(30)
            committed.append(reader.committed([Place(topic, 0)], 30)[0].offset)
        reader.close()
        return committed

    assert await both(scenario) == [-1001, 2, 2]


async def test_aiokafka_copies_in_transactions(both: Both) -> None:
    async def scenario(site: Site) -> Any:
        source, target = f"{site.name}-source", site.name
        await asyncio.to_thread(site.broker.create_topics, source, target)
        place = TopicPartition(source, 0)
        options: dict[str, Any] = {"bootstrap_servers": site.address}
        async with AIOKafkaProducer(**options) as plain:
            for number in range(6):
                await plain.send_and_wait(source, b"%d" % number)
        async with AIOKafkaProducer(**options, transactional_id=site.name) as writer:
            for offset in (0, 2, 4):
                await writer.begin_transaction()
                for number in (offset, offset + 1):
                    await writer.send_and_wait(target, b"copy of %d" % number)
                await writer.send_offsets_to_transaction({place: offset + 2}, f"{site.name}-group")
                await (writer.abort_transaction() if offset == 2 else writer.commit_transaction())
        reader = AIOKafkaConsumer(
            target, **options, group_id=f"{site.name}-group", auto_offset_reset="earliest", isolation_level=COMMITTED
        )
        await reader.start()
        try:
            values = [(await asyncio.wait_for(reader.getone(), 20)).value for _ in range(4)]
            committed = await reader.committed(place)
        finally:
            await reader.stop()
        return values, committed

    assert await both(scenario) == ([b"copy of 0", b"copy of 1", b"copy of 4", b"copy of 5"], 6)


async def test_a_fenced_aiokafka_producer_is_told(both: Both) -> None:
    async def scenario(site: Site) -> Any:
        await asyncio.to_thread(site.topic)
        options: dict[str, Any] = {"bootstrap_servers": site.address, "transactional_id": site.name}
        async with AIOKafkaProducer(**options) as first:
            await first.begin_transaction()
            await first.send_and_wait(site.name, b"lost")
            async with AIOKafkaProducer(**options) as second:
                sent = await attempt(first.send_and_wait(site.name, b"late"))
                async with second.transaction():
                    await second.send_and_wait(site.name, b"kept")
        return sent, [value for _, value in await asyncio.to_thread(seen, site, COMMITTED)]

    sent, committed = await both(scenario)
    assert sent == "ProducerFenced"
    assert committed == [b"kept"]


async def test_a_transaction_on_the_wire(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic(2)
        with site.client() as client:
            who = _begin(client, site)
            places = [{"name": topic, "partitions": [0, 9]}]
            wrong = said(client.call("AddPartitionsToTxn", 3, **who, topics=places))["topics"][0]["partitions"]
            wrong = {each["index"]: each["error_code"] for each in wrong}
            unknown = code(_write(client, topic, who, 0))
            _add(client, who, topic)
            written = [code(_write(client, topic, who, sequence)) for sequence in (0, 1)]
            stale = {**who, "producer_epoch": who["producer_epoch"] - 1}
            refused = [
                code(insist(client, "EndTxn", 3, **who_else, committed=True)["error_code"])
                for who_else in (
                    stale,
                    {**who, "producer_id": who["producer_id"] + 99},
                    {**who, "transactional_id": "none"},
                )
            ]
            ended = [code(insist(client, "EndTxn", 3, **who, committed=True)["error_code"]) for _ in range(2)]
            aborted = code(insist(client, "EndTxn", 3, **who, committed=False)["error_code"])
            stored = [offset for offset, _ in read(client.fetch(topic, 0)["records"])]
        return wrong, unknown, written, refused, ended, aborted, stored

    wrong, unknown, written, refused, ended, aborted, stored = await both(scenario)
    assert wrong == {0: "OPERATION_NOT_ATTEMPTED", 9: "UNKNOWN_TOPIC_OR_PART"}
    assert (unknown, written) == ("INVALID_TXN_STATE", ["NO_ERROR", "NO_ERROR"])
    assert refused == ["PRODUCER_FENCED", "INVALID_PRODUCER_ID_MAPPING", "INVALID_PRODUCER_ID_MAPPING"]
    assert (ended, aborted) == (["NO_ERROR", "NO_ERROR"], "INVALID_TXN_STATE")
    assert stored == [0, 1]


async def test_an_aborted_transaction_is_named_to_readers_of_committed_records(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        with site.client() as client:
            who = _begin(client, site)
            _add(client, who, topic)
            _write(client, topic, who, 0)
            insist(client, "EndTxn", 3, **who, committed=False)
            while ends(client, topic)[1] < 2:
                pass
            partitions = [{"partition": 0, "fetch_offset": 0, "partition_max_bytes": 1 << 20}]
            topics = [{"topic": topic, "partitions": partitions}]
            limits = {"replica_id": -1, "max_wait_ms": 0, "min_bytes": 1, "max_bytes": 1 << 20, "isolation_level": 1}
            answer = client.call("Fetch", 11, **limits, topics=topics)["topics"][0]["partitions"][0]
        named = [
            (each["producer_id"] == who["producer_id"], each["first_offset"]) for each in answer["aborted_transactions"]
        ]
        return named, len(read(answer["records"]))

    named, _ = await both(scenario)
    assert named == [(True, 0)]


async def test_transactions_are_listed_and_described(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        with site.client() as client:
            who = _begin(client, site)
            states = [_described(client, site)]
            _add(client, who, topic)
            states.append(_described(client, site))
            listed = client.call("ListTransactions", 0, state_filters=["Ongoing"], producer_id_filters=[])
            ours = [each["state"] for each in listed["transactions"] if each["id"] == site.name]
            insist(client, "EndTxn", 3, **who, committed=True)
            while (last := _described(client, site))[0] == "PrepareCommit":
                pass
            unknown = client.call("DescribeTransactions", 0, ids=[f"{site.name}-none"])["transactions"][0]
        return states, ours, last, code(unknown["error_code"])

    states, ours, last, unknown = await both(scenario)
    topics = [{"name": both.apache.name, "partitions": [0]}]
    assert states == [("Empty", 60_000, []), ("Ongoing", 60_000, topics)]
    assert (ours, unknown) == (["Ongoing"], "TRANSACTIONAL_ID_NOT_FOUND")
    assert last == ("CompleteCommit", 60_000, [])


def _described(client: WireClient, site: Site) -> Any:
    found = client.call("DescribeTransactions", 0, ids=[site.name])["transactions"][0]
    return found["state"], found["timeout_ms"], found["topics"]


async def test_a_transaction_that_takes_too_long_is_aborted(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        with site.client() as client:
            who = _begin(client, site, timeout_ms=1000)
            _add(client, who, topic)
            _write(client, topic, who, 0)
            while ends(client, topic)[1] < 2:
                time.sleep(0.05)
            late = code(insist(client, "EndTxn", 3, **who, committed=True)["error_code"])
            more = code(_write(client, topic, who, 1))
            again = new_producer(client, transactional_id=site.name)
        return late, more, again[0] == who["producer_id"], seen(site, COMMITTED)

    late, more, same, committed = await both(scenario)
    assert late == "PRODUCER_FENCED"
    assert more == "INVALID_PRODUCER_EPOCH"
    assert (same, committed) == (True, [])


async def test_time_outs_have_limits(both: Both) -> None:
    def scenario(site: Site) -> Any:
        answers = []
        with site.client() as client:
            for timeout in (0, -1, 1 << 30, 1000):
                message = {"transactional_id": site.name, "transaction_timeout_ms": timeout}
                answers.append(code(insist(client, "InitProducerId", 4, **message)["error_code"]))
            empty = insist(client, "InitProducerId", 4, transactional_id="", transaction_timeout_ms=1000)
        return answers, code(empty["error_code"])

    invalid = "INVALID_TRANSACTION_TIMEOUT"
    assert await both(scenario) == ([invalid, invalid, invalid, "NO_ERROR"], "INVALID_REQUEST")


def _begin(client: WireClient, site: Site, timeout_ms: int = 60_000) -> dict[str, Any]:
    """What a transactional producer says of itself in each request; its epoch is the second."""
    new_producer(client, transactional_id=site.name, transaction_timeout_ms=timeout_ms)
    number, epoch = new_producer(client, transactional_id=site.name, transaction_timeout_ms=timeout_ms)
    return {"transactional_id": site.name, "producer_id": number, "producer_epoch": epoch}


def _add(client: WireClient, who: dict[str, Any], topic: str) -> None:
    while True:
        answer = client.call("AddPartitionsToTxn", 3, **who, topics=[{"name": topic, "partitions": [0]}])
        error = answer["topics"][0]["partitions"][0]["error_code"]
        if error not in BUSY:
            assert error == 0, code(error)
            return


def _write(client: WireClient, topic: str, who: dict[str, Any], sequence: int) -> int:
    data = batch([b"x"], producer=(who["producer_id"], who["producer_epoch"], sequence), transactional=True)
    topics = [{"name": topic, "partitions": [{"index": 0, "records": data}]}]
    message = {"acks": -1, "timeout_ms": 1000, "transactional_id": who["transactional_id"], "topics": topics}
    while True:
        answer = client.call("Produce", 8, **message)
        error: int = answer["topics"][0]["partitions"][0]["error_code"]
        if error != NOT_LEADER:  # the partition's leader has no connection to the coordinator yet
            return error
