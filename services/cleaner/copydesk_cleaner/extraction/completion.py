"""Metadata that a page does not state: from its feed, and then from what is printed on it."""

import re
import warnings
from dataclasses import replace
from datetime import datetime

from htmldate import find_date
from lxml import html
from trafilatura.metadata import extract_author, extract_title
from trafilatura.xpaths import AUTHOR_DISCARD_XPATHS, AUTHOR_XPATHS

from copydesk_cleaner.dates import parse_date
from copydesk_cleaner.extraction.selectors import select_all, with_names
from copydesk_cleaner.metadata import Metadata
from copydesk_cleaner.people import clean_authors
from copydesk_shared.messages import Page

# The first of January written out, in figures or with the name of the month in the commoner languages.
_JANUARY = r"(?:jan|jän|janv|ene|gen|sty|янв|січ)\w{0,8}\.?"
NEW_YEAR = re.compile(
    r"(?<!\d)(?:(?P<year>\d{4})(?P<mark>[-/.]?)0?1(?P=mark)0?1(?!\d)|(?:0?1[-/.] ?0?1[-/.] ?"
    rf"|0?1(?:st|er|º|\.)?\s(?:de\s)?{_JANUARY},?\s(?:de\s)?)(?P<last>\d{{4}}))"
    rf"|\b{_JANUARY}\s0?1(?:st)?,?\s(?P<after>\d{{4}})",
    re.IGNORECASE,
)
_extract_author = with_names(
    extract_author,
    AUTHOR_XPATHS=[select_all(expression) for expression in AUTHOR_XPATHS],
    AUTHOR_DISCARD_XPATHS=[select_all(expression) for expression in AUTHOR_DISCARD_XPATHS],
)


def completed(metadata: Metadata, tree: html.HtmlElement, page: Page) -> Metadata:
    """The metadata with the fields that were still empty, where feed or print tell them."""
    return replace(
        metadata,
        title=metadata.title or page.entry_title or extract_title(tree) or "",
        authors=metadata.authors or page.entry_authors or clean_authors([_extract_author(tree) or ""], ""),
        published_at=metadata.published_at or page.entry_published_at or _printed_date(tree, page),
    )


def _printed_date(tree: html.HtmlElement, page: Page) -> datetime | None:
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
