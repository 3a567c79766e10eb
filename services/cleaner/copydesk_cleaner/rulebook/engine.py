"""Families of rules that are done by their patterns alone: whole lines, and the two ends of a line."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from copydesk_cleaner.credits import agencies_in
from copydesk_cleaner.rulebook.book import Rule
from copydesk_cleaner.rulebook.patterns import group_name
from copydesk_cleaner.rulebook.sieve import Candidate, Sieve
from copydesk_cleaner.story import Context, Cut, Family, Finding, Unit
from copydesk_shared.messages import Image, RelatedLink

MAX_LINE = 600
REMEMBERED = 1024  # lines
WINDOW = 300  # of a line, at its end
BULLET = "- "
MIN_ITEM_BLANKS = 3
EDGES = frozenset({"start", "end"})
# What draws the eye to a prompt. Those that are a family's own are not here.
SIGNS = "✅☑✔👉➡🔴🟢🔵📌🔗📍▶►☝👇📰🎥📺📸🔎💬⚡❗>»\ufe0f "


def line_family(rules: Iterable[Rule], sieve: Sieve | None = None) -> Family:
    """A family that cuts the lines which match one of the rules of scope line; the first that does gives its name.

    ``sieve`` is one of more rules than these, so that all families ask it about each line once.
    """
    rules = tuple(rule for rule in rules if rule.scope == "line")
    met = (sieve or Sieve(rules)).met
    order = {rule.id: number for number, rule in enumerate(rules)}

    def family(units: Sequence[Unit], _: Context) -> Iterator[Finding]:
        for unit in units:
            if len(unit.text) <= MAX_LINE and (candidates := met(item := _item(unit.text))):
                ours = [each for each in candidates if each.rule.id in order]
                found = _first_match(sorted(ours, key=place), item) if ours else None
                if found is not None:
                    yield _finding(found[0], unit, 0, len(unit.text), found[1].groupdict())

    def place(candidate: Candidate) -> tuple[int, int]:
        return order[candidate.rule.id], candidate.number

    return family


def _first_match(candidates: Iterable[Candidate], line: str) -> tuple[Rule, re.Match[str]] | None:
    for candidate in candidates:
        match = candidate.pattern.fullmatch(line)
        if match is not None:
            return candidate.rule, match
    return None


@lru_cache(maxsize=REMEMBERED)
def _item(line: str) -> str:
    """The words of a line, of an item of a list without its mark when they are more than a label, nor signs before."""
    words = line.removeprefix(BULLET)
    if words and words[0] in SIGNS:
        words = words.lstrip(SIGNS)
    return words if words.count(" ") >= MIN_ITEM_BLANKS else line


def edge_family(rules: Iterable[Rule], sieve: Sieve | None = None) -> Family:
    """A family that cuts what the rules of scope start and end find at the ends of lines; ``sieve`` as above."""
    rules = tuple(rule for rule in rules if rule.scope in EDGES)
    order = {rule.id: number for number, rule in enumerate(rules)}
    met = (sieve or Sieve(rules)).met

    def family(units: Sequence[Unit], _: Context) -> Iterator[Finding]:
        for unit in units:
            numbers = {order[each.rule.id] for each in met(unit.text) if each.rule.id in order}
            for number in sorted(numbers):
                match = _at_edge(rules[number], unit.text)
                if match is not None:
                    yield _finding(rules[number], unit, match.start(), match.end(), match.groupdict())

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
