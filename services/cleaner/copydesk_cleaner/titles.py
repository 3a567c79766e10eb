"""The title repeated as a line of the text."""

from collections.abc import Iterator, Sequence

from copydesk_cleaner.story import Context, Cut, Finding, Unit
from copydesk_cleaner.text import key

LINES_SEARCHED = 4
NEAR_TITLE = 0.8
MIN_NEAR_WORDS = 5


def title_echo(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
    """A line near the top that equals the title, or is nearly as long and is part of it."""
    titles = {key(title) for title in context.titles} - {""}
    if len(units) == 1:
        return
    for unit in units[:LINES_SEARCHED]:
        line = key(unit.text)
        if any(_echoes(line, title) for title in titles):
            yield Finding((Cut(unit.start, unit.end, "title.echo", "title"),))


def _echoes(line: str, title: str) -> bool:
    if line == title:
        return True
    short, long = sorted((line, title), key=len)
    near = len(short) >= NEAR_TITLE * len(long) and len(short.split()) >= MIN_NEAR_WORDS
    return near and long.startswith(short)
