"""Small state on disk: files replaced whole, and a journal that is appended to."""

import json
import logging
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from crc32c import crc32c

from .disk import OpenFile, write_whole

logger = logging.getLogger(__name__)

_ENTRY = struct.Struct(">II")
MAX_ENTRY = 64 << 20


class UnusableError(Exception):
    """A file of the data folder cannot be used; the message names it."""


def write_json(path: Path, value: Any) -> None:
    write_whole(path, json.dumps(value, indent=1, sort_keys=True).encode())


def read_json(path: Path) -> dict[str, Any]:
    """The object in the file, empty when there is no file. Raises UnusableError when it holds anything else."""
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise UnusableError(f"{path} is damaged: {error}") from error
    if not isinstance(value, dict):
        raise UnusableError(f"{path} is damaged: it holds no object")
    return value


class Journal:
    """An append-only file of checked entries; a torn tail is cut off when it is opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = OpenFile(path)
        self.size = 0

    def replay(self) -> Iterator[bytes]:
        """Yield the sound entries, then cut what follows them."""
        data = self._path.read_bytes()
        while True:
            header = data[self.size : self.size + _ENTRY.size]
            if len(header) < _ENTRY.size:
                break
            length, checksum = _ENTRY.unpack(header)
            entry = data[self.size + _ENTRY.size : self.size + _ENTRY.size + length]
            if len(entry) < length or crc32c(entry) != checksum:
                break
            self.size += _ENTRY.size + length
            yield entry
        if len(data) > self.size:
            logger.warning("%s: cut %d unsound bytes at the end", self._path, len(data) - self.size)
            os.ftruncate(self._file.fd, self.size)

    def append(self, entry: bytes) -> None:
        """Add an entry. After an OSError the file is as it was before."""
        data = _framed(entry)
        try:
            written = os.pwrite(self._file.fd, data, self.size)
            while written < len(data):
                written += os.pwrite(self._file.fd, data[written:], self.size + written)
        except OSError:
            os.ftruncate(self._file.fd, self.size)
            raise
        self.size += len(data)

    def rewrite(self, entries: Iterable[bytes]) -> None:
        """Replace everything by ``entries``."""
        data = b"".join(map(_framed, entries))
        write_whole(self._path, data)
        self._file = OpenFile(self._path)
        self.size = len(data)

    def pending(self) -> Callable[[], None]:
        """What forces the entries to the disk. See ``disk.GroupSync``."""
        return self._file.force

    def sync(self) -> None:
        self._file.force()

    def close(self) -> None:
        del self._file


def _framed(entry: bytes) -> bytes:
    return _ENTRY.pack(len(entry), crc32c(entry)) + entry
