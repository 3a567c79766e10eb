"""DeleteRecords, AlterConfigs, and what a topic's settings do to records on the way in, over the wire."""

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka import admin as confluent_admin_module

from copydesk_shared.topics import ALL_TOPICS
from copydesk_standalone.broker.batch import read_header
from copydesk_standalone.broker.codecs import NAMES
from copydesk_standalone.broker.errors import Code
from copydesk_standalone.broker.process import BrokerProcess

from .batches import batch, read
from .client import WireClient
from .conftest import StartBroker
from .test_compaction import keyed
from .test_topics import alter, setting, settings_of

pytestmark = pytest.mark.kafka

# Its stubs leave out what it exports.
confluent_admin: Any = confluent_admin_module

EARLIEST = -2


def delete(client: WireClient, topic: str, offset: int, partition: int = 0, version: int = 2) -> tuple[int, int]:
    """The error code and the low watermark."""
    asked = [{"name": topic, "partitions": [{"index": partition, "offset": offset}]}]
    found = client.call("DeleteRecords", version, topics=asked, timeout_ms=1000)["topics"][0]["partitions"][0]
    return found["error_code"], found["low_watermark"]


@pytest.mark.parametrize("version", range(3))
def test_records_before_an_offset_are_deleted(client: WireClient, topic: str, version: int) -> None:
    for _ in range(5):
        client.produce(topic, batch([b"a", b"b"]))
    assert delete(client, topic, 3, version=version) == (Code.NONE, 3)
    assert client.offset_at(topic, EARLIEST)[0] == 3
    assert client.fetch(topic, 2)["error_code"] == Code.OFFSET_OUT_OF_RANGE
    assert client.fetch(topic, 3)["log_start_offset"] == 3
    assert read(client.fetch(topic, 3)["records"])[1] == (3, b"b")
    assert delete(client, topic, 2, version=version) == (Code.NONE, 3)
    assert delete(client, topic, -1, version=version) == (Code.NONE, 10)
    assert client.offset_at(topic, EARLIEST)[0] == 10
    assert client.produce(topic, batch([b"c"]))["base_offset"] == 10


def test_what_cannot_be_deleted(client: WireClient, topic: str) -> None:
    client.produce(topic, batch([b"a"]))
    assert delete(client, topic, 2) == delete(client, topic, -2) == (Code.OFFSET_OUT_OF_RANGE, -1)
    assert delete(client, topic, 0, partition=9) == (Code.UNKNOWN_TOPIC_OR_PARTITION, -1)
    assert delete(client, "no-such", 0) == (Code.UNKNOWN_TOPIC_OR_PARTITION, -1)
    assert alter(client, topic, "cleanup.policy", 0, "compact") == Code.NONE
    assert delete(client, topic, 1) == (Code.POLICY_VIOLATION, -1)
    assert alter(client, topic, "cleanup.policy", 2, "delete") == Code.NONE
    assert delete(client, topic, 1) == (Code.NONE, 1)


def test_the_start_survives_a_kill(start_broker: StartBroker) -> None:
    broker = start_broker()
    with WireClient(broker.address) as client:
        client.create_topic("t")
        client.produce("t", batch([b"a", b"b", b"c"]))
        delete(client, "t", 2)
    broker.kill()
    with WireClient(start_broker().address) as client:
        assert client.offset_at("t", EARLIEST)[0] == 2
        assert client.fetch("t", 1)["error_code"] == Code.OFFSET_OUT_OF_RANGE
        assert client.offset_at("t", 0) == (2, 1_700_000_000_000)


def test_a_fetch_that_waits_hears_that_its_place_is_gone(broker: BrokerProcess, client: WireClient, topic: str) -> None:
    client.produce(topic, batch([b"a", b"b"]))
    with WireClient(broker.address) as other:
        asked = {"partition": 0, "fetch_offset": 1, "partition_max_bytes": 1 << 20}
        message = {"replica_id": -1, "max_wait_ms": 9_000, "min_bytes": 1 << 20, "max_bytes": 1 << 20}
        other.send("Fetch", 11, {**message, "topics": [{"topic": topic, "partitions": [asked]}]})
        delete(client, topic, -1)
        answer = other.receive("Fetch", 11)
    assert answer["topics"][0]["partitions"][0]["error_code"] == Code.OFFSET_OUT_OF_RANGE


def test_confluent_deletes_records(broker: BrokerProcess, client: WireClient, topic: str) -> None:
    client.produce(topic, batch([b"a", b"b", b"c"]))
    admin = confluent_admin.AdminClient({"bootstrap.servers": broker.address})
    deleted = admin.delete_records([TopicPartition(topic, 0, 2)])
    assert [future.result().low_watermark for future in deleted.values()] == [2]


# Settings


def replace(
    client: WireClient, name: str, *, kind: int = 2, version: int = 2, dry_run: bool = False, **values: Any
) -> int:
    configs = [{"name": key.replace("_", "."), "value": value} for key, value in values.items()]
    resources = [{"type": kind, "name": name, "configs": configs}]
    answer = client.call("AlterConfigs", version, resources=resources, validate_only=dry_run)
    return int(answer["responses"][0]["error_code"])


@pytest.mark.parametrize("version", range(3))
def test_settings_are_replaced(client: WireClient, topic: str, version: int) -> None:
    assert replace(client, topic, version=version, retention_ms="9", cleanup_policy="compact") == Code.NONE
    assert replace(client, topic, version=version, dry_run=True) == Code.NONE
    assert (setting(client, topic, "retention.ms"), setting(client, topic, "cleanup.policy")) == ("9", "compact")
    assert replace(client, topic, version=version, segment_ms="11") == Code.NONE
    assert (setting(client, topic, "retention.ms"), setting(client, topic, "segment.ms")) == ("604800000", "11")


def test_settings_that_cannot_replace(client: WireClient, topic: str) -> None:
    replace(client, topic, segment_ms="11")
    assert replace(client, topic, segment_ms=None) == Code.INVALID_REQUEST
    assert replace(client, topic, segment_ms="x") == Code.INVALID_CONFIG
    assert replace(client, topic, no_such="1") == Code.INVALID_CONFIG
    assert replace(client, "no-such", segment_ms="1") == Code.UNKNOWN_TOPIC_OR_PARTITION
    assert replace(client, "1", kind=4, num_partitions="3") == Code.INVALID_REQUEST
    assert replace(client, "1", kind=4) == Code.NONE
    assert replace(client, "x", kind=8) == Code.INVALID_REQUEST
    assert setting(client, topic, "segment.ms") == "11"


@pytest.mark.parametrize("api", ["AlterConfigs", "IncrementalAlterConfigs"])
def test_a_resource_or_setting_twice_is_refused(client: WireClient, topic: str, api: str) -> None:
    change = {"name": "retention.ms", "operation": 0, "value": "5"}

    def altered(*resources: dict[str, Any]) -> list[int]:
        return [answer["error_code"] for answer in client.call(api, 1, resources=list(resources))["responses"]]

    once = {"type": 2, "name": topic, "configs": [change]}
    assert altered(once, once) == [Code.INVALID_REQUEST] * 2
    assert altered({**once, "configs": [change, change]}) == [Code.INVALID_REQUEST]
    assert altered(once) == [Code.NONE]


def test_a_list_setting_without_parts(client: WireClient, topic: str) -> None:
    assert alter(client, topic, "cleanup.policy", 3, "delete,compact") == Code.NONE
    assert setting(client, topic, "cleanup.policy") == ""
    assert alter(client, topic, "retention.ms", 0, None) == Code.INVALID_REQUEST
    assert alter(client, topic, "no.such", 1, None) == Code.NONE
    assert alter(client, topic, "retention.ms", 9, "1") == Code.INVALID_REQUEST


def test_a_default_of_this_broker_is_said_to_be_one(client: WireClient, topic: str) -> None:
    entry = settings_of(client, topic, keys=["segment.bytes"])["configs"][0]
    assert (entry["value"], entry["source"]) == ("67108864", 4)
    assert [(s["name"], s["value"], s["source"]) for s in entry["synonyms"]] == [
        ("log.segment.bytes", "67108864", 4),
        ("log.segment.bytes", "1073741824", 5),
    ]


def test_confluent_sees_the_settings_it_made(broker: BrokerProcess, client: WireClient, topic: str) -> None:
    replace(client, topic, retention_ms="5")
    resource = confluent_admin.ConfigResource(confluent_admin.ConfigResource.Type.TOPIC, topic)
    admin = confluent_admin.AdminClient({"bootstrap.servers": broker.address})
    found = admin.describe_configs([resource])[resource].result()["retention.ms"]
    assert (found.value, found.is_default) == ("5", False)
    assert found.synonyms["retention.ms"].value == "5"


@pytest.mark.parametrize("declared", ALL_TOPICS, ids=lambda topic: topic.name)
def test_the_topics_of_copydesk_are_taken_as_they_are(client: WireClient, name: str, declared: Any) -> None:
    given = {key.replace(".", "_"): value for key, value in declared.config().items()}
    created = client.create_topic(name, declared.partitions, **given)
    assert created["error_code"] == Code.NONE
    assert declared.config().items() <= {entry["name"]: entry["value"] for entry in created["configs"]}.items()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"segment_ms": "600000", "retention_ms": "7200000", "segment_bytes": "1073741824"}, Code.NONE),
        ({"min_insync_replicas": "2", "compression_type": "zstd", "max_message_bytes": "8388608"}, Code.NONE),
        ({"cleanup_policy": "compact, delete", "retention_bytes": "-1", "segment_jitter_ms": "1000"}, Code.NONE),
        ({"message_timestamp_type": "LogAppendTime", "preallocate": "TRUE"}, Code.NONE),
        ({"leader_replication_throttled_replicas": "*", "local_retention_ms": "-2"}, Code.NONE),
        ({"compression_gzip_level": "-1", "compression_zstd_level": "22", "retention_ms": " +5 "}, Code.NONE),
        ({"min_compaction_lag_ms": "10", "max_compaction_lag_ms": "5"}, Code.INVALID_CONFIG),
        ({"remote_storage_enable": "true"}, Code.INVALID_CONFIG),
        ({"compression_type": "ZSTD"}, Code.INVALID_CONFIG),
        ({"compression_gzip_level": "0"}, Code.INVALID_CONFIG),
        ({"preallocate": "yes"}, Code.INVALID_CONFIG),
        ({"retention_ms": "1_000"}, Code.INVALID_CONFIG),
        ({"retention_ms": ""}, Code.INVALID_CONFIG),
        ({"leader_replication_throttled_replicas": "x"}, Code.INVALID_CONFIG),
        ({"message_format_version": "3.0"}, Code.INVALID_CONFIG),
        ({"message_downconversion_enable": "true"}, Code.INVALID_CONFIG),
    ],
)
def test_settings_are_checked_as_apache_kafka_does(
    client: WireClient, name: str, given: dict[str, str], code: Code
) -> None:
    assert client.create_topic(name, **given)["error_code"] == code  # type: ignore[arg-type]


# On the way in


@pytest.mark.parametrize("codec", NAMES)
def test_a_compacted_topic_takes_no_record_without_key(client: WireClient, name: str, codec: str) -> None:
    codec = codec.replace("uncompressed", "none")
    client.create_topic(name, cleanup_policy="compact")
    refused = client.produce(name, keyed([(b"a", b"1"), (None, b"2"), (b"", b"3")], codec=codec))
    assert refused["error_code"] == Code.INVALID_RECORD
    assert [error["batch_index"] for error in refused["record_errors"]] == [1]
    assert client.produce(name, keyed([(b"", b"1"), (b"a", None)], codec=codec))["base_offset"] == 0


def test_confluent_hears_that_a_key_is_missing(broker: BrokerProcess, client: WireClient, name: str) -> None:
    client.create_topic(name, cleanup_policy="compact,delete")
    errors: list[Any] = []
    producer = Producer({"bootstrap.servers": broker.address})
    producer.produce(name, b"no key", callback=lambda error, _: errors.append(error))
    assert producer.flush(10) == 0
    assert [error.code() for error in errors] == [KafkaError.INVALID_RECORD]


def test_a_batch_that_cannot_be_read_is_not_for_a_compacted_topic(client: WireClient, name: str) -> None:
    client.create_topic(name, cleanup_policy="compact")
    claims_gzip = bytearray(keyed([(b"a", b"1")]))
    claims_gzip[22] |= 1
    claims_gzip[17:21] = checksum(claims_gzip)
    assert client.produce(name, bytes(claims_gzip))["error_code"] == Code.CORRUPT_MESSAGE


def checksum(data: bytes | bytearray) -> bytes:
    from crc32c import crc32c

    return crc32c(bytes(data[21:])).to_bytes(4, "big")


def test_the_broker_sets_the_time_where_it_is_told_to(client: WireClient, name: str) -> None:
    client.create_topic(name, message_timestamp_type="LogAppendTime")
    stored = client.produce(name, keyed([(b"a", b"1"), (b"b", b"2")], timestamp=5, codec="zstd"))
    at = stored["log_append_time_ms"]
    assert at > 1_700_000_000_000
    data = client.fetch(name, 0)["records"]
    assert read_header(data).max_timestamp == at
    assert read(data) == [(0, b"1"), (1, b"2")]
    assert client.offset_at(name, at) == (0, at)
    assert client.offset_at(name, 6) == (0, at)


@pytest.mark.parametrize("wanted", NAMES)
@pytest.mark.parametrize("given", ["none", "snappy", "zstd"])
def test_batches_are_packed_as_the_topic_wants(client: WireClient, name: str, wanted: str, given: str) -> None:
    client.create_topic(name, compression_type=wanted)
    client.produce(name, keyed([(b"a", b"1" * 90), (b"b", b"2" * 90)], codec=given, producer=(7, 0, 0)))
    data = client.fetch(name, 0)["records"]
    assert read_header(data).attributes & 7 == NAMES[wanted]
    assert read_header(data).producer_id == 7
    assert read(data) == [(0, b"1" * 90), (1, b"2" * 90)]


def test_records_from_another_time_are_refused(client: WireClient, name: str, topic: str) -> None:
    future = batch([b"x"], timestamps=[1 << 42])
    assert client.produce(topic, future)["error_code"] == Code.INVALID_TIMESTAMP
    alter(client, topic, "message.timestamp.after.max.ms", 0, str(1 << 50))
    assert client.produce(topic, future)["error_code"] == Code.NONE
    client.create_topic(name + "-old", message_timestamp_before_max_ms="1000")
    refused = client.produce(name + "-old", batch([b"x"]))
    assert refused["error_code"] == Code.INVALID_TIMESTAMP
    assert client.produce(name + "-old", batch([b"x"], timestamps=[-1]))["error_code"] == Code.NONE


def test_confluent_raises_for_settings_that_cannot_be(broker: BrokerProcess, topic: str) -> None:
    entry = confluent_admin.ConfigEntry(
        "retention.ms", "soon", incremental_operation=confluent_admin.AlterConfigOpType.SET
    )
    resource = confluent_admin.ConfigResource(
        confluent_admin.ConfigResource.Type.TOPIC, topic, incremental_configs=[entry]
    )
    admin = confluent_admin.AdminClient({"bootstrap.servers": broker.address})
    with pytest.raises(KafkaException, match=r"Invalid value soon for configuration retention\.ms"):
        admin.incremental_alter_configs([resource])[resource].result()
