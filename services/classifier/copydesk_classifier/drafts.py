"""From the files of a folder to the tags: each file by itself, then all that belongs to one tag together."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from copydesk_classifier.folder import TAG_SUFFIX, Folder
from copydesk_classifier.gazetteers import SUFFIX as GAZETTEER_SUFFIX
from copydesk_classifier.gazetteers import Gazetteer, parse_gazetteer
from copydesk_classifier.notation import MARKS, variants
from copydesk_classifier.tag_file import MAX_PHRASES, LanguageFile, Place, TagFile, TagSource
from copydesk_shared.errors import InputError
from copydesk_shared.yaml_lines import Complaints, YamlDocument

Gazetteers = Mapping[str, Gazetteer]
MAX_PHRASES_IN_ALL = 1_000_000
# Keys whose texts are no phrases.
_PROSE = frozenset({"tests", "examples", "label", "description"})


class Written(NamedTuple):
    """What a file says, and what errors call it. All files parsed take ten times the memory of what was read of them,
    so that is not kept; where something stands is looked for when somebody has to be told.
    """

    text: str
    name: str

    def error(self, place: Place, problem: str) -> InputError:
        """As :meth:`YamlDocument.error`."""
        return YamlDocument(self.text, self.name).error(place, problem)


class Draft(NamedTuple):
    """A tag file or language file that is right by itself, for ``size`` phrases.

    ``stem`` is its name without ``.yaml``.
    """

    stem: str
    document: Written
    part: TagFile | LanguageFile
    size: int

    @property
    def tag(self) -> str:
        return self.part.id if isinstance(self.part, TagFile) else self.part.tag


def gazetteers_of(folder: Folder) -> Gazetteers:
    """The gazetteers by name. Raises :class:`InputError` with file and line."""
    return {name: parse_gazetteer(name, text, place) for name, text, place in folder.texts(GAZETTEER_SUFFIX)}


def parse_draft(stem: str, text: str, place: str, gazetteers: Gazetteers) -> Draft:
    """One file, checked but not tried on its tests.

    Raises :class:`InputError` with file and line; it is a :class:`Complaints` where there may be several.
    """
    document = YamlDocument(text, place)
    _check_size(document)
    _, dot, language = stem.partition(".")
    part = document.validate(LanguageFile) if dot else document.validate(TagFile)
    mistakes = (*part.mistakes(gazetteers), *_misnamed(stem, language, part))
    if mistakes:
        raise Complaints(*(document.error(*mistake) for mistake in mistakes))
    size = 0
    for where, phrases in part.counted(gazetteers):
        size += phrases
        if size > MAX_PHRASES:
            raise document.error(where, f"more than {MAX_PHRASES} phrases in one file, lists and gazetteers included")
    return Draft(stem, Written(text, place), part.with_gazetteers(gazetteers), size)


def _misnamed(stem: str, language: str, part: TagFile | LanguageFile) -> Iterator[tuple[Place, str]]:
    if not isinstance(part, LanguageFile):
        return
    if stem.partition(".")[0] != part.tag:
        yield ("tag",), f"the file of {part.tag!r} in a further language is called {part.tag}.LANGUAGE{TAG_SUFFIX}"
    elif language not in part.languages:
        yield ("languages",), f"{language!r}, which the file is named after, is not among them"
    elif not part.has_lexicon:
        yield (), "give phrases or rules: similarity knows one language only"


def _check_size(document: YamlDocument) -> None:
    """Count the phrases before any is made: a line of a few characters may stand for hundreds."""
    total = 0
    for place, written in _strings(document.data, ()):
        total += 1
        if written.startswith(MARKS):
            continue
        try:
            total += variants(written)
        except ValueError:
            continue  # told when the file is validated, if it is a phrase
        if total > MAX_PHRASES:
            raise document.error(place, f"more than {MAX_PHRASES} phrases in one file")


def _strings(value: object, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, item in value.items():
            if place or key not in _PROSE:
                yield from _strings(item, (*place, str(key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, (*place, index))


def joined(drafts: Iterable[Draft]) -> list[TagSource]:
    """The tags, in the order of their files. Raises :class:`InputError` for files that do not go together."""
    drafts = list(drafts)
    tags: dict[str, Draft] = {}
    for draft in drafts:
        if isinstance(draft.part, TagFile):
            if draft.tag in tags:
                raise draft.document.error(
                    ("id",), f"{draft.tag!r} is already the id of {tags[draft.tag].document.name}"
                )
            tags[draft.tag] = draft
    further: dict[str, list[LanguageFile]] = {tag: [] for tag in tags}
    for draft in drafts:
        if isinstance(draft.part, LanguageFile):
            _check_languages(draft, tags.get(draft.tag), further)
            further[draft.tag].append(draft.part)
    return [
        TagSource(draft.part, tuple(further[tag])) for tag, draft in tags.items() if isinstance(draft.part, TagFile)
    ]


def _check_languages(draft: Draft, first: Draft | None, further: Mapping[str, list[LanguageFile]]) -> None:
    if first is None:
        raise draft.document.error(("tag",), f"there is no tag {draft.tag!r}")
    taken = {language for part in (first.part, *further[draft.tag]) for language in part.languages}
    for index, language in enumerate(draft.part.languages):
        if language in taken:
            raise draft.document.error(("languages", index), f"{draft.tag!r} has {language!r} in another file already")


def drafts_of(folder: Folder) -> list[Draft]:
    """All files of a folder. Raises :class:`InputError` with file and line for the first that is wrong."""
    gazetteers = gazetteers_of(folder)
    drafts, size = [], 0
    for stem, text, place in folder.texts(TAG_SUFFIX):
        draft = parse_draft(stem, text, place, gazetteers)
        size += draft.size
        if size > MAX_PHRASES_IN_ALL:
            raise draft.document.error((), f"more than {MAX_PHRASES_IN_ALL} phrases with those of the files before it")
        drafts.append(draft)
    return drafts
