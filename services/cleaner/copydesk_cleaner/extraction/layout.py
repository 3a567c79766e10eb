"""Tables and lists that lay out a page: a cell is a column of it, an item a part of the story.

Both have headings and paragraphs in them: tables as before style sheets, lists for what was added in the course of a
day and for things that are told one by one.
"""

from collections import Counter
from collections.abc import Iterator

from lxml import html

from copydesk_cleaner.extraction.tree import words_of

MIN_BREAKS = 4
LONG_COLUMN = 400  # characters after breaks and in paragraphs; a cell of data has fewer, or no breaks in it
HEADINGS = ("h2", "h3", "h4", "h5")
LONG_PARAGRAPH = 60
LINK_SHARE = 0.3  # of the words of an item; one that leads to another story is more
PARTS = frozenset({"tbody", "thead", "tfoot", "tr", "td", "th"})


def without_layout_tables(tree: html.HtmlElement) -> None:
    """Make plain blocks of the tables that lay out the page; those of data in them stay."""
    for table in _layout_tables(tree):
        _become_blocks(table)
    for font in tree.findall(".//font"):
        font.drop_tag()


def part_spans(tree: html.HtmlElement) -> None:
    """Put a blank between neighbours such as the name of an author and a date, which style sheets keep apart."""
    for span in tree.iter("span"):
        following = span.getnext()
        if following is None or span.tail or following.tag != "span":
            continue
        last, first = words_of(span)[-1:], words_of(following)[:1]
        if last.isalpha() and not last.isupper() and (first.isupper() or first.isdigit()):
            span.tail = " "


def _layout_tables(tree: html.HtmlElement) -> list[html.HtmlElement]:
    """The tables around the columns, each once."""
    found: dict[html.HtmlElement, None] = {}
    for column in _columns(tree):
        for table in column.iterancestors("table"):
            if table in found:
                break
            found[table] = None
    return list(found)


def _columns(tree: html.HtmlElement) -> Iterator[html.HtmlElement]:
    breaks: Counter[html.HtmlElement] = Counter()
    characters: Counter[html.HtmlElement] = Counter()
    for element in tree.iter("h1", "br", "p"):
        cell = next(element.iterancestors("td"), None)
        if cell is None:
            continue
        if element.tag == "h1":
            yield cell
        breaks[cell] += 1
        characters[cell] += len(element.text or "") + len(element.tail or "")
    yield from (cell for cell in breaks if breaks[cell] >= MIN_BREAKS and characters[cell] >= LONG_COLUMN)


def _become_blocks(table: html.HtmlElement) -> None:
    table.tag = "div"
    parts = list(table)
    while parts:
        part = parts.pop()
        if part.tag in PARTS:
            part.tag = "div"
            parts.extend(part)


def without_layout_lists(tree: html.HtmlElement) -> None:
    """Make plain blocks of the lists whose items have a heading and a paragraph of their own and lead nowhere."""
    told: dict[html.HtmlElement, list[html.HtmlElement]] = {}
    leading = set()
    for heading in tree.iter(*HEADINGS):
        item = next(heading.iterancestors("li"), None)
        if item is None or item.getparent() is None:
            continue
        if next(heading.iter("a"), None) is not None:
            leading.add(item.getparent())
        elif _tells(item):
            told.setdefault(item.getparent(), []).append(item)
    for around, items in told.items():
        if around not in leading:
            for block in (around, *items):
                block.tag = "div"


def _tells(item: html.HtmlElement) -> bool:
    if all(len(words_of(paragraph)) <= LONG_PARAGRAPH for paragraph in item.iter("p")):
        return False
    return sum(len(words_of(link)) for link in item.iter("a")) <= LINK_SHARE * len(words_of(item))
