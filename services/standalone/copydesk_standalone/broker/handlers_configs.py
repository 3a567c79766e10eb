"""Settings on the wire: described, replaced and changed one by one (KIP-133, KIP-226, KIP-339)."""

from collections import Counter
from collections.abc import Callable

from .broker import NODE_ID, Broker
from .configs import TOPIC_SETTINGS, Source, Type, check_topic_settings, split_list
from .errors import Code, KafkaError
from .offsets import RETENTION_MS
from .protocol import Request
from .registry import Topic
from .schema import Message
from .turns import in_turns, once

_TOPIC, _BROKER = 2, 4
_SET, _UNSET, _ADD, _REMOVE = range(4)
_LIST_OPERATIONS = {_ADD: "APPEND", _REMOVE: "SUBTRACT"}

Settings = dict[str, str | None]


async def describe_configs(broker: Broker, request: Request) -> Message:
    """The settings of topics and of this broker, with where each comes from."""
    with_synonyms = request.message["include_synonyms"]

    def describe(resource: Message) -> Message:
        return {"type": resource["type"], "name": resource["name"], **_configs(broker, resource, with_synonyms)}

    resources = once(request.message["resources"], lambda resource: (resource["type"], resource["name"]))
    return {"results": await in_turns(resources, describe)}


def _configs(broker: Broker, resource: Message, with_synonyms: bool) -> Message:
    try:
        entries = _topic_configs(broker, resource) if resource["type"] == _TOPIC else _broker_configs(broker, resource)
    except KafkaError as error:
        return {"error_code": error.code, "error_message": error.message}
    wanted = resource["keys"]
    return {
        "error_code": Code.NONE,
        "configs": [
            entry if with_synonyms else {**entry, "synonyms": []}
            for entry in entries
            if wanted is None or entry["name"] in wanted
        ],
    }


def _topic_configs(broker: Broker, resource: Message) -> list[Message]:
    topic = broker.topics.find(resource["name"])
    return [
        {**_entry(name, topic.setting(name), topic.source(name), setting.type), "synonyms": _synonyms(topic, name)}
        for name, setting in TOPIC_SETTINGS.items()
    ]


def _synonyms(topic: Topic, name: str) -> list[Message]:
    """All values a setting has somewhere, the one in force first."""
    setting = TOPIC_SETTINGS[name]
    found = [(name, topic.settings[name], Source.TOPIC)] if name in topic.settings else []
    if setting.synonym and setting.here is not None:
        found.append((setting.synonym, setting.here, Source.BROKER))
    if setting.synonym:
        found.append((setting.synonym, setting.default, Source.DEFAULT))
    return [{"name": known_as, "value": value, "source": source} for known_as, value, source in found]


def _broker_configs(broker: Broker, resource: Message) -> list[Message]:
    _check_broker(resource)
    options = broker.options
    values = (
        ("auto.create.topics.enable", str(options.auto_create_topics).lower(), Type.BOOLEAN),
        ("default.replication.factor", "1", Type.INT),
        ("listeners", f"PLAINTEXT://{options.host}:{broker.port}", Type.STRING),
        ("log.cleaner.backoff.ms", str(int(options.cleanup_interval_s * 1000)), Type.LONG),
        ("log.dirs", str(options.data_dir), Type.STRING),
        ("log.retention.check.interval.ms", str(int(options.cleanup_interval_s * 1000)), Type.LONG),
        ("log.segment.bytes", TOPIC_SETTINGS["segment.bytes"].value, Type.INT),
        ("node.id", str(NODE_ID), Type.INT),
        ("num.partitions", str(options.default_partitions), Type.INT),
        ("offsets.retention.minutes", str(RETENTION_MS // 60_000), Type.INT),
        ("socket.request.max.bytes", str(options.max_request_bytes), Type.INT),
    )
    return [{**_entry(name, value, Source.BROKER, kind), "read_only": True} for name, value, kind in values]


def _check_broker(resource: Message) -> None:
    """Raises KafkaError when the resource is not this broker."""
    kind, name = resource["type"], resource["name"]
    if kind != _BROKER:
        raise KafkaError(Code.INVALID_REQUEST, f"there are settings of topics and of brokers only, not of type {kind}")
    if name not in {"", str(NODE_ID)}:
        raise KafkaError(Code.INVALID_REQUEST, f"Unexpected broker id, expected {NODE_ID}, but received {name}")


def _entry(name: str, value: str, source: Source, kind: Type) -> Message:
    return {"name": name, "value": value, "source": source, "config_type": kind}


async def alter_configs(broker: Broker, request: Request) -> Message:
    """Replace all settings of topics: what is not named has the default again."""
    return {"responses": await _alter(broker, request.message, _replaced)}


async def incremental_alter_configs(broker: Broker, request: Request) -> Message:
    """Change single settings of topics: set, reset to the default, or add to and take from a list."""
    return {"responses": await _alter(broker, request.message, _changed)}


async def _alter(broker: Broker, message: Message, change: Callable[[Topic, list[Message]], Settings]) -> list[Message]:
    times = Counter((resource["type"], resource["name"]) for resource in message["resources"])

    def alter(resource: Message) -> Message:
        error: KafkaError | None = None
        try:
            _check_once(times[resource["type"], resource["name"]], "Each resource must appear at most once.")
            _alter_one(broker, resource, change, dry_run=message["validate_only"])
        except KafkaError as refused:
            error = refused
        return {
            "type": resource["type"],
            "name": resource["name"],
            "error_code": error.code if error else Code.NONE,
            "error_message": error.message if error else None,
        }

    return await in_turns(message["resources"], alter)


def _alter_one(
    broker: Broker, resource: Message, change: Callable[[Topic, list[Message]], Settings], *, dry_run: bool
) -> None:
    changes = resource["configs"]
    if resource["type"] != _TOPIC:
        _check_broker(resource)
        if changes:
            names = ", ".join(each["name"] for each in changes)
            raise KafkaError(Code.INVALID_REQUEST, f"{names}: this broker is set by the options it is started with")
        return
    topic = broker.topics.find(resource["name"])
    _check_once(
        max(Counter(each["name"] for each in changes).values(), default=0), "Error due to duplicate config keys"
    )
    settings = change(topic, changes)
    check_topic_settings(settings)
    if not dry_run:
        broker.topics.configure(topic, settings)


def _check_once(times: int, message: str) -> None:
    if times > 1:
        raise KafkaError(Code.INVALID_REQUEST, message)


def _replaced(_: Topic, changes: list[Message]) -> Settings:
    for each in changes:
        _check_given(each)
    return {each["name"]: each["value"] for each in changes}


def _changed(topic: Topic, changes: list[Message]) -> Settings:
    settings: Settings = dict(topic.settings)
    for each in changes:
        name, operation = each["name"], each["operation"]
        if operation == _UNSET:
            settings.pop(name, None)
        elif operation == _SET:
            _check_given(each)
            settings[name] = each["value"]
        else:
            settings[name] = _with_list(topic, each)
    return settings


def _check_given(change: Message) -> None:
    if change["value"] is None:
        raise KafkaError(Code.INVALID_REQUEST, f"Null value not supported for : {change['name']}")


def _with_list(topic: Topic, change: Message) -> str:
    """The new value of a list that is added to or taken from. Raises KafkaError."""
    name, operation = change["name"], change["operation"]
    if operation not in _LIST_OPERATIONS:
        raise KafkaError(Code.INVALID_REQUEST, f"there is no operation {operation}")
    _check_given(change)
    setting = TOPIC_SETTINGS.get(name)
    if setting is None:
        raise KafkaError(Code.INVALID_CONFIG, f"Unknown topic config name: {name}")
    if setting.type is not Type.LIST:
        verb = _LIST_OPERATIONS[operation]
        raise KafkaError(Code.INVALID_CONFIG, f"Can't {verb} to key {name} because its type is not LIST.")
    parts, named = split_list(topic.setting(name)), split_list(change["value"])
    if operation == _REMOVE:
        return ",".join(part for part in parts if part not in named)
    if not named:
        raise KafkaError(Code.INVALID_CONFIG, f"Invalid value  for configuration {name}: nothing to append")
    return ",".join(dict.fromkeys([*parts, *named]))
