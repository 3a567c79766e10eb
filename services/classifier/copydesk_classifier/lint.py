"""What is wrong with tag files, and what is not yet as it should be: all of it, not the first thing only."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from copydesk_classifier.drafts import Draft, Gazetteers, joined, parse_draft
from copydesk_classifier.engine import Taxonomy
from copydesk_classifier.folder import TAG_SUFFIX, Folder
from copydesk_classifier.gazetteers import SUFFIX as GAZETTEER_SUFFIX
from copydesk_classifier.gazetteers import Gazetteer, parse_gazetteer
from copydesk_classifier.notation import GAZETTEER_MARK, LIST_MARK, MARKS, words_of
from copydesk_classifier.own_tests import failures
from copydesk_classifier.tag_file import LexiconPart, Place, TagFile
from copydesk_classifier.tokens import fold
from copydesk_classifier.weights import load_fitted
from copydesk_shared.errors import InputError
from copydesk_shared.yaml_lines import Complaints

MIN_EXAMPLES = 3
MIN_POSITIVE = 12
MIN_NEGATIVE = 15
TO_FILL_IN = "FILL IN"
SHOWN = 3

_PLACE = re.compile(r"(.*?):(\d+): ")

Warning_ = tuple[Place, str]


class Finding(NamedTuple):
    """One line, ``FILE:LINE: ...``. With an error the folder cannot be used; with a warning it can."""

    text: str
    is_error: bool


def findings(folder: Folder, *, whole: bool = True) -> list[Finding]:
    """Everything that there is to say of a folder, or of the files of it that are given when it is not ``whole``."""
    found: list[Finding] = []
    gazetteers = _gazetteers(folder, found)
    drafts = list(_drafts(folder, gazetteers, found))
    found += _tried(folder, drafts)
    for draft in drafts:
        found += [Finding(str(draft.document.error(*warning)), is_error=False) for warning in _warnings(draft)]
    if whole:
        found += _unused(folder, gazetteers, drafts)
    return sorted(found, key=_order)


def _order(finding: Finding) -> tuple[str, int]:
    place = _PLACE.match(finding.text)
    return (place[1], int(place[2])) if place else (finding.text, 0)


def _tried(folder: Folder, drafts: list[Draft]) -> Iterator[Finding]:
    """What is wrong between the files, and the tests that fail. Files whose tag cannot be read are left out."""
    stems = {draft.stem for draft in drafts}
    unread = {stem for stem, _, _ in folder.texts(TAG_SUFFIX)} - stems
    whole = [draft for draft in drafts if draft.stem.partition(".")[0] not in unread]
    if not whole:
        return
    try:
        taxonomy = Taxonomy(joined(whole), load_fitted(folder))
    except InputError as error:
        yield Finding(str(error), is_error=True)
        return
    for failure in failures(taxonomy, whole):
        yield Finding(str(failure.complaint), is_error=True)
    for draft in whole:
        if not (draft.part.has_lexicon or taxonomy.has_similarity):
            text = "neither phrases nor rules, and similarity is not installed here: the tag is never given"
            yield Finding(str(draft.document.error((), text)), is_error=False)


def _gazetteers(folder: Folder, found: list[Finding]) -> Gazetteers:
    """Those that can be read. One that cannot is as good as there, so that it is complained of once."""
    gazetteers: dict[str, Gazetteer] = {}
    for name, text, place in folder.texts(GAZETTEER_SUFFIX):
        try:
            gazetteers[name] = parse_gazetteer(name, text, place)
        except InputError as error:
            gazetteers[name] = Gazetteer(name, (), 0)
            found.append(Finding(str(error), is_error=True))
    return gazetteers


def _drafts(folder: Folder, gazetteers: Gazetteers, found: list[Finding]) -> Iterator[Draft]:
    for stem, text, place in folder.texts(TAG_SUFFIX):
        try:
            yield parse_draft(stem, text, place, gazetteers)
        except Complaints as several:
            found += [Finding(str(error), is_error=True) for error in several.all]
        except InputError as error:
            found.append(Finding(str(error), is_error=True))


def _warnings(draft: Draft) -> Iterator[Warning_]:
    part = draft.part
    if isinstance(part, TagFile):
        if draft.stem != part.id:
            yield ("id",), f"the file is called {draft.stem}{TAG_SUFFIX}, the tag {part.id!r}"
        if len(part.examples) < MIN_EXAMPLES:
            yield ("examples",), f"{len(part.examples)} of at least {MIN_EXAMPLES} that similarity needs"
    for kind, wanted in (("positive", MIN_POSITIVE), ("negative", MIN_NEGATIVE)):
        count = len(getattr(part.tests, kind))
        if count < wanted:
            yield ("tests", kind), f"{count} of at least {wanted} that tell whether the file is any good"
    yield from _to_fill_in(part)
    yield from _repeated_tests(part)
    yield from _unused_lists(part)
    yield from _phrases_without_effect(part)


def _to_fill_in(part: LexiconPart) -> Iterator[Warning_]:
    texts: list[tuple[Place, str]] = [(("examples", at), text) for at, text in enumerate(part.examples)]
    for kind in ("positive", "negative"):
        texts += [(("tests", kind, at), text) for at, text in enumerate(getattr(part.tests, kind))]
    if isinstance(part, TagFile):
        texts += [(("label",), part.label), (("description",), part.description)]
    for place, text in texts:
        if TO_FILL_IN in text:
            yield place, f"still says {TO_FILL_IN!r}"


def _repeated_tests(part: LexiconPart) -> Iterator[Warning_]:
    seen: set[str] = set()
    for kind in ("positive", "negative"):
        for at, text in enumerate(getattr(part.tests, kind)):
            if text in seen:
                yield ("tests", kind, at), "the same test twice"
            seen.add(text)


def _unused_lists(part: LexiconPart) -> Iterator[Warning_]:
    used = {written for _, written in part.written()}
    for name in part.lists:
        if not name.startswith(GAZETTEER_MARK) and f"{LIST_MARK}{name}" not in used:
            yield ("lists", name), "not used"


def _folded(phrase: str) -> str:
    return " ".join(map(fold, words_of(phrase)))


def _phrases_without_effect(part: LexiconPart) -> Iterator[Warning_]:
    """Lines of which every phrase stands in an earlier line already, or is ignored by the tag.

    Where only some do, the line is shorter so: ``(injury|stoppage) (time|times)``.
    """
    ignored = {_folded(phrase) for phrase in part.expand(part.ignore)}
    seen: dict[tuple[str, bool], str] = {}
    for at, group in enumerate(part.phrases):
        for index, written in enumerate(group.any):
            if written.startswith(MARKS):
                continue
            folded = {phrase if group.case else _folded(phrase) for phrase in part.expand([written])}
            place: Place = ("phrases", at, "any", index)
            before = {seen.get((phrase, group.case), "") for phrase in folded}
            if all(before):
                yield place, f"in {', '.join(map(repr, sorted(before)))} already: {_few(sorted(folded))}"
            elif folded <= ignored:
                yield place, f"ignored by this tag: {_few(sorted(folded))}"
            for phrase in folded:
                seen.setdefault((phrase, group.case), group.name)


def _few(phrases: list[str]) -> str:
    more = f" and {len(phrases) - SHOWN} more" if len(phrases) > SHOWN else ""
    return ", ".join(map(repr, phrases[:SHOWN])) + more


def _unused(folder: Folder, gazetteers: Gazetteers, drafts: Iterable[Draft]) -> Iterator[Finding]:
    used = Counter(name for draft in drafts for name in draft.part.lists if name.startswith(GAZETTEER_MARK))
    for name in gazetteers:
        if f"{GAZETTEER_MARK}{name}" not in used:
            yield Finding(f"{folder.path / name}{GAZETTEER_SUFFIX}: no tag file here refers to it", is_error=False)
