"""Topics on the wire: metadata, creation, growth, deletion and settings."""

from collections import Counter

from .broker import NODE_ID, Broker
from .configs import TOPIC_SETTINGS, Source, Type, check_topic_settings
from .errors import Code, KafkaError
from .protocol import Request
from .registry import Topic, check_name
from .schema import Message
from .turns import in_turns, once

_TOPIC, _BROKER = 2, 4
_SET, _UNSET, _ADD, _REMOVE = range(4)
_BROKER_DEFAULT = -1


def _node(broker: Broker) -> Message:
    return {"node_id": NODE_ID, "host": broker.options.host, "port": broker.port}


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

    def create(topic: Message) -> Message:
        if times[topic["name"]] == 1:
            return _created(broker, topic, dry_run=message["validate_only"])
        return {"name": topic["name"], "error_code": Code.INVALID_REQUEST, "error_message": "asked for twice"}

    return {"topics": await in_turns(message["topics"], create)}


def _created(broker: Broker, asked: Message, *, dry_run: bool) -> Message:
    name = asked["name"]
    try:
        settings = {config["name"]: config["value"] for config in asked["configs"]}
        topic = broker.topics.create(name, _partitions(broker, asked), settings, dry_run=dry_run)
    except KafkaError as error:
        return {"name": name, "error_code": error.code, "error_message": error.message, "configs": None}
    return {
        "name": name,
        "topic_id": topic.id,
        "error_code": Code.NONE,
        "partitions": _partitions(broker, asked),
        "replication_factor": 1,
        "configs": [
            {"name": setting, "value": topic.setting(setting), "read_only": False, "source": _source(topic, setting)}
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


async def describe_configs(broker: Broker, request: Request) -> Message:

    def describe(resource: Message) -> Message:
        return {"type": resource["type"], "name": resource["name"], **_configs(broker, resource)}

    resources = once(request.message["resources"], lambda resource: (resource["type"], resource["name"]))
    return {"results": await in_turns(resources, describe)}


def _configs(broker: Broker, resource: Message) -> Message:
    try:
        entries = _topic_configs(broker, resource) if resource["type"] == _TOPIC else _broker_configs(broker, resource)
    except KafkaError as error:
        return {"error_code": error.code, "error_message": error.message}
    wanted = resource["keys"]
    return {
        "error_code": Code.NONE,
        "configs": [entry for entry in entries if wanted is None or entry["name"] in wanted],
    }


def _source(topic: Topic, setting: str) -> Source:
    return Source.TOPIC if setting in topic.settings else Source.DEFAULT


def _topic_configs(broker: Broker, resource: Message) -> list[Message]:
    topic = broker.topics.find(resource["name"])
    return [
        _entry(name, topic.setting(name), _source(topic, name), setting.type)
        for name, setting in TOPIC_SETTINGS.items()
    ]


def _broker_configs(broker: Broker, resource: Message) -> list[Message]:
    if resource["type"] != _BROKER or resource["name"] not in {"", str(NODE_ID)}:
        raise KafkaError(Code.INVALID_REQUEST, f"there are settings of topics and of broker {NODE_ID} only")
    options = broker.options
    values = (
        ("auto.create.topics.enable", str(options.auto_create_topics).lower(), Type.BOOLEAN),
        ("default.replication.factor", "1", Type.INT),
        ("listeners", f"PLAINTEXT://{options.host}:{broker.port}", Type.STRING),
        ("log.dirs", str(options.data_dir), Type.STRING),
        ("node.id", str(NODE_ID), Type.INT),
        ("num.partitions", str(options.default_partitions), Type.INT),
        ("socket.request.max.bytes", str(options.max_request_bytes), Type.INT),
    )
    return [{**_entry(name, value, Source.BROKER, kind), "read_only": True} for name, value, kind in values]


def _entry(name: str, value: str, source: Source, kind: Type) -> Message:
    return {"name": name, "value": value, "source": source, "config_type": kind}


async def alter_configs(broker: Broker, request: Request) -> Message:
    message = request.message

    def alter(resource: Message) -> Message:
        altered = _altered(broker, resource, message["validate_only"])
        return {"type": resource["type"], "name": resource["name"], **altered}

    return {"responses": await in_turns(message["resources"], alter)}


def _altered(broker: Broker, resource: Message, dry_run: bool) -> Message:
    if resource["type"] != _TOPIC:
        return {"error_code": Code.INVALID_REQUEST, "error_message": "only settings of topics can be changed"}
    try:
        topic = broker.topics.find(resource["name"])
        settings: dict[str, str | None] = dict(topic.settings)
        for change in resource["configs"]:
            settings[change["name"]] = _changed(topic, change)
        check_topic_settings(settings)
    except KafkaError as error:
        return {"error_code": error.code, "error_message": error.message}
    if not dry_run:
        broker.topics.configure(topic, settings)
    return {"error_code": Code.NONE}


def _changed(topic: Topic, change: Message) -> str | None:
    """The new value of a setting; None for the default. Raises KafkaError."""
    name, operation, value = change["name"], change["operation"], change["value"]
    if operation in {_SET, _UNSET}:
        return value if operation == _SET else None
    setting = TOPIC_SETTINGS.get(name)
    if operation not in {_ADD, _REMOVE} or setting is None or setting.type is not Type.LIST or not value:
        raise KafkaError(Code.INVALID_CONFIG, f"operation {operation} is not possible on {name}")
    parts = [part for part in topic.setting(name).split(",") if part]
    if operation == _REMOVE:
        return ",".join(part for part in parts if part not in value.split(","))
    return ",".join(dict.fromkeys([*parts, *value.split(",")]))
