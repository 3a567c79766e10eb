"""Transactions on the wire: ids and epochs of producers, what a transaction holds, its ending, and its inspection."""

from collections import defaultdict
from collections.abc import Iterable

from .broker import Broker
from .completion import finish
from .coordinator import check_id
from .errors import Code, KafkaError
from .handlers_groups import accept_offset, check_room
from .log import PartitionLog
from .markers import Ending
from .offsets import Committed, Partition
from .protocol import Request
from .schema import Message
from .transactions import State, Transaction, now_ms
from .turns import in_turns

_NONE = -1
# From these request versions on clients know PRODUCER_FENCED; before, it is INVALID_PRODUCER_EPOCH (KIP-360).
_FENCED_FROM = {"InitProducerId": 4, "AddPartitionsToTxn": 2, "AddOffsetsToTxn": 2, "EndTxn": 2}
_MEMBER_FROM = 3


def _told(request: Request, error: KafkaError) -> Code:
    """The code as clients of the request's version know it."""
    old = request.version < _FENCED_FROM.get(request.api.name, 0)
    return Code.INVALID_PRODUCER_EPOCH if old and error.code is Code.PRODUCER_FENCED else error.code


async def _kept(broker: Broker) -> None:
    """Wait until the disk has what was journalled, where that was asked for."""
    if broker.options.fsync == "always":
        await broker.disk.force(broker.transactions)


async def init_producer_id(broker: Broker, request: Request) -> Message:
    """A producer id and epoch. Without a transactional id it is always a new one."""
    message = request.message
    if message["transactional_id"] is None:
        return {"error_code": Code.NONE, "producer_id": broker.producer_ids.allocate(), "producer_epoch": 0}
    try:
        transaction = broker.transactions.init(
            message["transactional_id"],
            message["transaction_timeout_ms"],
            broker.producer_ids.allocate,
            _expected(message),
        )
    except KafkaError as error:
        known = broker.transactions.get(message["transactional_id"])
        if known is not None:
            await finish(broker, known)
        return {"error_code": _told(request, error)}
    await _kept(broker)
    return {
        "error_code": Code.NONE,
        "producer_id": transaction.producer_id,
        "producer_epoch": transaction.epoch,
    }


def _expected(message: Message) -> tuple[int, int] | None:
    producer_id, epoch = message["producer_id"], message["producer_epoch"]
    if (producer_id == _NONE) != (epoch == _NONE):
        raise KafkaError(Code.INVALID_REQUEST, "a producer id without its epoch, or the reverse")
    return None if producer_id == _NONE else (producer_id, epoch)


def _owned(broker: Broker, message: Message) -> Transaction:
    return broker.transactions.find(message["transactional_id"], message["producer_id"], message["producer_epoch"])


async def add_partitions(broker: Broker, request: Request) -> Message:
    """Take partitions into the transaction: all of them, or none when one does not exist."""
    message = request.message
    places = [(topic["name"], index) for topic in message["topics"] for index in topic["partitions"]]
    missing = {place for place in places if not _exists(broker, place)}
    refusal = Code.OPERATION_NOT_ATTEMPTED if missing else Code.NONE
    if not missing:
        try:
            broker.transactions.add(_owned(broker, message), partitions=places)
            await _kept(broker)
        except KafkaError as error:
            refusal = _told(request, error)
    codes = {place: Code.UNKNOWN_TOPIC_OR_PARTITION if place in missing else refusal for place in places}
    return {
        "topics": [
            {
                "name": topic["name"],
                "partitions": [
                    {"index": index, "error_code": codes[topic["name"], index]} for index in topic["partitions"]
                ],
            }
            for topic in message["topics"]
        ]
    }


def _exists(broker: Broker, place: Partition) -> bool:
    try:
        broker.topics.find(place[0]).log(place[1])
    except KafkaError:
        return False
    return True


async def add_offsets(broker: Broker, request: Request) -> Message:
    message = request.message
    try:
        check_id(message["group_id"])
        broker.transactions.add(_owned(broker, message), groups=[message["group_id"]])
    except KafkaError as error:
        return {"error_code": _told(request, error)}
    await _kept(broker)
    return {"error_code": Code.NONE}


async def end(broker: Broker, request: Request) -> Message:
    """Commit or abort. The answer comes when every marker is written."""
    message = request.message
    try:
        transaction = _owned(broker, message)
        if broker.transactions.prepare(transaction, Ending.COMMIT if message["committed"] else Ending.ABORT):
            await finish(broker, transaction)
    except KafkaError as error:
        return {"error_code": _told(request, error)}
    return {"error_code": Code.NONE}


async def commit_offsets(broker: Broker, request: Request) -> Message:
    """Hold offsets until the transaction is committed."""
    message = request.message
    accepted: dict[Partition, Committed] = {}
    codes = {
        (topic["name"], asked["index"]): accept_offset(broker, topic["name"], asked, accepted)
        for topic in message["topics"]
        for asked in topic["partitions"]
    }
    try:
        if request.version >= _MEMBER_FROM:
            _check_member(broker, message)
        check_room(broker, message["group_id"], message["topics"])
        owner = message["transactional_id"], message["producer_id"], message["producer_epoch"]
        broker.transactions.hold_offsets(broker.transactions.member(*owner), message["group_id"], accepted)
        await _kept(broker)
    except KafkaError as error:
        codes = dict.fromkeys(codes, error.code)
    return {
        "topics": [
            {
                "name": topic["name"],
                "partitions": [
                    {"index": asked["index"], "error_code": codes[topic["name"], asked["index"]]}
                    for asked in topic["partitions"]
                ],
            }
            for topic in message["topics"]
        ]
    }


def _check_member(broker: Broker, message: Message) -> None:
    """Fence consumers that a rebalance has passed by (KIP-447); a producer without a group says nothing."""
    given = message["generation_id"], message["member_id"], message["instance_id"]
    if given != (_NONE, "", None):
        group = message["group_id"]
        has_offsets = bool(broker.offsets.of(group) or broker.transactions.unstable(group))
        broker.groups.check_transactional_commit(group, *given, has_offsets=has_offsets)


# Inspection


async def describe_transactions(broker: Broker, request: Request) -> Message:
    asked = dict.fromkeys(request.message["ids"])
    return {"transactions": await in_turns(asked, lambda transactional_id: _described(broker, transactional_id))}


def _described(broker: Broker, transactional_id: str) -> Message:
    transaction = broker.transactions.get(transactional_id)
    if transaction is None:
        return {"error_code": Code.TRANSACTIONAL_ID_NOT_FOUND, "id": transactional_id}
    return {
        "error_code": Code.NONE,
        "id": transactional_id,
        "state": transaction.state.value,
        "timeout_ms": transaction.timeout_ms,
        "started_ms": transaction.started_ms,
        "producer_id": transaction.producer_id,
        "producer_epoch": transaction.epoch,
        "topics": _by_topic(transaction.partitions),
    }


def _by_topic(places: Iterable[Partition]) -> list[Message]:
    topics: defaultdict[str, list[int]] = defaultdict(list)
    for topic, index in sorted(places):
        topics[topic].append(index)
    return [{"name": topic, "partitions": indexes} for topic, indexes in topics.items()]


async def list_transactions(broker: Broker, request: Request) -> Message:
    message = request.message
    known = {state.value for state in State}
    states = known & set(message["state_filters"])
    producers = set(message["producer_id_filters"])
    started_by = now_ms() - message["duration_filter"]
    unfiltered = message["duration_filter"] < 0
    return {
        "error_code": Code.NONE,
        "unknown_state_filters": sorted(set(message["state_filters"]) - known),
        "transactions": [
            {"id": one.id, "producer_id": one.producer_id, "state": one.state.value}
            for one in broker.transactions
            if (not message["state_filters"] or one.state.value in states)
            and (not producers or one.producer_id in producers)
            and (unfiltered or _NONE < one.started_ms <= started_by)
        ],
    }


async def describe_producers(broker: Broker, request: Request) -> Message:
    asked = {(topic["name"], index) for topic in request.message["topics"] for index in topic["partitions"]}
    topics: defaultdict[str, list[Message]] = defaultdict(list)
    for place, told in await in_turns(sorted(asked), lambda place: (place, _producers(broker, place))):
        topics[place[0]].append(told)
    return {"topics": [{"name": name, "partitions": partitions} for name, partitions in topics.items()]}


def _producers(broker: Broker, place: Partition) -> Message:
    try:
        log = broker.topics.find(place[0]).log(place[1])
    except KafkaError as error:
        return {"index": place[1], "error_code": error.code, "error_message": error.message}
    return {"index": place[1], "error_code": Code.NONE, "producers": _active(log)}


def _active(log: PartitionLog) -> list[Message]:
    begun = {producer_id: open_.first_offset for producer_id, open_ in log.isolation.open.items()}
    return [
        {
            "producer_id": producer_id,
            "producer_epoch": producer.epoch,
            "last_sequence": producer.batches[-1].last_sequence if producer.batches else _NONE,
            "last_timestamp": producer.newest,
            "transaction_start": begun.get(producer_id, _NONE),
        }
        for producer_id, producer in log.producers
    ]
