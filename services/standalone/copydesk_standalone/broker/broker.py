"""What one broker holds: its options, its data folder and everything loaded from it."""

import base64
import fcntl
import os
import uuid
from dataclasses import dataclass
from pathlib import Path

from .coordinator import Coordinator
from .crowd import Memory
from .disk import GroupSync
from .files import UnusableError, read_json, write_json
from .offsets import Offsets
from .registry import Registry
from .transactions import Transactions

NODE_ID = 1
FORMAT = 1
_ID_BLOCK = 1_000


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of a broker process.

    ``max_request_bytes`` is the largest frame read and ``max_held_bytes`` what all connections together may take;
    Clients are told ``advertised_port`` where there is one, since what stands between may listen on another.
    ``fsync`` is never, interval (each ``fsync_interval_s``) or always (before a write is acknowledged). Every
    ``cleanup_interval_s`` expired records go and compacted topics are compacted.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 9092
    auto_create_topics: bool = False
    default_partitions: int = 1
    max_request_bytes: int = 64 << 20
    max_connections: int = 1_000
    max_connections_per_address: int = 1_000
    max_held_bytes: int = 256 << 20
    idle_timeout_s: float = 600.0
    fsync: str = "never"
    fsync_interval_s: float = 1.0
    cleanup_interval_s: float = 30.0
    advertised_port: int | None = None


class ProducerIds:
    """Hands out producer ids that no restart repeats: a block is reserved on disk before its ids are used.

    Raises UnusableError when its file is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        first = read_json(path).get("next", 1)
        if not isinstance(first, int):
            raise UnusableError(f"{path} is damaged: {first!r} is no producer id")
        self._next = self._reserved = first

    def allocate(self) -> int:
        """Raises OSError when the next block cannot be reserved."""
        if self._next == self._reserved:
            write_json(self._path, {"next": self._reserved + _ID_BLOCK})
            self._reserved += _ID_BLOCK
        self._next += 1
        return self._next - 1


class Broker:
    """Everything the handlers work on. Raises UnusableError when the data folder cannot be used."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.memory = Memory(options.max_held_bytes)
        self.port = options.port
        folder = options.data_dir
        self._lock = _lock(folder)
        self.cluster_id = _identity(folder)
        self.topics = Registry(folder)
        self.offsets = Offsets(folder / "offsets.journal")
        self.producer_ids = ProducerIds(folder / "producer-ids.json")
        self.transactions = Transactions(folder / "transactions.journal")
        self.groups = Coordinator()
        self.disk = GroupSync()

    @property
    def told_port(self) -> int:
        """The port that clients are sent to."""
        return self.options.advertised_port or self.port

    def close(self) -> None:
        self.groups.close()
        self.topics.close()
        self.offsets.close()
        self.transactions.close()
        os.close(self._lock)


def _lock(folder: Path) -> int:
    """Take the data folder for this process; the system gives it back however the process ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UnusableError(f"cannot use the data folder {folder}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise UnusableError(f"the data folder {folder} is in use by another broker") from error
    return lock


def _identity(folder: Path) -> str:
    """The cluster id, made once. Raises UnusableError when the folder was written by a later version."""
    path = folder / "broker.json"
    saved = read_json(path)
    if not saved:
        saved = {"cluster_id": base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="), "format": FORMAT}
        write_json(path, saved)
    if saved.get("format") != FORMAT:
        raise UnusableError(f"{path} is not of a format this version reads (format {FORMAT})")
    return str(saved["cluster_id"])
