"""What comes out as it went in, and what is refused on the way in or out."""

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import MessageSizeTooLargeError
from confluent_kafka import Consumer, KafkaException, Producer

from tests.broker.batches import CODECS, batch, read
from tests.broker.client import fetch_message
from tests.contract.both import Both, Site, attempt, code, said

pytestmark = [pytest.mark.kafka, pytest.mark.apache]

HEADERS = [("same", b"1"), ("same", b"2"), ("empty", b""), ("null", None), ("", b"no name"), ("ümlaut", b"\xff\x00")]
# key, value, headers
RECORDS: list[tuple[bytes | None, bytes | None, list[Any]]] = [
    (b"key", b"value", []),
    (None, b"no key", []),
    (b"tombstone", None, []),
    (b"", b"", []),
    (b"headers", b"value", HEADERS),
    (b"large", b"x" * 100_000, []),
]


async def by_aiokafka(site: Site, topic: str, records: list[Any], **settings: Any) -> list[int]:
    """The offsets the records got."""
    options: dict[str, Any] = {"bootstrap_servers": site.address, "linger_ms": 20, **settings}
    async with AIOKafkaProducer(**options) as producer:
        futures = [
            await producer.send(
                topic, value, key, partition=0, timestamp_ms=1_700_000_000_000 + number, headers=headers
            )
            for number, (key, value, headers) in enumerate(records)
        ]
        return [(await future).offset for future in futures]


async def read_by_aiokafka(site: Site, topic: str, count: int, **settings: Any) -> list[Any]:
    place = TopicPartition(topic, 0)
    options: dict[str, Any] = {"bootstrap_servers": site.address, "auto_offset_reset": "earliest", **settings}
    taken: list[Any] = []
    consumer = AIOKafkaConsumer(**options)
    await consumer.start()
    try:
        consumer.assign([place])
        async with asyncio.timeout(60):
            while len(taken) < count:
                taken += (await consumer.getmany(timeout_ms=200)).get(place, [])
    finally:
        await consumer.stop()
    return [(r.offset, r.timestamp, r.timestamp_type, r.key, r.value, list(r.headers)) for r in taken]


def by_confluent(site: Site, topic: str, records: list[Any], **settings: Any) -> list[Any]:
    """The offsets, or the names of the errors, the records got."""
    got: list[Any] = []
    producer = Producer({"bootstrap.servers": site.address, "linger.ms": 20, **settings})
    for number, (key, value, headers) in enumerate(records):
        producer.produce(
            topic, value, key, 0, timestamp=1_700_000_000_000 + number, headers=headers,
            on_delivery=lambda error, message: got.append(error.name() if error else message.offset()),
        )  # fmt: skip
    assert producer.flush(30) == 0
    return got


def read_by_confluent(site: Site, topic: str, count: int, **settings: Any) -> list[Any]:
    options = {"bootstrap.servers": site.address, "group.id": topic, "auto.offset.reset": "earliest"}
    consumer = Consumer({**options, "enable.auto.commit": False, **settings})
    try:
        consumer.subscribe([topic])
        taken: list[Any] = []
        while len(taken) < count:
            found = consumer.consume(count - len(taken), 20)
            assert found, f"only {len(taken)} of {count} records came"
            taken += found
    finally:
        consumer.close()
    return [(m.offset(), m.timestamp(), m.key(), m.value(), m.headers() or []) for m in taken]


@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
async def test_aiokafka_reads_what_it_wrote(both: Both, codec: str | None) -> None:
    async def scenario(site: Site) -> Any:
        topic = await asyncio.to_thread(site.topic)
        offsets = await by_aiokafka(site, topic, RECORDS, compression_type=codec)
        return offsets, await read_by_aiokafka(site, topic, len(RECORDS))

    offsets, records = await both(scenario)
    assert offsets == list(range(len(RECORDS)))
    assert records == [
        (number, 1_700_000_000_000 + number, 0, key, value, headers)
        for number, (key, value, headers) in enumerate(RECORDS)
    ]


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
async def test_confluent_reads_what_it_wrote(both: Both, codec: str) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        offsets = by_confluent(site, topic, RECORDS, **{"compression.type": codec})
        return offsets, read_by_confluent(site, topic, len(RECORDS))

    offsets, records = await both(scenario)
    assert offsets == list(range(len(RECORDS)))
    assert records == [
        (number, (1, 1_700_000_000_000 + number), key, value, headers)
        for number, (key, value, headers) in enumerate(RECORDS)
    ]


async def test_each_client_reads_what_the_other_wrote(both: Both) -> None:
    async def scenario(site: Site) -> Any:
        topic = await asyncio.to_thread(site.topic)
        await by_aiokafka(site, topic, RECORDS, compression_type="zstd")
        await asyncio.to_thread(by_confluent, site, topic, RECORDS, **{"compression.type": "zstd"})
        ours = await read_by_aiokafka(site, topic, 2 * len(RECORDS))
        theirs = await asyncio.to_thread(read_by_confluent, site, topic, 2 * len(RECORDS))
        return [each[3:] for each in ours], [each[2:] for each in theirs]

    ours, theirs = await both(scenario)
    assert ours == theirs == [*RECORDS, *RECORDS]


async def test_batches_keep_their_place(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        with site.client() as client:
            stored = [
                said(client.produce(topic, batch([b"%d" % number for number in range(count)], codec=codec)))
                for count, codec in ((3, "none"), (5, "zstd"), (1, "gzip"))
            ]
            read_back = [client.fetch(topic, offset) for offset in (0, 4, 8, 9)]
        return stored, [(read(each["records"] or b""), each["high_watermark"]) for each in read_back]

    stored, fetched = await both(scenario)
    assert [each["base_offset"] for each in stored] == [0, 3, 8]
    assert [(len(records), high) for records, high in fetched] == [(9, 9), (6, 9), (1, 9), (0, 9)]


DAMAGED = batch([b"one", b"two"])
BAD_BATCHES = {
    "a flipped bit": DAMAGED[:-1] + bytes([DAMAGED[-1] ^ 1]),
    "cut short": DAMAGED[:-3],
    "nothing": b"",
    "another format": DAMAGED[:16] + b"\x01" + DAMAGED[17:],
    "two batches": DAMAGED * 2,
}


@pytest.mark.parametrize("damage", BAD_BATCHES)
async def test_damage_is_refused(both: Both, damage: str) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        with site.client() as client:
            answer = client.produce(topic, BAD_BATCHES[damage])
            end = client.offset_at(topic, -1)[0]
        return code(answer["error_code"]), end

    expected = {
        "a flipped bit": "INVALID_MSG",
        "cut short": "INVALID_RECORD",
        "nothing": "INVALID_RECORD",
        "another format": "INVALID_RECORD",
        "two batches": "INVALID_RECORD",
    }
    assert await both(scenario) == (expected[damage], 0)


async def test_places_that_do_not_exist(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        none = f"{topic}-none"
        data = batch([b"a"])
        with site.client() as client:
            written = [client.produce(none, data), client.produce(topic, data, partition=5)]
            fetched = [
                client.fetch(none, 0),
                client.fetch(topic, 0, 5),
                client.fetch(topic, 7),
                client.fetch(topic, -1),
            ]
        return [code(each["error_code"]) for each in (*written, *fetched)]

    unknown, beyond = "UNKNOWN_TOPIC_OR_PART", "OFFSET_OUT_OF_RANGE"
    assert await both(scenario) == [unknown, unknown, unknown, unknown, beyond, beyond]


async def test_acknowledgements(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        answers = []
        with site.client() as client:
            for acks in (1, -1, 2):
                topics = [{"name": topic, "partitions": [{"index": 0, "records": batch([b"a"])}]}]
                answer = client.call("Produce", 8, acks=acks, timeout_ms=1000, topics=topics)
                answers.append(code(answer["topics"][0]["partitions"][0]["error_code"]))
            client.send("Produce", 8, {"acks": 0, "timeout_ms": 1000, "topics": topics})
            while client.offset_at(topic, -1)[0] < 3:
                pass
        return answers

    assert await both(scenario) == ["NO_ERROR", "NO_ERROR", "INVALID_REQUIRED_ACKS"]


async def test_a_message_that_is_too_large(both: Both) -> None:
    async def scenario(site: Site) -> Any:
        topic = await asyncio.to_thread(site.topic, max_message_bytes="2000")
        large: list[Any] = [(None, b"x" * 3000, [])]
        ours = await attempt(by_aiokafka(site, topic, large))
        theirs = await asyncio.to_thread(by_confluent, site, topic, large)
        small = await by_aiokafka(site, topic, [(None, b"x" * 1000, [])])
        compressed = await by_aiokafka(site, topic, large, compression_type="zstd")
        return ours, theirs, small, compressed

    assert await both(scenario) == (MessageSizeTooLargeError.__name__, ["MSG_SIZE_TOO_LARGE"], [0], [1])


async def test_an_unknown_topic(both: Both) -> None:
    def scenario(site: Site) -> Any:
        settings = {"message.timeout.ms": 3000, "topic.metadata.propagation.max.ms": 100}
        written = []
        try:
            written = by_confluent(site, site.name, [(None, b"x", [])], **settings)
        except KafkaException as error:
            written = [error.args[0].name()]
        consumer = Consumer({"bootstrap.servers": site.address, "group.id": site.name})
        consumer.subscribe([site.name])
        seen: Any = consumer.poll(20)
        consumer.close()
        return written, seen.error().name()

    assert await both(scenario) == (["UNKNOWN_TOPIC_OR_PART"], "UNKNOWN_TOPIC_OR_PART")


async def test_a_fetch_waits_until_there_is_enough(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        with site.client() as reader, site.client() as writer:
            reader.send("Fetch", 11, fetch_message(topic, 0, max_wait_ms=20_000))
            writer.produce(topic, batch([b"woken"]))
            answer = reader.receive("Fetch", 11)["topics"][0]["partitions"][0]
        return read(answer["records"])

    assert await both(scenario) == [(0, b"woken")]


async def test_a_batch_larger_than_asked_for_comes_whole(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        with site.client() as client:
            for _ in range(3):
                client.produce(topic, batch([b"x" * 5000]))
            one = client.fetch(topic, 0, partition_max_bytes=100)
            few = client.fetch(topic, 0, max_bytes=100)
            two = client.fetch(topic, 0, partition_max_bytes=11_000)
        # Whether the rest is cut or left out, a reader sees whole batches.
        return [len(read(each["records"])) for each in (one, few, two)]

    assert await both(scenario) == [1, 1, 2]


def test_all_codecs_are_covered() -> None:
    assert set(CODECS) == {"none", "gzip", "snappy", "lz4", "zstd"}
