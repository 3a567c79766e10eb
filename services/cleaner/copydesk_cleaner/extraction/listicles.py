"""Stories told item by item, each below a heading that is a link: the places, products or tips of a list.

By its links such a list looks like one of other stories, and trafilatura drops paragraphs that are a link. It is told
by its headings, which are numbered, or names, or as many as the title says, and by the paragraph below each of them.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise

from lxml import html

from copydesk_cleaner.extraction.teasers import HEADINGS, Item, heads_of_lists
from copydesk_cleaner.extraction.tree import words_of
from copydesk_cleaner.text import has_end_mark

MIN_ITEMS = 3
MAX_HEADING = 120
MAX_LINES = 2_000
MIN_PARAGRAPH = 40
TELLING = 0.7  # of the items; one may have a picture only
LINK_SHARE = 0.3  # of what an item says; a menu is more
MAX_NAME_WORDS = 4.5  # on average; headlines have more
DENSE = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")
DENSE_LETTERS = 2  # of scripts without blanks, for a word
NUMBER = re.compile(r"(?:#|№|Nr\.|No\.|N[º°])?\s?(\d{1,3})(?=[.):]|\s|$)", re.IGNORECASE)
IN_TITLE = re.compile(r"(?<![\d.,])\d{1,3}(?![\d.,%])")
DATED = re.compile(r"\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|\b\d{4}-\d{2}-\d{2}\b")
NOWHERE = frozenset({"aside", "footer", "header", "nav"})


def keep_listicles(tree: html.HtmlElement, url: str) -> list[list[Item]]:
    """Make plain headings of those that are links, where the items below them are the story.

    The other lists of such headings, of :func:`heads_of_lists`.
    """
    counts = {number for title in islice(tree.iter("h1", "title"), 2) for number in IN_TITLE.findall(words_of(title))}
    lists = heads_of_lists(tree, url)
    told = [items for items in (*lists, *_linked_lines(tree)) if _is_story(items, counts)]
    for items in told:
        for heading, item in items:
            _unlink(heading, item)
    return [items for items in lists if items not in told]


def _linked_lines(tree: html.HtmlElement) -> Iterator[list[Item]]:
    """The paragraphs that are one link, by the element that they stand in."""
    lines = defaultdict(list)
    for line in islice(tree.iter("p"), MAX_LINES):
        if len(line) != 1 or (line.text and not line.text.isspace()):
            continue
        link = next(line.iter("a"), None)
        if link is not None and words_of(line) == words_of(link) != "":
            lines[line.getparent()].append((line, line))
    yield from lines.values()


def _is_story(items: Sequence[Item], counts: set[str]) -> bool:
    if len(items) < MIN_ITEMS or any(around.tag in NOWHERE for around in items[0][0].iterancestors()):
        return False
    headings = [words_of(heading) for heading, _ in items]
    if len(set(headings)) < len(headings):  # "Book now", again and again
        return False
    if not (_are_names(headings) or _are_numbered(headings) or str(len(items)) in counts):
        return False
    return sum(_tells(*item) for item in items) >= TELLING * len(items)


def _are_names(headings: Sequence[str]) -> bool:
    words = sum(max(len(each.split()), len(DENSE.findall(each)) / DENSE_LETTERS) for each in headings)
    return words <= MAX_NAME_WORDS * len(headings)


def _are_numbered(headings: Sequence[str]) -> bool:
    """Whether each heading begins with the number after the one before it, or counts down."""
    numbers = [int(match[1]) for each in headings if (match := NUMBER.match(each))]
    if len(numbers) < len(headings):
        return False
    return {after - before for before, after in pairwise(numbers)} in ({1}, {-1})


def _tells(heading: html.HtmlElement, item: html.HtmlElement) -> bool:
    """Whether there is a paragraph below the heading that is not dated, as teasers are, and is no list of links."""
    parts = [item] if len(words_of(item)) > len(words_of(heading)) else _below(item)
    words = " ".join(map(words_of, parts))
    if DATED.search(words) or any(next(part.iter("time"), None) is not None for part in parts):
        return False
    links = {link for part in parts for link in part.iter("a")} - set(heading.iter("a")) - {item}
    if sum(len(words_of(link)) for link in links) > LINK_SHARE * len(words):
        return False
    texts = [words_of(text) for part in parts for text in part.iter("p")] or [words.removeprefix(words_of(heading))]
    return any(len(text) > MIN_PARAGRAPH and has_end_mark(text) for text in texts)


def _below(heading: html.HtmlElement) -> list[html.HtmlElement]:
    """What follows a heading up to the next."""
    found: list[html.HtmlElement] = []
    for part in islice(heading.itersiblings(), 4):
        if part.tag in HEADINGS or (part.tag == heading.tag and len(words_of(part)) <= MIN_PARAGRAPH):
            break
        found.append(part)
    return found


def _unlink(heading: html.HtmlElement, item: html.HtmlElement) -> None:
    around = [each for each in islice(heading.iterancestors(), 3) if each.tag == "a"]
    if item.tag == "a" and item not in around:
        around.append(item)
    for link in (*heading.findall(".//a"), *around):
        if link.getparent() is not None:
            link.drop_tag()
