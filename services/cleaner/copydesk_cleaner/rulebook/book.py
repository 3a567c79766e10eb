"""The compiled book: rules by family, leads, vocabularies. Immutable; two books of the same files are the same."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from copydesk_cleaner.rulebook.files import (
    RuleFile,
    Source,
    locations,
    parse,
    parse_quickly,
    shipped_sources,
)
from copydesk_cleaner.rulebook.patterns import BUILT_IN, PatternError, compiled, expanded, joined, words_pattern
from copydesk_cleaner.rulebook.schema import Example, LeadEntry, RuleEntry, Scope
from copydesk_cleaner.story import Kind
from copydesk_shared.yaml_lines import Location

DIGEST_LENGTH = 12


@dataclass(frozen=True)
class Rule:
    """A rule; ``patterns`` have their fragments put in."""

    id: str
    family: str
    kind: Kind
    scope: Scope
    languages: tuple[str, ...]
    provenance: str
    about: str
    needs: tuple[str, ...]
    patterns: tuple[str, ...]
    ignores_case: bool
    hit: tuple[Example, ...]
    keep: tuple[Example, ...]
    place: tuple[RuleFile, int]

    @cached_property
    def pattern(self) -> re.Pattern[str] | None:
        """All patterns as one, ``None`` for scope code. Raises :class:`InputError` with file and line.

        Compiled when it is first asked for: most rules wait for a word that few pages have.
        """
        return _whole(self) if self.patterns else None

    def match(self, line: str) -> re.Match[str] | None:
        """The match of a rule of scope line, whose pattern is there."""
        return self.pattern.fullmatch(line) if self.pattern is not None else None


@dataclass(frozen=True)
class Book:
    """All rules of some files, in the order of the files and of the entries in each."""

    files: tuple[RuleFile, ...]
    _rules: Mapping[str, tuple[Rule, ...]]
    _vocabularies: Mapping[str, Mapping[str, tuple[str, ...]]]

    @property
    def families(self) -> tuple[str, ...]:
        return tuple(self._rules)

    def file(self, family: str) -> RuleFile:
        """The file of a family. Raises ``KeyError``."""
        return {file.entry.family: file for file in self.files}[family]

    def rules(self, *families: str, scope: Scope | None = None) -> tuple[Rule, ...]:
        """The rules of these families, or of all; raises ``KeyError`` for a family that does not exist."""
        chosen = [rule for family in families or self._rules for rule in self._rules[family]]
        return tuple(rule for rule in chosen if scope is None or rule.scope == scope)

    @property
    def leads(self) -> tuple[LeadEntry, ...]:
        return tuple(lead for file in self.files for lead in file.entry.leads)

    def vocabulary(self, name: str) -> tuple[str, ...]:
        """The words of a vocabulary in all languages, in order and each once."""
        return tuple(dict.fromkeys(word for words in self._vocabularies[name].values() for word in words))

    def vocabulary_by_language(self, name: str) -> Mapping[str, tuple[str, ...]]:
        """The words of a vocabulary by language; those of a plain list are under ``any``."""
        return self._vocabularies[name]


def make_book(files: Iterable[RuleFile]) -> Book:
    """The book of these files. Raises :class:`InputError` with file and line."""
    files = tuple(files)
    _refuse_twice(files)
    vocabularies: dict[str, Mapping[str, tuple[str, ...]]] = {}
    for file in files:
        for name, words in file.entry.vocabularies.items():
            if name in vocabularies:
                raise file.error(("vocabularies", name), f"the vocabulary {name!r} is given twice")
            by_language = {"any": words} if isinstance(words, list) else words
            vocabularies[name] = {language: tuple(listed) for language, listed in by_language.items()}
    lists = {
        name: words_pattern([word for words in found.values() for word in words])
        for name, found in vocabularies.items()
    }
    rules = {file.entry.family: _rules_of(file, lists) for file in files}
    return Book(files, rules, vocabularies)


def _refuse_twice(files: Sequence[RuleFile]) -> None:
    seen: dict[str, tuple[RuleFile, Location]] = {}
    for file in files:
        for name, location in (
            (f"family {file.entry.family}", ("family",)),
            *((f"rule {rule}", location) for rule, location in locations(file)),
            *((f"lead {lead.words}", ("leads", index, "words")) for index, lead in enumerate(file.entry.leads)),
        ):
            if name in seen:
                first, place = seen[name]
                raise file.error(location, f"{name!r} is already in {first.place(place)}")
            seen[name] = (file, location)


def _parts(file: RuleFile, lists: Mapping[str, str]) -> dict[str, str]:
    """What may stand in double braces; a fragment may use those before it."""
    parts = {**BUILT_IN, **lists}
    for name, pattern in file.entry.fragments.items():
        try:
            parts[name] = expanded(pattern, parts)
        except PatternError as error:
            raise file.error(("fragments", name), str(error)) from None
    return parts


def _rules_of(file: RuleFile, lists: Mapping[str, str]) -> tuple[Rule, ...]:
    parts = _parts(file, lists)
    return tuple(_rule(file, index, entry, parts) for index, entry in enumerate(file.entry.rules))


def _rule(file: RuleFile, index: int, entry: RuleEntry, parts: Mapping[str, str]) -> Rule:
    patterns = []
    for number, pattern in enumerate(entry.patterns):
        try:
            patterns.append(expanded(pattern, parts))
        except PatternError as error:
            raise file.error(("rules", index, "patterns", number), str(error)) from None
    return Rule(
        id=entry.id,
        family=file.entry.family,
        kind=entry.kind,
        scope=entry.scope,
        languages=entry.languages,
        provenance=entry.provenance,
        about=entry.about,
        needs=entry.needs,
        patterns=tuple(patterns),
        ignores_case=entry.ignore_case,
        hit=entry.hit,
        keep=entry.keep,
        place=(file, index),
    )


def _whole(rule: Rule) -> re.Pattern[str]:
    file, index = rule.place
    try:
        return compiled(joined(rule.patterns), ignore_case=rule.ignores_case)
    except PatternError as error:
        for number, pattern in enumerate(rule.patterns):
            try:
                compiled(pattern, ignore_case=rule.ignores_case)
            except PatternError as cause:
                raise file.error(("rules", index, "patterns", number), str(cause)) from None
        raise file.error(("rules", index, "patterns"), f"together: {error}") from None


@cache
def shipped() -> Book:
    """The book of this package's own files."""
    return make_book(map(parse_quickly, shipped_sources()))


def book_with(extra: Sequence[Source]) -> Book:
    """Our own files and these after them. Raises :class:`InputError` with file and line."""
    files = [parse(source) for source in extra]
    for file in files:
        _refuse_functions(file)
    if not files:
        return shipped()
    book = make_book((*shipped().files, *files))
    for rule in book.rules(*(file.entry.family for file in files)):
        _ = rule.pattern  # what is no pattern is told before it is used
    return book


def _refuse_functions(file: RuleFile) -> None:
    """Only our own files say what our functions do; in any other an entry of scope code would do nothing."""
    for index, entry in enumerate(file.entry.rules):
        if entry.scope == "code":
            problem = (
                "scope code is for rules that the cleaner itself does: here it is line, start or end, with patterns"
            )
            raise file.error(("rules", index, "scope"), problem)


def digest(sources: Iterable[Source]) -> str:
    """A short name for the content of these files; the folder that they lie in does not count."""
    whole = hashlib.sha256()
    for source in sources:
        for part in (source.stem, source.text):
            content = part.encode()
            whole.update(len(content).to_bytes(8, "big") + content)
    return whole.hexdigest()[:DIGEST_LENGTH]
