"""Metadata that a page does not state: from its feed, and then from what is printed on it."""

import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice, takewhile

from htmldate import find_date
from lxml import html
from trafilatura.metadata import extract_author, extract_title
from trafilatura.xpaths import AUTHOR_DISCARD_XPATHS, AUTHOR_XPATHS

from copydesk_cleaner.dates import parse_date
from copydesk_cleaner.extraction.selectors import select_all, with_names
from copydesk_cleaner.extraction.tree import words_of
from copydesk_cleaner.metadata import Metadata
from copydesk_cleaner.page_titles import SEPARATOR
from copydesk_cleaner.people import clean_authors
from copydesk_cleaner.printed_dates import LONG_PARAGRAPH, first_date
from copydesk_cleaner.sources import attribution_of, authors_of, byline_in
from copydesk_cleaner.text import key
from copydesk_shared.messages import Page

# The first of January written out, in figures or with the name of the month in the commoner languages.
_JANUARY = r"(?:jan|jän|janv|ene|gen|sty|янв|січ)\w{0,8}\.?"
NEW_YEAR = re.compile(
    r"(?<!\d)(?:(?P<year>\d{4})(?P<mark>[-/.]?)0?1(?P=mark)0?1(?!\d)|(?:0?1[-/.] ?0?1[-/.] ?"
    rf"|0?1(?:st|er|º|\.)?\s(?:de\s)?{_JANUARY},?\s(?:de\s)?)(?P<last>\d{{4}}))"
    rf"|\b{_JANUARY}\s0?1(?:st)?,?\s(?P<after>\d{{4}})",
    re.IGNORECASE,
)
PIECES = frozenset({"time", "p", "span", "li", "small"})
BLOCKS = frozenset({"div", "p", "span", "time"})
MAX_HEADED = 60
TITLE_LINES, DATE_LINES = 3, 6
MIN_TITLE_BLANKS = 2
AUTHORS = [select_all(expression) for expression in AUTHOR_XPATHS]
_extract_author = with_names(
    extract_author,
    AUTHOR_XPATHS=AUTHORS,
    AUTHOR_DISCARD_XPATHS=[select_all(expression) for expression in AUTHOR_DISCARD_XPATHS],
)


def completed(metadata: Metadata, tree: html.HtmlElement, page: Page, text: str) -> Metadata:
    """The metadata with the fields that were still empty, where feed or print tell them."""
    metadata = _titled_as_printed(metadata, text)
    return replace(
        _signed(metadata, tree, page),
        title=metadata.title or page.entry_title or extract_title(tree) or "",
        published_at=metadata.published_at or page.entry_published_at or _printed_date(tree, metadata, page, text),
    )


def _titled_as_printed(metadata: Metadata, text: str) -> Metadata:
    """With the part of the title that the text begins with, where the rest is what the site calls itself."""
    lines = {key(line) for line in text.split("\n", TITLE_LINES)[:TITLE_LINES]}
    parts = SEPARATOR.split(metadata.title)
    printed = next((part for part in parts if part.count(" ") >= MIN_TITLE_BLANKS and key(part) in lines), None)
    if printed is None or len(parts) == 1:
        return metadata
    return replace(metadata, title=printed, titles=(printed, *metadata.titles))


def _signed(metadata: Metadata, tree: html.HtmlElement, page: Page) -> Metadata:
    """With authors, and the agencies beside them: those of the feed, or of a byline below the headline."""
    if metadata.authors or page.entry_authors:
        return replace(metadata, authors=metadata.authors or page.entry_authors)
    bylines = [found for line in _headed_lines(tree, metadata.titles) if (found := byline_in(line)) is not None]
    authors = clean_authors([_marked_author(tree)], "") or authors_of(bylines)
    return replace(metadata, authors=authors, attribution=attribution_of(bylines))


def _marked_author(tree: html.HtmlElement) -> str:
    """The author by trafilatura, which copies the tree first, also where nothing in it is marked as one."""
    is_marked = any(next(iter(select(tree)), None) is not None for select in AUTHORS)
    return (_extract_author(tree) or "") if is_marked else ""


def _headed_lines(tree: html.HtmlElement, titles: Iterable[str]) -> Iterator[str]:
    """What is printed between the headline and the first paragraph, piece by piece."""
    names = {key(title) for title in titles}
    headings = list(tree.iter("h1", "h2", "h3"))
    headline = next((each for each in headings if key(words_of(each)) in names), None)
    if headline is None:
        headline = next((each for each in headings if each.tag == "h1"), None)
    if headline is not None:
        lines = filter(None, (words_of(each) for each in islice(_pieces_behind(headline), MAX_HEADED)))
        yield from takewhile(lambda line: len(line) <= LONG_PARAGRAPH, lines)


def _pieces_behind(element: html.HtmlElement) -> Iterator[html.HtmlElement]:
    """The blocks behind an element that hold no others, and the pieces of text with a tag of their own."""
    last: html.HtmlElement | None = element
    while last is not None:
        following = last.getnext()
        if following is None:
            last = last.getparent()
            continue
        yield from (
            each
            for each in following.iter(*PIECES, "div")
            if each.tag in PIECES or not any(inner.tag in BLOCKS for inner in each)
        )
        last = following


def _printed_date(tree: html.HtmlElement, metadata: Metadata, page: Page, text: str) -> datetime | None:
    for lines in (_headed_lines(tree, metadata.titles), text.split("\n", DATE_LINES)[:DATE_LINES]):
        date = first_date(lines, page.fetched_at, metadata.language)
        if date is not None:
            return date
    # An extensive search takes any year on the page, of a copyright or a founding, for a date.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of zones that a parser below it does not know; only the day is taken
        found = find_date(
            tree,
            original_date=True,
            extensive_search=False,
            url=page.url,
            max_date=page.fetched_at.strftime("%Y-%m-%d"),
        )
    return parse_date(_written(found, tree, page.url), page.fetched_at)


def _written(date: str | None, tree: html.HtmlElement, url: str) -> str | None:
    """The date that was found, unless it is the first of January only for want of a day and a month."""
    if not date or not date.endswith("-01-01"):
        return date
    markup = html.tostring(tree, encoding="unicode")
    years = (match["year"] or match["last"] or match["after"] for match in NEW_YEAR.finditer(f"{url}\n{markup}"))
    return date if date[:4] in years else None
