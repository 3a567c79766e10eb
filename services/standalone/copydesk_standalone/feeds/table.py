"""Tables and facts for a terminal. What feeds and hosts say is not trusted: nothing of it reaches a terminal raw."""

import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from copydesk_shared.letters.showing import printable
from copydesk_standalone.letters.output import say
from copydesk_standalone.letters.rendering import columns_of, fit

GAP = "  "
# Of the last column, even where a narrow terminal has to wrap it.
LEAST_WIDTH = 30
WIDTH = 200
FACT_CHARACTERS = 1000
WEEK = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def span(seconds: float) -> str:
    """A span of time in its largest unit."""
    for size, unit in UNITS:
        if round(seconds) >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def skips(hours: Iterable[int], days: Iterable[int]) -> str:
    """When a feed asks not to be polled."""
    named = [f"{hour}:00" for hour in hours], [WEEK[day % len(WEEK)] for day in days]
    return "; ".join(", ".join(each) for each in named if each) + (" (UTC)" if any(named) else "")


def ago(at: datetime | None, now: datetime) -> str:
    """How long ago a time was, or how far ahead it is."""
    if at is None:
        return "-"
    seconds = (now - at).total_seconds()
    return f"{span(seconds)} ago" if seconds >= 0 else f"in {span(-seconds)}"


def table(columns: Mapping[str, int], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The rows under their columns, as lines; ``columns`` are names and widths at most.

    The last column takes what the terminal leaves.
    """
    lines = [list(columns), *([printable(cell) for cell in row] for row in rows)]
    widths = [min(max(columns_of(line[at]) for line in lines), most) for at, most in enumerate(columns.values())]
    used = sum(widths[:-1]) + len(GAP) * (len(widths) - 1)
    widths[-1] = max(min(widths[-1], _terminal() - used), min(widths[-1], LEAST_WIDTH))
    for line in lines:
        yield GAP.join(fit(cell, width) for cell, width in zip(line, widths, strict=True)).rstrip()


def _terminal() -> int:
    return shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else WIDTH


def facts(named: Mapping[str, str]) -> Iterator[str]:
    """What is known of one thing, a line each. Values are cut where nobody would read on."""
    width = max(map(len, named))
    for name, value in named.items():
        yield f"{name.ljust(width)}{GAP}{cut(value, FACT_CHARACTERS)}"


def cut(text: str, characters: int) -> str:
    """The text, safe, in one line of at most about so many characters."""
    shown = printable(text[:characters])
    return shown if len(text) <= characters else f"{shown}…"


def tell(line: str) -> None:
    """Write a line with words of strangers in it."""
    say(printable(line))
