"""Committed offsets of consumer groups: in memory, and in a journal that survives a kill."""

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .files import Journal

logger = logging.getLogger(__name__)

COMPACT_ABOVE = 1 << 20
# offsets.retention.minutes of Apache Kafka.
RETENTION_MS = 7 * 24 * 3_600_000
COMPACT_RATIO = 4

Partition = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Committed:
    """An offset a group committed: the next one to read, and what the client wrote beside it."""

    offset: int
    leader_epoch: int = -1
    metadata: str = ""
    committed_ms: int = field(default=0, compare=False)


class Offsets:
    """Group id -> (topic, partition) -> Committed. Raises OSError when the disk refuses a change.

    ``idle_since`` says since when (ms since the epoch) a group that has offsets was seen without members.
    """

    def __init__(self, path: Path, compact_above: int = COMPACT_ABOVE) -> None:
        self._groups: dict[str, dict[Partition, Committed]] = {}
        self.idle_since: dict[str, int] = {}
        self._least = self._compact_above = compact_above
        self._journal = Journal(path)
        for entry in self._journal.replay():
            self._apply(json.loads(entry))

    def _apply(self, entry: dict[str, Any]) -> None:
        group = self._groups.setdefault(entry["group"], {})
        for topic, partition, *committed in entry.get("set", ()):
            group[topic, partition] = Committed(*committed)
        for topic, partition in entry.get("unset", ()):
            group.pop((topic, partition), None)
        if "idle" in entry:
            self.idle_since[entry["group"]] = entry["idle"]
        if "busy" in entry:
            self.idle_since.pop(entry["group"], None)
        if not group or entry.get("gone"):
            del self._groups[entry["group"]]
            self.idle_since.pop(entry["group"], None)

    def _record(self, entry: dict[str, Any]) -> None:
        self._journal.append(_encode(entry))
        self._apply(entry)
        if self._journal.size > self._compact_above:
            self._compact()

    def _compact(self) -> None:
        try:
            self._journal.rewrite(self._snapshot())
        except OSError as error:
            # What was to be recorded is in the journal; a disk that is full must not keep anyone from going on.
            logger.warning("cannot shorten the journal of offsets: %s", error)
        self._compact_above = max(self._least, COMPACT_RATIO * self._journal.size)

    def _snapshot(self) -> Iterator[bytes]:
        for group, partitions in self._groups.items():
            idle = {"idle": self.idle_since[group]} if group in self.idle_since else {}
            yield _encode({"group": group, "set": [row(key, value) for key, value in partitions.items()], **idle})

    def commit(self, group: str, offsets: dict[Partition, Committed]) -> None:
        if offsets:
            now_ms = int(time.time() * 1000)
            rows = [row(key, replace(value, committed_ms=now_ms)) for key, value in offsets.items()]
            self._record({"group": group, "set": rows})

    def forget(self, group: str, partitions: Iterable[Partition] | None = None) -> None:
        """Drop some offsets of a group, or all of them."""
        if group in self._groups:
            gone = {"gone": True} if partitions is None else {"unset": list(partitions)}
            self._record({"group": group, **gone})

    def expire(self, now_ms: int, is_busy: Callable[[str], bool]) -> list[str]:
        """Drop what groups without members left behind; the groups that are gone with it.

        An offset goes ``RETENTION_MS`` after its group was seen to be idle and after it was committed (KIP-211).
        """
        gone = []
        for group, offsets in list(self._groups.items()):
            idle_since = self.idle_since.get(group)
            if is_busy(group):
                if idle_since is not None:
                    self._record({"group": group, "busy": True})
            elif idle_since is None:
                self._record({"group": group, "idle": now_ms})
            else:
                since = now_ms - RETENTION_MS
                old = [key for key, value in offsets.items() if max(idle_since, value.committed_ms) < since]
                if old:
                    self.forget(group, old)
                if group not in self._groups:
                    gone.append(group)
        return gone

    def forget_topic(self, topic: str) -> None:
        for group, committed in list(self._groups.items()):
            partitions = [key for key in committed if key[0] == topic]
            if partitions:
                self.forget(group, partitions)

    def of(self, group: str) -> dict[Partition, Committed]:
        return self._groups.get(group, {})

    @property
    def count(self) -> int:
        """How many offsets all groups have."""
        return sum(map(len, self._groups.values()))

    def groups(self) -> list[str]:
        return list(self._groups)

    def pending(self) -> Callable[[], None]:
        """What forces the journal to the disk. See ``disk.GroupSync``."""
        return self._journal.pending()

    def close(self) -> None:
        self._journal.close()


def row(key: Partition, committed: Committed) -> list[Any]:
    """A committed offset as journals keep it."""
    return [*key, committed.offset, committed.leader_epoch, committed.metadata, committed.committed_ms]


def _encode(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry, separators=(",", ":")).encode()
