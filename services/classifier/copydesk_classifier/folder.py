"""A folder of tag files, read at one moment and within limits."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from copydesk_classifier.gazetteers import SUFFIX as GAZETTEER_SUFFIX
from copydesk_shared.errors import InputError

TAG_SUFFIX = ".yaml"
FITTED_SUFFIX = ".json"
READ = (TAG_SUFFIX, GAZETTEER_SUFFIX)
SUFFIXES = (*READ, FITTED_SUFFIX)
# What people write for them by mistake; the files would be passed over without a word.
NEARLY = (".yml", ".gazetteer", ".gazetteer.yaml", ".gazetteer.yml")
MAX_FILES = 1_000
MAX_FILE_BYTES = 1024 * 1024
MAX_FITTED_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Folder:
    """The files by name: tag files, gazetteers and fitted numbers. Others, and hidden ones, are passed over."""

    path: Path
    files: Mapping[str, bytes]

    @cached_property
    def digest(self) -> str:
        """The same for the same names and contents."""
        sums = [f"{name}\n{hashlib.sha256(content).hexdigest()}" for name, content in sorted(self.files.items())]
        return hashlib.sha256("\n".join(sums).encode("utf-8", "surrogateescape")).hexdigest()

    def texts(self, suffix: str) -> Iterator[tuple[str, str, str]]:
        """Of each file of this kind its name without the suffix, its text and what errors call it.

        Raises :class:`InputError` for one that is not UTF-8.
        """
        for name in sorted(self.files):
            if name.endswith(suffix):
                place = str(self.path / name)
                try:
                    yield name.removesuffix(suffix), self.files[name].decode("utf-8"), place
                except UnicodeDecodeError as error:
                    raise InputError(f"{place}: not UTF-8 at byte {error.start}") from None


def _names(path: Path) -> list[str]:
    try:
        names = sorted(entry.name for entry in path.iterdir() if not entry.name.startswith("."))
    except NotADirectoryError:
        raise InputError(f"{path}: not a folder of tag files") from None
    except FileNotFoundError:
        raise InputError(f"{path}: not a folder of tag files: there is nothing of this name") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    for name in names:
        if name.endswith(NEARLY) or (name.lower().endswith((*NEARLY, *READ)) and not name.endswith(READ)):
            raise InputError(f"{path / name}: tag files end in {TAG_SUFFIX} and gazetteers in {GAZETTEER_SUFFIX}")
    return [name for name in names if name.endswith(SUFFIXES)]


def _content(path: Path) -> bytes:
    limit = MAX_FITTED_BYTES if path.name.endswith(FITTED_SUFFIX) else MAX_FILE_BYTES
    try:
        if not path.is_file():
            raise InputError(f"{path}: not a file")
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    if len(content) > limit:
        raise InputError(f"{path}: larger than {limit // 1024} KiB")
    return content


def read_folder(path: Path) -> Folder:
    """What lies in a folder. Raises :class:`InputError`, one line, for what cannot be read or is too much."""
    names = _names(path)
    if len(names) > MAX_FILES:
        raise InputError(f"{path}: more than {MAX_FILES} files")
    if not any(name.endswith(TAG_SUFFIX) for name in names):
        raise InputError(f"{path}: no tag files (*{TAG_SUFFIX}) in it")
    return Folder(path, {name: _content(path / name) for name in names})
