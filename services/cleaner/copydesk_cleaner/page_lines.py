"""Lines that repeat what the page says of itself elsewhere: its authors, its tags, its place on the site."""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import takewhile

from copydesk_cleaner.story import Context, Cut, Finding, Unit
from copydesk_cleaner.text import has_end_mark, key

EDGE_UNITS = 6
TAG_UNITS = 20
MAX_BYLINE = 90
MIN_TAGS = 3
MAX_CRUMBS = 5
MAX_CRUMB_WORDS = 12
FIRST_CRUMBS = 2
MAX_FIRST_WORDS = 3
BULLET = "- "

AFTER_NAME = re.compile(
    r"\s?(?:[,|/•·–—(-]|(?:[A-Z][a-z]+ ){0,3}(?:[Cc]orrespondent|[Ee]ditor|[Rr]eporter|[Ww]riter)\b|"
    r"\b(?:at|in|for|and|und|et|y|e|en|i|и|та)\b)"
)
BYLINE_LEAD = re.compile(r"(?:By|BY|Von|VON|Por|POR|Par|PAR|Di|Door|Av|Af|Przez)\s(?=[^\W\d_])")
TELLS = re.compile(
    r"(?:,? (?:\(|who\b|a\b|an\b|the\b)[^.!?]{0,120}[,)])? "
    r"(?:is|was|has|covers?|covered|writes?|reports?|joined|works?|teaches|edits|leads|ist|war|arbeitet|schreibt|berichtet|leitet|lehrt|est|couvre|écrit|dirige|es|fue|escribe|cubre|"
    r"è|scrive|si occupa|é|escreve|cobre|schrijft|werkt|jest|pisze|pracuje|пишет|работает|пише|працює)\b"
)
QUOTED = re.compile('[“”„«»]|(?<!\\w)"')
# "2129", which may be two counters in a row; "1.2K"; "5 min" behind a button. A year or a small number may be a head.
COUNTER = re.compile(
    r"(?!(?:1[5-9]|20)\d\d$)\d{3,9}|\d{1,4}(?:[.,]\d)? ?[KkMm]|\d{1,2} ?(?:min\.?|mins\.?|Min\.?|мин\.?|хв\.?)"
)
TAG_SEPARATOR = re.compile(r"\s*[,;|•·#/]\s*")


def author_lines(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
    """At the beginning and the end of a text: a line that is an author's name, with or without a role or a place."""
    names = [name for name in context.authors if " " in name]
    if not names or len(units) <= 1:
        return
    for unit in dict.fromkeys((*units[:EDGE_UNITS], *units[-EDGE_UNITS:])):
        if any(_is_byline(unit.text, name) for name in names):
            yield Finding((_cut(unit, "boilerplate.author-line"),))


def author_bios(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
    """At the end of a text: a line that begins with an author's name and tells who that is."""
    for unit in units[-EDGE_UNITS:] if len(units) > EDGE_UNITS else ():
        for name in context.authors:
            line = unit.text.removeprefix(BULLET)
            if " " in name and line.startswith(name) and _tells(line[len(name) :]):
                yield Finding((_cut(unit, "boilerplate.author-bio"),))
                break


def tag_lines(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
    """Near the end of a text: lines one after the other that are the page's tags, or a line that lists them."""
    tags = {key(tag) for tag in context.keywords} - {""}
    run: list[Unit] = []
    for unit in units[-TAG_UNITS:] if tags and len(units) > 1 else ():
        count = _count_tags(unit.text.removeprefix(BULLET), tags)
        if count >= MIN_TAGS:
            yield Finding((_cut(unit, "boilerplate.tag-line"),))
        elif count == 1 and not has_end_mark(unit.text):
            run.append(unit)
            continue
        yield from _tags(run)
        run = []
    yield from _tags(run)


def _count_tags(text: str, tags: AbstractSet[str]) -> int:
    """How many tags the text lists, none when there is anything else in it."""
    first = key(TAG_SEPARATOR.split(text, 1)[0])
    if first and first not in tags:
        return 0
    count = 0
    for part in TAG_SEPARATOR.split(text):
        words = key(part)
        if words and words not in tags:
            return 0
        count += words != ""
    return count


def opening_crumbs(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
    """What stands on a page's first lines: counters, then the path to it, as a list, or its section or a tag."""
    counters = list(_counters(units))
    yield from (Finding((_cut(unit, "boilerplate.opening-count"),)) for unit in counters)
    yield from _crumbs([unit for unit in units if unit not in counters] if counters else units, context)


def _counters(units: Sequence[Unit]) -> Iterator[Unit]:
    """Lines before the first paragraph that only count readers, comments or minutes."""
    for unit in units[: min(EDGE_UNITS, len(units) - 1)]:
        if COUNTER.fullmatch(unit.text):
            yield unit
        elif len(unit.text) > MAX_BYLINE:
            return


def _crumbs(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
    tags = {key(tag) for tag in context.keywords} if len(units) > 1 else ()
    if tags and key(units[0].text) in tags and not has_end_mark(units[0].text):
        yield Finding((_cut(units[0], "boilerplate.opening-crumb"),))
        return
    listed = list(takewhile(lambda unit: unit.text.startswith(BULLET), units[: MAX_CRUMBS + 1]))
    if not 1 < len(listed) <= MAX_CRUMBS or len(listed) == len(units):
        return
    words = [unit.text.split()[1:] for unit in listed]
    path = all(map(str.isalpha, "".join(word for each in words[:FIRST_CRUMBS] for word in each)))
    if path and all(len(each) <= MAX_CRUMB_WORDS for each in words):
        short = all(len(each) <= MAX_FIRST_WORDS for each in words[:FIRST_CRUMBS])
        yield from (Finding((_cut(unit, "boilerplate.opening-crumb"),)) for unit in listed if short)


def _is_byline(line: str, name: str) -> bool:
    if len(line) > MAX_BYLINE or has_end_mark(line.removesuffix(")")):
        return False
    line = BYLINE_LEAD.sub("", line)
    begins = line.casefold().startswith(name.casefold())
    return key(line) == key(name) or (begins and AFTER_NAME.match(line[len(name) :]) is not None)


def _tells(rest: str) -> bool:
    return TELLS.match(rest) is not None and rest.endswith((".", ")")) and not QUOTED.search(rest)


def _tags(run: Sequence[Unit]) -> Iterator[Finding]:
    if len(run) > 1:
        yield from (Finding((_cut(unit, "boilerplate.tag-line"),)) for unit in run)


def _cut(unit: Unit, rule: str) -> Cut:
    return Cut(unit.start, unit.end, rule, "boilerplate")
