"""What the brokers have, compared with what :mod:`copydesk_shared.topics` declares. Pure: nothing here asks a broker.

A difference that loses records or stops a stage is breaking: services refuse to start. The others are an operator's
business: they are shown, and changed where nobody can have meant them and nothing is deleted.
"""

import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from copydesk_shared.topics import AnyTopic, RawTopic

SHOWN_VALUE = 80
# What a retry topic must keep at the least. A record waits there for at most 24 h (the settings ``retry_*_seconds``);
# as much again is for a stage that is behind or away when the wait is over.
RETRY_KEEPS_MS = 2 * 86_400_000
# A limit by size may delete a record however short it waits.
RETRY_KEEPS_BYTES = math.inf
NO_LIMIT = "-1"


class Kind(StrEnum):
    """What differs."""

    MISSING = "missing"
    PARTITIONS = "partitions"
    REPLICAS = "replicas"
    CLEANUP = "cleanup.policy"
    MESSAGE_BYTES = "max.message.bytes"
    RETENTION = "retention.ms"
    RETENTION_BYTES = "retention.bytes"
    SEGMENT = "segment.ms"


class Weight(StrEnum):
    """How bad a difference is."""

    BREAKING = "breaking"
    LESS = "less than declared"
    MORE = "more than declared"


class Option(StrEnum):
    """What ``copydesk topics apply`` must be given before it makes a change that an operator may not want."""

    GROW_PARTITIONS = "--grow-partitions"
    ALL_CONFIGS = "--all-configs"


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a topic; ``chosen`` when it was set on the topic, not when it is a default of the brokers."""

    value: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A topic as the brokers have it; ``settings`` are ``None`` when we have no right to see them."""

    partitions: int
    replicas: int
    settings: Mapping[str, Setting] | None


@dataclass(frozen=True, slots=True)
class Create:
    """Make the topic."""

    partitions: int

    def __str__(self) -> str:
        return f"create it with {_count(self.partitions, 'partition')}"


@dataclass(frozen=True, slots=True)
class Grow:
    """Add partitions."""

    partitions: int

    def __str__(self) -> str:
        return f"raise it to {_count(self.partitions, 'partition')}"


@dataclass(frozen=True, slots=True)
class SetTo:
    """Set one setting and leave the others as they are."""

    name: str
    value: str

    def __str__(self) -> str:
        return f"set {self.name}={self.value}"


Change = Create | Grow | SetTo


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which a topic is not as declared, and the change that would mend it.

    ``change`` is ``None`` where nothing can be done from here; ``option`` is what the change asks for.
    """

    topic: str
    kind: Kind
    weight: Weight
    text: str
    change: Change | None = None
    option: Option | None = None

    @property
    def breaking(self) -> bool:
        """Whether a service must not work with the topic as it is."""
        return self.weight is Weight.BREAKING

    def __str__(self) -> str:
        return f"topic {self.topic} {self.text}"


def compare(
    topics: Sequence[AnyTopic], found: Mapping[str, Found | None], copies: int | None = None
) -> list[Difference]:
    """The differences, in the order of ``topics``. ``found`` has ``None`` for a topic that we have no right to see.

    Topics that belong together (a stage's source, its retries and what is kept beside it) are compared with one another
    only as far as they are among ``topics``. Copies are not compared when none are wanted.
    """
    differences: list[Difference] = []
    for topic in topics:
        group = [each for each in topics if (each.beside or each.name) == (topic.beside or topic.name)]
        has = found.get(topic.name)
        if topic.name not in found:
            partitions = _peer(group, found, topic)[1]
            differences.append(Difference(topic.name, Kind.MISSING, Weight.BREAKING, "is missing", Create(partitions)))
        elif has is not None:
            differences += _partitions(topic, has, *_peer(group, found, topic))
            differences += _replicas(topic, has, copies)
            differences += _settings(topic, has)
    return differences


def _peer(group: Sequence[AnyTopic], found: Mapping[str, Found | None], topic: AnyTopic) -> tuple[str, int]:
    """The topic of the group that has the most partitions, and how many; the declaration where there is none."""
    counts = [(has.partitions, each.name) for each in group if (has := found.get(each.name)) is not None]
    most = max((count for count, _ in counts), default=0)
    if most < 1:
        return topic.name, topic.partitions
    return next(name for count, name in counts if count == most), most


def _partitions(topic: AnyTopic, has: Found, peer: str, most: int) -> list[Difference]:
    said = f"has {_count(has.partitions, 'partition')}"

    def differs(weight: Weight, text: str, target: int | None) -> list[Difference]:
        change = Grow(target) if target is not None else None
        option = Option.GROW_PARTITIONS if change else None
        return [Difference(topic.name, Kind.PARTITIONS, weight, text, change, option)]

    if has.partitions < 1:
        return differs(Weight.BREAKING, "has no partition", None)
    if has.partitions < most:
        return differs(
            Weight.BREAKING, f"{said}, {peer} has {most} and they must have as many", max(most, topic.partitions)
        )
    if has.partitions < topic.partitions:
        return differs(Weight.LESS, f"{said}, {topic.partitions} are declared", topic.partitions)
    if has.partitions > topic.partitions:
        return differs(Weight.MORE, f"{said}, {topic.partitions} are declared", None)
    return []


def _replicas(topic: AnyTopic, has: Found, copies: int | None) -> list[Difference]:
    if copies is None or has.replicas >= copies:
        return []
    text = f"has {_count(has.replicas, 'replica')}, {copies} wanted"
    return [Difference(topic.name, Kind.REPLICAS, Weight.LESS, text)]


def _settings(topic: AnyTopic, has: Found) -> list[Difference]:
    if has.settings is None:
        return []
    differences = []
    for name, declared in _wanted(topic).items():
        setting = has.settings.get(name)
        if setting is None or setting.value == declared:
            continue
        kind = Kind(name)
        judged = JUDGES[kind](topic, setting, declared)
        if judged is not None:
            weight, option, why = judged
            meant = "no limit" if declared == NO_LIMIT else declared
            text = f"has {name}={_shown(setting.value)}, {meant} is declared{why}"
            differences.append(Difference(topic.name, kind, weight, text, SetTo(name, declared), option))
    return differences


def _wanted(topic: AnyTopic) -> dict[str, str]:
    """The settings that are declared, and no limit by size where records are deleted: none is ever declared."""
    config = topic.config()
    return {**config, Kind.RETENTION_BYTES: NO_LIMIT} if Kind.RETENTION in config else config


Judgement = tuple[Weight, Option | None, str]


def _cleanup(_topic: AnyTopic, setting: Setting, declared: str) -> Judgement | None:
    has, wanted = _policies(setting.value), _policies(declared)
    if has == wanted:
        return None
    for policy, lost in (("compact", "all but the last record of a key are lost"), ("delete", "old records are lost")):
        if policy in has - wanted:
            return Weight.BREAKING, None, f": {lost}"
    if "compact" in wanted - has:
        return Weight.BREAKING, None, ": the last record of each key is not kept apart"
    return Weight.MORE, Option.ALL_CONFIGS, ""


def _policies(value: str) -> frozenset[str]:
    return frozenset(part.strip() for part in value.split(",") if part.strip())


def _message_bytes(_topic: AnyTopic, setting: Setting, declared: str) -> Judgement | None:
    has = _number(setting.value)
    if has == int(declared):
        return None
    if has < int(declared):
        return Weight.BREAKING, None, ": the largest messages are refused"
    return Weight.MORE, Option.ALL_CONFIGS, ""


def _retention(least: float, topic: AnyTopic, setting: Setting, declared: str) -> Judgement | None:
    """``least`` is what a retry topic must keep."""
    has, wanted = _kept(setting.value), _kept(declared)
    if has == wanted:
        return None
    if isinstance(topic, RawTopic) and topic.beside is not None and has < least:
        return Weight.BREAKING, None, ": records are lost while they wait to be tried again"
    if has < wanted:
        return Weight.LESS, Option.ALL_CONFIGS if setting.chosen else None, ""
    # to keep less is to delete records
    return Weight.MORE, Option.ALL_CONFIGS, ""


def _segment(_topic: AnyTopic, setting: Setting, declared: str) -> Judgement | None:
    """Later than declared, records outlive their retention; sooner, there are more files. Nothing is lost by either."""
    has, wanted = _kept(setting.value), _kept(declared)
    if has == wanted:
        return None
    weight = Weight.MORE if has > wanted else Weight.LESS
    return weight, Option.ALL_CONFIGS if setting.chosen else None, ""


JUDGES: Mapping[Kind, Callable[[AnyTopic, Setting, str], Judgement | None]] = {
    Kind.CLEANUP: _cleanup,
    Kind.MESSAGE_BYTES: _message_bytes,
    Kind.RETENTION: partial(_retention, RETRY_KEEPS_MS),
    Kind.RETENTION_BYTES: partial(_retention, RETRY_KEEPS_BYTES),
    Kind.SEGMENT: _segment,
}


def _kept(value: str) -> float:
    """A limit of what is kept; infinity where there is none, minus infinity for what is no number."""
    number = _number(value)
    return math.inf if -math.inf < number < 0 else number


def _number(value: str) -> float:
    """A number of the brokers; minus infinity for what is none."""
    digits = value.removeprefix("-")
    return int(value) if digits.isascii() and digits.isdigit() and len(digits) < 20 else -math.inf  # noqa: PLR2004 - 64 bits


def _shown(value: str) -> str:
    return value if value.isascii() and value.isprintable() and len(value) <= SHOWN_VALUE else repr(value[:SHOWN_VALUE])


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def refusal(differences: Sequence[Difference], servers: str) -> str | None:
    """One line that says what is wrong with the topics and what to do; ``None`` when nothing is breaking."""
    breaking = [each for each in differences if each.breaking]
    if not breaking:
        return None
    missing = [each.topic for each in breaking if each.kind is Kind.MISSING]
    others = [str(each) for each in breaking if each.kind is not Kind.MISSING]
    said = [
        f"topic{'s' if len(missing) > 1 else ''} {', '.join(missing)} {'are' if len(missing) > 1 else 'is'} missing"
    ]
    advice = "create the topics with" if not others else "mend the topics with"
    options = "".join(f" {option}" for option in Option if any(each.option is option for each in breaking))
    command = f"copydesk topics apply --bootstrap-servers {shlex.quote(servers)}{options}"
    return f"{'; '.join([*(said if missing else []), *others])}; {advice}: {command}"
