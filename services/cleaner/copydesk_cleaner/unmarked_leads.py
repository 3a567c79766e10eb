"""Leads without a mark between them and their headline: "READ MORE Crews walk out", "Lees ook Bemanningen staken".

They are told by their capitals: all of the lead is in capitals, or nothing but its first letter is and the headline
begins with a capital too. Or by the page, where the rest of the line is the words of a link.
"""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from collections.abc import Callable, Iterator, Mapping

from copydesk_cleaner.one_line import headline_end
from copydesk_cleaner.rulebook import shipped
from copydesk_cleaner.story import Context, Unit
from copydesk_cleaner.text import UPPER, has_end_mark, key

MAX_LEAD_WORDS = 6
MIN_WORDS, MAX_WORDS = 3, 18
MAX_LINE = 260
OPENERS = "([•*>»→▶►＞▷▼■●◆☞【（-– "
# A run of words in capitals where a line or a sentence begins, before another capital.
CAPITALS = re.compile(
    rf"(?:^|(?<=[.!?…”\"’»)] ))(?P<run>[{UPPER}]{{3,20}}(?: [{UPPER}][{UPPER}'’]{{0,20}}){{1,{MAX_LEAD_WORDS}}})"
    rf" (?=[\"“‘'„«]?[{UPPER}0-9])"
)
SHOUTED = re.compile(r" [A-ZА-ЯІЇЄÀ-Þ]{2}(?<=[A-ZА-ЯІЇЄ]{3}...)")  # what runs have for certain, and few texts
BEGINS = re.compile(rf"[\"“‘'„«]?[{UPPER}0-9]")
FIRST_WORDS = frozenset(lead.words.split()[0].casefold() for lead in shipped().leads)
# In sentence case these begin sub-heads and notes too.
MARKED_ONLY = frozenset(shipped().vocabulary("marked_leads"))
CAPITALISED = re.compile(r"(?<= )(?:Sie|Thema|Usted|Vous)(?= |$)")  # inside leads too
GOVERNED = frozenset(shipped().vocabulary("governing_words"))


def may_be_led(text: str) -> bool:
    """A cheap question first: whether there may be such a lead in a line."""
    return text.lstrip(OPENERS).partition(" ")[0].casefold() in FIRST_WORDS or SHOUTED.search(text) is not None


def unmarked(
    unit: Unit, sure: Mapping[str, bool], context: Context, ordinary: Callable[[], frozenset[str]]
) -> Iterator[tuple[int, int, int]]:
    """Where such leads begin and where their headlines begin and end, as offsets in the unit."""
    low = 0
    found = _whole_line(unit.text, sure, context)
    if found is not None:
        yield found
        return
    for match in CAPITALS.finditer(unit.text) if SHOUTED.search(unit.text) else ():
        words = _lead_in(match["run"].split(" "), sure)
        if match.start() < low or not words or not sure[" ".join(words).casefold().replace("’", "'")]:
            continue
        start = match.start() + len(" ".join(words)) + 1
        end = headline_end(unit.text, start, ordinary())
        if end is None and _is_headline(unit.text[start:]):
            end = len(unit.text)
        if end is not None:
            yield match.start(), start, end
            low = end


def _lead_in(words: list[str], sure: Mapping[str, bool]) -> list[str]:
    """The first of the words that are a lead of two words or more, the longest."""
    for count in range(min(len(words), MAX_LEAD_WORDS), 1, -1):
        if " ".join(words[:count]).replace("İ", "i").casefold().replace("’", "'") in sure:
            return words[:count]
    return []


def _whole_line(text: str, sure: Mapping[str, bool], context: Context) -> tuple[int, int, int] | None:
    """The same for a line that is all lead and headline."""
    if len(text) > MAX_LINE:
        return None
    line = text.lstrip(OPENERS)
    words = line.split(" ", MAX_LEAD_WORDS)
    if words[0].casefold() not in FIRST_WORDS:
        return None
    lead = " ".join(_lead_in(words, sure))
    rest = line[len(lead) :].strip()
    if not lead or not rest:
        return None
    begin = len(text) - len(line)
    start = begin + line.index(rest, len(lead))
    is_link = key(rest) in context.pointers
    if is_link or (sure[lead.replace("İ", "i").casefold().replace("’", "'")] and _shows(lead) and _is_headline(rest)):
        return begin, start, len(text)
    return None


def _shows(lead: str) -> bool:
    """Whether a lead is written as one: in capitals, or as a sentence begins."""
    plain = CAPITALISED.sub(lambda found: found[0].lower(), lead)
    return lead.isupper() or (plain == plain.capitalize() and lead.casefold() not in MARKED_ONLY)


def _is_headline(text: str) -> bool:
    """Whether this may be a headline; what goes on in capitals is a longer lead: "MOST READ IN NEWS"."""
    words = text.split()
    if not MIN_WORDS <= len(words) <= MAX_WORDS or text.isupper():
        return False
    goes_on = words[0].isupper() and words[0].casefold() in GOVERNED
    return BEGINS.match(text) is not None and not has_end_mark(text) and not goes_on
