"""Whole lines that are furniture by their wording: the shape of a rule, and the family that applies the tables."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from copydesk_cleaner.story import Context, Cut, Finding, Kind, Unit
from copydesk_shared.messages import RelatedLink

MAX_LINE = 600
NAMED_GROUP = re.compile(r"\(\?P<\w+>")


@dataclass(frozen=True)
class LineRule:
    """Patterns over a whole line, any of which is enough.

    ``example`` is cut and ``keep`` is not; both are run as tests.
    Patterns are matched in full. A group ``headline`` is the
    title of the story that the line points to, a group ``byline`` names its authors.
    """

    rule: str
    kind: Kind
    patterns: tuple[str, ...]
    example: str
    keep: str
    ignore_case: bool = False


def compiled_rule(rule: LineRule) -> re.Pattern[str]:
    """The patterns of a rule as one."""
    return re.compile("|".join(rule.patterns), re.IGNORECASE if rule.ignore_case else 0)


def _unnamed(rule: LineRule) -> str:
    """The patterns of a rule as part of a larger one, in which no name may come twice."""
    pattern = NAMED_GROUP.sub("(?:", "|".join(rule.patterns))
    return f"(?i:{pattern})" if rule.ignore_case else f"(?:{pattern})"


def line_family(rules: Sequence[LineRule]) -> Callable[[Sequence[Unit], Context], Iterator[Finding]]:
    """A family of rules that cuts the lines which match one of these rules."""
    compiled = [(rule, compiled_rule(rule)) for rule in rules]
    anything = re.compile("|".join(map(_unnamed, rules)))

    def family(units: Sequence[Unit], _: Context) -> Iterator[Finding]:
        for unit in units:
            if len(unit.text) > MAX_LINE or not anything.fullmatch(unit.text):
                continue
            for rule, pattern in compiled:
                match = pattern.fullmatch(unit.text)
                if match is not None:
                    yield _finding(unit, rule, match.groupdict())
                    break

    return family


def _finding(unit: Unit, rule: LineRule, groups: Mapping[str, str | None]) -> Finding:
    headline = groups.get("headline")
    return Finding(
        (Cut(unit.start, unit.end, rule.rule, rule.kind),),
        link=RelatedLink(title=headline) if headline else None,
        byline=groups.get("byline") or "",
    )
