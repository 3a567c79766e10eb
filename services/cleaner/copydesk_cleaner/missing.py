"""Pages that say that a story is not, or no longer, there, whatever the status was that they came with."""

from collections.abc import Iterable
from itertools import chain

from copydesk_cleaner.metadata import Metadata
from copydesk_cleaner.page_titles import SEPARATOR
from copydesk_cleaner.rulebook import shipped
from copydesk_cleaner.text import key

MAX_TEXT = 1_000  # of a page whose heading says it; one with a title besides may list many other stories
MAX_PLAIN, MAX_NOTHING = 400, 300
MAX_WORDS = 16
MAX_LINES = 3
NUMBERS = frozenset({"404", "410"})
SAID = frozenset(map(key, shipped().vocabulary("not_found")))
MAYBE = frozenset(map(key, shipped().vocabulary("maybe_not_found")))
AROUND = sorted(map(key, shipped().vocabulary("around_not_found")), key=len, reverse=True)


def is_missing(metadata: Metadata, headings: Iterable[str], text: str, *, is_plain: bool) -> bool:
    """Whether all evidence is that of a missing page: it is called so, is not dated or signed, and has no long story.

    ``headings`` are keys; ``is_plain`` of a text without markup, whose first lines tell.
    """
    if metadata.published_at is not None or metadata.authors:
        return False
    if is_plain:
        return len(text) <= MAX_PLAIN and _says(text.split("\n")[:MAX_LINES], sure=len(text) <= MAX_NOTHING)
    parts = list(chain.from_iterable(SEPARATOR.split(title) for title in metadata.titles))
    numbered = any(NUMBERS.intersection(key(part).split()) for part in parts)
    sure = numbered or len(text) <= MAX_NOTHING
    named = _says(parts, sure=sure) + _says(headings, sure=sure)
    return named > 1 or (named == 1 and len(text) <= MAX_TEXT)


def _says(lines: Iterable[str], *, sure: bool) -> bool:
    return any(says_missing(line, sure=sure) for line in lines)


def says_missing(title: str, *, sure: bool) -> bool:
    """Whether a title or a heading says that a page was not found, and nothing else.

    ``sure`` when it is known besides that something is missing, so that "Gone" means the page.
    """
    words = key(title)
    if not words or len(words.split()) > MAX_WORDS:
        return False
    rest = _without_around(words)
    is_numbered = not NUMBERS.isdisjoint(words.split())
    return rest in SAID or (rest in MAYBE and (sure or is_numbered)) or (not rest and is_numbered)


def _without_around(words: str) -> str:
    """The words without the numbers and exclamations around them."""
    before = ""
    while words != before and words not in SAID:
        before = words
        for each in AROUND:
            words = "" if words == each else words.removeprefix(f"{each} ").removesuffix(f" {each}")
    return words
