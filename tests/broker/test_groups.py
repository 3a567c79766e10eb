"""The group protocol, said word by word: members come, stay, return and go."""

import time

import pytest

from copydesk_standalone.broker.coordinator import MAX_MEMBERS
from copydesk_standalone.broker.errors import Code

from .members import Answer, Member, Party, state, wait_until

pytestmark = pytest.mark.kafka


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
    newcomer, patience = party.member(), {"session_timeout_ms": 600_000}
    for _ in range(MAX_MEMBERS):
        assert newcomer.ask_to_join(**patience)["error_code"] == Code.MEMBER_ID_REQUIRED
    assert newcomer.ask_to_join(**patience)["error_code"] == Code.GROUP_MAX_SIZE_REACHED


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
