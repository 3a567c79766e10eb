"""The state machine of one consumer group (the classic protocol).

EMPTY -> JOINING -> SYNCING -> STABLE, and back to JOINING whenever the members change.
Source: KIP-62, KIP-345 (static members), KIP-394 (member ids), and kafka's GroupCoordinator.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypeVar

from .errors import Code, KafkaError

Result = TypeVar("Result")

# Long enough for consumers that start together to meet in the first generation.
FIRST_JOIN_DELAY_S = 0.05


class State(Enum):
    """Group states, by the names that DescribeGroups reports."""

    EMPTY = "Empty"
    JOINING = "PreparingRebalance"
    SYNCING = "CompletingRebalance"
    STABLE = "Stable"


@dataclass(frozen=True, slots=True)
class Join:
    """What a member says when it joins. Time-outs are in seconds."""

    protocol_type: str
    protocols: dict[str, bytes]
    session_timeout_s: float
    rebalance_timeout_s: float
    client_id: str = ""
    host: str = ""
    instance_id: str | None = None

    @property
    def weight(self) -> int:
        """Bytes of what the member says about itself."""
        names = len(self.protocol_type) + len(self.client_id) + len(self.instance_id or "")
        return names + sum(len(name) + len(metadata) for name, metadata in self.protocols.items())


@dataclass(frozen=True, slots=True)
class Joined:
    """The answer to a join; only the leader is told the ``members`` as (id, instance id, metadata)."""

    generation: int
    protocol: str
    leader: str
    member_id: str
    members: list[tuple[str, str | None, bytes]] = field(default_factory=list)
    skip_assignment: bool = False


@dataclass(slots=True)
class Member:
    id: str
    join: Join
    assignment: bytes = b""
    joining: asyncio.Future[Joined] | None = None
    syncing: asyncio.Future[bytes] | None = None
    expiry: asyncio.TimerHandle | None = None

    @property
    def weight(self) -> int:
        """Bytes kept for this member."""
        return self.join.weight + len(self.assignment)

    @property
    def is_joining(self) -> bool:
        return self.joining is not None and not self.joining.done()

    def waiting(self) -> list[asyncio.Future[Joined] | asyncio.Future[bytes]]:
        return [future for future in (self.joining, self.syncing) if future is not None and not future.done()]

    def fail(self, error: KafkaError) -> None:
        for future in self.waiting():
            future.set_exception(error)


def new_member_id(client_id: str) -> str:
    return f"{client_id or 'member'}-{uuid.uuid4()}"


class Group:
    """One group. Every method runs on the event loop and never waits; joins and syncs return futures."""

    def __init__(self, group_id: str) -> None:
        self.id = group_id
        self.state = State.EMPTY
        self.generation = 0
        self.protocol_type = ""
        self.protocol = ""
        self.leader = ""
        self.members: dict[str, Member] = {}
        self._statics: dict[str, str] = {}
        self._pending: dict[str, asyncio.TimerHandle] = {}
        self._deadline: asyncio.TimerHandle | None = None
        self._may_complete = True

    @property
    def is_idle(self) -> bool:
        return self.size == 0

    @property
    def size(self) -> int:
        """Members, and clients that were given an id to join with."""
        return len(self.members) + len(self._pending)

    @property
    def weight(self) -> int:
        return sum(member.weight for member in self.members.values())

    # Members

    def reserve(self, client_id: str, session_timeout_s: float) -> str:
        """Give out a member id that the client must come back with (KIP-394)."""
        member_id = new_member_id(client_id)
        self._pending[member_id] = _later(session_timeout_s, self.forget_reserved, member_id)
        return member_id

    def is_reserved(self, member_id: str) -> bool:
        return member_id in self._pending

    def forget_reserved(self, member_id: str) -> None:
        timer = self._pending.pop(member_id, None)
        if timer is not None:
            timer.cancel()
            self._complete_join()

    def member(self, member_id: str, instance_id: str | None = None) -> Member:
        """The member. Raises KafkaError when it is unknown, or another one has taken over its instance id."""
        if instance_id is not None and self._statics.get(instance_id, member_id) != member_id:
            raise KafkaError(Code.FENCED_INSTANCE_ID, f"{instance_id} is now another member")
        if member_id not in self.members:
            raise KafkaError(Code.UNKNOWN_MEMBER_ID, f"{member_id!r} is not a member of {self.id}")
        return self.members[member_id]

    def static_member_id(self, instance_id: str | None) -> str | None:
        return None if instance_id is None else self._statics.get(instance_id)

    def touch(self, member: Member) -> None:
        """Start the member's session time-out anew."""
        if member.expiry is not None:
            member.expiry.cancel()
        member.expiry = _later(member.join.session_timeout_s, self._expire, member)

    def _expire(self, member: Member) -> None:
        if member.waiting():
            self.touch(member)
        elif self.members.get(member.id) is member:
            self.remove(member)

    def remove(self, member: Member) -> None:
        """Take a member out and let the others share its partitions."""
        self._drop(member)
        if self.state in {State.STABLE, State.SYNCING}:
            self._prepare()
        elif self.state is State.JOINING:
            self._complete_join()

    def _drop(self, member: Member) -> None:
        del self.members[member.id]
        if member.join.instance_id is not None:
            self._statics.pop(member.join.instance_id, None)
        if member.expiry is not None:
            member.expiry.cancel()
        member.fail(KafkaError(Code.UNKNOWN_MEMBER_ID))

    # Joining

    def check_protocols(self, join: Join) -> None:
        """Raises KafkaError when the joiner has nothing in common with the members."""
        if not join.protocol_type or not join.protocols:
            raise KafkaError(Code.INCONSISTENT_GROUP_PROTOCOL, "no protocol to agree on")
        if not self.members:
            return
        shared = self._common() & set(join.protocols)
        if join.protocol_type != self.protocol_type or not shared:
            raise KafkaError(Code.INCONSISTENT_GROUP_PROTOCOL, "no protocol in common with the members")

    def _common(self) -> set[str]:
        """The protocols that every member knows."""
        return set.intersection(*(set(member.join.protocols) for member in self.members.values()))

    def add(self, join: Join, member_id: str) -> asyncio.Future[Joined]:
        """Take in a new member."""
        timer = self._pending.pop(member_id, None)
        if timer is not None:
            timer.cancel()
        if not self.members:
            self.protocol_type = join.protocol_type
        member = self.members[member_id] = Member(member_id, join)
        if join.instance_id is not None:
            self._statics[join.instance_id] = member_id
        return self._rejoin(member)

    def rejoin(self, member: Member, join: Join) -> asyncio.Future[Joined]:
        """A member joins again; nothing changes for the others when it says what it said before."""
        same = member.join.protocols == join.protocols
        member.join = join
        settled = self.state is State.SYNCING or (self.state is State.STABLE and member.id != self.leader)
        if same and settled:
            self.touch(member)
            return _done(self._answer(member))
        return self._rejoin(member)

    def replace_static(self, join: Join, old_id: str, *, can_skip: bool) -> asyncio.Future[Joined]:
        """A static member came back without its member id: it gets a new one and keeps its assignment.

        ``can_skip`` says that the client knows how to lead without assigning anew (JoinGroup version 9).
        """
        old = self.members.pop(old_id)
        old.fail(KafkaError(Code.FENCED_INSTANCE_ID))
        if old.expiry is not None:
            old.expiry.cancel()
        member = Member(new_member_id(join.client_id), join, assignment=old.assignment)
        self.members[member.id] = member
        if join.instance_id is not None:
            self._statics[join.instance_id] = member.id
        if self.leader == old_id:
            self.leader = member.id
        unchanged = old.join.protocols.get(self.protocol) == join.protocols.get(self.protocol)
        if self.state is State.STABLE and unchanged:
            self.touch(member)
            answer = self._answer(member)
            if self.leader != member.id:
                return _done(answer)
            # A leader that came back must not assign anew; older clients are told that another one leads.
            skipping = replace(answer, skip_assignment=True)
            return _done(skipping if can_skip else replace(answer, leader=old_id, members=[]))
        return self._rejoin(member)

    def _answer(self, member: Member) -> Joined:
        everyone = self.members.values() if member.id == self.leader else ()
        members = [(m.id, m.join.instance_id, m.join.protocols[self.protocol]) for m in everyone]
        return Joined(self.generation, self.protocol, self.leader, member.id, members)

    def _rejoin(self, member: Member) -> asyncio.Future[Joined]:
        member.fail(KafkaError(Code.REBALANCE_IN_PROGRESS))
        future: asyncio.Future[Joined] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda _: self._gave_up(member, future))
        member.joining = future
        self.touch(member)
        if self.state is not State.JOINING:
            self._prepare()
        else:
            self._complete_join()
        return future

    def _gave_up(self, member: Member, future: asyncio.Future[Joined]) -> None:
        """A client that hung up while it waited is no longer joining; its session runs out."""
        if future.cancelled() and member.joining is future:
            member.joining = None

    def _prepare(self) -> None:
        first = self.state is State.EMPTY
        self.state = State.JOINING
        for member in self.members.values():
            if member.syncing is not None and not member.syncing.done():
                member.syncing.set_exception(KafkaError(Code.REBALANCE_IN_PROGRESS))
        self._may_complete = not first
        if first:
            self._arm(FIRST_JOIN_DELAY_S, self._first_delay_over)
        else:
            self._arm_rebalance(self._expire_join)
            self._complete_join()

    def _first_delay_over(self) -> None:
        self._may_complete = True
        self._arm_rebalance(self._expire_join)
        self._complete_join()

    def _arm_rebalance(self, action: Callable[[], None]) -> None:
        self._arm(max((m.join.rebalance_timeout_s for m in self.members.values()), default=0), action)

    def _arm(self, delay_s: float, action: Callable[[], None]) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = _later(delay_s, action)

    def _expire_join(self) -> None:
        """The rebalance time-out is over: whoever did not join again is out.

        Static members stay until their session runs out, as they are expected back.
        """
        for member in list(self.members.values()):
            if not member.is_joining and member.join.instance_id is None:
                self._drop(member)
        for member_id in list(self._pending):
            self._pending.pop(member_id).cancel()
        if self.members and not any(m.is_joining for m in self.members.values()):
            self._arm_rebalance(self._expire_join)
        else:
            self._start_generation()

    def _complete_join(self) -> None:
        everyone_joined = all(member.is_joining for member in self.members.values())
        if self.state is State.JOINING and self._may_complete and not self._pending and everyone_joined:
            self._start_generation()

    def _start_generation(self) -> None:
        if not self.members:
            self._settle_empty()
            return
        self.generation += 1
        self.state = State.SYNCING
        self.protocol = self._vote()
        joined = [member for member in self.members.values() if member.is_joining]
        if self.leader not in {member.id for member in joined}:
            self.leader = joined[0].id
        self._arm_rebalance(self._expire_sync)
        for member in joined:
            self.touch(member)
            joining, member.joining = member.joining, None
            if joining is not None:
                joining.set_result(self._answer(member))

    def _settle_empty(self) -> None:
        self.generation += 1
        self.state, self.leader, self.protocol = State.EMPTY, "", ""
        self._stop_deadline()

    def _vote(self) -> str:
        """Each member votes for the first of its protocols that all know."""
        common = self._common()
        choices = [[name for name in m.join.protocols if name in common] for m in self.members.values()]
        votes = Counter(names[0] for names in choices)
        return votes.most_common(1)[0][0]

    # Syncing

    def sync(self, member: Member, assignments: dict[str, bytes]) -> asyncio.Future[bytes]:
        """Wait for this member's part of the assignment, which the leader brings."""
        self.touch(member)
        if self.state is State.STABLE:
            return _done(member.assignment)
        if self.state is not State.SYNCING:
            raise KafkaError(Code.REBALANCE_IN_PROGRESS)
        if member.syncing is not None and not member.syncing.done():
            member.syncing.set_exception(KafkaError(Code.REBALANCE_IN_PROGRESS))
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        member.syncing = future
        if member.id == self.leader:
            self._assign(assignments)
        return future

    def _assign(self, assignments: dict[str, bytes]) -> None:
        self.state = State.STABLE
        self._stop_deadline()
        for member in self.members.values():
            member.assignment = assignments.get(member.id, b"")
            if member.syncing is not None and not member.syncing.done():
                member.syncing.set_result(member.assignment)
            member.syncing = None
            self.touch(member)

    def _expire_sync(self) -> None:
        """The leader brought no assignment in time: whoever is not waiting for one is out."""
        for member in list(self.members.values()):
            if member.syncing is None or member.syncing.done():
                self._drop(member)
        self._prepare()

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def close(self) -> None:
        """Stop every timer and fail whoever waits."""
        self._stop_deadline()
        for timer in self._pending.values():
            timer.cancel()
        for member in self.members.values():
            if member.expiry is not None:
                member.expiry.cancel()
            member.fail(KafkaError(Code.COORDINATOR_NOT_AVAILABLE))


def _later(delay_s: float, action: Callable[..., None], *arguments: object) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(delay_s, action, *arguments)


def _done(value: Result) -> asyncio.Future[Result]:
    future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
    future.set_result(value)
    return future
