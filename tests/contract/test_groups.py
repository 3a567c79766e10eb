"""Consumer groups as clients use them: sharing partitions, going on where one was, and their administration."""

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException
from confluent_kafka import TopicPartition as Place
from confluent_kafka import admin as confluent_admin_module

from tests.broker.batches import batch
from tests.contract.both import Both, Site, code, outcome, said

pytestmark = [pytest.mark.kafka, pytest.mark.apache]

confluent: Any = confluent_admin_module
QUICK = {"session_timeout_ms": 6_000, "heartbeat_interval_ms": 200, "enable_auto_commit": False}


def filled(site: Site, partitions: int = 1, count: int = 10) -> str:
    topic = site.topic(partitions)
    with site.client() as client:
        for partition in range(partitions):
            client.produce(topic, batch([b"%d-%d" % (partition, number) for number in range(count)]), partition)
    return topic


def consumer(site: Site, **settings: Any) -> Any:
    options = {"bootstrap.servers": site.address, "group.id": site.name, "auto.offset.reset": "earliest"}
    return Consumer(
        {**options, "enable.auto.commit": False, "session.timeout.ms": 6000, "heartbeat.interval.ms": 200, **settings}
    )


async def taken(reader: Any, count: int) -> list[Any]:
    found: list[Any] = []
    async with asyncio.timeout(60):
        while len(found) < count:
            for records in (await reader.getmany(timeout_ms=200)).values():
                found += [(record.partition, record.offset, record.value) for record in records]
    return sorted(found)


async def test_aiokafka_members_share_and_go_on(both: Both) -> None:
    async def scenario(site: Site) -> Any:
        topic = await asyncio.to_thread(filled, site, 4)
        options: dict[str, Any] = {"bootstrap_servers": site.address, "group_id": site.name, **QUICK}
        first, second = (AIOKafkaConsumer(topic, auto_offset_reset="earliest", **options) for _ in range(2))
        await first.start()
        try:
            everything = await taken(first, 40)
            await first.commit({TopicPartition(topic, number): number for number in range(4)})
            await second.start()
            async with asyncio.timeout(60):
                while not (len(first.assignment()) == len(second.assignment()) == 2):
                    await first.getmany(timeout_ms=50)
                    await second.getmany(timeout_ms=50)
            shares = sorted(place.partition for place in first.assignment() | second.assignment())
            committed = [await second.committed(TopicPartition(topic, number)) for number in range(4)]
            await first.stop()
            async with asyncio.timeout(60):
                while len(second.assignment()) != 4:
                    await second.getmany(timeout_ms=50)
        finally:
            await first.stop()
            await second.stop()
        third = AIOKafkaConsumer(topic, auto_offset_reset="none", **options)
        await third.start()
        try:
            rest = await taken(third, 34)
        finally:
            await third.stop()
        return everything, shares, committed, rest

    everything, shares, committed, rest = await both(scenario)
    assert len(everything) == 40
    assert (shares, committed) == ([0, 1, 2, 3], [0, 1, 2, 3])
    assert rest == [each for each in everything if each[1] >= each[0]]


@pytest.mark.parametrize("strategy", ["range", "cooperative-sticky"])
async def test_confluent_members_share(both: Both, strategy: str) -> None:
    def scenario(site: Site) -> Any:
        topic = filled(site, 4)
        readers = [consumer(site, **{"partition.assignment.strategy": strategy}) for _ in range(2)]
        for reader in readers:
            reader.subscribe([topic])
        while [len(reader.assignment()) for reader in readers] != [2, 2]:
            for reader in readers:
                reader.poll(0.05)
        shares = sorted(place.partition for reader in readers for place in reader.assignment())
        readers[0].close()
        while len(readers[1].assignment()) != 4:
            readers[1].poll(0.05)
        readers[1].close()
        return shares

    assert await both(scenario) == [0, 1, 2, 3]


async def test_a_static_member_keeps_its_partitions(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = filled(site, 2)
        assigned = []
        for _ in range(2):
            reader = consumer(site, **{"group.instance.id": "one"})
            reader.subscribe([topic])
            while not reader.assignment():
                reader.poll(0.05)
            assigned.append(sorted(place.partition for place in reader.assignment()))
            reader.close()
        return assigned, reader_state(site)

    assert await both(scenario) == ([[0, 1], [0, 1]], ("STABLE", 1))


def reader_state(site: Site) -> Any:
    admin = confluent.AdminClient({"bootstrap.servers": site.address})
    described = admin.describe_consumer_groups([site.name])[site.name].result(20)
    return described.state.name, len(described.members)


async def test_offsets_and_their_words_are_kept(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = filled(site, 2)
        reader = consumer(site)
        stored = reader.commit(offsets=[Place(topic, 0, 7, metadata="so far"), Place(topic, 1, 3)], asynchronous=False)
        found = reader.committed([Place(topic, 0), Place(topic, 1)], timeout=20)
        none = reader.committed([Place(f"{topic}-none", 0)], timeout=20)
        try:
            reader.commit(offsets=[Place(f"{topic}-none", 0, 1)], asynchronous=False)
            unknown = "ok"
        except KafkaException as error:
            unknown = error.args[0].name()
        reader.close()
        return [each.offset for each in stored], [(e.offset, e.metadata) for e in found], none[0].offset, unknown

    assert await both(scenario) == ([7, 3], [(7, "so far"), (3, None)], -1001, "UNKNOWN_TOPIC_OR_PART")


async def test_what_is_fetched_of_offsets(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic(2)
        with site.client() as client:
            committed = [
                _commit(client, site.name, topic, offset, metadata)
                for offset, metadata in ((5, "m"), (9, "x" * 4096), (9, "x" * 4097), (-5, ""), (1 << 40, None))
            ]
            for_topic = {"topics": [{"name": topic, "partitions": [0, 1, 9]}]}
            answers = [
                said(client.call("OffsetFetch", 7, group_id=site.name, **for_topic)),
                said(client.call("OffsetFetch", 7, group_id=site.name, topics=None)),
                said(client.call("OffsetFetch", 5, group_id=f"{site.name}-none", topics=None)),
                said(client.call("OffsetFetch", 8, groups=[{"group_id": site.name, **for_topic}], require_stable=True)),
            ]
        return committed, answers

    committed, answers = await both(scenario)
    assert committed == ["NO_ERROR", "NO_ERROR", "OFFSET_METADATA_TOO_LARGE", "NO_ERROR", "NO_ERROR"]
    none = {"offset": -1, "metadata": "", "error_code": "NO_ERROR"}
    last = {"index": 0, "offset": 1 << 40, "metadata": "", "error_code": "NO_ERROR"}
    every = [last, {"index": 1, **none}, {"index": 9, **none}]
    assert [(each["error_code"], each["topics"]) for each in answers[:3]] == [
        ("NO_ERROR", [{"name": both.apache.name, "partitions": every}]),
        ("NO_ERROR", [{"name": both.apache.name, "partitions": [last]}]),
        ("NO_ERROR", []),
    ]
    assert answers[3]["groups"][0]["topics"] == answers[0]["topics"]


def _commit(client: Any, group: str, topic: str, offset: int, metadata: str | None) -> str:
    topics = [{"name": topic, "partitions": [{"index": 0, "offset": offset, "metadata": metadata}]}]
    answer = client.call("OffsetCommit", 7, group_id=group, generation_id=-1, member_id="", topics=topics)
    return code(answer["topics"][0]["partitions"][0]["error_code"])


async def test_groups_are_listed_described_and_deleted(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = filled(site)
        admin = confluent.AdminClient({"bootstrap.servers": site.address})
        reader = consumer(site)
        reader.subscribe([topic])
        assert reader.poll(20) is not None
        reader.commit(asynchronous=False)
        used = _listed(admin, site), reader_state(site), outcome(admin.delete_consumer_groups([site.name])[site.name])
        reader.close()
        unused = _listed(admin, site), reader_state(site)
        deleted = [outcome(admin.delete_consumer_groups([site.name])[site.name]) for _ in range(2)]
        with site.client() as client:
            left = client.call("OffsetFetch", 7, group_id=site.name, topics=None)["topics"]
        return used, unused, deleted, _listed(admin, site), left

    used, unused, deleted, listed, left = await both(scenario)
    assert used == (["STABLE"], ("STABLE", 1), "NON_EMPTY_GROUP")
    assert unused == (["EMPTY"], ("EMPTY", 0))
    assert deleted == ["ok", "GROUP_ID_NOT_FOUND"]
    assert (listed, left) == ([], [])


def _listed(admin: Any, site: Site) -> list[str]:
    groups = admin.list_consumer_groups().result(20).valid
    return [group.state.name for group in groups if group.group_id == site.name]


async def test_offsets_are_set_from_outside(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = filled(site)
        admin = confluent.AdminClient({"bootstrap.servers": site.address})
        new = ConsumerGroupTopicPartitions(site.name, [Place(topic, 0, 4)])
        empty = _set_offsets(admin, new)
        listed = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(site.name)])[site.name].result(20)
        reader = consumer(site)
        reader.subscribe([topic])
        first = reader.poll(20).offset()
        busy = _set_offsets(admin, new)
        reader.close()
        return empty, [(each.partition, each.offset) for each in listed.topic_partitions], first, busy

    assert await both(scenario) == ([None], [(0, 4)], 4, ["UNKNOWN_MEMBER_ID"])


def _set_offsets(admin: Any, new: ConsumerGroupTopicPartitions) -> list[str | None]:
    done = admin.alter_consumer_group_offsets([new])[new.group_id].result(20)
    return [each.error and each.error.name() for each in done.topic_partitions]


async def test_offsets_are_forgotten_one_by_one(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic(2)
        places = [{"name": topic, "partitions": [{"index": 0}, {"index": 9}]}]
        with site.client() as client:
            _commit(client, site.name, topic, 5, "")
            deleted = said(client.call("OffsetDelete", 0, group_id=site.name, topics=places))
            left = client.call("OffsetFetch", 7, group_id=site.name, topics=None)["topics"]
            unknown = said(client.call("OffsetDelete", 0, group_id=f"{site.name}-none", topics=places))
        answers = {each["index"]: each["error_code"] for each in deleted["topics"][0]["partitions"]}
        return deleted["error_code"], answers, left, unknown["error_code"]

    assert await both(scenario) == (
        "NO_ERROR", {0: "NO_ERROR", 9: "UNKNOWN_TOPIC_OR_PART"}, [], "GROUP_ID_NOT_FOUND",
    )  # fmt: skip


@pytest.mark.parametrize(("reset", "expected"), [("earliest", 0), ("latest", 10), ("error", "_AUTO_OFFSET_RESET")])
async def test_where_a_group_without_offsets_starts(both: Both, reset: str, expected: Any) -> None:
    def scenario(site: Site) -> Any:
        topic = filled(site)
        reader = consumer(site, **{"auto.offset.reset": reset, "enable.partition.eof": True})
        reader.subscribe([topic])
        message = reader.poll(20)
        reader.close()
        error = message.error()
        return error.name() if error and error.name() != "_PARTITION_EOF" else message.offset()

    assert await both(scenario) == expected


async def test_aiokafka_administers_groups(both: Both) -> None:
    async def scenario(site: Site) -> Any:
        topic = await asyncio.to_thread(filled, site)
        with site.client() as client:
            _commit(client, site.name, topic, 6, "m")
        admin = AIOKafkaAdminClient(bootstrap_servers=site.address)
        await admin.start()
        try:
            listed = [each for each in await admin.list_consumer_groups() if each[0] == site.name]
            offsets = await admin.list_consumer_group_offsets(site.name)
            described = (await admin.describe_consumer_groups([site.name]))[0].groups[0]
        finally:
            await admin.close()
        return len(listed), [(place.partition, *kept) for place, kept in offsets.items()], described[0], described[2]

    assert await both(scenario) == (1, [(0, 6, "m")], 0, "Empty")
