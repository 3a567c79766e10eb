"""Topics and their settings: creation, growth, deletion, description, and how mistakes are refused."""

import asyncio
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from confluent_kafka import admin as confluent_admin_module

from tests.contract.both import Both, Site, code, outcome, said

pytestmark = [pytest.mark.kafka, pytest.mark.apache]

# Its stubs leave out what it exports.
confluent: Any = confluent_admin_module
SET, DELETE, APPEND, SUBTRACT = range(4)
TOPIC = 2


def create(site: Site, topic: dict[str, Any], version: int = 7, **message: Any) -> dict[str, Any]:
    """The answer for one topic, without the settings it lists."""
    asked = {"name": site.name, "partitions": 1, "replication_factor": 1, **topic}
    with site.client() as client:
        answer = client.call("CreateTopics", version, topics=[asked], timeout_ms=10_000, **message)
    created: dict[str, Any] = said(answer)["topics"][0]
    created.pop("configs", None)
    return created


async def test_a_new_topic_is_described(both: Both) -> None:
    def scenario(site: Site) -> Any:
        created = create(site, {"partitions": 3})
        site.broker.create_topics(f"{site.name}-2")
        with site.client() as client:
            described = said(client.call("Metadata", 8, topics=[{"name": site.name}]))
        return created, described["topics"]

    created, described = await both(scenario)
    name = both.apache.name
    assert created == {"name": name, "error_code": "NO_ERROR", "partitions": 3, "replication_factor": 1}
    assert described[0]["name"] == name
    assert described[0]["error_code"] == "NO_ERROR"
    assert [each["index"] for each in described[0]["partitions"]] == [0, 1, 2]


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "name with a slash": ({"name": "a/b"}, "TOPIC_EXCEPTION"),
    "name of one dot": ({"name": "."}, "TOPIC_EXCEPTION"),
    "empty name": ({"name": ""}, "TOPIC_EXCEPTION"),
    "name of 250 letters": ({"name": "a" * 250}, "TOPIC_EXCEPTION"),
    "no partitions": ({"partitions": 0}, "INVALID_PARTITIONS"),
    "fewer than no partitions": ({"partitions": -5}, "INVALID_PARTITIONS"),
    "copies": ({"replication_factor": 3}, "INVALID_REPLICATION_FACTOR"),
    "no copies": ({"replication_factor": 0}, "INVALID_REPLICATION_FACTOR"),
    "unknown setting": ({"configs": [{"name": "colour", "value": "red"}]}, "INVALID_CONFIG"),
    "value of no number": ({"configs": [{"name": "retention.ms", "value": "soon"}]}, "INVALID_CONFIG"),
    "value below the least": ({"configs": [{"name": "retention.ms", "value": "-2"}]}, "INVALID_CONFIG"),
    "unknown policy": ({"configs": [{"name": "cleanup.policy", "value": "burn"}]}, "INVALID_CONFIG"),
    "ratio above one": ({"configs": [{"name": "min.cleanable.dirty.ratio", "value": "2"}]}, "INVALID_CONFIG"),
    "null value": ({"configs": [{"name": "retention.ms", "value": None}]}, "INVALID_CONFIG"),
    "broker that is not there": (
        {"partitions": -1, "replication_factor": -1, "assignments": [{"partition": 0, "broker_ids": [77]}]},
        "INVALID_REPLICA_ASSIGNMENT",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_a_wrong_topic_is_refused(both: Both, mistake: str) -> None:
    topic, expected = MISTAKES[mistake]

    def scenario(site: Site) -> Any:
        return create(site, topic)["error_code"], create(site, topic, 2)["error_code"]

    assert await both(scenario) == (expected, expected)


async def test_a_topic_is_created_once(both: Both) -> None:
    def scenario(site: Site) -> Any:
        dry = create(site, {}, validate_only=True)["error_code"]
        answers = [create(site, {})["error_code"] for _ in range(2)]
        again = create(site, {}, validate_only=True)["error_code"]
        collides = [create(site, {"name": f"{site.name}{mark}x"})["error_code"] for mark in "._"]
        with site.client() as client:
            twice = [{"name": f"{site.name}.2", "partitions": 1, "replication_factor": 1}] * 2
            doubled = client.call("CreateTopics", 7, topics=twice, timeout_ms=10_000)["topics"]
        return dry, answers, again, collides, [code(each["error_code"]) for each in doubled]

    assert await both(scenario) == (
        "NO_ERROR", ["NO_ERROR", "TOPIC_ALREADY_EXISTS"], "TOPIC_ALREADY_EXISTS",
        ["NO_ERROR", "TOPIC_EXCEPTION"], ["INVALID_REQUEST"],
    )  # fmt: skip


async def test_deleting(both: Both) -> None:
    def scenario(site: Site) -> Any:
        site.topic()
        with site.client() as client:
            answers = [
                said(client.call("DeleteTopics", 5, names=[site.name], timeout_ms=10_000))["topics"] for _ in range(2)
            ]
            left = said(client.call("Metadata", 8, topics=[{"name": site.name}]))["topics"]
            invalid = said(client.call("Metadata", 8, topics=[{"name": "a/b"}]))["topics"]
        return [answer[0]["error_code"] for answer in answers], left[0]["error_code"], invalid[0]["error_code"]

    assert await both(scenario) == (
        ["NO_ERROR", "UNKNOWN_TOPIC_OR_PART"], "UNKNOWN_TOPIC_OR_PART", "TOPIC_EXCEPTION",
    )  # fmt: skip


async def test_a_name_can_be_used_again(both: Both) -> None:
    def scenario(site: Site) -> Any:
        admin = confluent.AdminClient({"bootstrap.servers": site.address})
        site.topic(partitions=2)
        deleted = outcome(admin.delete_topics([site.name])[site.name])
        site.topic(partitions=1)
        return deleted, len(admin.list_topics(site.name).topics[site.name].partitions)

    assert await both(scenario) == ("ok", 1)


async def test_partitions_only_grow(both: Both) -> None:
    def scenario(site: Site) -> Any:
        site.topic(partitions=2)
        answers = []
        with site.client() as client:
            for name, count, dry in (
                (site.name, 4, True), (site.name, 2, False), (site.name, 1, False), (site.name, 0, False),
                (site.name, 4, False), (f"{site.name}-none", 3, False),
            ):  # fmt: skip
                asked = [{"name": name, "count": count, "assignments": None}]
                answer = client.call("CreatePartitions", 2, topics=asked, timeout_ms=10_000, validate_only=dry)
                answers.append(code(answer["results"][0]["error_code"]))
        return answers

    assert await both(scenario) == [
        "NO_ERROR", "INVALID_PARTITIONS", "INVALID_PARTITIONS", "INVALID_PARTITIONS", "NO_ERROR",
        "UNKNOWN_TOPIC_OR_PART",
    ]  # fmt: skip


async def test_growing_by_aiokafka(both: Both) -> None:
    async def scenario(site: Site) -> Any:
        admin = AIOKafkaAdminClient(bootstrap_servers=site.address)
        await admin.start()
        try:
            created = await admin.create_topics([NewTopic(site.name, 1, 1, topic_configs={"retention.ms": "1000"})])
            again = await admin.create_topics([NewTopic(site.name, 1, 1)])
            grown = await admin.create_partitions({site.name: NewPartitions(3)})
            while len((await admin.describe_topics([site.name]))[0]["partitions"]) != 3:
                await asyncio.sleep(0.02)
            listed = site.name in await admin.list_topics()
            deleted = await admin.delete_topics([site.name])
        finally:
            await admin.close()
        return (
            [code(each[1]) for each in created.topic_errors], [code(each[1]) for each in again.topic_errors],
            [code(each[1]) for each in grown.topic_errors], listed, [code(each[1]) for each in deleted.topic_error_codes],
        )  # fmt: skip

    assert await both(scenario) == (["NO_ERROR"], ["TOPIC_ALREADY_EXISTS"], ["NO_ERROR"], True, ["NO_ERROR"])


OURS = {"cleanup.policy": "compact,delete", "max.message.bytes": "8388608", "retention.ms": "259200000"}


def describe(site: Site, keys: list[str] | None, name: str | None = None) -> Any:
    """What DescribeConfigs says of a topic: value, source and type of each setting, or the error."""
    resource = {"type": TOPIC, "name": name or site.name, "keys": keys}
    with site.client() as client:
        answer = client.call("DescribeConfigs", 4, resources=[resource])["results"][0]
    if answer["error_code"]:
        return code(answer["error_code"])
    return {
        entry["name"]: (entry["value"], entry["source"], entry["config_type"], entry["read_only"])
        for entry in sorted(answer["configs"], key=lambda each: str(each["name"]))
    }


async def test_settings_that_were_given_are_described(both: Both) -> None:
    def scenario(site: Site) -> Any:
        site.broker.create_topics(site.name, config=OURS)
        return describe(site, [*OURS, "colour"])

    assert await both(scenario) == {
        "cleanup.policy": ("compact,delete", 1, 7, False),
        "max.message.bytes": ("8388608", 1, 3, False),
        "retention.ms": ("259200000", 1, 5, False),
    }


async def test_defaults_are_described(both: Both) -> None:
    def scenario(site: Site) -> Any:
        site.broker.create_topics(site.name)
        every = describe(site, None)
        names = (
            "cleanup.policy delete.retention.ms max.message.bytes message.timestamp.type retention.bytes retention.ms"
        )
        return {name: every.get(name) for name in names.split()}, describe(site, None, f"{site.name}-none")

    defaults, unknown = await both(scenario)
    assert unknown == "UNKNOWN_TOPIC_OR_PART"
    assert defaults == {
        "cleanup.policy": ("delete", 5, 7, False),
        "delete.retention.ms": ("86400000", 5, 5, False),
        "max.message.bytes": ("1048588", 5, 3, False),
        "message.timestamp.type": ("CreateTime", 5, 2, False),
        "retention.bytes": ("-1", 5, 5, False),
        "retention.ms": ("604800000", 5, 5, False),
    }


# What is done to the settings of a topic, and the answer.
CHANGES: tuple[tuple[list[tuple[str, int, str | None]], str], ...] = (
    ([("retention.ms", SET, "1000")], "NO_ERROR"),
    ([("cleanup.policy", APPEND, "compact")], "NO_ERROR"),
    ([("cleanup.policy", APPEND, "compact")], "NO_ERROR"),
    ([("cleanup.policy", SUBTRACT, "delete")], "NO_ERROR"),
    ([("max.message.bytes", SET, "5000"), ("retention.bytes", SET, "7000000")], "NO_ERROR"),
    ([("retention.ms", DELETE, None)], "NO_ERROR"),
    ([("retention.ms", DELETE, None)], "NO_ERROR"),
    ([("colour", SET, "red")], "INVALID_CONFIG"),
    ([("retention.ms", SET, "soon")], "INVALID_CONFIG"),
    ([("retention.ms", SET, None)], "INVALID_REQUEST"),
    ([("retention.ms", APPEND, "5")], "INVALID_CONFIG"),
    ([("retention.ms", SET, "5"), ("retention.ms", DELETE, None)], "INVALID_REQUEST"),
    ([("segment.ms", SET, "1000"), ("colour", SET, "red")], "INVALID_CONFIG"),
)


async def test_settings_are_changed_one_by_one(both: Both) -> None:
    def scenario(site: Site) -> Any:
        site.topic()
        answers = [alter(site, changes) for changes, _ in CHANGES]
        dry = alter(site, [("retention.ms", SET, "77")], validate_only=True)
        unknown = alter(site, [("retention.ms", SET, "77")], name=f"{site.name}-none")
        return answers, dry, unknown, [each for each in describe(site, None).items() if each[1][1] == 1]

    answers, dry, unknown, left = await both(scenario)
    assert answers == [expected for _, expected in CHANGES]
    assert (dry, unknown) == ("NO_ERROR", "UNKNOWN_TOPIC_OR_PART")
    assert left == [
        ("cleanup.policy", ("compact", 1, 7, False)),
        ("max.message.bytes", ("5000", 1, 3, False)),
        ("retention.bytes", ("7000000", 1, 5, False)),
    ]


def alter(
    site: Site, changes: list[tuple[str, int, str | None]], *, name: str = "", validate_only: bool = False
) -> str:
    configs = [{"name": setting, "operation": operation, "value": value} for setting, operation, value in changes]
    resource = {"type": TOPIC, "name": name or site.name, "configs": configs}
    with site.client() as client:
        answer = client.call("IncrementalAlterConfigs", 1, resources=[resource], validate_only=validate_only)
    return code(answer["responses"][0]["error_code"])


async def test_the_cluster_is_described(both: Both) -> None:
    def scenario(site: Site) -> Any:
        admin = confluent.AdminClient({"bootstrap.servers": site.address})
        cluster = admin.describe_cluster().result(30)
        nodes = [f"{node.host}:{node.port}" == site.address for node in cluster.nodes]
        return nodes, cluster.controller.id == cluster.nodes[0].id, bool(cluster.cluster_id)

    assert await both(scenario) == ([True], True, True)


async def test_all_topics_are_listed_by_librdkafka(both: Both) -> None:
    def list_all(site: Site) -> bool:
        name = site.topic(1)
        return name in confluent.AdminClient({"bootstrap.servers": site.address}).list_topics(timeout=10).topics

    assert await both(list_all)
