"""Families of rules that are done by their patterns alone: whole lines, and the two ends of a line."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from copydesk_cleaner.credits import agencies_in
from copydesk_cleaner.rulebook.book import Rule
from copydesk_cleaner.rulebook.patterns import group_name, unnamed
from copydesk_cleaner.story import Context, Cut, Family, Finding, Unit
from copydesk_shared.messages import Image, RelatedLink

MAX_LINE = 600
WINDOW = 300  # of a line, at its end


def line_family(rules: Iterable[Rule]) -> Family:
    """A family that cuts the lines which match one of the rules of scope line; the first that does gives its name."""
    rules = tuple(rule for rule in rules if rule.scope == "line" and rule.pattern is not None)
    may_match = _pre_test(rules)

    def family(units: Sequence[Unit], _: Context) -> Iterator[Finding]:
        for unit in units:
            if len(unit.text) <= MAX_LINE and may_match(unit.text):
                for rule in rules:
                    match = rule.match(unit.text)
                    if match is not None:
                        yield _finding(rule, unit, 0, len(unit.text), match.groupdict())
                        break

    return family


def _pre_test(rules: Sequence[Rule]) -> Callable[[str], bool]:
    """Whether any rule may match a line; rules that say what they need are asked only where it is there."""
    plain = _any_of(rule for rule in rules if not rule.needs)
    if plain is not None and not any(rule.needs for rule in rules):
        fullmatch = plain.fullmatch
        return lambda line: fullmatch(line) is not None
    wanting = [(tuple(need.casefold() for need in rule.needs), rule) for rule in rules if rule.needs]

    def may_match(line: str) -> bool:
        if plain is not None and plain.fullmatch(line):
            return True
        folded = line.casefold()
        return any(any(need in folded for need in needs) and rule.match(line) is not None for needs, rule in wanting)

    return may_match


def _any_of(rules: Iterable[Rule]) -> re.Pattern[str] | None:
    patterns = [
        unnamed(rule.pattern.pattern, ignore_case=rule.ignores_case) for rule in rules if rule.pattern is not None
    ]
    return re.compile("|".join(patterns)) if patterns else None


def edge_family(rules: Iterable[Rule]) -> Family:
    """A family that cuts what the rules of scope start and end find at the ends of lines."""
    rules = tuple(rule for rule in rules if rule.scope in {"start", "end"})
    wanting = [(tuple(need.casefold() for need in rule.needs), rule) for rule in rules]

    def family(units: Sequence[Unit], _: Context) -> Iterator[Finding]:
        for unit in units:
            folded = unit.text.casefold()
            for needs, rule in wanting:
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
