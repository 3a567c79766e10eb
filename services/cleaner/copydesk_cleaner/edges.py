"""Furniture fused to the start or the end of a line that is otherwise the story."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from copydesk_cleaner.story import Context, Cut, Finding, Kind, Unit

WINDOW = 300


@dataclass(frozen=True)
class EdgeRule:
    """A pattern at one end of a line. ``example`` loses what matches, ``keep`` loses nothing."""

    rule: str
    kind: Kind
    at_end: bool
    pattern: str
    example: str
    keep: str


EDGES: tuple[EdgeRule, ...] = (
    EdgeRule(
        "edge.share",
        "promotion",
        True,
        r"(?<=\s)(?:Read or )?Share this story: https?://\S+$",
        "The game ended at midnight. Read or Share this story: http://usat.ly/2fgYabD",
        "He would not share this story: his brother was no spy.",
    ),
    EdgeRule(
        "edge.story-highlights",
        "boilerplate",
        False,
        r"^Story highlights\s(?=[A-Z])",
        "Story highlights Heavy winds had forced the plane to change course.",
        "Story highlights of the year were few.",
    ),
)

_COMPILED = [(rule, re.compile(rule.pattern)) for rule in EDGES]


def edges(units: Sequence[Unit], _: Context) -> Iterator[Finding]:
    """What the table finds at the ends of lines."""
    for unit in units:
        for rule, pattern in _COMPILED:
            low = max(0, len(unit.text) - WINDOW) if rule.at_end else 0
            match = pattern.search(unit.text, low) if rule.at_end else pattern.match(unit.text)
            if match is not None:
                cut = Cut(unit.start + match.start(), unit.start + match.end(), rule.rule, rule.kind)
                yield Finding((cut,))
