"""Topic settings as data: name, type, default, and which values are allowed, as Apache Kafka 4.1 has them.

``segment.bytes`` may be smaller here than Apache's least of 1 MiB. What has no meaning on one node is kept and
described, and does nothing.
Source: https://kafka.apache.org/documentation/#topicconfigs
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from .errors import Code, KafkaError


class Type(IntEnum):
    """The types DescribeConfigs reports."""

    BOOLEAN = 1
    STRING = 2
    INT = 3
    LONG = 5
    DOUBLE = 6
    LIST = 7


class Source(IntEnum):
    """Where DescribeConfigs says a value comes from."""

    TOPIC = 1
    BROKER = 4
    DEFAULT = 5


INT_MAX, LONG_MAX = 2**31 - 1, 2**63 - 1
_NUMBER = re.compile(r"[+-]?[0-9]{1,19}")
_REPLICAS = re.compile(r"\d+:\d+(,\d+:\d+)*")

# Returns what is wrong with a value, None when nothing is.
Check = Callable[[str], str | None]


def _whole(low: int, high: int) -> Check:
    def check(value: str) -> str | None:
        if not _NUMBER.fullmatch(value) or not -LONG_MAX <= int(value) <= high:
            return f"Not a number of type {'INT' if high <= INT_MAX else 'LONG'}"
        return None if int(value) >= low else f"Value must be at least {low}"

    return check


def _level(low: int, high: int, *, default: int | None = None) -> Check:
    text = f"between {low} and {high}" + ("" if default is None else f" or equal to {default}")

    def check(value: str) -> str | None:
        if not _NUMBER.fullmatch(value):
            return "Not a number of type INT"
        return None if low <= int(value) <= high or int(value) == default else f"Value must be {text}"

    return check


def _one_of(*allowed: str) -> Check:
    return lambda value: None if value in allowed else f"String must be one of: {', '.join(allowed)}"


def _each_of(*allowed: str) -> Check:
    check = _one_of(*allowed)
    return lambda value: next(filter(None, map(check, split_list(value))), None)


def _ratio(value: str) -> str | None:
    try:
        number = float(value)
    except ValueError:
        return "Not a number of type DOUBLE"
    return None if 0 <= number <= 1 else "Value must be from 0 to 1"


def _flag(value: str) -> str | None:
    return None if value.lower() in {"true", "false"} else "Expected value to be either true or false"


def _no(value: str) -> str | None:
    return None if value.lower() == "false" else "this broker has no tiered storage"


def _replicas(value: str) -> str | None:
    return None if value in {"", "*"} or _REPLICAS.fullmatch(value) else "neither '*' nor partition:replica,..."


def split_list(value: str) -> list[str]:
    """The parts of a setting that is a list."""
    return [part.strip() for part in value.split(",")] if value.strip() else []


@dataclass(frozen=True, slots=True)
class Setting:
    """``synonym`` is the broker's setting that gives the default; ``here`` a default of this broker's own."""

    type: Type
    default: str
    check: Check
    synonym: str | None = None
    here: str | None = None

    @property
    def value(self) -> str:
        """What is in force for a topic that does not say."""
        return self.default if self.here is None else self.here

    @property
    def source(self) -> Source:
        return Source.DEFAULT if self.here is None else Source.BROKER


_LONG, _ANY = Type.LONG, str(LONG_MAX)
_CODECS = _one_of("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer")
_TIMES = _one_of("CreateTime", "LogAppendTime")
TOPIC_SETTINGS = {
    "cleanup.policy": Setting(Type.LIST, "delete", _each_of("compact", "delete"), "log.cleanup.policy"),
    "compression.gzip.level": Setting(Type.INT, "-1", _level(1, 9, default=-1), "compression.gzip.level"),
    "compression.lz4.level": Setting(Type.INT, "9", _level(1, 17), "compression.lz4.level"),
    "compression.type": Setting(Type.STRING, "producer", _CODECS, "compression.type"),
    "compression.zstd.level": Setting(Type.INT, "3", _level(-131072, 22), "compression.zstd.level"),
    "delete.retention.ms": Setting(_LONG, "86400000", _whole(0, LONG_MAX), "log.cleaner.delete.retention.ms"),
    "file.delete.delay.ms": Setting(_LONG, "60000", _whole(0, LONG_MAX), "log.segment.delete.delay.ms"),
    "flush.messages": Setting(_LONG, _ANY, _whole(1, LONG_MAX), "log.flush.interval.messages"),
    "flush.ms": Setting(_LONG, _ANY, _whole(0, LONG_MAX)),
    "follower.replication.throttled.replicas": Setting(Type.LIST, "", _replicas),
    "index.interval.bytes": Setting(Type.INT, "4096", _whole(0, INT_MAX), "log.index.interval.bytes"),
    "leader.replication.throttled.replicas": Setting(Type.LIST, "", _replicas),
    "local.retention.bytes": Setting(_LONG, "-2", _whole(-2, LONG_MAX), "log.local.retention.bytes"),
    "local.retention.ms": Setting(_LONG, "-2", _whole(-2, LONG_MAX), "log.local.retention.ms"),
    "max.compaction.lag.ms": Setting(_LONG, _ANY, _whole(1, LONG_MAX), "log.cleaner.max.compaction.lag.ms"),
    "max.message.bytes": Setting(Type.INT, "1048588", _whole(0, INT_MAX), "message.max.bytes"),
    "message.timestamp.after.max.ms": Setting(
        _LONG, "3600000", _whole(0, LONG_MAX), "log.message.timestamp.after.max.ms"
    ),
    "message.timestamp.before.max.ms": Setting(_LONG, _ANY, _whole(0, LONG_MAX), "log.message.timestamp.before.max.ms"),
    "message.timestamp.type": Setting(Type.STRING, "CreateTime", _TIMES, "log.message.timestamp.type"),
    "min.cleanable.dirty.ratio": Setting(Type.DOUBLE, "0.5", _ratio, "log.cleaner.min.cleanable.ratio"),
    "min.compaction.lag.ms": Setting(_LONG, "0", _whole(0, LONG_MAX), "log.cleaner.min.compaction.lag.ms"),
    "min.insync.replicas": Setting(Type.INT, "1", _whole(1, INT_MAX), "min.insync.replicas"),
    "preallocate": Setting(Type.BOOLEAN, "false", _flag, "log.preallocate"),
    "remote.log.copy.disable": Setting(Type.BOOLEAN, "false", _flag),
    "remote.log.delete.on.disable": Setting(Type.BOOLEAN, "false", _flag),
    "remote.storage.enable": Setting(Type.BOOLEAN, "false", _no),
    "retention.bytes": Setting(_LONG, "-1", _whole(-LONG_MAX, LONG_MAX), "log.retention.bytes"),
    "retention.ms": Setting(_LONG, "604800000", _whole(-1, LONG_MAX)),
    "segment.bytes": Setting(Type.INT, str(1 << 30), _whole(1 << 10, INT_MAX), "log.segment.bytes", str(64 << 20)),
    "segment.index.bytes": Setting(Type.INT, "10485760", _whole(4, INT_MAX), "log.index.size.max.bytes"),
    "segment.jitter.ms": Setting(_LONG, "0", _whole(0, LONG_MAX)),
    "segment.ms": Setting(_LONG, "604800000", _whole(1, LONG_MAX)),
    "unclean.leader.election.enable": Setting(Type.BOOLEAN, "false", _flag, "unclean.leader.election.enable"),
}


def check_topic_settings(values: dict[str, str | None]) -> dict[str, str]:
    """The settings to keep. Raises KafkaError naming the first that is not allowed."""
    kept = {}
    for name, given in values.items():
        setting = TOPIC_SETTINGS.get(name)
        if setting is None:
            raise KafkaError(Code.INVALID_CONFIG, f"Unknown topic config name: {name}")
        if given is None:
            raise KafkaError(Code.INVALID_CONFIG, f"Null value not supported for topic configs: {name}")
        value = given.strip()
        if problem := setting.check(value):
            raise KafkaError(Code.INVALID_CONFIG, f"Invalid value {value} for configuration {name}: {problem}")
        kept[name] = value.lower() if setting.type is Type.BOOLEAN else value
    _check_together(kept)
    return kept


def _check_together(kept: dict[str, str]) -> None:
    least, most = (
        int(kept.get(name, TOPIC_SETTINGS[name].value)) for name in ("min.compaction.lag.ms", "max.compaction.lag.ms")
    )
    if least > most:
        raise KafkaError(
            Code.INVALID_CONFIG,
            f"conflict topic config setting min.compaction.lag.ms ({least}) > max.compaction.lag.ms ({most})",
        )
