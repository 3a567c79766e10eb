"""Finding a place in a log: its ends, a time, a position of one's own; and cutting its start off."""

from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as Place
from confluent_kafka import admin as confluent_admin_module

from tests.broker.batches import batch, read
from tests.broker.client import WireClient
from tests.contract.both import Both, Site, code

pytestmark = [pytest.mark.kafka, pytest.mark.apache]

confluent: Any = confluent_admin_module
LATEST, EARLIEST, LARGEST_TIME = -1, -2, -3


def filled(site: Site, client: WireClient, codec: str = "none") -> str:
    """A topic with nine records in three batches, at 1000, 2000 ... 9000 ms."""
    topic = site.topic()
    for first in (1, 4, 7):
        times = [1000 * number for number in range(first, first + 3)]
        client.produce(topic, batch([b"%d" % time for time in times], timestamps=times, codec=codec))
    return topic


def look_up(client: WireClient, topic: str, time: int, version: int = 7, partition: int = 0) -> tuple[str, int, int]:
    partitions = [{"index": partition, "timestamp": time}]
    answer = client.call("ListOffsets", version, replica_id=-1, topics=[{"name": topic, "partitions": partitions}])
    found = answer["topics"][0]["partitions"][0]
    return code(found["error_code"]), found["offset"], found["timestamp"]


# A time, the offset and the time that are found: the first record that is not older.
TIMES = [
    (0, 0, 1000), (1000, 0, 1000), (1001, 1, 2000), (2500, 2, 3000), (3000, 2, 3000), (3500, 3, 4000),
    (5000, 4, 5000), (8999, 8, 9000), (9000, 8, 9000), (9001, -1, -1), (1 << 60, -1, -1),
]  # fmt: skip


@pytest.mark.parametrize("codec", ["none", "gzip", "zstd", "snappy", "lz4"])
async def test_a_time_finds_the_record_also_inside_a_batch(both: Both, codec: str) -> None:
    def scenario(site: Site) -> Any:
        with site.client() as client:
            topic = filled(site, client, codec)
            return [look_up(client, topic, time) for time, _, _ in TIMES]

    assert await both(scenario) == [("NO_ERROR", offset, time) for _, offset, time in TIMES]


async def test_the_ends(both: Both) -> None:
    def scenario(site: Site) -> Any:
        with site.client() as client:
            topic = filled(site, client)
            ends = [look_up(client, topic, time, version)[:2] for time in (EARLIEST, LATEST) for version in (1, 3, 7)]
            largest = look_up(client, topic, LARGEST_TIME)
            unknown = look_up(client, topic, LATEST, partition=9)
            empty = f"{topic}-empty"
            site.broker.create_topics(empty)
            nothing = [look_up(client, empty, time)[:2] for time in (EARLIEST, LATEST, 5)]
        return ends, largest, unknown[0], nothing

    ends, largest, unknown, nothing = await both(scenario)
    assert ends == [("NO_ERROR", 0)] * 3 + [("NO_ERROR", 9)] * 3
    assert largest == ("NO_ERROR", 8, 9000)
    assert unknown == "UNKNOWN_TOPIC_OR_PART"
    assert nothing == [("NO_ERROR", 0), ("NO_ERROR", 0), ("NO_ERROR", -1)]


async def test_times_that_go_back(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        with site.client() as client:
            for times in ([5000, 1000], [3000], [9000, 2000]):
                client.produce(topic, batch([b"x"] * len(times), timestamps=times))
            return [look_up(client, topic, time)[1] for time in (1000, 2000, 4000, 6000)], look_up(
                client, topic, LARGEST_TIME
            )

    assert await both(scenario) == ([0, 0, 0, 3], ("NO_ERROR", 3, 9000))


async def test_aiokafka_seeks(both: Both) -> None:
    async def scenario(site: Site) -> Any:
        with site.client() as client:
            topic = filled(site, client)
        place = TopicPartition(topic, 0)
        consumer = AIOKafkaConsumer(bootstrap_servers=site.address)
        await consumer.start()
        try:
            consumer.assign([place])
            ends = (await consumer.beginning_offsets([place]))[place], (await consumer.end_offsets([place]))[place]
            found = (await consumer.offsets_for_times({place: 4500}))[place]
            beyond = (await consumer.offsets_for_times({place: 99_999}))[place]
            seen = []
            for offset in (5, 0, 8):
                consumer.seek(place, offset)
                seen.append((await consumer.getone()).value)
            await consumer.seek_to_end(place)
            last = await consumer.position(place)
            await consumer.seek_to_beginning(place)
            seen.append((await consumer.getone()).value)
        finally:
            await consumer.stop()
        return ends, tuple(found), beyond, seen, last

    ends, found, beyond, seen, last = await both(scenario)
    assert (ends, found, beyond, last) == ((0, 9), (4, 5000), None, 9)
    assert seen == [b"6000", b"1000", b"9000", b"1000"]


async def test_confluent_seeks(both: Both) -> None:
    def scenario(site: Site) -> Any:
        with site.client() as client:
            topic = filled(site, client)
        options = {"bootstrap.servers": site.address, "group.id": topic, "enable.partition.eof": True}
        consumer = Consumer({**options, "auto.offset.reset": "error"})
        marks = consumer.get_watermark_offsets(Place(topic, 0), timeout=20)
        found = consumer.offsets_for_times([Place(topic, 0, 4500), Place(topic, 0, 99_999)], timeout=20)
        consumer.assign([Place(topic, 0, 8)])
        last: Any = consumer.poll(20)
        end: Any = consumer.poll(20)
        consumer.seek(Place(topic, 0, 77))
        beyond: Any = consumer.poll(20)
        consumer.close()
        return marks, [each.offset for each in found], last.value(), end.error().name(), beyond.error().name()

    # Both times go into one request for one partition: the later one is what counts.
    marks, found, last, end, beyond = await both(scenario)
    assert (marks, last, end, beyond) == ((0, 9), b"9000", "_PARTITION_EOF", "_AUTO_OFFSET_RESET")
    assert found[-1] == -1


async def test_records_are_deleted_up_to_an_offset(both: Both) -> None:
    def scenario(site: Site) -> Any:
        admin = confluent.AdminClient({"bootstrap.servers": site.address})
        said: list[Any] = []
        with site.client() as client:
            topic = filled(site, client)
            for offset in (5, 2, 50, 9):
                future = admin.delete_records([Place(topic, 0, offset)])
                said.append(_low_watermark(next(iter(future.values()))))
                said.append((look_up(client, topic, EARLIEST)[1], look_up(client, topic, 0)[1]))
            gone = client.fetch(topic, 4)
            left = client.fetch(topic, 9)
            unknown = admin.delete_records([Place(f"{topic}-none", 0, 1)])
            said.append(_low_watermark(next(iter(unknown.values()))))
        return said, code(gone["error_code"]), read(left["records"] or b""), left["log_start_offset"]

    said, gone, left, start = await both(scenario)
    assert said == [
        5, (5, 5), 5, (5, 5), "OFFSET_OUT_OF_RANGE", (5, 5), 9, (9, -1), "_NOENT",
    ]  # fmt: skip
    assert (gone, left, start) == ("OFFSET_OUT_OF_RANGE", [], 9)


async def test_a_reader_inside_a_batch_whose_start_was_deleted(both: Both) -> None:
    def scenario(site: Site) -> Any:
        admin = confluent.AdminClient({"bootstrap.servers": site.address})
        with site.client() as client:
            topic = filled(site, client)
        next(iter(admin.delete_records([Place(topic, 0, 4)]).values())).result(20)
        consumer = Consumer({"bootstrap.servers": site.address, "group.id": topic, "auto.offset.reset": "earliest"})
        consumer.assign([Place(topic, 0)])
        taken = [each.value() for each in consumer.consume(5, 20)]
        consumer.close()
        return taken

    assert await both(scenario) == [b"5000", b"6000", b"7000", b"8000", b"9000"]


def _low_watermark(future: Any) -> int | str:
    try:
        return int(future.result(20).low_watermark)
    except KafkaException as error:
        return str(error.args[0].name())


async def test_the_epoch_of_a_leader(both: Both) -> None:
    def scenario(site: Site) -> Any:
        with site.client() as client:
            topic = filled(site, client)
            answers = []
            for name, current, asked in ((topic, -1, 0), (topic, 0, 0), (topic, 7, 0), (topic, -1, 7), ("none", -1, 0)):
                partitions = [{"index": 0, "current_leader_epoch": current, "leader_epoch": asked}]
                answer = client.call(
                    "OffsetForLeaderEpoch", 3, replica_id=-2, topics=[{"name": name, "partitions": partitions}]
                )
                found = answer["topics"][0]["partitions"][0]
                answers.append((code(found["error_code"]), found["leader_epoch"], found["end_offset"]))
        return answers

    assert await both(scenario) == [
        ("NO_ERROR", 0, 9), ("NO_ERROR", 0, 9), ("UNKNOWN_LEADER_EPOCH", -1, -1), ("NO_ERROR", -1, -1),
        ("UNKNOWN_TOPIC_OR_PART", -1, -1),
    ]  # fmt: skip
