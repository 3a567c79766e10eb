"""Topics on the wire: metadata, creation, growth, deletion and settings."""

from collections import Counter

from .broker import NODE_ID, Broker
from .configs import TOPIC_SETTINGS
from .errors import Code, KafkaError
from .protocol import Request
from .registry import Topic, check_name
from .schema import Message
from .turns import in_turns, once

_BROKER_DEFAULT = -1


def _node(broker: Broker) -> Message:
    return {"node_id": NODE_ID, "host": broker.options.host, "port": broker.told_port}


async def metadata(broker: Broker, request: Request) -> Message:
    message = request.message
    asked = message["topics"]
    # Version 0 could not say null: there an empty list means all topics.
    if asked is None or (request.version == 0 and not asked):
        topics = await in_turns(list(broker.topics), _described)
    else:
        may_create = message["allow_auto_topic_creation"]
        asked = once(asked, lambda topic: (topic["name"], topic["topic_id"]))
        topics = await in_turns(asked, lambda topic: _looked_up(broker, topic, may_create=may_create))
    return {
        "brokers": [_node(broker)],
        "cluster_id": broker.cluster_id,
        "controller_id": NODE_ID,
        "topics": topics,
    }


def _looked_up(broker: Broker, asked: Message, *, may_create: bool) -> Message:
    name = asked["name"]
    try:
        return _described(_find_or_create(broker, asked, may_create=may_create))
    except KafkaError as error:
        return {"error_code": error.code, "name": name or "", "topic_id": asked["topic_id"]}


def _find_or_create(broker: Broker, asked: Message, *, may_create: bool) -> Topic:
    name = asked["name"]
    try:
        return broker.topics.find(name, asked["topic_id"])
    except KafkaError:
        if not name:
            raise
        if not (may_create and broker.options.auto_create_topics):
            check_name(name)
            raise
    return broker.topics.create(name, broker.options.default_partitions, {})


def _described(topic: Topic) -> Message:
    return {
        "error_code": Code.NONE,
        "name": topic.name,
        "topic_id": topic.id,
        "partitions": [
            {
                "error_code": Code.NONE,
                "index": index,
                "leader_id": NODE_ID,
                "replica_nodes": [NODE_ID],
                "isr_nodes": [NODE_ID],
            }
            for index in range(len(topic.partitions))
        ],
    }


async def describe_cluster(broker: Broker, request: Request) -> Message:
    return {
        "error_code": Code.NONE,
        "cluster_id": broker.cluster_id,
        "controller_id": NODE_ID,
        "brokers": [_node(broker)],
        "endpoint_type": request.message["endpoint_type"],
    }


async def create_topics(broker: Broker, request: Request) -> Message:
    message = request.message
    times = Counter(topic["name"] for topic in message["topics"])
    asked = once(message["topics"], lambda topic: topic["name"])

    def create(topic: Message) -> Message:
        if times[topic["name"]] == 1:
            return _created(broker, topic, dry_run=message["validate_only"])
        return {"name": topic["name"], "error_code": Code.INVALID_REQUEST, "error_message": "asked for twice"}

    return {"topics": await in_turns(asked, create)}


def _created(broker: Broker, asked: Message, *, dry_run: bool) -> Message:
    name = asked["name"]
    try:
        settings = {config["name"]: config["value"] for config in asked["configs"]}
        topic = broker.topics.create(name, _partitions(broker, asked), settings, dry_run=dry_run)
    except KafkaError as error:
        return {"name": name, "error_code": error.code, "error_message": error.message, "configs": []}
    return {
        "name": name,
        "topic_id": topic.id,
        "error_code": Code.NONE,
        "partitions": _partitions(broker, asked),
        "replication_factor": 1,
        "configs": [
            {"name": setting, "value": topic.setting(setting), "read_only": False, "source": topic.source(setting)}
            for setting in TOPIC_SETTINGS
        ],
    }


def _partitions(broker: Broker, asked: Message) -> int:
    """How many partitions a CreateTopics request means. Raises KafkaError for what one node cannot do."""
    assigned = asked["assignments"]
    if not assigned:
        if asked["replication_factor"] not in {_BROKER_DEFAULT, 1}:
            raise KafkaError(Code.INVALID_REPLICATION_FACTOR, "there is one broker: the replication factor is 1")
        count: int = asked["partitions"]
        return broker.options.default_partitions if count == _BROKER_DEFAULT else count
    _check_owner(assigned)
    if sorted(a["partition"] for a in assigned) != list(range(len(assigned))):
        raise KafkaError(Code.INVALID_REPLICA_ASSIGNMENT, "partitions are numbered from 0 without a gap")
    return len(assigned)


def _check_owner(assignments: list[Message]) -> None:
    if any(assignment["broker_ids"] != [NODE_ID] for assignment in assignments):
        raise KafkaError(Code.INVALID_REPLICA_ASSIGNMENT, f"all partitions belong to broker {NODE_ID}")


async def delete_topics(broker: Broker, request: Request) -> Message:
    message = request.message
    asked = message["topics"] or [{"name": name, "topic_id": None} for name in message["names"]]
    return {"topics": await in_turns(asked, lambda topic: _deleted(broker, topic))}


def _deleted(broker: Broker, asked: Message) -> Message:
    try:
        topic = broker.topics.find(asked["name"], asked["topic_id"])
    except KafkaError as error:
        return {**asked, "error_code": error.code, "error_message": error.message}
    broker.topics.delete(topic)
    broker.offsets.forget_topic(topic.name)
    return {"name": topic.name, "topic_id": topic.id, "error_code": Code.NONE}


async def create_partitions(broker: Broker, request: Request) -> Message:
    message = request.message

    def grow(topic: Message) -> Message:
        return {"name": topic["name"], **_grown(broker, topic, dry_run=message["validate_only"])}

    return {"results": await in_turns(message["topics"], grow)}


def _grown(broker: Broker, asked: Message, *, dry_run: bool) -> Message:
    try:
        _check_owner(asked["assignments"] or [])
        broker.topics.grow(asked["name"], asked["count"], dry_run=dry_run)
    except KafkaError as error:
        return {"error_code": error.code, "error_message": error.message}
    return {"error_code": Code.NONE}
