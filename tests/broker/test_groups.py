"""The group protocol, said word by word: members come, stay, return and go."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from copydesk_standalone.broker.coordinator import MAX_MEMBERS
from copydesk_standalone.broker.errors import Code
from copydesk_standalone.broker.process import BrokerProcess

from .client import WireClient
from .conftest import StartBroker

pytestmark = pytest.mark.kafka

Answer = dict[str, Any]


class Member:
    """A member of a group on a connection of its own; joins run beside the test."""

    def __init__(self, address: str, group: str, pool: ThreadPoolExecutor, instance: str | None = None) -> None:
        self.client = WireClient(address)
        self.group = group
        self.instance = instance
        self.id = ""
        self.generation = -1
        self._pool = pool

    def ask_to_join(self, version: int = 7, **changes: Any) -> Answer:
        message = {
            "group_id": self.group,
            "session_timeout_ms": 6_000,
            "rebalance_timeout_ms": 6_000,
            "member_id": self.id,
            "instance_id": self.instance,
            "protocol_type": "consumer",
            "protocols": [{"name": "range", "metadata": b"topics"}],
        }
        return self.client.call("JoinGroup", version, **{**message, **changes})

    def join(self, version: int = 7, **changes: Any) -> Answer:
        answer = self.ask_to_join(version, **changes)
        if answer["error_code"] == Code.MEMBER_ID_REQUIRED:
            self.id = answer["member_id"]
            answer = self.ask_to_join(version, **changes)
        if answer["error_code"] == Code.NONE:
            self.id, self.generation = answer["member_id"], answer["generation_id"]
        return answer

    def joining(self, version: int = 7, **changes: Any) -> "Future[Answer]":
        return self._pool.submit(self.join, version, **changes)

    def sync(self, assignments: dict[str, bytes] | None = None, **changes: Any) -> Answer:
        given = [{"member_id": key, "assignment": value} for key, value in (assignments or {}).items()]
        return self.client.call("SyncGroup", 5, **self._identity(), assignments=given, **changes)

    def syncing(self, assignments: dict[str, bytes] | None = None) -> "Future[Answer]":
        return self._pool.submit(self.sync, assignments)

    def beat(self) -> int:
        return int(self.client.call("Heartbeat", 4, **self._identity())["error_code"])

    def leave(self) -> Answer:
        members = [{"member_id": self.id, "instance_id": self.instance}]
        return self.client.call("LeaveGroup", 5, group_id=self.group, members=members)

    def commit(self, topic: str, offset: int, **changes: Any) -> int:
        partitions = [{"index": 0, "offset": offset, "metadata": "m"}]
        message = {**self._identity(), "topics": [{"name": topic, "partitions": partitions}], **changes}
        answer = self.client.call("OffsetCommit", 8, **message)
        return int(answer["topics"][0]["partitions"][0]["error_code"])

    def _identity(self) -> Answer:
        return {
            "group_id": self.group,
            "generation_id": self.generation,
            "member_id": self.id,
            "instance_id": self.instance,
        }


class Party:
    """Makes members of one group."""

    def __init__(self, address: str, group: str, stack: ExitStack, pool: ThreadPoolExecutor) -> None:
        self.address, self.group, self._stack, self._pool = address, group, stack, pool

    def member(self, instance: str | None = None) -> Member:
        member = Member(self.address, self.group, self._pool, instance)
        self._stack.enter_context(member.client)
        return member

    def settled(self, *instances: str | None) -> list[Member]:
        """Members that share the group in a stable generation; the assignment of each is its number."""
        members = [self.member(instance) for instance in instances]
        answers = [future.result(10) for future in [member.joining() for member in members]]
        return self.assign(members, answers)

    def assign(self, members: list[Member], answers: list[Answer]) -> list[Member]:
        leader = next(m for m, answer in zip(members, answers, strict=True) if answer["leader"] == m.id)
        given = {member.id: str(number).encode() for number, member in enumerate(members)}
        futures = [member.syncing(given if member is leader else None) for member in members]
        assert [future.result(10)["assignment"] for future in futures] == list(given.values())
        return members


@pytest.fixture
def party(broker: BrokerProcess, name: str) -> Iterator[Party]:
    with ThreadPoolExecutor(8) as pool, ExitStack() as stack:
        yield Party(broker.address, f"{name}-group", stack, pool)


def state(party: Party) -> Answer:
    with WireClient(party.address) as client:
        group: Answer = client.call("DescribeGroups", 5, groups=[party.group])["groups"][0]
    return group


@pytest.mark.parametrize("version", range(10))
def test_every_join_version(party: Party, version: int) -> None:
    member = party.member()
    answer = member.join(version)
    assert (answer["error_code"], answer["generation_id"], answer["protocol_name"]) == (Code.NONE, 1, "range")
    assert answer["leader"] == answer["member_id"]
    assert [m["metadata"] for m in answer["members"]] == [b"topics"]


def test_a_group_settles_without_much_delay(party: Party) -> None:
    began = time.monotonic()
    (member,) = party.settled(None)
    assert member.beat() == Code.NONE
    assert time.monotonic() - began < 3
    assert state(party)["group_state"] == "Stable"


def test_members_that_start_together_share_the_first_generation(party: Party) -> None:
    members = party.settled(None, None, None)
    assert {member.generation for member in members} == {1}
    assert len(state(party)["members"]) == 3


def test_newcomers_are_asked_to_come_back_with_an_id(party: Party) -> None:
    answer = party.member().ask_to_join()
    assert answer["error_code"] == Code.MEMBER_ID_REQUIRED
    assert answer["member_id"].startswith("test-")


def test_a_newcomer_makes_the_others_join_again(party: Party) -> None:
    (first,) = party.settled(None)
    second = party.member()
    joining = second.joining()
    wait_until(lambda: first.beat() == Code.REBALANCE_IN_PROGRESS)
    again = first.join()
    answers = [again, joining.result(10)]
    assert {answer["generation_id"] for answer in answers} == {2}
    party.assign([first, second], answers)
    assert first.beat() == second.beat() == Code.NONE


def wait_until(condition: Any) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_who_leaves_makes_room(party: Party) -> None:
    first, second = party.settled(None, None)
    assert second.leave()["members"][0]["error_code"] == Code.NONE
    assert first.beat() == Code.REBALANCE_IN_PROGRESS
    assert len(first.join()["members"]) == 1
    assert second.beat() == Code.UNKNOWN_MEMBER_ID


def test_the_last_one_leaves_an_empty_group(party: Party) -> None:
    (member,) = party.settled(None)
    old = member.client.call("LeaveGroup", 1, group_id=party.group, member_id=member.id)
    assert old["error_code"] == Code.NONE
    assert state(party)["group_state"] == "Empty"
    assert member.leave()["members"][0]["error_code"] == Code.UNKNOWN_MEMBER_ID


def test_a_silent_member_is_out_after_its_session(party: Party) -> None:
    silent = party.member()
    silent.join(session_timeout_ms=300)
    silent.sync({silent.id: b"all"})
    wait_until(lambda: state(party)["group_state"] == "Empty")
    assert silent.beat() == Code.UNKNOWN_MEMBER_ID


def test_heartbeats_keep_a_member_in(party: Party) -> None:
    member = party.member()
    member.join(session_timeout_ms=400)
    member.sync({member.id: b"all"})
    for _ in range(8):
        time.sleep(0.1)
        assert member.beat() == Code.NONE


def test_who_does_not_join_again_in_time_is_out(party: Party) -> None:
    slow = party.member()
    slow.join(rebalance_timeout_ms=300)
    slow.sync({slow.id: b"all"})
    quick = party.member()
    answer = quick.join(rebalance_timeout_ms=300)
    assert [m["member_id"] for m in answer["members"]] == [quick.id]
    assert slow.beat() == Code.UNKNOWN_MEMBER_ID


def test_a_leader_that_never_assigns_does_not_hold_the_group(party: Party) -> None:
    leader, other = party.member(), party.member()
    joining = [member.joining(rebalance_timeout_ms=400) for member in (leader, other)]
    answers = [future.result(10) for future in joining]
    if answers[0]["leader"] != leader.id:
        leader, other = other, leader
    assert other.sync()["error_code"] == Code.REBALANCE_IN_PROGRESS
    assert len(other.join()["members"]) == 1
    assert leader.beat() == Code.UNKNOWN_MEMBER_ID


def test_a_hang_up_during_a_join_does_not_hold_the_group(party: Party) -> None:
    (first,) = party.settled(None)
    ghost = party.member()
    reserved = ghost.ask_to_join()["member_id"]
    ghost.client.send(
        "JoinGroup",
        7,
        {
            "group_id": party.group,
            "session_timeout_ms": 300,
            "rebalance_timeout_ms": 60_000,
            "member_id": reserved,
            "protocol_type": "consumer",
            "protocols": [{"name": "range", "metadata": b""}],
        },
    )
    wait_until(lambda: first.beat() == Code.REBALANCE_IN_PROGRESS)
    ghost.client.socket.close()
    assert [member["member_id"] for member in first.join()["members"]] == [first.id]


def test_a_follower_that_repeats_itself_disturbs_nobody(party: Party) -> None:
    members = party.settled(None, None)
    leader_id = state_leader(party, members)
    follower = next(member for member in members if member.id != leader_id)
    answer = follower.join()
    assert (answer["error_code"], answer["generation_id"], answer["members"]) == (Code.NONE, 1, [])
    assert follower.sync()["assignment"] == str(members.index(follower)).encode()
    assert all(member.beat() == Code.NONE for member in members)


def state_leader(party: Party, members: list[Member]) -> str:
    """Who leads: the first to have joined, which is the first that is described."""
    described = [member["member_id"] for member in state(party)["members"]]
    assert set(described) == {member.id for member in members}
    return str(described[0])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"group_id": ""}, Code.INVALID_GROUP_ID),
        ({"member_id": "made-up"}, Code.UNKNOWN_MEMBER_ID),
        ({"session_timeout_ms": 1}, Code.INVALID_SESSION_TIMEOUT),
        ({"session_timeout_ms": 10**9}, Code.INVALID_SESSION_TIMEOUT),
        ({"session_timeout_ms": -5}, Code.INVALID_SESSION_TIMEOUT),
        ({"protocols": []}, Code.INCONSISTENT_GROUP_PROTOCOL),
        ({"protocol_type": ""}, Code.INCONSISTENT_GROUP_PROTOCOL),
        ({"protocol_type": "connect"}, Code.INCONSISTENT_GROUP_PROTOCOL),
        ({"protocols": [{"name": "other", "metadata": b""}]}, Code.INCONSISTENT_GROUP_PROTOCOL),
    ],
)
def test_joins_that_cannot_be(party: Party, changes: Answer, code: Code) -> None:
    party.settled(None)
    assert party.member().ask_to_join(**changes)["error_code"] == code


def test_the_size_of_a_group_is_bounded(party: Party) -> None:
    newcomer = party.member()
    for _ in range(MAX_MEMBERS):
        assert newcomer.ask_to_join()["error_code"] == Code.MEMBER_ID_REQUIRED
    assert newcomer.ask_to_join()["error_code"] == Code.GROUP_MAX_SIZE_REACHED


def test_the_protocol_that_most_prefer_among_those_all_know(party: Party) -> None:
    def protocols(*names: str) -> list[Answer]:
        return [{"name": name, "metadata": b""} for name in names]

    members = [party.member() for _ in range(3)]
    wanted = [protocols("a", "b", "c"), protocols("x", "c", "b"), protocols("c", "b")]
    joining = [m.joining(protocols=w) for m, w in zip(members, wanted, strict=True)]
    assert {future.result(10)["protocol_name"] for future in joining} == {"c"}


def test_old_generations_are_told(party: Party, topic: str) -> None:
    (member,) = party.settled(None)
    member.generation = 7
    assert member.beat() == Code.ILLEGAL_GENERATION
    assert member.sync()["error_code"] == Code.ILLEGAL_GENERATION
    assert member.commit(topic, 1) == Code.ILLEGAL_GENERATION


def test_offsets_are_committed_by_members_only(party: Party, topic: str) -> None:
    stranger = party.member()
    assert stranger.commit(topic, 1) == Code.NONE
    (member,) = party.settled(None)
    assert member.commit(topic, 2) == Code.NONE
    assert stranger.commit(topic, 3) == Code.UNKNOWN_MEMBER_ID
    stranger.id, stranger.generation = "made-up", 1
    assert stranger.commit(topic, 3) == Code.UNKNOWN_MEMBER_ID
    assert member.commit(topic, 4, topics=[bad_commit("no-such-topic")]) == Code.UNKNOWN_TOPIC_OR_PARTITION
    assert member.commit(topic, 4, topics=[bad_commit(topic, "x" * 5_000)]) == Code.OFFSET_METADATA_TOO_LARGE


def bad_commit(topic: str, metadata: str = "") -> Answer:
    return {"name": topic, "partitions": [{"index": 0, "offset": 1, "metadata": metadata}]}


# Static members


def test_a_static_member_comes_back_to_what_it_had(party: Party) -> None:
    first, second = party.settled("one", "two")
    for member, number in ((first, b"0"), (second, b"1")):
        returned = party.member(member.instance)
        answer = returned.join()
        assert (answer["error_code"], answer["generation_id"]) == (Code.NONE, 1)
        assert answer["leader"] != returned.id, "a returning leader must not assign anew"
        assert returned.id != member.id
        assert returned.sync()["assignment"] == number
        assert returned.beat() == Code.NONE
        assert member.beat() == Code.FENCED_INSTANCE_ID


def test_a_returning_leader_may_skip_the_assignment(party: Party) -> None:
    party.settled("one")
    returned = party.member("one")
    answer = returned.join(version=9)
    assert (answer["skip_assignment"], answer["leader"]) == (True, returned.id)
    assert [member["instance_id"] for member in answer["members"]] == ["one"]
    assert returned.sync()["assignment"] == b"0"


def test_a_static_member_with_other_wishes_rebalances(party: Party) -> None:
    party.settled("one")
    returned = party.member("one")
    answer = returned.join(protocols=[{"name": "range", "metadata": b"other topics"}])
    assert answer["generation_id"] == 2


def test_the_member_that_was_replaced_is_fenced(party: Party, topic: str) -> None:
    (old,) = party.settled("one")
    party.member("one").join()
    assert old.sync()["error_code"] == Code.FENCED_INSTANCE_ID
    assert old.commit(topic, 1) == Code.FENCED_INSTANCE_ID
    assert old.ask_to_join()["error_code"] == Code.FENCED_INSTANCE_ID
    assert old.leave()["members"][0]["error_code"] == Code.FENCED_INSTANCE_ID


def test_a_replaced_member_that_waits_is_told(party: Party) -> None:
    (leader,) = party.settled(None)
    waiting = party.member("one")
    joining = waiting.joining()
    wait_until(lambda: leader.beat() == Code.REBALANCE_IN_PROGRESS)
    replacing = party.member("one").joining()
    assert joining.result(10)["error_code"] == Code.FENCED_INSTANCE_ID
    leader.join()
    assert replacing.result(10)["error_code"] == Code.NONE


def test_a_static_member_is_removed_by_its_name(party: Party) -> None:
    (member,) = party.settled("one")
    members = [{"member_id": "", "instance_id": "one"}]
    answer = member.client.call("LeaveGroup", 3, group_id=party.group, members=members)
    assert answer["members"][0]["error_code"] == Code.NONE
    assert state(party)["group_state"] == "Empty"


def test_a_static_member_that_is_late_keeps_its_place(party: Party) -> None:
    slow = party.member("slow")
    slow.join(rebalance_timeout_ms=300)
    slow.sync({slow.id: b"all"})
    quick = party.member()
    answer = quick.join(rebalance_timeout_ms=300)
    assert {m["member_id"] for m in answer["members"]} == {quick.id, slow.id}
    assert answer["leader"] == quick.id


# Offsets and administration


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
