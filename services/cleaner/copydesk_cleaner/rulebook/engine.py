"""Families of rules that are done by their patterns alone: whole lines, and the two ends of a line."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from itertools import accumulate

from ahocorasick_rs import AhoCorasick

from copydesk_cleaner.credits import agencies_in
from copydesk_cleaner.rulebook.book import Rule
from copydesk_cleaner.rulebook.literals import OTHER_I_FOLDED, literals_of
from copydesk_cleaner.rulebook.patterns import group_name, unnamed
from copydesk_cleaner.story import Context, Cut, Family, Finding, Unit
from copydesk_shared.messages import Image, RelatedLink

MAX_LINE = 600
REMEMBERED = 1024  # lines
WINDOW = 300  # of a line, at its end
BULLET = "- "
MIN_ITEM_BLANKS = 3
# What draws the eye to a prompt. Those that are a family's own are not here.
SIGNS = "✅☑✔👉➡🔴🟢🔵📌🔗📍▶►☝👇📰🎥📺📸🔎💬⚡❗>»\ufe0f "
NO_RULES: AbstractSet[int] = frozenset()


class _Needs:
    """The literals that rules need, looked for in all lines at once (Aho and Corasick 1975).

    They are those that a pattern cannot match without, and what the rule names for a pattern that has none: what a
    rule names is easily less than its patterns match. ``bare`` are patterns with neither, ``caseless`` the numbers of
    rules with a pattern for which case makes no difference.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        owners: dict[str, dict[int, None]] = {}
        self.bare: list[tuple[int, str]] = []
        self.caseless = frozenset(number for number, rule in enumerate(rules) if _is_caseless(rule))
        for number, rule in enumerate(rules):
            named = [need.casefold() for need in rule.needs]
            for pattern in rule.patterns:
                needs = literals_of(pattern, ignore_case=rule.ignores_case) or named
                if not needs:
                    self.bare.append((number, pattern))
                for need in needs:
                    owners.setdefault(need, {})[number] = None
        self.of_bare = frozenset(number for number, _ in self.bare)
        self._owners = [tuple(numbers) for numbers in owners.values()]
        self._automaton = AhoCorasick(list(owners)) if owners else None

    def met(self, lines: Sequence[str]) -> dict[int, set[int]]:
        """For each line, by number, the numbers of the rules one of whose needs is in it; lines without any are not
        there.
        """
        found: dict[int, set[int]] = {}
        if self._automaton is None:
            return found
        folded = list(map(_folded, lines))
        starts = list(accumulate((len(line) + 1 for line in folded), initial=0))
        whole = "\n".join(folded)
        for need, start, end in self._automaton.find_matches_as_indexes(whole, overlapping=True):
            line = bisect_right(starts, start) - 1
            if end < starts[line + 1]:
                found.setdefault(line, set()).update(self._owners[need])
        if any(letter in whole for letter in OTHER_I_FOLDED):
            for number, words in enumerate(folded):
                if any(letter in words for letter in OTHER_I_FOLDED):
                    found.setdefault(number, set()).update(self.caseless)
        return found


def _is_caseless(rule: Rule) -> bool:
    return rule.ignores_case or any("(?i" in pattern for pattern in rule.patterns)


def line_family(rules: Iterable[Rule]) -> Family:
    """A family that cuts the lines which match one of the rules of scope line; the first that does gives its name."""
    rules = tuple(rule for rule in rules if rule.scope == "line")
    needs = _Needs(rules)
    plain = _any_of((rules[number], pattern) for number, pattern in needs.bare)

    def family(units: Sequence[Unit], _: Context) -> Iterator[Finding]:
        lines = [unit for unit in units if len(unit.text) <= MAX_LINE]
        texts = [_item(unit.text) for unit in lines]
        met = needs.met(texts)
        for number, unit in enumerate(lines):
            wanted: AbstractSet[int] = met.get(number, NO_RULES)
            if plain is not None and plain.fullmatch(texts[number]):
                wanted = wanted | needs.of_bare
            for index in sorted(wanted):
                match = rules[index].match(texts[number])
                if match is not None:
                    yield _finding(rules[index], unit, 0, len(unit.text), match.groupdict())
                    break

    return family


# Many families look at the same lines, and most lines of a text are as they were.
@lru_cache(maxsize=REMEMBERED)
def _folded_short(line: str) -> str:
    return line.casefold()


def _folded(line: str) -> str:
    return _folded_short(line) if len(line) <= MAX_LINE else line.casefold()


@lru_cache(maxsize=REMEMBERED)
def _item(line: str) -> str:
    """The words of a line, of an item of a list without its mark when they are more than a label, nor signs before."""
    words = line.removeprefix(BULLET)
    if words and words[0] in SIGNS:
        words = words.lstrip(SIGNS)
    return words if words.count(" ") >= MIN_ITEM_BLANKS else line


def _any_of(patterns: Iterable[tuple[Rule, str]]) -> re.Pattern[str] | None:
    parts = [unnamed(pattern, ignore_case=rule.ignores_case) for rule, pattern in patterns]
    return re.compile("|".join(parts)) if parts else None


def edge_family(rules: Iterable[Rule]) -> Family:
    """A family that cuts what the rules of scope start and end find at the ends of lines."""
    rules = tuple(rule for rule in rules if rule.scope in {"start", "end"})
    needs = _Needs(rules)

    def family(units: Sequence[Unit], _: Context) -> Iterator[Finding]:
        met = needs.met([unit.text for unit in units])
        for number, unit in enumerate(units):
            for index in sorted(needs.of_bare | met.get(number, NO_RULES)):
                match = _at_edge(rules[index], unit.text)
                if match is not None:
                    yield _finding(rules[index], unit, match.start(), match.end(), match.groupdict())

    return family


def _at_edge(rule: Rule, line: str) -> re.Match[str] | None:
    if rule.pattern is None:
        return None
    return rule.pattern.match(line) if rule.scope == "start" else rule.pattern.search(line, max(0, len(line) - WINDOW))


def _finding(rule: Rule, unit: Unit, start: int, end: int, found: Mapping[str, str | None]) -> Finding:
    groups = {group_name(name): value for name, value in found.items() if value}
    headline, caption, credit = (groups.get(name) or "" for name in ("headline", "caption", "credit"))
    return Finding(
        (Cut(unit.start + start, unit.start + end, rule.id, rule.kind),),
        image=Image(caption=caption.strip(), credit=credit.strip(), agencies=agencies_in(credit))
        if caption or credit
        else None,
        link=RelatedLink(title=headline) if headline else None,
        byline=groups.get("byline") or "",
        attribution=groups.get("attribution") or "",
    )
