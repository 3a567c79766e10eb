"""Every version of every call that both brokers speak: the same question gets the same answer, field by field."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from copydesk_standalone.broker.messages import APIS
from tests.broker.batches import batch
from tests.broker.client import WireClient
from tests.contract.both import Both, Site, insist, said

pytestmark = [pytest.mark.kafka, pytest.mark.apache]

Message = dict[str, Any]
API_VERSIONS = 18
NOBODY = uuid.UUID(int=0)

# By the name of the call, what is asked, given the name of a topic that has three records and one of a group.
QUESTIONS: dict[str, Callable[[str], Message]] = {
    "Produce": lambda t: {
        "acks": -1,
        "timeout_ms": 1000,
        "topics": [
            {"name": t, "partitions": [{"index": 0, "records": batch([b"x"])}, {"index": 9, "records": batch([b"x"])}]}
        ],
    },
    "ListOffsets": lambda t: {"replica_id": -1, "topics": [{"name": t, "partitions": _places(timestamp=-2)}]},
    "Metadata": lambda t: {"topics": [_named(t), _named(f"{t}-none")], "allow_auto_topic_creation": False},
    "OffsetCommit": lambda t: {
        "group_id": t,
        "generation_id": -1,
        "member_id": "",
        "topics": [{"name": t, "partitions": _places(offset=2, metadata="m")}],
    },
    "OffsetFetch": lambda t: {
        "group_id": t,
        "topics": [{"name": t, "partitions": [0, 1]}],
        "groups": [{"group_id": t, "topics": [{"name": t, "partitions": [0, 1]}]}],
    },
    "FindCoordinator": lambda t: {"key": t, "keys": [t, f"{t}-other"], "key_type": 0},
    "JoinGroup": lambda t: {
        "group_id": t,
        "session_timeout_ms": 6000,
        "rebalance_timeout_ms": 6000,
        "member_id": "stranger",
        "protocol_type": "consumer",
        "protocols": [{"name": "range", "metadata": b""}],
    },
    "Heartbeat": lambda t: {"group_id": t, "generation_id": 1, "member_id": "stranger"},
    "LeaveGroup": lambda t: {"group_id": t, "member_id": "stranger", "members": [{"member_id": "stranger"}]},
    "SyncGroup": lambda t: {
        "group_id": t,
        "generation_id": 1,
        "member_id": "stranger",
        "protocol_type": "consumer",
        "protocol_name": "range",
    },
    "DescribeGroups": lambda t: {"groups": [f"{t}-none"]},
    "CreateTopics": lambda t: {
        "topics": [{"name": t, "partitions": 1, "replication_factor": 1}],
        "timeout_ms": 1000,
        "validate_only": True,
    },
    "DeleteTopics": lambda t: {
        "names": [f"{t}-none"],
        "topics": [{"name": f"{t}-none", "topic_id": NOBODY}],
        "timeout_ms": 1000,
    },
    "DeleteRecords": lambda t: {"topics": [{"name": t, "partitions": _places(offset=1)}], "timeout_ms": 1000},
    "OffsetForLeaderEpoch": lambda t: {
        "replica_id": -2,
        "topics": [{"name": t, "partitions": _places(current_leader_epoch=-1, leader_epoch=0)}],
    },
    "AddPartitionsToTxn": lambda t: {**_stranger(t), "topics": [{"name": t, "partitions": [0]}]},
    "AddOffsetsToTxn": lambda t: {**_stranger(t), "group_id": t},
    "EndTxn": lambda t: {**_stranger(t), "committed": True},
    "TxnOffsetCommit": lambda t: {
        **_stranger(t),
        "group_id": t,
        "topics": [{"name": t, "partitions": [{"index": 0, "offset": 2, "metadata": "m"}]}],
    },
    "DescribeConfigs": lambda t: {
        "resources": [
            {"type": 2, "name": t, "keys": ["retention.ms", "cleanup.policy"]},
            {"type": 2, "name": f"{t}-none", "keys": []},
        ]
    },
    "AlterConfigs": lambda t: {
        "resources": [{"type": 2, "name": t, "configs": [{"name": "retention.ms", "value": "5"}]}],
        "validate_only": True,
    },
    "CreatePartitions": lambda t: {
        "topics": [{"name": t, "count": 1, "assignments": None}],
        "timeout_ms": 1000,
        "validate_only": True,
    },
    "DeleteGroups": lambda t: {"groups": [f"{t}-none"]},
    "IncrementalAlterConfigs": lambda t: {
        "resources": [{"type": 2, "name": t, "configs": [{"name": "colour", "operation": 0, "value": "5"}]}],
        "validate_only": True,
    },
    "OffsetDelete": lambda t: {"group_id": f"{t}-none", "topics": [{"name": t, "partitions": [{"index": 0}]}]},
    "DescribeCluster": lambda _: {},
    "DescribeProducers": lambda t: {"topics": [{"name": t, "partitions": [0, 9]}]},
    "DescribeTransactions": lambda t: {"ids": [f"{t}-none"]},
    "ListTransactions": lambda _: {"state_filters": ["Ongoing", "Odd"], "producer_id_filters": [1 << 40]},
}


def _named(name: str) -> Message:
    return {"name": name, "topic_id": NOBODY}


def _places(**fields: Any) -> list[Message]:
    return [{"index": 0, **fields}, {"index": 9, **fields}]


def _stranger(name: str) -> Message:
    return {"transactional_id": f"{name}-none", "producer_id": 1 << 40, "producer_epoch": 0}


@pytest.mark.parametrize("name", QUESTIONS)
async def test_all_versions_of_a_call_are_answered_alike(both: Both, name: str) -> None:
    api = next(each for each in APIS if each.name == name)
    with both.apache.client() as client:
        first, last = offered(client)[api.key]
    versions = range(max(first, api.first), min(last, api.last) + 1)
    assert versions

    def scenario(site: Site) -> Any:
        topic = site.topic()
        question = QUESTIONS[name](topic)
        with site.client() as client:
            client.produce(topic, batch([b"a", b"b", b"c"]))
            return {version: in_order(said(insist(client, name, version, **question))) for version in versions}

    await both(scenario)


def offered(client: WireClient) -> dict[int, tuple[int, int]]:
    """The first and last version of each call."""
    return {each["api_key"]: (each["first"], each["last"]) for each in client.call("ApiVersions", 2)["api_keys"]}


def in_order(answer: Any) -> Any:
    """Lists sorted: the order of partitions and topics in an answer says nothing."""
    if isinstance(answer, dict):
        return {key: in_order(value) for key, value in answer.items()}
    return sorted(map(in_order, answer), key=repr) if isinstance(answer, list) else answer


async def test_what_is_offered_overlaps(both: Both) -> None:
    def scenario(site: Site) -> Any:
        with site.client() as client:
            return offered(client)

    embedded, apache = await both.each(scenario)
    assert embedded.keys() <= apache.keys()
    assert all(apache[key][0] <= last and first <= apache[key][1] for key, (first, last) in embedded.items())
