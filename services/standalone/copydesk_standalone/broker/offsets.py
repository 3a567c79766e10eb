"""Committed offsets of consumer groups: in memory, and in a journal that survives a kill."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .files import Journal

COMPACT_ABOVE = 1 << 20
COMPACT_RATIO = 4

Partition = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Committed:
    """An offset a group committed: the next one to read, and what the client wrote beside it."""

    offset: int
    leader_epoch: int = -1
    metadata: str = ""


class Offsets:
    """Group id -> (topic, partition) -> Committed. Raises OSError when the disk refuses a change."""

    def __init__(self, path: Path, compact_above: int = COMPACT_ABOVE) -> None:
        self._groups: dict[str, dict[Partition, Committed]] = {}
        self._compact_above = compact_above
        self._journal = Journal(path)
        for entry in self._journal.replay():
            self._apply(json.loads(entry))

    def _apply(self, entry: dict[str, Any]) -> None:
        group = self._groups.setdefault(entry["group"], {})
        for topic, partition, *committed in entry.get("set", ()):
            group[topic, partition] = Committed(*committed)
        for topic, partition in entry.get("unset", ()):
            group.pop((topic, partition), None)
        if not group or entry.get("gone"):
            del self._groups[entry["group"]]

    def _record(self, entry: dict[str, Any]) -> None:
        self._journal.append(_encode(entry))
        self._apply(entry)
        if self._journal.size > self._compact_above:
            self._compact()

    def _compact(self) -> None:
        self._journal.rewrite(self._snapshot())
        self._compact_above = max(self._compact_above, COMPACT_RATIO * self._journal.size)

    def _snapshot(self) -> Iterator[bytes]:
        for group, partitions in self._groups.items():
            yield _encode({"group": group, "set": [row(key, value) for key, value in partitions.items()]})

    def commit(self, group: str, offsets: dict[Partition, Committed]) -> None:
        if offsets:
            self._record({"group": group, "set": [row(key, value) for key, value in offsets.items()]})

    def forget(self, group: str, partitions: Iterable[Partition] | None = None) -> None:
        """Drop some offsets of a group, or all of them."""
        if group in self._groups:
            gone = {"gone": True} if partitions is None else {"unset": list(partitions)}
            self._record({"group": group, **gone})

    def forget_topic(self, topic: str) -> None:
        for group, committed in list(self._groups.items()):
            partitions = [key for key in committed if key[0] == topic]
            if partitions:
                self.forget(group, partitions)

    def of(self, group: str) -> dict[Partition, Committed]:
        return self._groups.get(group, {})

    def groups(self) -> list[str]:
        return list(self._groups)

    def sync(self) -> None:
        self._journal.sync()

    def close(self) -> None:
        self._journal.close()


def row(key: Partition, committed: Committed) -> list[Any]:
    """A committed offset as journals keep it."""
    return [*key, committed.offset, committed.leader_epoch, committed.metadata]


def _encode(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry, separators=(",", ":")).encode()
