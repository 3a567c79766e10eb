"""The topics of the broker: their partitions, settings and logs, kept in one file that is replaced whole."""

import logging
import re
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .configs import TOPIC_SETTINGS, Source, check_topic_settings, split_list
from .errors import Code, KafkaError
from .files import UnusableError, read_json, write_json
from .log import PartitionLog

logger = logging.getLogger(__name__)

MAX_PARTITIONS = 1_000
# Each partition keeps a file open.
MAX_PARTITIONS_IN_ALL = 4_000
_NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}")


@dataclass(slots=True)
class Topic:
    """A topic; ``settings`` holds only what was set, the rest has the defaults of ``configs``."""

    name: str
    id: uuid.UUID
    settings: dict[str, str]
    partitions: list[PartitionLog]

    def setting(self, name: str) -> str:
        return self.settings.get(name, TOPIC_SETTINGS[name].value)

    def source(self, name: str) -> Source:
        """Where the value of a setting comes from."""
        return Source.TOPIC if name in self.settings else TOPIC_SETTINGS[name].source

    def number(self, name: str) -> int:
        return int(self.setting(name))

    @property
    def policies(self) -> set[str]:
        """Of ``delete`` and ``compact``, those the topic is cleaned by."""
        return set(split_list(self.setting("cleanup.policy")))

    def log(self, partition: int) -> PartitionLog:
        """Raises KafkaError when there is no such partition."""
        if not 0 <= partition < len(self.partitions):
            raise KafkaError(Code.UNKNOWN_TOPIC_OR_PARTITION, f"{self.name} has no partition {partition}")
        return self.partitions[partition]


def check_name(name: str) -> None:
    """Raises KafkaError when ``name`` cannot be a topic's."""
    if not _NAME.fullmatch(name) or name in {".", ".."}:
        raise KafkaError(
            Code.INVALID_TOPIC, "a topic name is 1 to 249 of letters, digits, '.', '_' and '-', not '.' or '..'"
        )


def _folded(name: str) -> str:
    """What two names have in common that Kafka does not allow beside each other, since metrics confuse them."""
    return name.replace(".", "_")


class Registry:
    """All topics by name and by id. Raises OSError when the disk refuses a change, UnusableError at the start."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "topics.json"
        self._logs = folder / "logs"
        self._logs.mkdir(exist_ok=True)
        self._by_name: dict[str, Topic] = {}
        self._alike: dict[str, str] = {}
        self._by_id: dict[uuid.UUID, Topic] = {}
        for name, saved in read_json(self._file).items():
            self._add(self._open(name, saved))
        self._remove_orphans()

    def _open(self, name: str, saved: dict[str, Any]) -> Topic:
        try:
            topic = Topic(name, uuid.UUID(saved["id"]), dict(saved["settings"]), [])
            self._extend(topic, saved["partitions"])
        except (KeyError, TypeError, ValueError) as error:
            raise UnusableError(f"{self._file} is damaged: topic {name}: {error!r}") from error
        return topic

    def _add(self, topic: Topic) -> None:
        self._by_name[topic.name] = self._by_id[topic.id] = topic
        self._alike[_folded(topic.name)] = topic.name

    def _folder(self, topic: Topic) -> Path:
        # The id keeps a topic that is made again apart from the remains of the one before it.
        return self._logs / f"{topic.name[:100]}.{topic.id.hex}"

    def _extend(self, topic: Topic, count: int) -> None:
        for partition in range(len(topic.partitions), count):
            folder = self._folder(topic) / str(partition)
            topic.partitions.append(PartitionLog(folder, *_segment_limits(topic)))

    def _remove_orphans(self) -> None:
        """A kill between the two steps of a deletion leaves a folder that no topic owns."""
        owned = {self._folder(topic) for topic in self._by_name.values()}
        for folder in self._logs.iterdir():
            if folder not in owned:
                logger.warning("%s belongs to no topic and is removed", folder)
                shutil.rmtree(folder, ignore_errors=True)

    def _save(self, topics: list[tuple[Topic, int]]) -> None:
        write_json(
            self._file,
            {
                topic.name: {"id": str(topic.id), "partitions": count, "settings": topic.settings}
                for topic, count in topics
            },
        )

    def _current(self) -> list[tuple[Topic, int]]:
        return [(topic, len(topic.partitions)) for topic in self._by_name.values()]

    def __iter__(self) -> Iterator[Topic]:
        return iter(self._by_name.values())

    def find(self, name: str | None, topic_id: uuid.UUID | None = None) -> Topic:
        """The topic of that name, or of that id when there is no name. Raises KafkaError when there is none."""
        if name:
            if name in self._by_name:
                return self._by_name[name]
            raise KafkaError(Code.UNKNOWN_TOPIC_OR_PARTITION, f"there is no topic {name}")
        if topic_id in self._by_id:
            return self._by_id[topic_id]
        raise KafkaError(Code.UNKNOWN_TOPIC_ID, f"there is no topic with the id {topic_id}")

    def create(self, name: str, partitions: int, settings: dict[str, str | None], *, dry_run: bool = False) -> Topic:
        """Make a topic, or with ``dry_run`` only check that it could be. Raises KafkaError."""
        check_name(name)
        if name in self._by_name:
            raise KafkaError(Code.TOPIC_ALREADY_EXISTS, f"topic {name} exists already")
        if alike := self._alike.get(_folded(name)):
            raise KafkaError(Code.INVALID_TOPIC, f"{name} and the topic {alike} differ only in '.' and '_'")
        if not 1 <= partitions <= MAX_PARTITIONS:
            raise KafkaError(Code.INVALID_PARTITIONS, f"a topic has 1 to {MAX_PARTITIONS} partitions")
        self._check_room(partitions)
        topic = Topic(name, uuid.uuid4(), check_topic_settings(settings), [])
        if not dry_run:
            self._save([*self._current(), (topic, partitions)])
            self._extend(topic, partitions)
            self._add(topic)
        return topic

    def grow(self, name: str, partitions: int, *, dry_run: bool = False) -> None:
        """Raise the number of partitions. Raises KafkaError."""
        topic = self.find(name)
        if not len(topic.partitions) < partitions <= MAX_PARTITIONS:
            raise KafkaError(
                Code.INVALID_PARTITIONS,
                f"{name} has {len(topic.partitions)} partitions and can only grow, to {MAX_PARTITIONS} at most",
            )
        self._check_room(partitions - len(topic.partitions))
        if not dry_run:
            others = [pair for pair in self._current() if pair[0] is not topic]
            self._save([*others, (topic, partitions)])
            self._extend(topic, partitions)

    def _check_room(self, more: int) -> None:
        if sum(count for _, count in self._current()) + more > MAX_PARTITIONS_IN_ALL:
            raise KafkaError(Code.INVALID_PARTITIONS, f"this broker holds {MAX_PARTITIONS_IN_ALL} partitions at most")

    def configure(self, topic: Topic, settings: dict[str, str | None]) -> None:
        """Replace the settings of a topic. Raises KafkaError and, when the disk refuses, OSError."""
        before, topic.settings = topic.settings, check_topic_settings(settings)
        try:
            self._save(self._current())
        except OSError:
            topic.settings = before
            raise
        for log in topic.partitions:
            log.segment_bytes, log.segment_ms = _segment_limits(topic)

    def delete(self, topic: Topic) -> None:
        self._save([pair for pair in self._current() if pair[0] is not topic])
        del self._by_name[topic.name], self._by_id[topic.id], self._alike[_folded(topic.name)]
        for log in topic.partitions:
            log.close()
        shutil.rmtree(self._folder(topic), ignore_errors=True)

    def logs(self) -> Iterator[PartitionLog]:
        for topic in self._by_name.values():
            yield from topic.partitions

    def close(self) -> None:
        for log in self.logs():
            log.close()


def _segment_limits(topic: Topic) -> tuple[int, int]:
    """The bytes and the ms after which a segment is closed; what compaction may not wait for closes it earlier."""
    longest = topic.number("segment.ms")
    if "compact" in topic.policies:
        longest = min(longest, topic.number("max.compaction.lag.ms"))
    return topic.number("segment.bytes"), longest
