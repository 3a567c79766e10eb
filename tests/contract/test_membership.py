"""Membership of consumer groups, as members say it on the wire: who is let in, told to come again, or thrown out."""

import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.broker.members import Answer, Member, Party, state, wait_until
from tests.contract.both import Both, Site, code

pytestmark = [pytest.mark.kafka, pytest.mark.apache]


# Version 0, the topic "t", no user data: unlike the embedded broker, Apache Kafka reads what a consumer subscribes to.
SUBSCRIPTION = struct.pack(">hih1si", 0, 1, 1, b"t", -1)


PROTOCOL = {"protocol_type": "consumer", "protocol_name": "range"}


class Subscriber(Member):
    def ask_to_join(self, version: int = 7, **changes: Any) -> Answer:
        protocols = [{"name": "range", "metadata": SUBSCRIPTION}]
        return super().ask_to_join(version, **{"protocols": protocols, **changes})

    def sync(self, assignments: dict[str, bytes] | None = None, **changes: Any) -> Answer:
        return super().sync(assignments, **{**PROTOCOL, **changes})


class Subscribers(Party):
    def member(self, instance: str | None = None) -> Member:
        member = Subscriber(self.address, self.group, self._pool, instance)
        self._stack.enter_context(member.client)
        return member

    def settled(self, *instances: str | None) -> list[Member]:
        """One comes after the other: who joins at the same time may or may not share a generation."""
        here: list[Member] = []
        for instance in instances:
            newcomer = self.member(instance)
            coming = newcomer.joining()
            wait_until(lambda: all(member.beat() for member in here))
            answers = [again.result(10) for again in [*(member.joining() for member in here), coming]]
            here.append(newcomer)
        return self.assign(here, answers)


@contextmanager
def party(site: Site) -> Iterator[Party]:
    with ThreadPoolExecutor(8) as pool, ExitStack() as stack:
        yield Subscribers(site.address, site.name, stack, pool)


def told(answer: dict[str, Any]) -> str:
    return code(answer["error_code"])


def seen(group: Party) -> Any:
    """What DescribeGroups says of the group; members by their number in the assignment."""
    found = state(group)
    members = sorted((member["member_assignment"], member["instance_id"]) for member in found["members"])
    return told(found), found["group_state"], found["protocol_type"], found["protocol_data"], members


async def test_one_member_from_its_coming_to_its_going(both: Both) -> None:
    def scenario(site: Site) -> Any:
        with party(site) as group:
            before = seen(group)
            member = group.member()
            asked = member.ask_to_join()
            member.id = asked["member_id"]
            joined = member.join()
            led = joined["leader"] == member.id, len(joined["members"]), joined["protocol_name"]
            waiting = seen(group)[1]
            synced = member.sync({member.id: b"all"})
            beat, during = member.beat(), seen(group)
            left = member.leave()
            after = code(member.beat()), seen(group)
            member.id = ""
            generation = member.join()["generation_id"] - joined["generation_id"]
        return before, told(asked), led, waiting, synced["assignment"], beat, during, told(left), after, generation

    answer = await both(scenario)
    assert answer == (
        ("NO_ERROR", "Dead", "", "", []), "MEMBER_ID_REQUIRED", (True, 1, "range"), "CompletingRebalance", b"all", 0,
        ("NO_ERROR", "Stable", "consumer", "range", [(b"all", None)]), "NO_ERROR",
        ("UNKNOWN_MEMBER_ID", ("NO_ERROR", "Empty", "consumer", "", [])), 2,
    )  # fmt: skip


async def test_a_second_member_and_its_leaving_rebalance(both: Both) -> None:
    def scenario(site: Site) -> Any:
        with party(site) as group:
            (first,) = group.settled(None)
            second = group.member()
            joining = second.joining()
            wait_until(lambda: first.beat() != 0)
            told_first = code(first.beat()), code(first.commit(site.topic(), 1))
            answers = [first.join(), joining.result(10)]
            group.assign([first, second], answers)
            together = seen(group)
            second.leave()
            wait_until(lambda: first.beat() != 0)
            again = code(first.beat()), told(first.sync())
            alone = first.join()
        shares = answers[0]["generation_id"] == answers[1]["generation_id"]
        return told_first, shares, [len(each["members"]) for each in answers], together, again, len(alone["members"])

    told_first, shares, sizes, together, again, alone = await both(scenario)
    assert told_first == ("REBALANCE_IN_PROGRESS", "NO_ERROR")
    assert shares
    assert sorted(sizes) == [0, 2]
    assert together == ("NO_ERROR", "Stable", "consumer", "range", [(b"0", None), (b"1", None)])
    assert again == ("REBALANCE_IN_PROGRESS", "REBALANCE_IN_PROGRESS")
    assert alone == 1


async def test_strangers_are_turned_away(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        with party(site) as group:
            (member,) = group.settled(None)
            answers: dict[str, Any] = {
                "older generation": (code(member.commit(topic, 1, generation_id=member.generation - 1))),
                "unknown member": code(member.commit(topic, 1, member_id="stranger")),
                "no member": code(member.commit(topic, 1, member_id="", generation_id=-1)),
                "join": told(group.member().ask_to_join(member_id="stranger")),
                "sync": told(member.client.call("SyncGroup", 5, group_id=site.name, generation_id=99, member_id=member.id, **PROTOCOL)),
                "sync for another protocol": told(member.sync(protocol_name="other")),
                "sync for no protocol": told(member.sync(protocol_name=None)),
                "other protocols": told(group.member().join(protocols=[{"name": "other", "metadata": b""}])),
                "other type": told(group.member().join(protocol_type="connect")),
                "no protocols": told(group.member().join(protocols=[])),
                "session too short": told(group.member().join(session_timeout_ms=10)),
                "session too long": told(group.member().join(session_timeout_ms=10_000_000)),
                "no group": told(group.member().join(group_id="")),
                "beat of a stranger": told(member.client.call("Heartbeat", 4, group_id=site.name, generation_id=1, member_id="stranger")),
                "beat in no group": told(member.client.call("Heartbeat", 4, group_id=f"{site.name}-none", generation_id=1, member_id="a")),
            }  # fmt: skip
            left = member.client.call("LeaveGroup", 5, group_id=site.name, members=[{"member_id": "stranger"}])
            answers["leave"] = told(left), [told(each) for each in left["members"]]
            return answers, seen(group)[1]

    answers, left = await both(scenario)
    assert answers == {
        "older generation": "ILLEGAL_GENERATION",
        "unknown member": "UNKNOWN_MEMBER_ID",
        "no member": "UNKNOWN_MEMBER_ID",
        "join": "UNKNOWN_MEMBER_ID",
        "sync": "ILLEGAL_GENERATION",
        "sync for another protocol": "INCONSISTENT_GROUP_PROTOCOL",
        "sync for no protocol": "INCONSISTENT_GROUP_PROTOCOL",
        "other protocols": "INCONSISTENT_GROUP_PROTOCOL",
        "other type": "INCONSISTENT_GROUP_PROTOCOL",
        "no protocols": "INCONSISTENT_GROUP_PROTOCOL",
        "session too short": "INVALID_SESSION_TIMEOUT",
        "session too long": "INVALID_SESSION_TIMEOUT",
        "no group": "INVALID_GROUP_ID",
        "beat of a stranger": "UNKNOWN_MEMBER_ID",
        "beat in no group": "UNKNOWN_MEMBER_ID",
        "leave": ("NO_ERROR", ["UNKNOWN_MEMBER_ID"]),
    }
    assert left == "Stable"


async def test_a_static_member_comes_back_without_a_rebalance(both: Both) -> None:
    def scenario(site: Site) -> Any:
        with party(site) as group:
            first, second = group.settled("a", "b")
            back = group.member("a")
            joined = back.join()
            same = joined["generation_id"] == second.generation, joined["leader"] in {first.id, second.id}
            share = back.sync()["assignment"]
            fenced = code(first.beat()), told(first.sync()), code(first.commit(site.topic(), 1))
            other = second.beat()
            names = seen(group)
            left = _leave_by_name(second, "a"), _leave_by_name(second, "nobody")
            wait_until(lambda: second.beat() != 0)
            return told(joined), same, share, fenced, other, names, left

    joined, same, share, fenced, other, names, left = await both(scenario)
    assert (joined, same, share, other) == ("NO_ERROR", (True, True), b"0", 0)
    assert fenced == ("FENCED_INSTANCE_ID",) * 3
    assert names == ("NO_ERROR", "Stable", "consumer", "range", [(b"0", "a"), (b"1", "b")])
    assert left == (["NO_ERROR"], ["UNKNOWN_MEMBER_ID"])


def _leave_by_name(speaker: Member, instance: str) -> list[str]:
    gone = [{"member_id": "", "instance_id": instance}]
    answer = speaker.client.call("LeaveGroup", 5, group_id=speaker.group, members=gone)
    return [told(each) for each in answer["members"]]


async def test_a_silent_member_is_thrown_out(both: Both) -> None:
    def scenario(site: Site) -> Any:
        with party(site) as group:
            member = group.member()
            joined = member.join(session_timeout_ms=6_000)
            member.sync({member.id: b"all"})
            wait_until(lambda: seen(group)[1] == "Empty")
            return told(joined), code(member.beat())

    assert await both(scenario) == ("NO_ERROR", "UNKNOWN_MEMBER_ID")
