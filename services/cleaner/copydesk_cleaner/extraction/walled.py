"""Whether a page with little text says, where readers see it, that there is more for those who pay."""

from itertools import islice

from lxml import html

from copydesk_cleaner.extraction.tree import HEADINGS, words_of
from copydesk_cleaner.walls import keeps_back

SHORT_STORY = 1_500  # characters; a page with more text is taken to have all of it
MAX_BLOCKS = 5_000
NOWHERE = frozenset({"aside", "footer", "header", "nav"})
BLOCKS = ("a", "button", "div", "p", "span", *HEADINGS)
INLINE = frozenset({"a", "b", "br", "em", "i", "span", "strong"})


def has_wall(tree: html.HtmlElement, text: str) -> bool:
    """Whether a block of a page with this text says it."""
    return len(text) < SHORT_STORY and any(map(_says, islice(tree.iter(*BLOCKS), MAX_BLOCKS)))


def _says(block: html.HtmlElement) -> bool:
    return all(part.tag in INLINE for part in block) and keeps_back(words_of(block)) and not _is_hidden(block)


def _is_hidden(element: html.HtmlElement) -> bool:
    return any(
        each.tag in NOWHERE
        or each.get("hidden") is not None
        or each.get("aria-hidden") == "true"
        or "display:none" in (each.get("style") or "").replace(" ", "")
        for each in (element, *element.iterancestors())
    )
