"""Links to documents: reports, tables and annexes that a story hands out are part of it, and no other stories."""

import re
from itertools import islice

from lxml import html

from copydesk_cleaner.extraction.tree import words_of

ENDINGS = tuple(".pdf .doc .docx .xls .xlsx .ppt .pptx .odt .ods .odp .csv .rtf .epub .zip".split())
BEHIND = re.compile(r"[?#\s]")
MAY_END = re.compile("|".join(re.escape(ending) for ending in ENDINGS), re.IGNORECASE)
LINES = frozenset({"li", "p", "div", "dd"})
MAX_AROUND = 3


def is_document(address: str | None) -> bool:
    """Whether the address, as written, is that of a file to read or to keep."""
    if address is None or MAY_END.search(address) is None:  # as of nearly all links
        return False
    return BEHIND.split(address.strip(), 1)[0].lower().endswith(ENDINGS)


def keep_documents(tree: html.HtmlElement) -> None:
    """Make plain lines of those that are a link to a document: trafilatura drops lists of links."""
    for link in list(tree.iter("a")):
        if is_document(link.get("href")) and _fills_line(link):
            link.drop_tag()


def _fills_line(link: html.HtmlElement) -> bool:
    line = next((each for each in islice(link.iterancestors(), MAX_AROUND) if each.tag in LINES), None)
    return line is not None and len(words_of(link)) * 2 > len(words_of(line))
