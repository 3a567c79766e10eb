"""Whole lines that are furniture by their wording: the shape of a rule, and the family that applies the tables."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from copydesk_cleaner.story import Context, Cut, Finding, Kind, Unit
from copydesk_shared.messages import RelatedLink

MAX_LINE = 600


@dataclass(frozen=True)
class LineRule:
    """One pattern over a whole line. ``example`` is cut and ``keep`` is not; both are run as tests.

    Patterns are matched in full and their letters count as written unless they say ``(?i)``. A group ``headline`` is the
    title of the story that the line points to.
    """

    rule: str
    kind: Kind
    pattern: str
    example: str
    keep: str


def line_family(rules: Sequence[LineRule]) -> Callable[[Sequence[Unit], Context], Iterator[Finding]]:
    """A family of rules that cuts the lines which match one of these rules."""
    compiled = [(rule, re.compile(rule.pattern)) for rule in rules]

    def family(units: Sequence[Unit], context: Context) -> Iterator[Finding]:  # noqa: ARG001 - all families have one shape
        for unit in units:
            if len(unit.text) > MAX_LINE:
                continue
            for rule, pattern in compiled:
                match = pattern.fullmatch(unit.text)
                if match is not None:
                    headline = match.groupdict().get("headline")
                    link = RelatedLink(title=headline) if headline else None
                    yield Finding((Cut(unit.start, unit.end, rule.rule, rule.kind),), link=link)
                    break

    return family
