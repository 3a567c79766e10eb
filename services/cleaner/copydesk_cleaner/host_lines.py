"""Lines that recur on many pages of the host: the fetcher counts them, and each page says which they are."""

from collections.abc import Iterator, Sequence

from copydesk_cleaner.story import Context, Cut, Finding, Unit
from copydesk_cleaner.text import key
from copydesk_shared.lines import line_digest

RULE = "host.recurring-line"
MIN_WORDS = 4
MAX_LINE = 400
# Where most of a text recurs, it is the article that does: under several addresses.
MOST_SHARE = 0.5


def host_lines(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
    """The lines that recur on this host, but sub-heads, which recur too: a heading of the page, or very few words."""
    if not context.host_lines:
        return
    found = [unit for unit in units if _recurs(unit, context)]
    if sum(len(unit.text) for unit in found) <= MOST_SHARE * sum(len(unit.text) for unit in units):
        for unit in found:
            yield Finding((Cut(unit.start, unit.end, RULE, "boilerplate"),))


def _recurs(unit: Unit, context: Context) -> bool:
    return (
        len(unit.text) <= MAX_LINE
        and len(unit.text.split()) >= MIN_WORDS
        and line_digest(unit.text) in context.host_lines
        and key(unit.text) not in context.headings
    )
