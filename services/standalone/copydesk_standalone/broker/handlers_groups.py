"""Consumer groups on the wire: membership, offsets and their administration."""

from collections import defaultdict
from collections.abc import Iterable

from .broker import NODE_ID, Broker
from .coordinator import MemberIdRequiredError
from .errors import Code, KafkaError
from .groups import Join, State
from .offsets import Committed, Partition
from .protocol import Request
from .schema import Message
from .turns import in_turns, once

MAX_METADATA = 4096
MAX_OFFSETS = 100_000
_GROUP, _TRANSACTION = 0, 1
# The request versions from which a feature is there.
_ID_REQUIRED_FROM, _SKIP_FROM = 4, 9
_PROTOCOL_REQUIRED_FROM, _NO_PROTOCOL_IS_NULL_FROM = 5, 7
_BATCHED_FIND_FROM, _BATCHED_LEAVE_FROM, _BATCHED_FETCH_FROM = 4, 3, 8


async def find_coordinator(broker: Broker, request: Request) -> Message:
    """This broker coordinates everything."""
    message = request.message
    here = {"node_id": NODE_ID, "host": broker.options.host, "port": broker.told_port, "error_code": Code.NONE}
    if message["key_type"] not in {_GROUP, _TRANSACTION}:
        here = {"node_id": -1, "host": "", "port": -1, "error_code": Code.INVALID_REQUEST}
    if request.version < _BATCHED_FIND_FROM:
        return here
    return {"coordinators": [{"key": key, **here} for key in message["keys"]]}


async def join_group(broker: Broker, request: Request) -> Message:
    message = request.message
    session_ms = message["session_timeout_ms"]
    rebalance_ms = message["rebalance_timeout_ms"]
    join = Join(
        protocol_type=message["protocol_type"],
        protocols={protocol["name"]: protocol["metadata"] for protocol in message["protocols"]},
        session_timeout_s=session_ms / 1000,
        rebalance_timeout_s=(rebalance_ms if rebalance_ms >= 0 else session_ms) / 1000,
        client_id=request.client_id,
        host=request.host,
        instance_id=message["instance_id"],
    )
    try:
        joined = await broker.groups.join(
            message["group_id"],
            message["member_id"],
            join,
            id_required=request.version >= _ID_REQUIRED_FROM,
            can_skip=request.version >= _SKIP_FROM,
        )
    except KafkaError as error:
        member_id = error.member_id if isinstance(error, MemberIdRequiredError) else message["member_id"]
        no_protocol = None if request.version >= _NO_PROTOCOL_IS_NULL_FROM else ""
        return {"error_code": error.code, "member_id": member_id, "protocol_name": no_protocol}
    return {
        "error_code": Code.NONE,
        "generation_id": joined.generation,
        "protocol_type": join.protocol_type,
        "protocol_name": joined.protocol,
        "leader": joined.leader,
        "skip_assignment": joined.skip_assignment,
        "member_id": joined.member_id,
        "members": [
            {"member_id": member_id, "instance_id": instance_id, "metadata": metadata}
            for member_id, instance_id, metadata in joined.members
        ],
    }


async def sync_group(broker: Broker, request: Request) -> Message:
    message = request.message
    protocol = (message["protocol_type"], message["protocol_name"])
    if request.version >= _PROTOCOL_REQUIRED_FROM and None in protocol:
        return {"error_code": Code.INCONSISTENT_GROUP_PROTOCOL}
    try:
        assignment = await broker.groups.sync(
            message["group_id"],
            message["generation_id"],
            message["member_id"],
            message["instance_id"],
            {given["member_id"]: given["assignment"] for given in message["assignments"]},
            protocol,
        )
    except KafkaError as error:
        return {"error_code": error.code}
    return {
        "error_code": Code.NONE,
        "protocol_type": message["protocol_type"],
        "protocol_name": message["protocol_name"],
        "assignment": assignment,
    }


async def heartbeat(broker: Broker, request: Request) -> Message:
    message = request.message
    try:
        broker.groups.heartbeat(
            message["group_id"], message["generation_id"], message["member_id"], message["instance_id"]
        )
    except KafkaError as error:
        return {"error_code": error.code}
    return {"error_code": Code.NONE}


async def consumer_group_heartbeat(_: Broker, __: Request) -> Message:
    """Refused in the words of a Kafka that has KIP-848 turned off, so that no client tries for ever."""
    return {
        "error_code": Code.UNSUPPORTED_VERSION,
        "error_message": "this broker has no group.protocol=consumer: use group.protocol=classic",
    }


async def leave_group(broker: Broker, request: Request) -> Message:
    message = request.message
    if request.version < _BATCHED_LEAVE_FROM:
        alone = {"member_id": message["member_id"], "instance_id": None}
        return {"error_code": _leave(broker, message["group_id"], alone)}
    return {
        "error_code": Code.NONE,
        "members": [
            {**member, "error_code": _leave(broker, message["group_id"], member)} for member in message["members"]
        ],
    }


def _leave(broker: Broker, group_id: str, member: Message) -> Code:
    try:
        broker.groups.leave(group_id, member["member_id"], member["instance_id"])
    except KafkaError as error:
        return error.code
    return Code.NONE


async def offset_commit(broker: Broker, request: Request) -> Message:
    message = request.message
    group_id = message["group_id"]
    refusal = Code.NONE
    try:
        broker.groups.check_commit(group_id, message["generation_id"], message["member_id"], message["instance_id"])
        check_room(broker, group_id, message["topics"])
    except KafkaError as error:
        refusal = error.code
    accepted: dict[Partition, Committed] = {}
    topics = [
        {
            "name": topic["name"],
            "partitions": [
                {"index": p["index"], "error_code": refusal or accept_offset(broker, topic["name"], p, accepted)}
                for p in topic["partitions"]
            ],
        }
        for topic in message["topics"]
    ]
    broker.offsets.commit(group_id, accepted)
    if broker.options.fsync == "always":
        await broker.disk.force(broker.offsets)
    return {"topics": topics}


def check_room(broker: Broker, group_id: str, topics: list[Message]) -> None:
    """Raises KafkaError when these offsets would be too many; a group can always replace the ones it has."""
    more = sum(len(topic["partitions"]) for topic in topics) - len(broker.offsets.of(group_id))
    if more > 0 and broker.offsets.count + more > MAX_OFFSETS:
        raise KafkaError(Code.INVALID_COMMIT_OFFSET_SIZE, f"this broker keeps {MAX_OFFSETS} offsets at most")


def accept_offset(broker: Broker, topic: str, asked: Message, accepted: dict[Partition, Committed]) -> Code:
    """Add the offset a client asks to commit to ``accepted``, or say why not."""
    metadata = asked["metadata"] or ""
    if len(metadata) > MAX_METADATA:
        return Code.OFFSET_METADATA_TOO_LARGE
    try:
        broker.topics.find(topic).log(asked["index"])
    except KafkaError as error:
        return error.code
    accepted[topic, asked["index"]] = Committed(asked["offset"], asked["leader_epoch"], metadata)
    return Code.NONE


async def offset_fetch(broker: Broker, request: Request) -> Message:
    message = request.message
    if request.version < _BATCHED_FETCH_FROM:
        return {"topics": _committed(broker, message["group_id"], message), "error_code": Code.NONE}

    def fetch(asked: Message) -> Message:
        return {"group_id": asked["group_id"], "topics": _committed(broker, asked["group_id"], {**message, **asked})}

    return {"groups": await in_turns(once(message["groups"], lambda asked: asked["group_id"]), fetch)}


def _committed(broker: Broker, group_id: str, asked: Message) -> list[Message]:
    """The offsets asked for, -1 where there is none; with no topics named, all there are.

    Who asks for stable offsets has to wait while a transaction may still replace them (KIP-447).
    """
    known = broker.offsets.of(group_id)
    unstable = broker.transactions.unstable(group_id) if asked["require_stable"] else set()
    wanted: Iterable[Partition] = known.keys() | unstable
    if asked["topics"] is not None:
        wanted = [(topic["name"], index) for topic in asked["topics"] for index in topic["partitions"]]
    answers: defaultdict[str, list[Message]] = defaultdict(list)
    for topic, index in wanted:
        is_unstable = (topic, index) in unstable
        committed = Committed(-1) if is_unstable else known.get((topic, index), Committed(-1))
        answers[topic].append(
            {
                "index": index,
                "offset": committed.offset,
                "leader_epoch": committed.leader_epoch,
                "metadata": committed.metadata,
                "error_code": Code.UNSTABLE_OFFSET_COMMIT if is_unstable else Code.NONE,
            }
        )
    return [{"name": topic, "partitions": partitions} for topic, partitions in answers.items()]


async def list_groups(broker: Broker, request: Request) -> Message:
    message = request.message
    states = {state.lower() for state in message["states_filter"]}
    types = {kind.lower() for kind in message["types_filter"]}
    groups = {group.id: (group.protocol_type, group.state) for group in broker.groups.groups()}
    for group_id in broker.offsets.groups():
        groups.setdefault(group_id, ("consumer", State.EMPTY))
    return {
        "error_code": Code.NONE,
        "groups": [
            {"group_id": group_id, "protocol_type": kind, "group_state": state.value, "group_type": "classic"}
            for group_id, (kind, state) in groups.items()
            if (not states or state.value.lower() in states) and (not types or "classic" in types)
        ],
    }


async def describe_groups(broker: Broker, request: Request) -> Message:
    asked = dict.fromkeys(request.message["groups"])
    return {"groups": await in_turns(asked, lambda group_id: _described(broker, group_id))}


def _described(broker: Broker, group_id: str) -> Message:
    group = broker.groups.find(group_id)
    if group is None:
        state = State.EMPTY.value if broker.offsets.of(group_id) else "Dead"
        return {"error_code": Code.NONE, "group_id": group_id, "group_state": state}
    return {
        "error_code": Code.NONE,
        "group_id": group_id,
        "group_state": group.state.value,
        "protocol_type": group.protocol_type,
        "protocol_data": group.protocol,
        "members": [
            {
                "member_id": member.id,
                "instance_id": member.join.instance_id,
                "client_id": member.join.client_id,
                "client_host": member.join.host,
                "member_metadata": member.join.protocols.get(group.protocol, b""),
                "member_assignment": member.assignment,
            }
            for member in group.members.values()
        ],
    }


async def delete_groups(broker: Broker, request: Request) -> Message:

    def delete(group_id: str) -> Message:
        return {"group_id": group_id, "error_code": _delete(broker, group_id)}

    return {"results": await in_turns(request.message["groups"], delete)}


def _delete(broker: Broker, group_id: str) -> Code:
    if broker.groups.find(group_id) is None and not broker.offsets.of(group_id):
        return Code.GROUP_ID_NOT_FOUND
    try:
        broker.groups.drop(group_id)
    except KafkaError as error:
        return error.code
    broker.offsets.forget(group_id)
    return Code.NONE


async def offset_delete(broker: Broker, request: Request) -> Message:
    """Drop single offsets of a group without members."""
    message = request.message
    group_id = message["group_id"]
    if broker.groups.find(group_id) is None and not broker.offsets.of(group_id):
        return {"error_code": Code.GROUP_ID_NOT_FOUND}
    if broker.groups.subscribed(group_id):
        return {"error_code": Code.NON_EMPTY_GROUP}
    partitions = [(topic["name"], p["index"]) for topic in message["topics"] for p in topic["partitions"]]
    broker.offsets.forget(group_id, partitions)
    return {
        "error_code": Code.NONE,
        "topics": [
            {
                "name": topic["name"],
                "partitions": [
                    {"index": p["index"], "error_code": _code_of_deletion(broker, topic["name"], p["index"])}
                    for p in topic["partitions"]
                ],
            }
            for topic in message["topics"]
        ],
    }


def _code_of_deletion(broker: Broker, topic: str, partition: int) -> Code:
    try:
        broker.topics.find(topic).log(partition)
    except KafkaError as error:
        return error.code
    return Code.NONE
