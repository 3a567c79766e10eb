"""All consumer groups: which requests a group takes, and what is answered to those it does not."""

import asyncio

from .errors import Code, KafkaError
from .groups import Group, Join, Joined, Member, State, new_member_id

SESSION_TIMEOUTS_S = (0.1, 1800.0)
MAX_MEMBERS = 1_000
MAX_GROUPS = 1_000
MAX_ID = 255
MAX_PROTOCOLS = 50
MAX_MEMBER_BYTES = 1 << 20
MAX_BYTES = 64 << 20


class MemberIdRequiredError(KafkaError):
    """The client has to join again with ``member_id`` (KIP-394)."""

    def __init__(self, member_id: str) -> None:
        super().__init__(Code.MEMBER_ID_REQUIRED)
        self.member_id = member_id


class Coordinator:
    """The groups with members. Every method raises KafkaError with the code for the client."""

    def __init__(self) -> None:
        self._groups: dict[str, Group] = {}
        self._weights: dict[str, int] = {}

    def find(self, group_id: str) -> Group | None:
        return self._groups.get(group_id)

    def groups(self) -> list[Group]:
        return list(self._groups.values())

    def _group(self, group_id: str) -> Group:
        """The group, made when it is new; those that nobody is in give way."""
        check_id(group_id)
        if group_id not in self._groups:
            if len(self._groups) >= MAX_GROUPS:
                self._prune()
            if len(self._groups) >= MAX_GROUPS:
                raise KafkaError(Code.GROUP_MAX_SIZE_REACHED, f"there are {MAX_GROUPS} groups with members")
            self._groups[group_id] = Group(group_id)
        return self._groups[group_id]

    def _prune(self) -> None:
        """Forget the groups without members; an id that was given out to join one with is void then."""
        for group in [group for group in self._groups.values() if not group.members]:
            group.close()
            del self._groups[group.id]
            self._weights.pop(group.id, None)

    def _check_weight(self, group: Group, more: int) -> None:
        """Raises KafkaError when what the members of all groups say would be too much to keep."""
        self._weights[group.id] = group.weight
        if sum(self._weights.values()) + more > MAX_BYTES:
            raise KafkaError(Code.GROUP_MAX_SIZE_REACHED, f"{more} more bytes for group {group.id} are too much")

    def _member(self, group_id: str, member_id: str, instance_id: str | None) -> tuple[Group, Member]:
        group = self._groups.get(group_id)
        if group is None:
            raise KafkaError(Code.UNKNOWN_MEMBER_ID, f"group {group_id} has no members")
        return group, group.member(member_id, instance_id)

    def join(
        self, group_id: str, member_id: str, join: Join, *, id_required: bool, can_skip: bool
    ) -> asyncio.Future[Joined]:
        """Join or join again. ``id_required`` makes new dynamic members come back with an id first."""
        _check_join(join)
        group = self._group(group_id)
        self._check_weight(group, join.weight)
        group.check_protocols(join)
        known = group.static_member_id(join.instance_id)
        if member_id:
            if group.is_reserved(member_id):
                return group.add(join, member_id)
            return group.rejoin(group.member(member_id, join.instance_id), join)
        if known is not None:
            return group.replace_static(join, known, can_skip=can_skip)
        if group.size >= MAX_MEMBERS:
            raise KafkaError(Code.GROUP_MAX_SIZE_REACHED, f"group {group_id} has {MAX_MEMBERS} members")
        if id_required and join.instance_id is None:
            raise MemberIdRequiredError(group.reserve(join.client_id, join.session_timeout_s))
        return group.add(join, new_member_id(join.client_id))

    def sync(
        self,
        group_id: str,
        generation: int,
        member_id: str,
        instance_id: str | None,
        assignments: dict[str, bytes],
        protocol: tuple[str | None, str | None] = (None, None),
    ) -> asyncio.Future[bytes]:
        """The member's part of the assignment; ``protocol`` is the type and name the member believes in (KIP-559)."""
        group, member = self._member(group_id, member_id, instance_id)
        _check_generation(group, generation)
        for believed, real in zip(protocol, (group.protocol_type, group.protocol), strict=True):
            if believed not in {None, real}:
                raise KafkaError(Code.INCONSISTENT_GROUP_PROTOCOL)
        if group.leader == member_id:
            known = {given: assignment for given, assignment in assignments.items() if given in group.members}
            self._check_weight(group, sum(map(len, known.values())))
            return group.sync(member, known)
        return group.sync(member, {})

    def heartbeat(self, group_id: str, generation: int, member_id: str, instance_id: str | None) -> None:
        group, member = self._member(group_id, member_id, instance_id)
        _check_generation(group, generation)
        group.touch(member)
        if group.state is State.JOINING:
            raise KafkaError(Code.REBALANCE_IN_PROGRESS)

    def leave(self, group_id: str, member_id: str, instance_id: str | None) -> None:
        """Leave by member id, or by instance id alone when an administrator removes a static member."""
        group = self._groups.get(group_id)
        if group is None:
            raise KafkaError(Code.UNKNOWN_MEMBER_ID, f"group {group_id} has no members")
        static_id = group.static_member_id(instance_id)
        if member_id and group.is_reserved(member_id):
            group.forget_reserved(member_id)
        else:
            group.remove(group.member(member_id or static_id or "", instance_id))

    def check_commit(self, group_id: str, generation: int, member_id: str, instance_id: str | None) -> None:
        """Whether these offsets may be committed: by a member in its generation, or by anyone when none is there."""
        check_id(group_id)
        group = self._groups.get(group_id)
        if generation < 0 and (group is None or not group.members):
            return
        group, member = self._member(group_id, member_id, instance_id)
        _check_generation(group, generation)
        group.touch(member)
        if group.state is State.SYNCING:
            raise KafkaError(Code.REBALANCE_IN_PROGRESS)

    def check_transactional_commit(
        self, group_id: str, generation: int, member_id: str, instance_id: str | None, *, has_offsets: bool
    ) -> None:
        """``check_commit`` for offsets in a transaction, which may be committed during a rebalance (KIP-447).

        ``has_offsets`` is whether the group is there all the same when it has no members.
        """
        group = self._groups.get(group_id)
        if group is None and not has_offsets and generation >= 0:
            raise KafkaError(Code.ILLEGAL_GENERATION, f"group {group_id} has no members")
        if generation < 0 and (group is None or not group.members):
            return
        group, _ = self._member(group_id, member_id, instance_id)
        _check_generation(group, generation)

    def subscribed(self, group_id: str) -> bool:
        group = self._groups.get(group_id)
        return group is not None and not group.is_idle

    def drop(self, group_id: str) -> None:
        """Forget a group. Raises KafkaError when it has members."""
        if self.subscribed(group_id):
            raise KafkaError(Code.NON_EMPTY_GROUP, f"group {group_id} has members")
        self._groups.pop(group_id, None)
        self._weights.pop(group_id, None)

    def close(self) -> None:
        for group in self._groups.values():
            group.close()


def check_id(group_id: str) -> None:
    """Raises KafkaError when no group can have this id."""
    if not 0 < len(group_id) <= MAX_ID:
        raise KafkaError(Code.INVALID_GROUP_ID, f"the id of a group has 1 to {MAX_ID} characters")


def _check_join(join: Join) -> None:
    """Raises KafkaError when no group would take this member."""
    if not SESSION_TIMEOUTS_S[0] <= join.session_timeout_s <= SESSION_TIMEOUTS_S[1]:
        raise KafkaError(Code.INVALID_SESSION_TIMEOUT, f"a session of {join.session_timeout_s} s")
    if len(join.protocols) > MAX_PROTOCOLS or max(len(join.client_id), len(join.instance_id or "")) > MAX_ID:
        raise KafkaError(Code.INVALID_REQUEST, f"over {MAX_PROTOCOLS} protocols, or an id over {MAX_ID} characters")
    if join.weight > MAX_MEMBER_BYTES:
        raise KafkaError(Code.GROUP_MAX_SIZE_REACHED, f"a member that says over {MAX_MEMBER_BYTES} bytes")


def _check_generation(group: Group, generation: int) -> None:
    if generation != group.generation:
        raise KafkaError(Code.ILLEGAL_GENERATION, f"generation {generation}, expected {group.generation}")
