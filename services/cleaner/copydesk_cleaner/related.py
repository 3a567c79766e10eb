"""Pointers to other stories that announce themselves with a lead (READ MORE, SEE ALSO), or are titles that we know.

The leads are in the rule files.
"""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from collections.abc import Iterable, Iterator, Sequence

from copydesk_cleaner.rulebook import shipped
from copydesk_cleaner.rulebook.engine import MAX_LINE
from copydesk_cleaner.rulebook.schema import LeadEntry
from copydesk_cleaner.story import Context, Cut, Family, Finding, Unit
from copydesk_cleaner.text import key
from copydesk_shared.messages import RelatedLink

MAX_LINK = 260
MIN_INSIDE_WORDS = 6
READ_MORE = "related.read-more"


def leads_pattern(leads: Iterable[LeadEntry]) -> re.Pattern[str]:
    """A lead, its mark and the headline, as the groups ``lead`` and ``headline``."""
    words = "|".join(
        re.escape(words).replace("'", "['’]") for words in sorted({lead.words for lead in leads}, key=_longest)
    )
    return re.compile(
        rf"[(\[•*>»→\-– ]{{0,3}}(?P<lead>{words})\s?(?:[:|»>]|\s[-–—])\s*(?P<headline>\S.*?)[)\]]?", re.IGNORECASE
    )


def _longest(words: str) -> tuple[int, str]:
    return -len(words), words


LEAD = leads_pattern(shipped().leads)


def read_more(leads: Sequence[LeadEntry]) -> Family:
    """A family that cuts lines which consist of a lead and a headline."""
    pattern = leads_pattern(leads)
    sure = {bare(lead.words): lead.sure for lead in leads}

    def family(units: Sequence[Unit], _: Context) -> Iterator[Finding]:
        for unit in units:
            match = pattern.fullmatch(unit.text) if len(unit.text) <= MAX_LINK else None
            if match is not None and (sure[bare(match["lead"])] or _looks_like_headline(match["headline"])):
                cut = Cut(unit.start, unit.end, READ_MORE, "related-link")
                yield Finding((cut,), link=RelatedLink(title=match["headline"].strip()))

    return family


def bare(words: str) -> str:
    """The words of a lead as they are compared."""
    return words.casefold().replace("’", "'")


def _looks_like_headline(headline: str) -> bool:
    starts = headline.lstrip("\"“‘'")[:1]
    return (starts.isupper() or starts.isdigit()) and not headline.rstrip("\"”’'").endswith((".", ":", ",", ";"))


def known_titles(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
    """Lines that equal the title of another entry of the same feed."""
    titles = {key(title): title for title in context.known_titles} if context.known_titles else {}
    for own in ("", *map(key, context.titles)):
        titles.pop(own, None)
    for unit in units:
        if key(unit.text) in titles:
            cut = Cut(unit.start, unit.end, "related.known-title", "related-link")
            yield Finding((cut,), link=RelatedLink(title=unit.text))
        elif len(unit.text) > MAX_LINE:
            yield from _inside(unit, titles.values())


def _inside(unit: Unit, titles: Iterable[str]) -> Iterator[Finding]:
    """Titles inside a whole article that stands in one line, where words and letters agree exactly."""
    for title in titles:
        start = unit.text.find(title)
        if start >= 0 and len(title.split()) >= MIN_INSIDE_WORDS:
            cut = Cut(unit.start + start, unit.start + start + len(title), "related.known-title", "related-link")
            yield Finding((cut,), link=RelatedLink(title=title))
