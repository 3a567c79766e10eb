"""The taxonomy: a folder of tag files, checked, tried on their own tests and compiled."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from copydesk_classifier.lexicon import CompiledTag, Compiler, Lexicon
from copydesk_classifier.matching import find_hits
from copydesk_classifier.scoring import Scored, score
from copydesk_classifier.tag_file import TagFile
from copydesk_classifier.tokens import Document, read_document
from copydesk_shared.errors import InputError
from copydesk_shared.yaml_lines import YamlDocument, read_yaml

# Raised when the same taxonomy would tag a text differently than before.
ENGINE_VERSION = "0.1.0"
PACKAGED = Path(__file__).parent / "taxonomy"
HASH_DIGITS = 12
SHOWN_CHARACTERS = 200


class Taxonomy:
    """The tags, compiled together. Pickles as its tag files and compiles anew when it is unpickled.

    ``version`` is the engine's version and a hash of what the files say; comments, layout and tests do not change it.
    """

    def __init__(self, tags: Iterable[TagFile]) -> None:
        self.tags = tuple(sorted(tags, key=lambda tag: tag.id))
        self.version = f"{ENGINE_VERSION}+{_digest(self.tags)}"
        self._lexicon = Lexicon()
        compiler = Compiler(self._lexicon)
        self._compiled = tuple(compiler.compile(tag) for tag in self.tags)
        self._lexicon.seal()

    def __reduce__(self) -> tuple[type[Self], tuple[tuple[TagFile, ...]]]:
        return type(self), (self.tags,)

    def score(self, title: str, text: str, language: str | None) -> tuple[Document, list[tuple[TagFile, Scored]]]:
        """The text as words, and the score of each tag that applies to its language (``None``: all of them)."""
        document = read_document(title, text)
        found = self._lexicon.find(document)
        scores = [
            (compiled.tag, score(compiled, find_hits(compiled, found, document), document))
            for compiled in self._compiled
            if _applies(compiled, language)
        ]
        return document, scores


def _applies(compiled: CompiledTag, language: str | None) -> bool:
    return language is None or language.replace("_", "-").split("-")[0].lower() in compiled.tag.languages


def _digest(tags: Sequence[TagFile]) -> str:
    meaning = [tag.model_dump(mode="json", exclude={"tests"}) for tag in tags]
    canonical = json.dumps(meaning, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()[:HASH_DIGITS]


def _run_tests(document: YamlDocument, tag: TagFile) -> None:
    alone = Taxonomy([tag])
    for kind, expected in (("positive", True), ("negative", False)):
        for index, text in enumerate(getattr(tag.tests, kind)):
            _, [(_, scored)] = alone.score("", text, None)
            if (scored.score >= tag.threshold) is not expected:
                verb = "does not get" if expected else "gets"
                numbers = f"score {scored.score:g}, threshold {tag.threshold:g}"
                shown = text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
                raise document.error(("tests", kind, index), f"{verb} the tag {tag.id!r} ({numbers}): {shown}")


def _load_file(path: Path) -> tuple[YamlDocument, TagFile]:
    document = read_yaml(path)
    tag = document.validate(TagFile)
    for place, problem in tag.mistakes():
        raise document.error(place, problem)
    _run_tests(document, tag)
    return document, tag


def load_taxonomy(folder: Path | None = None) -> Taxonomy:
    """The tags of the ``*.yaml`` files in a folder; ``None`` is the one that comes with the package.

    Each file's own tests run. Raises :class:`copydesk_shared.errors.InputError`, one line with file and line, for the
    first thing that is wrong.
    """
    folder = PACKAGED if folder is None else folder
    if not folder.is_dir():
        raise InputError(f"{folder}: not a folder of tag files")
    tags: dict[str, tuple[Path, TagFile]] = {}
    for path in sorted(folder.glob("*.yaml")):
        document, tag = _load_file(path)
        if tag.id in tags:
            raise document.error(("id",), f"{tag.id!r} is already the id of {tags[tag.id][0]}")
        tags[tag.id] = (path, tag)
    if not tags:
        raise InputError(f"{folder}: no tag files (*.yaml) in it")
    return Taxonomy(tag for _, tag in tags.values())
