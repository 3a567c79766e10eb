"""Topic and broker settings as data: name, default, type and which values are allowed.

All are kept and described; ``ACTED_ON`` are the ones this broker obeys. Retention and compaction do not act yet.
Source: https://kafka.apache.org/documentation/#topicconfigs
"""

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


def _whole(low: int, high: int) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        digits = value.removeprefix("-")
        return digits.isascii() and digits.isdigit() and low <= int(value) <= high

    return check


def _one_of(*allowed: str) -> Callable[[str], bool]:
    return lambda value: value in allowed


def _all_of(*allowed: str) -> Callable[[str], bool]:
    return lambda value: bool(value) and all(part.strip() in allowed for part in value.split(","))


def _ratio(value: str) -> bool:
    try:
        return 0 <= float(value) <= 1
    except ValueError:
        return False


INT_MAX, LONG_MAX = 2**31 - 1, 2**63 - 1
_FLAG = _one_of("true", "false")


@dataclass(frozen=True, slots=True)
class Setting:
    default: str
    type: Type
    allowed: Callable[[str], bool]


TOPIC_SETTINGS = {
    "cleanup.policy": Setting("delete", Type.LIST, _all_of("delete", "compact")),
    "compression.type": Setting("producer", Type.STRING, _one_of("producer")),
    "delete.retention.ms": Setting("86400000", Type.LONG, _whole(0, LONG_MAX)),
    "file.delete.delay.ms": Setting("60000", Type.LONG, _whole(0, LONG_MAX)),
    "flush.messages": Setting(str(LONG_MAX), Type.LONG, _whole(1, LONG_MAX)),
    "flush.ms": Setting(str(LONG_MAX), Type.LONG, _whole(0, LONG_MAX)),
    "index.interval.bytes": Setting("4096", Type.INT, _whole(0, INT_MAX)),
    "max.compaction.lag.ms": Setting(str(LONG_MAX), Type.LONG, _whole(1, LONG_MAX)),
    "max.message.bytes": Setting("1048588", Type.INT, _whole(0, INT_MAX)),
    "message.timestamp.type": Setting("CreateTime", Type.STRING, _one_of("CreateTime")),
    "min.cleanable.dirty.ratio": Setting("0.5", Type.DOUBLE, _ratio),
    "min.compaction.lag.ms": Setting("0", Type.LONG, _whole(0, LONG_MAX)),
    "min.insync.replicas": Setting("1", Type.INT, _whole(1, INT_MAX)),
    "preallocate": Setting("false", Type.BOOLEAN, _FLAG),
    "retention.bytes": Setting("-1", Type.LONG, _whole(-1, LONG_MAX)),
    "retention.ms": Setting("604800000", Type.LONG, _whole(-1, LONG_MAX)),
    "segment.bytes": Setting(str(64 << 20), Type.INT, _whole(1 << 10, INT_MAX)),
    "segment.ms": Setting("604800000", Type.LONG, _whole(1, LONG_MAX)),
    "unclean.leader.election.enable": Setting("false", Type.BOOLEAN, _FLAG),
}
ACTED_ON = frozenset({"max.message.bytes", "segment.bytes"})


def check_topic_settings(values: dict[str, str | None]) -> dict[str, str]:
    """The settings to keep; null means the default. Raises KafkaError naming the first that is not allowed."""
    kept = {}
    for name, value in values.items():
        setting = TOPIC_SETTINGS.get(name)
        if setting is None:
            raise KafkaError(Code.INVALID_CONFIG, f"unknown topic setting {name}")
        if value is None:
            continue
        if not setting.allowed(value):
            raise KafkaError(Code.INVALID_CONFIG, f"{value!r} is not allowed for {name}")
        kept[name] = value
    return kept
