"""Members with a name of their own (KIP-345): they come back to what they had."""

import pytest

from copydesk_standalone.broker.errors import Code

from .members import Party, state, wait_until

pytestmark = pytest.mark.kafka


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
