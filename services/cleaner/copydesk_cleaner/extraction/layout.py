"""Tables that lay out a page, as before style sheets: a cell is a column of the page, with headings and paragraphs."""

from collections import Counter
from collections.abc import Iterator

from lxml import html

MIN_BREAKS = 4
LONG_COLUMN = 400  # characters after breaks and in paragraphs; a cell of data has fewer, or no breaks in it
PARTS = frozenset({"tbody", "thead", "tfoot", "tr", "td", "th"})


def without_layout_tables(tree: html.HtmlElement) -> None:
    """Make plain blocks of the tables that lay out the page; those of data in them stay."""
    for table in _layout_tables(tree):
        _become_blocks(table)
    for font in tree.findall(".//font"):
        font.drop_tag()


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
