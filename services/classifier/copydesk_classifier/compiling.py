"""From the tags as they are written to what is looked for: phrases by kind, and rules over sets of them."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import NamedTuple

from copydesk_classifier.lexicon import CompiledNear, CompiledPart, Group, Lexicon, Role, Rules, Spellings, Users
from copydesk_classifier.notation import MARKS, words_of
from copydesk_classifier.tag_file import LexiconPart, Near, PhraseGroup, TagSource, Veto
from copydesk_classifier.tokens import fold

SENTENCE, DOCUMENT = "sentence", "document"
# The kind of a phrase that is in no set.
UNUSED = 0


class _Meaning(NamedTuple):
    """What a part makes of its sets of phrases: for each the group, in the order in which they count, or the rules."""

    ignored: int | None
    phrases: dict[int, Group]
    sentence_vetoes: dict[int, Group]
    document_vetoes: dict[int, Group]
    begins: dict[int, tuple[CompiledNear, ...]]
    counters: dict[int, tuple[CompiledNear, ...]]

    def role(self, sets: frozenset[int]) -> Role:
        """What a phrase does that is in these sets. Of two groups that hold the same phrase the first counts."""
        phrase, begins = _first(self.phrases, sets), _all(self.begins, sets)
        return Role(
            phrase=phrase,
            is_ignored=self.ignored in sets,
            sentence_veto=_first(self.sentence_vetoes, sets),
            document_veto=_first(self.document_vetoes, sets),
            begins=begins,
            counters=_all(self.counters, sets),
            sets=sets,
            most=(phrase.weight if phrase else 0.0) + sum(rule.weight for rule in begins),
        )


class _Phrases:
    """All phrases, numbered as they come, and the kind of each: the sets that it is in, numbered as well.

    A set divides each kind that it holds some phrases of; so the kinds are never more than they need be, and no set has
    to be kept.
    """

    def __init__(self) -> None:
        self.patterns: dict[str, int] = {}
        self.spellings: dict[str, dict[tuple[str, ...], int]] = {}
        self.kinds = array("I")
        self.sets_of_kind: list[tuple[int, ...]] = [()]
        self._divided: dict[tuple[int, int], int] = {}

    def term(self, phrase: str, *, case: bool) -> int:
        """The number of this phrase, made if need be."""
        words = words_of(phrase)
        pattern = f" {fold(' '.join(words))} "
        term = self.patterns.get(pattern)
        if term is None:
            term = self.patterns[pattern] = self._new()
        if not case:
            return term
        spellings = self.spellings.setdefault(pattern, {})
        if words not in spellings:
            spellings[words] = self._new()
        return spellings[words]

    def _new(self) -> int:
        self.kinds.append(UNUSED)
        return len(self.kinds) - 1

    def put(self, terms: Iterable[int], number: int) -> None:
        """Put them in a set of this number, each once."""
        for term in terms:
            step = self.kinds[term], number
            kind = self._divided.get(step)
            if kind is None:
                kind = self._divided[step] = len(self.sets_of_kind)
                self.sets_of_kind.append((*self.sets_of_kind[step[0]], number))
            self.kinds[term] = kind


class Compiler:
    """Turns tag files into compiled parts that share one lexicon. Parts are numbered as they come."""

    def __init__(self) -> None:
        self._phrases = _Phrases()
        self._meanings: list[_Meaning] = []
        # The number of the part that each set belongs to.
        self._owners = array("I")
        # Of the part at hand: the terms of each line that stands for many, and its sets.
        self._lines: dict[tuple[str, bool], tuple[int, ...]] = {}
        self._sets: dict[tuple[tuple[str, ...], bool], int] = {}

    def compile(self, source: TagSource, threshold: float) -> Iterator[CompiledPart]:
        """The rules of each part of a tag; their phrases go to the lexicon."""
        bare = source.without_words()
        for part, left in zip(source.lexica, bare.lexica, strict=True):
            yield CompiledPart(bare, left, threshold, self._part(part))

    def _part(self, part: LexiconPart) -> Rules:
        self._lines.clear()
        self._sets.clear()
        rules = self._rules(part)
        phrases, sentence, document = (
            self._groups(part, groups) for groups in (part.phrases, _vetoes(part, SENTENCE), _vetoes(part, DOCUMENT))
        )
        begins, counters = _begins(rules.positive), _begins((*rules.sentence_vetoes, *rules.document_vetoes))
        self._meanings.append(_Meaning(self._set(part, part.ignore), phrases, sentence, document, begins, counters))
        return rules

    def lexicon(self) -> Lexicon:
        """What all parts look for, which numbers them as they came. The compiler is empty afterwards."""
        phrases, self._phrases = self._phrases, _Phrases()
        users = self._users(phrases)
        terms = array("I", phrases.patterns.values())
        spellings: dict[int, Spellings] = {
            number: {words: (term, users[phrases.kinds[term]]) for words, term in phrases.spellings[pattern].items()}
            for number, pattern in enumerate(phrases.patterns)
            if pattern in phrases.spellings
        }
        kinds = array("I", (phrases.kinds[term] for term in terms))
        return Lexicon(phrases.patterns, terms, kinds, users, spellings)

    def _users(self, phrases: _Phrases) -> list[Users]:
        """For each kind that there are phrases of."""
        users: list[Users] = [()] * len(phrases.sets_of_kind)
        roles: dict[tuple[int, frozenset[int]], tuple[int, Role]] = {}
        for kind in set(phrases.kinds):
            by_part: defaultdict[int, list[int]] = defaultdict(list)
            for number in phrases.sets_of_kind[kind]:
                by_part[self._owners[number]].append(number)
            keys = [(part, frozenset(by_part[part])) for part in sorted(by_part)]
            users[kind] = tuple(
                roles.get(key) or roles.setdefault(key, (key[0], self._meanings[key[0]].role(key[1]))) for key in keys
            )
        return users

    def _set(self, part: LexiconPart, written: Sequence[str], *, case: bool = False) -> int | None:
        """The number of the set of what is written; none for nothing. Rules that share a list share the set."""
        if not written:
            return None
        key = tuple(written), case
        number = self._sets.get(key)
        if number is None:
            number = self._sets[key] = len(self._owners)
            self._owners.append(len(self._meanings))
            self._phrases.put({term for line in written for term in self._line(part, line, case=case)}, number)
        return number

    def _line(self, part: LexiconPart, line: str, *, case: bool) -> Iterable[int]:
        """The terms of one line; what a list or a gazetteer stands for is looked up once."""
        if not line.startswith(MARKS):
            return self._terms(part, line, case=case)
        key = line, case
        if key not in self._lines:
            self._lines[key] = tuple(self._terms(part, line, case=case))
        return self._lines[key]

    def _terms(self, part: LexiconPart, line: str, *, case: bool) -> Iterator[int]:
        return (self._phrases.term(phrase, case=case) for phrase in part.expand([line]))

    def _groups(self, part: LexiconPart, groups: Iterable[PhraseGroup | Veto]) -> dict[int, Group]:
        """The groups by the set of their phrases; of two with the same set the first."""
        made: dict[int, Group] = {}
        for written in groups:
            number = self._set(part, written.any, case=written.case)
            if number is not None:
                made.setdefault(number, Group(written.name, written.weight))
        return made

    def _rules(self, part: LexiconPart) -> Rules:
        positive = [(rule.name, rule.weight, rule) for rule in part.rules]
        sentence, document = (
            [(veto.name, veto.weight, veto.near) for veto in _vetoes(part, scope) if veto.near]
            for scope in (SENTENCE, DOCUMENT)
        )
        numbers = count(-1, -1)
        return Rules(
            *(tuple(self._near(part, next(numbers), *each) for each in kind) for kind in (positive, sentence, document))
        )

    def _near(self, part: LexiconPart, key: int, name: str, weight: float, near: Near) -> CompiledNear:
        a, b = self._set(part, near.a), self._set(part, near.b)
        if a is None or b is None:
            raise ValueError("a proximity rule of one side")
        return CompiledNear(
            name=name,
            weight=weight,
            key=key,
            a=a,
            b=b,
            window=near.window,
            ordered=near.ordered,
            across=near.across,
            unless=self._set(part, near.unless),
            need=self._set(part, near.need),
        )


def _first(groups: dict[int, Group], sets: frozenset[int]) -> Group | None:
    return next((group for number, group in groups.items() if number in sets), None)


def _all(rules: dict[int, tuple[CompiledNear, ...]], sets: frozenset[int]) -> tuple[CompiledNear, ...]:
    return tuple(rule for number, each in rules.items() if number in sets for rule in each)


def _vetoes(part: LexiconPart, scope: str) -> list[Veto]:
    return [veto for veto in part.vetoes if veto.scope == scope]


def _begins(rules: Iterable[CompiledNear]) -> dict[int, tuple[CompiledNear, ...]]:
    """The rules that have a set as their ``a``."""
    begins: defaultdict[int, list[CompiledNear]] = defaultdict(list)
    for rule in rules:
        begins[rule.a].append(rule)
    return {number: tuple(each) for number, each in begins.items()}
