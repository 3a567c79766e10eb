"""Which patterns could match a line: told from how the line begins, how long it is and which words it holds.

All that is asked is read off the patterns; what a rule itself names as its needs counts only for a pattern that tells
nothing. Each family asks about nearly the same lines, so answers are kept.
"""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import starmap

from ahocorasick_rs import AhoCorasick, Implementation

from copydesk_cleaner.rulebook.book import Rule, shipped
from copydesk_cleaner.rulebook.literals import OTHER_I_FOLDED, searchable
from copydesk_cleaner.rulebook.patterns import compiled
from copydesk_cleaner.rulebook.prefixes import ANY, LENGTH, beginning
from copydesk_cleaner.rulebook.readings import reading_of

REMEMBERED, MAX_REMEMBERED = 1024, 600  # lines, and the characters of one
MIN_BEGINNING, MAX_SHORT = 2, 8  # one letter begins every other line, so a pattern with more of them is told by words


@dataclass(frozen=True, eq=False)
class Candidate:
    """A pattern of a rule, with what a line needs for it.

    Its length in characters, one of ``beginnings``, one of ``words``, which are as telling as can be, and one of each
    of the small ``sets``.
    """

    rule: Rule
    number: int
    least: int
    most: int
    beginnings: frozenset[str]
    words: frozenset[str]
    sets: tuple[tuple[str, ...], ...]
    is_caseless: bool

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Compiled when it is first asked for: most patterns wait for a line that few pages have."""
        return compiled(self.rule.patterns[self.number], ignore_case=self.rule.ignores_case)


_Entry = tuple[Candidate, int, int, Sequence[Sequence[str]]]  # with what is asked of it most


class Sieve:
    """The patterns of some rules, by what they need."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        begun: dict[str, list[_Entry]] = {}
        worded: dict[str, list[_Entry]] = {}
        every = [(rule, number) for rule in rules for number in range(len(rule.patterns))]
        self._all: list[_Entry] = []
        for candidate in starmap(_candidate, every):
            self._all.append((candidate, candidate.least, candidate.most, candidate.sets))
            short = sum(len(each) < MIN_BEGINNING for each in candidate.beginnings)
            by_word = candidate.words and (short > MAX_SHORT or candidate.beginnings == ANY)
            further = [words for words in candidate.sets if not by_word or candidate.words != {*words}]
            entry = (candidate, candidate.least, candidate.most, further)
            for need in candidate.words if by_word else candidate.beginnings:
                (worded if by_word else begun).setdefault(need, []).append(entry)
        self._anywhere = begun.pop("", [])
        self._begun = begun
        self._worded = list(worded.values())
        self._automaton = AhoCorasick(list(worded), implementation=Implementation.DFA) if worded else None
        self._caseless = [entry for listed in self._worded for entry in listed if entry[0].is_caseless]
        self._met_short = lru_cache(maxsize=REMEMBERED)(self._met)

    def met(self, line: str) -> tuple[Candidate, ...]:
        """The patterns that may match the line, or at an end of it, each once and in no order."""
        return self._met_short(line) if len(line) <= MAX_REMEMBERED else self._met(line)

    def _met(self, line: str) -> tuple[Candidate, ...]:
        length, text = len(line), searchable(line)
        other_i = not line.isascii() and any(letter in text for letter in OTHER_I_FOLDED)
        met: dict[Candidate, None] = {}
        for candidate, least, most, sets in self._possible(line, text, other_i=other_i):
            fits = least <= length <= most
            if fits and (not sets or _holds(text, sets) or (other_i and candidate.is_caseless)):
                met[candidate] = None
        return tuple(met)

    def _possible(self, line: str, text: str, *, other_i: bool) -> Sequence[_Entry]:
        begins = beginning(line[:LENGTH])
        if begins is None:
            return self._all
        found = list(self._anywhere)
        for end in range(1, len(begins) + 1):
            found += self._begun.get(begins[:end], ())
        if self._automaton is not None:
            for need in {need for need, _, _ in self._automaton.find_matches_as_indexes(text, overlapping=True)}:
                found += self._worded[need]
        if other_i:
            found += self._caseless
        return found


@cache
def shipped_sieve() -> Sieve:
    """That of our own rules, of which there is one, so that its answers serve all."""
    return Sieve(shipped().rules())


def _holds(text: str, sets: Sequence[Sequence[str]]) -> bool:
    """Whether a word of each set is in the text."""
    for words in sets:
        for word in words:
            if word in text:
                break
        else:
            return False
    return True


def _candidate(rule: Rule, number: int) -> Candidate:
    told = reading_of(rule.patterns[number], ignore_case=rule.ignores_case)
    sets, beginnings = told.sets, ANY if rule.scope == "end" else told.beginnings
    if rule.needs and not sets and not told.words and beginnings == ANY:
        sets = (tuple(need.casefold() for need in rule.needs),)
    return Candidate(
        rule=rule,
        number=number,
        least=told.least,
        most=told.most if rule.scope == "line" else sys.maxsize,
        beginnings=beginnings,
        words=told.words or frozenset(next(iter(sets), ())),
        sets=sets,
        is_caseless=rule.ignores_case or "(?i" in rule.patterns[number],
    )
