"""Rule files as they are on disk: found, read, parsed; every complaint names file and line."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml
from pydantic import ValidationError

from copydesk_cleaner.rulebook.schema import FileEntry, LeadEntry, RuleEntry
from copydesk_shared.errors import InputError
from copydesk_shared.yaml_lines import Location, YamlDocument

SUFFIX = ".yaml"
MAX_BYTES = 1024 * 1024
MAX_FILES = 200


@dataclass(frozen=True)
class Source:
    """A rule file's text. ``name`` is what complaints call it, ``stem`` is the file's name without its ending."""

    name: str
    stem: str
    text: str


@dataclass(frozen=True)
class RuleFile:
    """A rule file that fits the schema."""

    source: Source
    entry: FileEntry

    @cached_property
    def _document(self) -> YamlDocument:
        return YamlDocument(self.source.text, self.source.name)

    def error(self, location: Location, problem: str) -> InputError:
        """An error that names the file and the line of the value at this path of keys and indexes."""
        return self._document.error(location, problem)

    @property
    def examples(self) -> int:
        """How many examples there are, of both kinds."""
        entries: list[RuleEntry | LeadEntry] = [*self.entry.rules, *self.entry.leads]
        return sum(len(entry.hit) + len(entry.keep) for entry in entries)

    def place(self, location: Location) -> str:
        """``file:line`` of the value at this path."""
        return f"{self.source.name}:{self._document.line(location)}"


def shipped_path(family: str) -> Path:
    """Where the file of a family of ours is, or would be."""
    return Path(__file__).parent / "data" / f"{family}{SUFFIX}"


def shipped_sources() -> tuple[Source, ...]:
    """The rule files of this package, in the order of their names."""
    paths = sorted((Path(__file__).parent / "data").glob(f"*{SUFFIX}"))
    return tuple(Source(path.name, path.stem, path.read_text(encoding="utf-8")) for path in paths)


def read_source(path: Path) -> Source:
    """A rule file at this path. Raises :class:`InputError`."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    if len(content) > MAX_BYTES:
        raise InputError(f"{path}: larger than {MAX_BYTES // 1024} KiB")
    try:
        return Source(str(path), path.stem, content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}") from None


def folder_sources(folder: Path) -> tuple[Source, ...]:
    """The rule files of a folder, in the order of their names. Raises :class:`InputError`, also when it holds none."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix in {SUFFIX, ".yml"})
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    if not paths:
        raise InputError(f"{folder}: holds no rule file (*{SUFFIX})")
    if len(paths) > MAX_FILES:
        raise InputError(f"{folder}: holds more than {MAX_FILES} rule files")
    for path in paths:
        if path.suffix != SUFFIX:
            raise InputError(f"{path}: the name of a rule file ends in {SUFFIX}")
    return tuple(map(read_source, paths))


def parse(source: Source) -> RuleFile:
    """The file as rules. Raises :class:`InputError` with file and line for the first thing that does not fit."""
    document = YamlDocument(source.text, source.name)
    entry = document.validate(FileEntry)
    return _named(RuleFile(source, entry))


def parse_quickly(source: Source) -> RuleFile:
    """The same for our own files, a tenth of the time as long as nothing is wrong."""
    try:
        data = yaml.load(source.text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
        return _named(RuleFile(source, FileEntry.model_validate(data)))
    except (yaml.YAMLError, ValidationError):
        return parse(source)


def _named(file: RuleFile) -> RuleFile:
    if file.entry.family != file.source.stem:
        raise file.error(("family",), f"is {file.entry.family!r}, but the file is called {file.source.stem}{SUFFIX}")
    return file


def locations(file: RuleFile) -> Iterator[tuple[str, Location]]:
    """The ids of the file's rules and where they stand."""
    for index, rule in enumerate(file.entry.rules):
        yield rule.id, ("rules", index, "id")
