"""All phrases of all tags in one automaton, and the tags in terms of it.

One pass of Aho-Corasick (A. Aho, M. Corasick, "Efficient string matching", CACM 18(6), 1975) finds every phrase at
once, in time linear in the text and the number of matches. The haystack holds one space around each word, and so do the
patterns, so a match can only begin and end at a word boundary.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import ahocorasick_rs

from copydesk_classifier.tag_file import Near, PhraseGroup, TagFile, Veto
from copydesk_classifier.tokens import Document, fold, phrase_words

Span = tuple[int, int]
Found = dict[int, list[Span]]


@dataclass(frozen=True)
class CompiledNear:
    """A proximity rule over term numbers."""

    name: str
    weight: float
    a: frozenset[int]
    b: frozenset[int]
    window: int
    ordered: bool
    unless: frozenset[int]
    need: frozenset[int]


@dataclass(frozen=True)
class CompiledPhrase:
    """A phrase over term numbers: which group it belongs to and what it weighs."""

    name: str
    weight: float


@dataclass(frozen=True)
class Negatives:
    """What speaks against a tag in one scope."""

    phrases: dict[int, CompiledPhrase]
    rules: tuple[CompiledNear, ...]


@dataclass(frozen=True)
class CompiledTag:
    """A tag file over term numbers."""

    tag: TagFile
    ignore: frozenset[int]
    phrases: dict[int, CompiledPhrase]
    rules: tuple[CompiledNear, ...]
    sentence_vetoes: Negatives
    document_vetoes: Negatives

    @cached_property
    def speaking(self) -> frozenset[int]:
        """The terms that its phrases and rules look at."""
        parts = [part for rule in self.rules for part in (rule.a, rule.b, rule.unless, rule.need)]
        return frozenset(self.phrases).union(*parts)


@dataclass(frozen=True)
class _Term:
    number: int
    surface: tuple[str, ...] | None


class Lexicon:
    """The automaton. A term is a phrase, or a phrase in one spelling when case matters."""

    def __init__(self) -> None:
        self._patterns: dict[tuple[str, ...], list[_Term]] = {}
        self._count = 0

    def term(self, phrase: str, *, case: bool = False) -> int:
        """The number of this phrase, made if need be."""
        words = phrase_words(phrase)
        surface = words if case else None
        terms = self._patterns.setdefault(tuple(map(fold, words)), [])
        for term in terms:
            if term.surface == surface:
                return term.number
        terms.append(_Term(self._count, surface))
        self._count += 1
        return terms[-1].number

    def seal(self) -> None:
        """Build the automaton; no phrase can be added after it."""
        self._terms = tuple(tuple(terms) for terms in self._patterns.values())
        self._automaton = ahocorasick_rs.AhoCorasick([f" {' '.join(words)} " for words in self._patterns])

    def find(self, document: Document) -> Found:
        """Every occurrence of every term as a range of words, in order."""
        found: Found = {}
        word_at = document.word_at
        for pattern, start, end in self._automaton.find_matches_as_indexes(document.haystack, overlapping=True):
            first = word_at[start + 1]
            last = first + document.haystack.count(" ", start + 1, end)
            for term in self._terms[pattern]:
                if term.surface is None or document.words(first, last) == term.surface:
                    found.setdefault(term.number, []).append((first, last))
        return found


class Compiler:
    """Turns tag files into compiled tags that share one lexicon."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon

    def compile(self, tag: TagFile) -> CompiledTag:
        return CompiledTag(
            tag=tag,
            ignore=self._terms(tag, tag.ignore),
            phrases=self._phrases(tag, tag.phrases),
            rules=tuple(self._near(tag, rule, rule.name, rule.weight) for rule in tag.rules),
            sentence_vetoes=self._negatives(tag, "sentence"),
            document_vetoes=self._negatives(tag, "document"),
        )

    def _terms(self, tag: TagFile, written: Iterable[str], *, case: bool = False) -> frozenset[int]:
        return frozenset(self._lexicon.term(phrase, case=case) for phrase in tag.expand(written))

    def _phrases(self, tag: TagFile, groups: Iterable[PhraseGroup | Veto]) -> dict[int, CompiledPhrase]:
        """Each phrase once; of two groups that hold the same phrase the first counts."""
        phrases: dict[int, CompiledPhrase] = {}
        for group in groups:
            for term in sorted(self._terms(tag, group.any, case=group.case)):
                phrases.setdefault(term, CompiledPhrase(group.name, group.weight))
        return phrases

    def _near(self, tag: TagFile, near: Near, name: str, weight: float) -> CompiledNear:
        return CompiledNear(
            name=name,
            weight=weight,
            a=self._terms(tag, near.a),
            b=self._terms(tag, near.b),
            window=near.window,
            ordered=near.ordered,
            unless=self._terms(tag, near.unless),
            need=self._terms(tag, near.need),
        )

    def _negatives(self, tag: TagFile, scope: str) -> Negatives:
        vetoes = [veto for veto in tag.vetoes if veto.scope == scope]
        rules = tuple(self._near(tag, veto.near, veto.name, veto.weight) for veto in vetoes if veto.near)
        return Negatives(self._phrases(tag, vetoes), rules)
