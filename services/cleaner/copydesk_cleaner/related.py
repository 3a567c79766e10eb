"""Pointers to other stories that announce themselves with a lead (READ MORE, SEE ALSO), or are titles that we know.

The leads are in the rule files.
"""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache, partial
from itertools import pairwise

from copydesk_cleaner.caption_forms import LABELS
from copydesk_cleaner.headline_features import WORK, Surroundings, is_full
from copydesk_cleaner.headline_features import looks_like_headline as is_headline
from copydesk_cleaner.headlines import MIN_LINK_WORDS
from copydesk_cleaner.one_line import first_capital, headline_end, ordinary_words
from copydesk_cleaner.rulebook import shipped
from copydesk_cleaner.rulebook.engine import MAX_LINE
from copydesk_cleaner.rulebook.schema import LeadEntry
from copydesk_cleaner.story import Context, Cut, Family, Finding, Unit
from copydesk_cleaner.text import has_end_mark, key
from copydesk_cleaner.unmarked_leads import may_be_led, unmarked
from copydesk_shared.messages import RelatedLink

MAX_LINK = 260
MIN_INSIDE_WORDS = 6
BROKEN_OFF = re.compile(r"(?:\.\.\.|…)$")
MARKED = re.compile(r"\s[|•–—-]\s")
SITE = re.compile(r"\s(?:[|•]|[-–—])\s[^|•–—-]{2,40}$")
READ_MORE = "related.read-more"
BEFORE = r"[(\[•*>»→▶►＞▷▼■●◆☞【（\-– ]{0,3}"
MARKS = r"[:：|»>▶►→＞】]"  # between a lead and its headline, in scripts of all widths
LEAD_OPENERS = "([•*>»→▶►＞▷▼■●◆☞【（-– "
# The mark behind a lead inside a line, and all that stands before the sentence which the lead begins.
INNER_MARK = re.compile(rf"(?:{MARKS}{{1,3}}\s*|(?P<dash>\s[-–—]\s))(?=[\"“‘'„«]?[^\W_])")
INNER_MARKS = (":", "|", " - ", " – ", " — ", *"：»>▶►→＞】")  # one of them is in each
LISTED = re.compile(r"list \d{1,2} of \d{1,2}", re.IGNORECASE)  # what readers who cannot see a list are told
MARK = re.compile(rf"[{MARKS[1:-1]}–—-]")  # in each of them
LAST_SENTENCE = re.compile(r".*[.!?…”\"’»)]\s")
MAX_LEAD = 48
STEMS = (2, 3, 4)  # letters of a lead that tell whether a line may begin with one
MIN_TAIL_WORDS, MAX_STOPPED_WORDS = 3, 16
INNER_STOP = re.compile(r"[.!?…][\"”’»)]? ")
# Whose the headlines below a lead are: "More must-reads from The Courier".
SUBJECT = r"(?:\s(?:from|by|von|aus|de|di|da|van)\s[^.!?:;,\"“”|»>]{2,40})?"
COUNTED = re.compile(r"[\d.,:/ -]{1,12}")  # places in a list, and how many have read or said something
LIST_MARK = re.compile(r"^[-–—•*»>▶►→・■●]+\s*")


def leads_pattern(leads: Iterable[LeadEntry]) -> re.Pattern[str]:
    """A lead, its mark and the headline, as the groups ``lead`` and ``headline``."""
    words = _alternatives(leads)
    return re.compile(
        rf"{BEFORE}(?P<lead>{words})\s?(?:{MARKS}{{1,3}}|\s[-–—])\s*(?P<headline>\S.*?)[)\]）]?", re.IGNORECASE
    )


def _alone_pattern(leads: Iterable[LeadEntry]) -> re.Pattern[str]:
    """A lead that fills a line, as the heading of the headlines below it."""
    words = _alternatives(lead for lead in leads if lead.sure)
    return re.compile(rf"{BEFORE}(?:{words}){SUBJECT}\s?(?:{MARKS}|…){{0,3}}[)\]）]?", re.IGNORECASE)


def _tail_pattern(leads: Iterable[LeadEntry]) -> re.Pattern[str]:
    """A lead in capitals and a headline behind the last sentence of a paragraph."""
    words = _alternatives(leads, str.upper)
    return re.compile(rf"(?<=[.!?”\"’)]\s){BEFORE}(?:{words})\s?{MARKS}{{1,3}}\s*(?P<headline>[^.!?]*[^.!?,:;])$")


def _alternatives(leads: Iterable[LeadEntry], change: Callable[[str], str] = str) -> str:
    """Any of the leads, the longest first, as part of a pattern."""
    words = sorted({change(lead.words) for lead in leads}, key=_longest)
    return "|".join(re.escape(lead).replace("'", "['’]") for lead in words)


def _longest(words: str) -> tuple[int, str]:
    return -len(words), words


LEAD = leads_pattern(shipped().leads)


def read_more(leads: Sequence[LeadEntry]) -> Family:
    """A family that cuts leads with their headlines: in one line, below each other, or behind a paragraph."""
    pattern, alone, tail = leads_pattern(leads), _alone_pattern(leads), _tail_pattern(leads)
    sure = {bare(lead.words): lead.sure for lead in leads}
    stems = {_stem(words) for words in sure}

    def family(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
        below = sure_below = False
        around = Surroundings(units)
        words = cache(partial(ordinary_words, units))
        shared = {one.line for one, next_one in pairwise(units) if one.line == next_one.line}
        for index, unit in enumerate(units):
            short = len(unit.text) <= MAX_LINK
            begun = _stem(bare(unit.text[:MAX_LEAD].lstrip(LEAD_OPENERS)[: STEMS[-1]])) if short else ""
            led = short and any(begun[:length] in stems for length in STEMS)
            if led and (LISTED.fullmatch(unit.text) or alone.fullmatch(unit.text)):
                yield _link(unit, 0, "")
                marked = LISTED.fullmatch(unit.text) or MARK.search(unit.text)
                below, sure_below = True, marked is not None or _ends(units, index)
                continue
            match = pattern.fullmatch(unit.text) if led else None
            if match is not None and _is_whole(match, sure, shared=unit.line in shared):
                yield _link(unit, 0, match["headline"])
            elif below and short and _is_announced(around, index, context, sure=sure_below):
                yield _link(unit, 0, "" if COUNTED.fullmatch(unit.text) else LIST_MARK.sub("", unit.text))
                continue
            elif may_be_led(unit.text) and (told := list(_unmarked(unit, sure, context, words))):
                yield from told
            elif _has_inner_mark(unit.text):
                found = tail.search(unit.text, max(0, len(unit.text) - MAX_LINK))
                yield from [_link(unit, found.start(), found["headline"])] if found else _led_inside(unit, sure, words)
            below = False

    return family


def _stem(words: str) -> str:
    """The first letters, with one i for all that :mod:`re` takes for it."""
    return words[: STEMS[-1]].replace("ı", "i")


def _has_inner_mark(text: str) -> bool:
    return any(mark in text for mark in INNER_MARKS) and INNER_MARK.search(text) is not None


def _unmarked(
    unit: Unit, sure: Mapping[str, bool], context: Context, ordinary: Callable[[], frozenset[str]]
) -> Iterator[Finding]:
    for first, start, end in unmarked(unit, sure, context, ordinary):
        cut = Cut(unit.start + first, unit.start + end, READ_MORE, "related-link")
        yield Finding((cut,), link=RelatedLink(title=unit.text[start:end].strip()))


def announced(leads: Sequence[LeadEntry]) -> Family:
    """A family that cuts leads which stand alone in what it is given."""
    alone = _alone_pattern(leads)

    def family(units: Sequence[Unit], _: Context) -> Iterator[Finding]:
        yield from (_link(unit, 0, "") for unit in units if len(unit.text) <= MAX_LEAD and alone.fullmatch(unit.text))

    return family


def _is_whole(match: re.Match[str], sure: Mapping[str, bool], *, shared: bool) -> bool:
    """Whether all of a unit is a lead and a headline; ``shared`` when others stand in the same line."""
    if shared and _runs_on(match["headline"]):
        return False
    return sure[bare(match["lead"])] or (
        _looks_like_headline(match["headline"]) and WORK.match(match["headline"]) is None
    )


def _ends(units: Sequence[Unit], index: int) -> bool:
    """Whether no paragraph follows, so that the story is over."""
    return not any(is_full(unit.text) for unit in units[index + 1 :])


def _is_announced(around: Surroundings, index: int, context: Context, *, sure: bool) -> bool:
    """Whether a line below a lead is one of the headlines that it announces, and the story does not go on here.

    Any is where the lead is ``sure`` to announce some: with a mark, or behind the story. Else the page's links tell.
    Where there are none, items of a list are, and of other lines those in which the story has no words.
    """
    text = around.units[index].text
    if COUNTED.fullmatch(text):
        return sure
    title = LIST_MARK.sub("", text)
    if not is_headline(title) and (title == text or has_end_mark(text)):
        return False
    words = key(title)
    if sure or words in context.links or words.replace(" ", "") in context.links:
        return True
    if len(words.split()) >= MIN_LINK_WORDS and context.links:
        return False
    return title != text or (around.is_foreign(index) and not around.is_on_topic(index))


def _runs_on(headline: str) -> bool:
    """Whether a sentence follows the headline, so that the two are no headline together."""
    is_long = len(headline.split()) > MAX_STOPPED_WORDS
    return headline.endswith(".") and (is_long or headline_end(headline, 0) is not None)


@lru_cache(maxsize=4)
def _last_words(leads: tuple[str, ...]) -> frozenset[str]:
    return frozenset(lead.split()[-1] for lead in leads)


def _led_inside(unit: Unit, sure: Mapping[str, bool], ordinary: Callable[[], frozenset[str]]) -> Iterator[Finding]:
    """Leads and headlines between the sentences of a line, when a sentence seems to begin right after the headline."""
    low = 0
    last_words = _last_words(tuple(sure))
    for mark in INNER_MARK.finditer(unit.text):
        # Almost all marks are told by the word before them.
        word = unit.text[max(0, mark.start() - MAX_LEAD) : mark.start()].rstrip().rpartition(" ")[2]
        if mark.start() < low or bare(word).lstrip(LEAD_OPENERS) not in last_words:
            continue
        before = unit.text[max(low, mark.start() - MAX_LEAD) : mark.start()]
        lead = LAST_SENTENCE.sub("", before).lstrip(LEAD_OPENERS).rstrip()
        known = sure.get(bare(lead)) if lead and not lead[0].islower() else None
        if known is None or (not lead.isupper() and (mark["dash"] or bare(lead) in LABELS)):
            continue
        end = headline_end(unit.text, mark.end(), ordinary())
        if end is None and (known or lead.isupper()) and ordinary():
            end = first_capital(unit.text, mark.end())
        is_last = len(unit.text) - mark.end() <= MAX_LINK
        if end is None and is_last and (known or lead.isupper()) and _ends_line(unit.text[mark.end() :]):
            end = len(unit.text)
        if end is not None:
            start = mark.start() - len(LAST_SENTENCE.sub("", before))
            cut = Cut(unit.start + start, unit.start + end, READ_MORE, "related-link")
            yield Finding((cut,), link=RelatedLink(title=unit.text[mark.end() : end].strip()))
            low = end


def _ends_line(headline: str) -> bool:
    """Whether all of this, which ends a line, is a headline."""
    is_short = MIN_TAIL_WORDS <= len(headline.split()) <= MAX_STOPPED_WORDS
    return (
        is_short
        and not has_end_mark(headline)
        and _looks_like_headline(headline)
        and INNER_STOP.search(headline) is None
    )


def _link(unit: Unit, start: int, headline: str) -> Finding:
    cut = Cut(unit.start + start, unit.end, READ_MORE, "related-link")
    return Finding((cut,), link=RelatedLink(title=headline.strip()) if headline else None)


def bare(words: str) -> str:
    """The words of a lead as they are compared."""
    return words.replace("İ", "i").casefold().replace("’", "'")


def _looks_like_headline(headline: str) -> bool:
    starts = headline.lstrip("\"“‘'")[:1]
    return (starts.isupper() or starts.isdigit()) and not headline.rstrip("\"”’'").endswith((".", ":", ",", ";"))


def known_titles(units: Sequence[Unit], context: Context) -> Iterator[Finding]:
    """Lines that are a title which we know of another story, in other case or punctuation or broken off."""
    titles = {form: title for title in context.known_titles for form in _forms(title)}
    for own in (form for title in context.titles for form in _forms(title)):
        titles.pop(own, None)
    if not titles:
        return
    for unit in units:
        if len(unit.text) <= MAX_LINE and _is_known(unit.text, titles):
            cut = Cut(unit.start, unit.end, "related.known-title", "related-link")
            yield Finding((cut,), link=RelatedLink(title=LIST_MARK.sub("", unit.text)))
        elif len(unit.text) > MAX_LINE:
            yield from _inside(unit, titles.values())


@lru_cache(maxsize=4096)
def _forms(title: str) -> tuple[str, ...]:
    """The words of a title, and without the name of the site when enough are left."""
    short = key(SITE.sub("", title)) if MARKED.search(title) else ""
    forms = (short, key(title)) if len(short.split()) >= MIN_INSIDE_WORDS else (key(title),)
    return tuple(form for form in forms if form)


def _is_known(text: str, titles: Mapping[str, str]) -> bool:
    """Whether the words are those of a title, or its first ones before "…", with the site's name or without it."""
    words = key(text)
    if words in titles:
        return True
    if len(words.split()) < MIN_INSIDE_WORDS:
        return False
    if BROKEN_OFF.search(text):
        return any(title.startswith(words) for title in titles)
    return any(form in titles for form in _forms(text))


def _inside(unit: Unit, titles: Iterable[str]) -> Iterator[Finding]:
    """Titles inside a whole article that stands in one line, where words and letters agree exactly."""
    for title in titles:
        start = unit.text.find(title)
        if start >= 0 and len(title.split()) >= MIN_INSIDE_WORDS:
            cut = Cut(unit.start + start, unit.start + start + len(title), "related.known-title", "related-link")
            yield Finding((cut,), link=RelatedLink(title=title))
