"""Committed offsets and the administration of groups."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from copydesk_standalone.broker.errors import Code
from copydesk_standalone.broker.process import BrokerProcess

from .client import WireClient
from .conftest import StartBroker
from .members import Answer, Member, Party, state

pytestmark = pytest.mark.kafka


def fetched(client: WireClient, group: str, topics: list[Answer] | None) -> dict[tuple[str, int], int]:
    answer = client.call("OffsetFetch", 7, group_id=group, topics=topics)
    return {(topic["name"], p["index"]): p["offset"] for topic in answer["topics"] for p in topic["partitions"]}


def commit(client: WireClient, group: str, topic: str, offset: int, version: int = 7) -> int:
    partitions = [{"index": 0, "offset": offset, "metadata": None}]
    topics = [{"name": topic, "partitions": partitions}]
    answer = client.call("OffsetCommit", version, group_id=group, generation_id=-1, member_id="", topics=topics)
    return int(answer["topics"][0]["partitions"][0]["error_code"])


@pytest.mark.parametrize("version", range(2, 10))
def test_every_commit_version(client: WireClient, topic: str, version: int) -> None:
    assert commit(client, topic, topic, 40 + version, version) == Code.NONE
    assert fetched(client, topic, None) == {(topic, 0): 40 + version}


@pytest.mark.parametrize("version", range(1, 10))
def test_every_offset_fetch_version(client: WireClient, topic: str, version: int) -> None:
    commit(client, topic, topic, 5)
    asked = [{"name": topic, "partitions": [0, 9]}]
    answer = client.call(
        "OffsetFetch", version, group_id=topic, topics=asked, groups=[{"group_id": topic, "topics": asked}]
    )
    topics = answer["groups"][0]["topics"] if version >= 8 else answer["topics"]
    assert [(p["index"], p["offset"]) for p in topics[0]["partitions"]] == [(0, 5), (9, -1)]


def test_offsets_of_several_groups_at_once(client: WireClient, topic: str) -> None:
    commit(client, topic + "a", topic, 1)
    commit(client, topic + "b", topic, 2)
    groups = [{"group_id": topic + suffix, "topics": None} for suffix in "abc"]
    answer = client.call("OffsetFetch", 8, groups=groups)
    offsets = [[p["offset"] for t in group["topics"] for p in t["partitions"]] for group in answer["groups"]]
    assert offsets == [[1], [2], []]


def test_a_deleted_topic_takes_its_offsets_along(client: WireClient, topic: str) -> None:
    commit(client, topic, topic, 1)
    client.call("DeleteTopics", 4, names=[topic], timeout_ms=1)
    assert fetched(client, topic, None) == {}


@pytest.mark.parametrize("version", range(6))
def test_groups_are_listed(client: WireClient, party: Party, topic: str, version: int) -> None:
    party.settled(None)
    commit(client, topic, topic, 1)
    listed = {group["group_id"]: group for group in client.call("ListGroups", version)["groups"]}
    assert listed[party.group]["protocol_type"] == "consumer"
    assert topic in listed
    if version >= 4:
        only = client.call("ListGroups", version, states_filter=["Stable"])["groups"]
        assert topic not in {group["group_id"] for group in only}


def test_groups_are_described(party: Party, client: WireClient, topic: str) -> None:
    (member,) = party.settled("one")
    found = state(party)
    assert (found["group_state"], found["protocol_type"], found["protocol_data"]) == ("Stable", "consumer", "range")
    (described,) = found["members"]
    assert (described["member_id"], described["instance_id"]) == (member.id, "one")
    assert (described["client_id"], described["client_host"]) == ("test", "127.0.0.1")
    assert (described["member_metadata"], described["member_assignment"]) == (b"topics", b"0")
    commit(client, topic, topic, 1)
    states = client.call("DescribeGroups", 0, groups=[topic, "no-such-group"])["groups"]
    assert [group["group_state"] for group in states] == ["Empty", "Dead"]


def test_groups_are_deleted_when_nobody_is_there(client: WireClient, party: Party, topic: str) -> None:
    party.settled(None)
    commit(client, topic, topic, 1)
    results = client.call("DeleteGroups", 2, groups=[party.group, topic, "no-such-group"])["results"]
    assert [result["error_code"] for result in results] == [Code.NON_EMPTY_GROUP, Code.NONE, Code.GROUP_ID_NOT_FOUND]
    assert fetched(client, topic, None) == {}


def test_single_offsets_are_deleted(client: WireClient, party: Party, topic: str) -> None:
    def delete(group: str) -> Answer:
        topics = [{"name": topic, "partitions": [{"index": 0}]}]
        return client.call("OffsetDelete", 0, group_id=group, topics=topics)

    commit(client, topic, topic, 1)
    assert delete(topic)["topics"][0]["partitions"][0]["error_code"] == Code.NONE
    assert fetched(client, topic, None) == {}
    assert delete("no-such-group")["error_code"] == Code.GROUP_ID_NOT_FOUND
    party.settled(None)
    assert delete(party.group)["error_code"] == Code.NON_EMPTY_GROUP


@pytest.mark.parametrize("version", range(6))
def test_the_coordinator_is_here(client: WireClient, broker: BrokerProcess, version: int) -> None:
    answer = client.call("FindCoordinator", version, key="g", key_type=0, keys=["g", "h"])
    found = answer["coordinators"] if version >= 4 else [answer]
    assert {(node["node_id"], node["port"], node["error_code"]) for node in found} == {(1, broker.port, 0)}
    assert len(found) == (2 if version >= 4 else 1)


def test_offsets_survive_a_kill_and_members_are_told_to_join_again(start_broker: StartBroker) -> None:
    broker = start_broker()
    with ThreadPoolExecutor(2) as pool:
        member = Member(broker.address, "g", pool)
        with member.client:
            member.client.create_topic("t")
            member.join()
            member.sync({member.id: b"all"})
            assert member.commit("t", 17) == Code.NONE
        broker.kill()
        again = start_broker()
        member.client = WireClient(again.address)
        with member.client:
            assert fetched(member.client, "g", None) == {("t", 0): 17}
            assert member.beat() == Code.UNKNOWN_MEMBER_ID
            assert member.commit("t", 18) == Code.UNKNOWN_MEMBER_ID
            member.id = ""
            assert member.join()["error_code"] == Code.NONE
