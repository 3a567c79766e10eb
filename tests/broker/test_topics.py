"""Topics and settings over the wire."""

from typing import Any

import pytest

from copydesk_standalone.broker.configs import TOPIC_SETTINGS
from copydesk_standalone.broker.errors import Code
from copydesk_standalone.broker.process import BrokerProcess

from .batches import batch
from .client import WireClient
from .conftest import StartBroker

pytestmark = pytest.mark.kafka


def described(client: WireClient, name: str, version: int = 9, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = client.call("Metadata", version, topics=[{"name": name}], **options)["topics"][0]
    return found


def settings_of(client: WireClient, name: str, kind: int = 2, keys: list[str] | None = None) -> dict[str, Any]:
    answer = client.call(
        "DescribeConfigs", 4, include_synonyms=True, resources=[{"type": kind, "name": name, "keys": keys}]
    )
    result: dict[str, Any] = answer["results"][0]
    return result


@pytest.mark.parametrize("version", range(13))
def test_every_metadata_version_describes(client: WireClient, name: str, version: int) -> None:
    client.create_topic(name, partitions=3)
    found = described(client, name, version)
    assert (found["error_code"], found["name"]) == (Code.NONE, name)
    assert [part["index"] for part in found["partitions"]] == [0, 1, 2]
    assert {part["leader_id"] for part in found["partitions"]} == {1}


def test_metadata_of_all_topics_and_of_none(client: WireClient, topic: str) -> None:
    assert topic in {found["name"] for found in client.call("Metadata", 9, topics=None)["topics"]}
    assert topic in {found["name"] for found in client.call("Metadata", 0, topics=[])["topics"]}
    assert client.call("Metadata", 1, topics=[])["topics"] == []


def test_topics_are_not_made_by_asking(client: WireClient, name: str) -> None:
    assert described(client, name)["error_code"] == Code.UNKNOWN_TOPIC_OR_PARTITION
    assert described(client, "no/such")["error_code"] == Code.INVALID_TOPIC


def test_topics_are_made_by_asking_when_that_is_on(start_broker: StartBroker) -> None:
    broker = start_broker("--auto-create-topics", "--default-partitions", "3")
    with WireClient(broker.address) as client:
        assert described(client, "a", allow_auto_topic_creation=False)["error_code"] != Code.NONE
        assert len(described(client, "a")["partitions"]) == 3
        assert described(client, "no/such")["error_code"] == Code.INVALID_TOPIC


@pytest.mark.parametrize("version", range(2, 8))
def test_every_create_version(client: WireClient, name: str, version: int) -> None:
    asked = {"name": name, "partitions": 2, "replication_factor": 1, "configs": []}
    assert client.call("CreateTopics", version, topics=[asked], timeout_ms=1)["topics"][0]["error_code"] == Code.NONE
    assert len(described(client, name)["partitions"]) == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"partitions": 0}, Code.INVALID_PARTITIONS),
        ({"partitions": 100_000}, Code.INVALID_PARTITIONS),
        ({"replication_factor": 3}, Code.INVALID_REPLICATION_FACTOR),
        ({"name": "no/such"}, Code.INVALID_TOPIC),
        ({"configs": [{"name": "retention.ms", "value": "x"}]}, Code.INVALID_CONFIG),
        ({"assignments": [{"partition": 0, "broker_ids": [2]}]}, Code.INVALID_REPLICA_ASSIGNMENT),
        ({"assignments": [{"partition": 1, "broker_ids": [1]}]}, Code.INVALID_REPLICA_ASSIGNMENT),
        ({"partitions": -1}, Code.NONE),
        ({"replication_factor": -1}, Code.NONE),
        ({"partitions": -1, "replication_factor": -1, "assignments": [{"partition": 0, "broker_ids": [1]}]}, Code.NONE),
    ],
)
def test_topics_asked_for(client: WireClient, name: str, changes: dict[str, Any], code: Code) -> None:
    asked = {"name": name, "partitions": 1, "replication_factor": 1, **changes}
    for validate_only in (True, False):
        answer = client.call("CreateTopics", 7, topics=[asked], timeout_ms=1, validate_only=validate_only)
        assert answer["topics"][0]["error_code"] == code
        assert bool(answer["topics"][0]["error_message"]) == (code is not Code.NONE)
        exists = described(client, name)["error_code"] == Code.NONE
        assert exists == (code is Code.NONE and not validate_only)


def test_a_topic_exists_once(client: WireClient, topic: str) -> None:
    assert client.create_topic(topic)["error_code"] == Code.TOPIC_ALREADY_EXISTS
    asked = {"name": topic + "x", "partitions": 1, "replication_factor": 1}
    answers = client.call("CreateTopics", 5, topics=[asked, asked], timeout_ms=1)["topics"]
    assert {answer["error_code"] for answer in answers} == {Code.INVALID_REQUEST}


@pytest.mark.parametrize("version", range(1, 7))
def test_every_delete_version(client: WireClient, topic: str, version: int) -> None:
    answer = client.call("DeleteTopics", version, topics=[{"name": topic}], names=[topic], timeout_ms=1)
    assert answer["topics"][0]["error_code"] == Code.NONE
    again = client.call("DeleteTopics", version, topics=[{"name": topic}], names=[topic], timeout_ms=1)
    assert again["topics"][0]["error_code"] == Code.UNKNOWN_TOPIC_OR_PARTITION


def test_deletion_by_id(client: WireClient, topic: str) -> None:
    topic_id = described(client, topic, 12)["topic_id"]
    answer = client.call("DeleteTopics", 6, topics=[{"name": None, "topic_id": topic_id}], timeout_ms=1)
    assert answer["topics"][0]["name"] == topic


@pytest.mark.parametrize("version", range(4))
def test_partitions_are_added(client: WireClient, topic: str, version: int) -> None:
    def grow(count: int, validate_only: bool = False) -> int:
        asked = [{"name": topic, "count": count, "assignments": None}]
        answer = client.call("CreatePartitions", version, topics=asked, timeout_ms=1, validate_only=validate_only)
        return int(answer["results"][0]["error_code"])

    assert grow(3, validate_only=True) == Code.NONE
    assert len(described(client, topic)["partitions"]) == 1
    assert grow(3) == Code.NONE
    assert len(described(client, topic)["partitions"]) == 3
    assert grow(3) == grow(2) == Code.INVALID_PARTITIONS
    assert client.produce(topic, batch([b"a"]), partition=2)["error_code"] == Code.NONE


@pytest.mark.parametrize("version", range(1, 5))
def test_settings_are_described(client: WireClient, name: str, version: int) -> None:
    client.create_topic(name, cleanup_policy="compact,delete", retention_ms="60000")
    answer = client.call("DescribeConfigs", version, resources=[{"type": 2, "name": name, "keys": None}])
    found = {entry["name"]: (entry["value"], entry["source"]) for entry in answer["results"][0]["configs"]}
    assert set(found) == set(TOPIC_SETTINGS)
    assert found["cleanup.policy"] == ("compact,delete", 1)
    assert found["retention.ms"] == ("60000", 1)
    assert found["segment.bytes"] == ("67108864", 4)


def test_only_the_settings_asked_for(client: WireClient, topic: str) -> None:
    entries = settings_of(client, topic, keys=["retention.ms"])["configs"]
    assert [entry["name"] for entry in entries] == ["retention.ms"]


def test_settings_of_the_broker(client: WireClient, broker: BrokerProcess) -> None:
    found = {entry["name"]: entry for entry in settings_of(client, "1", kind=4)["configs"]}
    assert found["listeners"]["value"] == f"PLAINTEXT://{broker.address}"
    assert found["auto.create.topics.enable"]["value"] == "false"
    assert all(entry["read_only"] for entry in found.values())


@pytest.mark.parametrize(
    ("kind", "name", "code"),
    [(2, "no-such", Code.UNKNOWN_TOPIC_OR_PARTITION), (4, "9", Code.INVALID_REQUEST), (8, "x", Code.INVALID_REQUEST)],
)
def test_settings_of_nothing(client: WireClient, kind: int, name: str, code: Code) -> None:
    assert settings_of(client, name, kind)["error_code"] == code


def alter(client: WireClient, topic: str, name: str, operation: int, value: str | None, dry_run: bool = False) -> int:
    change = {"name": name, "operation": operation, "value": value}
    resource = {"type": 2, "name": topic, "configs": [change]}
    answer = client.call("IncrementalAlterConfigs", 1, resources=[resource], validate_only=dry_run)
    return int(answer["responses"][0]["error_code"])


def setting(client: WireClient, topic: str, name: str) -> str:
    return str(settings_of(client, topic, keys=[name])["configs"][0]["value"])


def test_settings_change_one_by_one(client: WireClient, topic: str) -> None:
    set_, unset, add, remove = range(4)
    assert alter(client, topic, "retention.ms", set_, "5", dry_run=True) == Code.NONE
    assert setting(client, topic, "retention.ms") == "604800000"
    assert alter(client, topic, "retention.ms", set_, "5") == Code.NONE
    assert setting(client, topic, "retention.ms") == "5"
    assert alter(client, topic, "retention.ms", unset, None) == Code.NONE
    assert setting(client, topic, "retention.ms") == "604800000"
    assert alter(client, topic, "cleanup.policy", add, "compact") == Code.NONE
    assert setting(client, topic, "cleanup.policy") == "delete,compact"
    assert alter(client, topic, "cleanup.policy", remove, "delete") == Code.NONE
    assert setting(client, topic, "cleanup.policy") == "compact"


@pytest.mark.parametrize(
    ("setting_name", "operation", "value"),
    [
        ("retention.ms", 0, "x"),
        ("no.such", 0, "1"),
        ("no.such", 2, "1"),
        ("retention.ms", 2, "5"),
        ("cleanup.policy", 2, ""),
    ],
)
def test_changes_that_cannot_be(client: WireClient, topic: str, setting_name: str, operation: int, value: str) -> None:
    assert alter(client, topic, setting_name, operation, value) == Code.INVALID_CONFIG


def test_topics_and_settings_survive_a_kill(start_broker: StartBroker) -> None:
    broker = start_broker()
    with WireClient(broker.address) as client:
        client.create_topic("kept", partitions=2, cleanup_policy="compact")
        client.create_topic("gone")
        client.call("DeleteTopics", 4, names=["gone"], timeout_ms=1)
        alter(client, "kept", "retention.ms", 0, "7")
        topic_id = described(client, "kept", 12)["topic_id"]
    broker.kill()
    with WireClient(start_broker().address) as client:
        found = client.call("Metadata", 12, topics=None)["topics"]
        assert [(topic["name"], topic["topic_id"], len(topic["partitions"])) for topic in found] == [
            ("kept", topic_id, 2)
        ]
        assert setting(client, "kept", "cleanup.policy") == "compact"
        assert setting(client, "kept", "retention.ms") == "7"
