"""Members of consumer groups for tests: they say what the test wants, each on a connection of its own."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from copydesk_standalone.broker.errors import Code

from .client import WireClient

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
        believed = {"protocol_type": "consumer", "protocol_name": "range"}
        return self.client.call("SyncGroup", 5, **{**self._identity(), **believed, "assignments": given, **changes})

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


def state(party: Party) -> Answer:
    with WireClient(party.address) as client:
        group: Answer = client.call("DescribeGroups", 5, groups=[party.group])["groups"][0]
    return group


def wait_until(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
