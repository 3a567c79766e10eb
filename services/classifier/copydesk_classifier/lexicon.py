"""All phrases of all tags in one automaton, and what each of them does in which tag.

One pass of Aho-Corasick (A. Aho, M. Corasick, "Efficient string matching", CACM 18(6), 1975) finds every phrase at
once, in time linear in the text and the number of matches. The haystack holds one space around each word, and so do the
patterns, so a match can only begin and end at a word boundary. Each phrase knows the parts of the taxonomy that use it,
so a text costs nothing for the tags that have no word in it.

There are a hundred thousand phrases and a few thousand ways to use one: phrases of one line or list are mostly used
alike. So what a phrase does is noted once for each *kind*, and a phrase costs a few numbers beside its place in the
automaton.
"""

import zlib
from array import array
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import ahocorasick_rs

from copydesk_classifier.tag_file import LexiconPart, TagSource
from copydesk_classifier.tokens import Document

Span = tuple[int, int]
_SEPARATOR = "\n"


@dataclass(frozen=True, slots=True, eq=False)
class CompiledNear:
    """A proximity rule. ``key`` is negative, where those of phrases are not.

    ``a``, ``b``, ``unless`` and ``need`` are the numbers of sets of phrases; see :attr:`Role.sets`.
    """

    name: str
    weight: float
    key: int
    a: int
    b: int
    window: int
    ordered: bool
    across: bool
    unless: int | None
    need: int | None


class Group(NamedTuple):
    """What each of its phrases weighs."""

    name: str
    weight: float


class Rules(NamedTuple):
    """The proximity rules of a part by what they speak for, each in the order of the file."""

    positive: tuple[CompiledNear, ...]
    sentence_vetoes: tuple[CompiledNear, ...]
    document_vetoes: tuple[CompiledNear, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Role:
    """What a phrase does in a part.

    Each of ``begins`` is a rule that has the phrase as its ``a``, and so is each of ``counters`` among the vetoes.
    ``sets`` are the numbers of the sets of phrases that it is in, and ``most`` is what it and its rules weigh together.
    """

    phrase: Group | None
    is_ignored: bool
    sentence_veto: Group | None
    document_veto: Group | None
    begins: tuple[CompiledNear, ...]
    counters: tuple[CompiledNear, ...]
    sets: frozenset[int]
    most: float


# A term that is in a text, what it does in a part, and its ranges of words in order.
Sight = tuple[int, Role, list[Span]]
Found = list[Sight]
# What all terms of a kind do: the numbers of the parts that use them, with their role there.
Users = tuple[tuple[int, Role], ...]
# The spellings of a pattern that are terms of their own, each with the number of the term and its users.
Spellings = Mapping[tuple[str, ...], tuple[int, Users]]


@dataclass(frozen=True)
class CompiledPart:
    """What a tag looks for in some languages; the phrases themselves are in the lexicon.

    ``source`` and ``part`` are without what is looked for (:meth:`TagSource.without_words`).
    """

    source: TagSource
    part: LexiconPart
    threshold: float
    rules: Rules


class Lexicon:
    """The automaton. A term is a phrase, or a phrase in one spelling when case matters.

    Each pattern has the number of its term and that of its kind, and for each kind ``users`` tells what its terms do.
    Pickles without the automaton, which is built anew.
    """

    def __init__(
        self,
        patterns: Collection[str],
        terms: Sequence[int],
        kinds: Sequence[int],
        users: Sequence[Users],
        spellings: Mapping[int, Spellings],
    ) -> None:
        self._terms = array("I", terms)
        self._lengths = array("H", (pattern.count(" ") - 1 for pattern in patterns))
        self._users = [users[kind] for kind in kinds]
        self._spellings = spellings
        self._packed = zlib.compress(_SEPARATOR.join(patterns).encode("utf-8"), level=1)
        self._automaton = _automaton(patterns)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_automaton"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        written = zlib.decompress(self._packed).decode("utf-8")
        self._automaton = _automaton(written.split(_SEPARATOR) if written else ())

    def find(self, document: Document) -> dict[int, Found]:
        """By the number of each part that has something in the text: its terms with their ranges of words, in order."""
        found: defaultdict[int, Found] = defaultdict(list)
        lengths, terms, users, spellings = self._lengths, self._terms, self._users, self._spellings
        for pattern, tokens in self._tokens(document).items():
            length, term = lengths[pattern], terms[pattern]
            spans = [(first, first + length) for first in map(document.word_of_token, tokens)]
            for user, role in users[pattern]:
                found[user].append((term, role, spans))
            if pattern in spellings:
                _find_spellings(document, spellings[pattern], dict(zip(tokens, spans, strict=True)), found)
        return found

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


def _automaton(patterns: Collection[str]) -> ahocorasick_rs.AhoCorasick:
    return ahocorasick_rs.AhoCorasick(patterns, store_patterns=False)


def _find_spellings(
    document: Document, spellings: Spellings, spans: Mapping[int, Span], found: defaultdict[int, Found]
) -> None:
    for surface, (term, users) in spellings.items():
        length = len(surface)
        spelled = [span for token, span in spans.items() if document.surface(token, length) == surface]
        if spelled:
            for user, role in users:
                found[user].append((term, role, spelled))
