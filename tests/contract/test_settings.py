"""What topics' settings do to records on their way in, and that Copydesk's own topics are the same on both."""

from typing import Any

import pytest
from confluent_kafka import Producer

from copydesk_shared.topics import ALL_TOPICS
from copydesk_standalone.broker.batch import read_header
from tests.broker.batches import batch
from tests.contract.both import Both, Site, code
from tests.contract.test_records import by_confluent, read_by_confluent
from tests.contract.test_topics import describe

pytestmark = [pytest.mark.kafka, pytest.mark.apache]

LONG_AGO = 1_700_000_000_000
CREATE_TIME, LOG_APPEND_TIME = 1, 2


@pytest.mark.parametrize("declared", ALL_TOPICS, ids=lambda each: each.name)
async def test_topics_of_copydesk_are_described_alike(both: Both, declared: Any) -> None:
    def scenario(site: Site) -> Any:
        site.broker.create_topics(site.name, partitions=declared.partitions, config=declared.config())
        return describe(site, list(declared.config()))

    described = await both(scenario)
    assert {name: value for name, (value, *_) in described.items()} == declared.config()


# The settings of a topic and how it takes a record from 2023 without a key.
REFUSALS = {
    "any": ({}, "NO_ERROR"),
    "compacted": ({"cleanup_policy": "compact"}, "INVALID_RECORD"),
    "compacted and deleted": ({"cleanup_policy": "compact,delete"}, "INVALID_RECORD"),
    "not too old": ({"message_timestamp_before_max_ms": "1000"}, "INVALID_TIMESTAMP"),
    "stamped by the broker": (
        {"message_timestamp_before_max_ms": "1000", "message_timestamp_type": "LogAppendTime"},
        "NO_ERROR",
    ),
    "small": ({"max_message_bytes": "50"}, "MSG_SIZE_TOO_LARGE"),
}


@pytest.mark.parametrize("kind", REFUSALS)
async def test_a_topic_refuses_records(both: Both, kind: str) -> None:
    settings, expected = REFUSALS[kind]

    def scenario(site: Site) -> Any:
        topic = site.topic(**settings)  # type: ignore[arg-type]
        with site.client() as client:
            answer = client.produce(topic, batch([b"value"], timestamps=[LONG_AGO]))
        return code(answer["error_code"]), [each["batch_index"] for each in answer["record_errors"]]

    error, _ = await both(scenario)
    assert error == expected


async def test_the_broker_stamps_records(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic(message_timestamp_type="LogAppendTime")
        by_confluent(site, topic, [(None, b"a", []), (b"k", b"b", [("h", b"1")])])
        records = read_by_confluent(site, topic, 2)
        return [(kind, time > LONG_AGO + 10**9, *rest) for _, (kind, time), *rest in records]

    assert await both(scenario) == [
        (LOG_APPEND_TIME, True, None, b"a", []), (LOG_APPEND_TIME, True, b"k", b"b", [("h", b"1")]),
    ]  # fmt: skip


@pytest.mark.parametrize(("wanted", "number"), [("gzip", 1), ("zstd", 4), ("uncompressed", 0), ("producer", 4)])
async def test_the_broker_packs_as_the_topic_wants(both: Both, wanted: str, number: int) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic(compression_type=wanted)
        producer = Producer({"bootstrap.servers": site.address, "compression.type": "zstd", "linger.ms": 50})
        for key in (b"a", b"b"):
            producer.produce(topic, b"value" * 100, key, timestamp=LONG_AGO)
        producer.flush(30)
        with site.client() as client:
            stored = client.fetch(topic, 0)["records"]
        return read_header(stored).attributes, read_by_confluent(site, topic, 2)

    attributes, records = await both(scenario)
    assert attributes == number
    assert [each[2:4] for each in records] == [(b"a", b"value" * 100), (b"b", b"value" * 100)]


async def test_records_of_a_compacted_topic_cannot_be_deleted(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic(cleanup_policy="compact")
        with site.client() as client:
            topics = [{"name": topic, "partitions": [{"index": 0, "offset": 0}]}]
            answer = client.call("DeleteRecords", 2, topics=topics, timeout_ms=1000)
        return code(answer["topics"][0]["partitions"][0]["error_code"])

    assert await both(scenario) == "POLICY_VIOLATION"


async def test_a_limit_counts_from_when_it_was_set(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        large = batch([bytes(5000)])
        with site.client() as client:
            before = client.produce(topic, large)
            config = {"name": "max.message.bytes", "operation": 0, "value": "1000"}
            resource = {"type": 2, "name": topic, "configs": [config]}
            client.call("IncrementalAlterConfigs", 1, resources=[resource])
            while (after := client.produce(topic, large))["error_code"] == 0:
                pass
        return code(before["error_code"]), code(after["error_code"])

    assert await both(scenario) == ("NO_ERROR", "MSG_SIZE_TOO_LARGE")
