"""Families of rules that are done by their patterns alone: whole lines, and the two ends of a line."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from copydesk_cleaner.credits import agencies_in
from copydesk_cleaner.rulebook.book import Rule
from copydesk_cleaner.rulebook.patterns import group_name, unnamed
from copydesk_cleaner.story import Context, Cut, Family, Finding, Unit
from copydesk_cleaner.text import LOWER, UPPER
from copydesk_shared.messages import Image, RelatedLink

MAX_LINE = 600
WINDOW = 300  # of a line, at its end

STEM = 4
MANY = 8  # rules, from which on their needs are looked up and not searched for
FIRST_LETTERS = re.compile(rf"[^\W\d_]{{{STEM}}}")
WORD = re.compile(rf"[^\W\d_]{{{STEM},}}")
CAPITAL = re.compile(rf"[{UPPER}][{LOWER}]{{{STEM - 1}}}")

Wanting = tuple[tuple[tuple[str, str], ...], Rule]
"""Literals, one of which must be in the line, each with its stem, and the rule that needs it."""
Wanted = tuple[tuple[str, ...], Rule]


def line_family(rules: Iterable[Rule]) -> Family:
    """A family that cuts the lines which match one of the rules of scope line; the first that does gives its name."""
    rules = tuple(rule for rule in rules if rule.scope == "line" and rule.pattern is not None)
    plain = _any_of(rule for rule in rules if not rule.needs)
    wanting = _wanting(rule for rule in rules if rule.needs)

    def family(units: Sequence[Unit], _: Context) -> Iterator[Finding]:
        lines = [unit for unit in units if len(unit.text) <= MAX_LINE]
        wanted = _wanted(wanting, lines)
        for unit in lines:
            if (plain is not None and plain.fullmatch(unit.text)) or _any_matches(wanted, unit.text):
                for rule in rules:
                    match = rule.match(unit.text)
                    if match is not None:
                        yield _finding(rule, unit, 0, len(unit.text), match.groupdict())
                        break

    return family


def _wanting(rules: Iterable[Rule]) -> list[Wanting]:
    return [(tuple((need.casefold(), _stem(need.casefold())) for need in rule.needs), rule) for rule in rules]


def _stem(need: str) -> str:
    """The first letters of what begins with a word of some length; empty for anything else, which is searched for."""
    match = FIRST_LETTERS.match(need)
    return match[0] if match is not None else ""


def _wanted(wanting: Sequence[Wanting], units: Sequence[Unit]) -> list[Wanted]:
    """The rules that may match some line, with those of their needs that are in the text: few of many, found at once.

    Hundreds of searches through the text cost more than its words do. A word also begins where a capital does.
    """
    printed = "\n".join([unit.text for unit in units])
    text = printed.casefold()
    many = len(wanting) >= MANY
    stems = {""}
    if many:
        stems |= {word[:STEM] for word in WORD.findall(text)} | {word.casefold() for word in CAPITAL.findall(printed)}
    found = []
    for needs, rule in wanting:
        there = tuple(need for need, stem in needs if (not many or stem in stems) and need in text)
        if there or not rule.needs:
            found.append((there, rule))
    return found


def _any_matches(wanted: Sequence[Wanted], line: str) -> bool:
    if not wanted:
        return False
    folded = line.casefold()
    return any(any(need in folded for need in needs) and rule.match(line) is not None for needs, rule in wanted)


def _any_of(rules: Iterable[Rule]) -> re.Pattern[str] | None:
    patterns = [
        unnamed(rule.pattern.pattern, ignore_case=rule.ignores_case) for rule in rules if rule.pattern is not None
    ]
    return re.compile("|".join(patterns)) if patterns else None


def edge_family(rules: Iterable[Rule]) -> Family:
    """A family that cuts what the rules of scope start and end find at the ends of lines."""
    rules = tuple(rule for rule in rules if rule.scope in {"start", "end"})
    wanting = _wanting(rules)

    def family(units: Sequence[Unit], _: Context) -> Iterator[Finding]:
        wanted = _wanted(wanting, units)
        for unit in units:
            folded = unit.text.casefold()
            for needs, rule in wanted:
                if needs and not any(need in folded for need in needs):
                    continue
                match = _at_edge(rule, unit.text)
                if match is not None:
                    yield _finding(rule, unit, match.start(), match.end(), match.groupdict())

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
