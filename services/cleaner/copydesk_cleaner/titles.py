"""The title repeated as a line of the text."""

from collections.abc import Iterator, Sequence

from copydesk_cleaner.story import Context, Cut, Finding, Unit
from copydesk_cleaner.text import has_end_mark, key

LINES_SEARCHED = 4
NEAR_TITLE = 0.8
MIN_NEAR_WORDS = 5
MAX_KICKER_WORDS = 3


def title_echo(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
    """A line near the top that equals the title, or is nearly as long and is part of it; and the kicker above it."""
    titles = {key(title) for title in context.titles} - {""}
    if len(units) == 1:
        return
    above: list[Unit] = []
    for unit in units[:LINES_SEARCHED]:
        line = key(unit.text)
        if any(_echoes(line, title) for title in titles):
            yield Finding((Cut(unit.start, unit.end, "title.echo", "title"),))
            yield from (Finding((Cut(each.start, each.end, "boilerplate.kicker", "boilerplate"),)) for each in above)
            above = []
        elif _is_kicker(unit.text):
            above.append(unit)


def _is_kicker(text: str) -> bool:
    """Whether these are the few words that newspapers print above a headline: a place, a section, a topic."""
    words = text.split()
    return len(words) <= MAX_KICKER_WORDS and not has_end_mark(text) and text[:1].isalpha()


def _echoes(line: str, title: str) -> bool:
    if line == title:
        return True
    short, long = sorted((line, title), key=len)
    near = len(short) >= NEAR_TITLE * len(long) and len(short.split()) >= MIN_NEAR_WORDS
    return near and long.startswith(short)
