"""All phrases of all tags in one automaton, and the tags in terms of it.

One pass of Aho-Corasick (A. Aho, M. Corasick, "Efficient string matching", CACM 18(6), 1975) finds every phrase at
once, in time linear in the text and the number of matches. The haystack holds one space around each word, and so do the
patterns, so a match can only begin and end at a word boundary. Each phrase knows the parts of the taxonomy that use it,
so a text costs nothing for the tags that have no word in it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

import ahocorasick_rs

from copydesk_classifier.notation import MARKS, words_of
from copydesk_classifier.tag_file import LexiconPart, Near, PhraseGroup, TagSource, Veto
from copydesk_classifier.tokens import Document, fold

Span = tuple[int, int]
Found = dict[int, list[Span]]
SENTENCE, DOCUMENT = "sentence", "document"


@dataclass(frozen=True, slots=True, eq=False)
class CompiledNear:
    """A proximity rule over term numbers. ``key`` is negative, where those of phrases are not."""

    name: str
    weight: float
    key: int
    a: frozenset[int]
    b: frozenset[int]
    window: int
    ordered: bool
    across: bool
    unless: frozenset[int]
    need: frozenset[int]

    def terms(self) -> frozenset[int]:
        return self.a.union(self.b, self.unless, self.need)


class Group(NamedTuple):
    """What each of its phrases weighs."""

    name: str
    weight: float


class Rules(NamedTuple):
    """The proximity rules of a part by what they speak for, each in the order of the file."""

    positive: tuple[CompiledNear, ...]
    sentence_vetoes: tuple[CompiledNear, ...]
    document_vetoes: tuple[CompiledNear, ...]


class Role(NamedTuple):
    """What a term does in a part.

    Each of ``begins`` is a rule that has the term as its ``a``, and so is each of ``counters`` among the vetoes.
    """

    phrase: Group | None = None
    is_ignored: bool = False
    sentence_veto: Group | None = None
    document_veto: Group | None = None
    begins: tuple[CompiledNear, ...] = ()
    counters: tuple[CompiledNear, ...] = ()


@dataclass(frozen=True)
class CompiledPart:
    """What a tag looks for in some languages: each of its terms with its role."""

    source: TagSource
    part: LexiconPart
    threshold: float
    rules: Rules
    roles: dict[int, Role]

    @property
    def ignore(self) -> frozenset[int]:
        """The phrases inside which nothing counts."""
        return frozenset(term for term, role in self.roles.items() if role.is_ignored)


class Lexicon:
    """The automaton. A term is a phrase, or a phrase in one spelling when case matters."""

    def __init__(self) -> None:
        self._patterns: dict[str, int] = {}
        self._known: dict[str, int] = {}
        self._spellings: dict[int, dict[tuple[str, ...], int]] = {}
        self._count = 0

    def term(self, phrase: str, *, case: bool = False) -> int:
        """The number of this phrase, made if need be."""
        if case:
            return self._new_term(words_of(phrase), case=True)
        known = self._known.get(phrase)
        if known is None:
            known = self._known[phrase] = self._new_term(words_of(phrase), case=False)
        return known

    def _new_term(self, words: tuple[str, ...], *, case: bool) -> int:
        pattern = self._pattern(f" {fold(' '.join(words))} ")
        if not case:
            return pattern
        spellings = self._spellings.setdefault(pattern, {})
        if words not in spellings:
            spellings[words] = self._count
            self._count += 1
        return spellings[words]

    def _pattern(self, written: str) -> int:
        if written not in self._patterns:
            self._patterns[written] = self._count
            self._count += 1
        return self._patterns[written]

    def seal(self, parts: Sequence[CompiledPart]) -> None:
        """Build the automaton; no phrase can be added after it. ``find`` numbers the parts as they stand here."""
        self._terms = list(self._patterns.values())
        self._lengths = [pattern.count(" ") - 1 for pattern in self._patterns]
        self._known.clear()
        self._automaton = ahocorasick_rs.AhoCorasick(self._patterns, store_patterns=False)
        self._patterns.clear()
        self._users: list[tuple[int, ...]] = [()] * self._count
        alone = [(number,) for number in range(len(parts))]
        for number, part in enumerate(parts):
            for term in part.roles:
                others = self._users[term]
                self._users[term] = (*others, number) if others else alone[number]

    def find(self, document: Document) -> dict[int, Found]:
        """By the number of each part that has something in the text: its terms with their ranges of words, in order."""
        found: defaultdict[int, Found] = defaultdict(dict)
        for pattern, tokens in self._tokens(document).items():
            length, term = self._lengths[pattern], self._terms[pattern]
            spans = [(first, first + length) for first in map(document.word_of_token, tokens)]
            for user in self._users[term]:
                found[user][term] = spans
            if term in self._spellings:
                self._find_spellings(document, self._spellings[term], dict(zip(tokens, spans, strict=True)), found)
        return found

    def _find_spellings(
        self,
        document: Document,
        spellings: Mapping[tuple[str, ...], int],
        spans: Mapping[int, Span],
        found: defaultdict[int, Found],
    ) -> None:
        for surface, term in spellings.items():
            length = len(surface)
            spelled = [span for token, span in spans.items() if document.surface(token, length) == surface]
            if spelled:
                for user in self._users[term]:
                    found[user][term] = spelled

    def _tokens(self, document: Document) -> dict[int, list[int]]:
        """For each pattern in the text the tokens at which it begins. There is a space before each token."""
        haystack, lengths = document.haystack, self._lengths
        begins: dict[int, list[int]] = {}
        spaces = counted = 0
        for pattern, _, end in self._automaton.find_matches_as_indexes(haystack, overlapping=True):
            spaces += haystack.count(" ", counted, end)
            counted = end
            begin = spaces - 1 - lengths[pattern]
            if pattern in begins:
                begins[pattern].append(begin)
            else:
                begins[pattern] = [begin]
        return begins


class Compiler:
    """Turns tag files into compiled parts that share one lexicon."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._sets: dict[frozenset[int], frozenset[int]] = {}
        self._lists: dict[tuple[int, str, bool], frozenset[int]] = {}

    def compile(self, source: TagSource, part: LexiconPart, threshold: float) -> CompiledPart:
        rules = self._rules(part)
        begins, counters = _begins(rules.positive), _begins((*rules.sentence_vetoes, *rules.document_vetoes))
        phrases, sentence, document = (
            self._groups(part, groups) for groups in (part.phrases, _vetoes(part, SENTENCE), _vetoes(part, DOCUMENT))
        )
        ignore = self._terms(part, part.ignore)
        terms = ignore.union(phrases, sentence, document, *(rule.terms() for kind in rules for rule in kind))
        roles: dict[Role, Role] = {}
        made = {
            term: Role(
                phrases.get(term),
                term in ignore,
                sentence.get(term),
                document.get(term),
                begins.get(term, ()),
                counters.get(term, ()),
            )
            for term in sorted(terms)
        }
        shared = {term: roles.setdefault(role, role) for term, role in made.items()}
        return CompiledPart(source, part, threshold, rules, shared)

    def _terms(self, part: LexiconPart, written: Iterable[str], *, case: bool = False) -> frozenset[int]:
        """Their numbers. Rules that share a list share the set."""
        terms: frozenset[int] = frozenset().union(*(self._line(part, line, case=case) for line in written))
        return self._sets.setdefault(terms, terms)

    def _line(self, part: LexiconPart, line: str, *, case: bool) -> frozenset[int]:
        """Those of one line; what a list or a gazetteer stands for is looked up once."""
        if not line.startswith(MARKS):
            return frozenset(self._lexicon.term(phrase, case=case) for phrase in part.expand([line]))
        key = (id(part), line, case)
        if key not in self._lists:
            self._lists[key] = frozenset(self._lexicon.term(phrase, case=case) for phrase in part.expand([line]))
        return self._lists[key]

    def _groups(self, part: LexiconPart, groups: Iterable[PhraseGroup | Veto]) -> dict[int, Group]:
        """Each phrase once; of two groups that hold the same phrase the first counts."""
        phrases: dict[int, Group] = {}
        for written in groups:
            group = Group(written.name, written.weight)
            for term in self._terms(part, written.any, case=written.case):
                phrases.setdefault(term, group)
        return phrases

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
        return CompiledNear(
            name=name,
            weight=weight,
            key=key,
            a=self._terms(part, near.a),
            b=self._terms(part, near.b),
            window=near.window,
            ordered=near.ordered,
            across=near.across,
            unless=self._terms(part, near.unless),
            need=self._terms(part, near.need),
        )


def _vetoes(part: LexiconPart, scope: str) -> list[Veto]:
    return [veto for veto in part.vetoes if veto.scope == scope]


def _begins(rules: Iterable[CompiledNear]) -> dict[int, tuple[CompiledNear, ...]]:
    """The rules that have a term as their ``a``."""
    begins: defaultdict[int, list[CompiledNear]] = defaultdict(list)
    for rule in rules:
        for term in rule.a:
            begins[term].append(rule)
    shared: dict[tuple[int, ...], tuple[CompiledNear, ...]] = {}
    return {term: shared.setdefault(tuple(rule.key for rule in each), tuple(each)) for term, each in begins.items()}
