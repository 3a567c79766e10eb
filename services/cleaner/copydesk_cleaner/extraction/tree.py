"""HTML into a tree, within limits, and small questions about trees."""

import re
from collections.abc import Iterator

from lxml import etree, html

from copydesk_shared.errors import DeadLetterReason, Poison

MAX_ELEMENTS = 60_000
MAX_ATTRIBUTES = 2_000
LONG_TAG = 4 * MAX_ATTRIBUTES  # characters that so many attributes have at least

# libxml2 compares each attribute of an element with all before it.
ATTRIBUTES = re.compile(
    r"<[a-z][^\s<>]*+"
    r"(?:\s++[^\s=<>\"'/]++(?>(?:=(?:\"[^\"]*+\"|'[^']*+'|[^\s<>\"']*+))?))"
    rf"{{{MAX_ATTRIBUTES}}}",
    re.IGNORECASE,
)
CONTROLS = bytes({*range(0x20), 0x7F} - set(b"\t\n\r\f"))  # libxml2 stops at some of them
NOT_CHARACTERS = ("\ufffe", "\uffff")  # nor any text after them
MAX_DEPTH = 2_048  # of libxml2
MAX_CELLS = 1_000  # of a row; trafilatura counts them again for each. No colspan of HTML 5 is greater
CELLS = frozenset({"td", "th"})
COUNT = etree.XPath("count(//*)")
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")

# lxml.html asks a Python function for the class of every element; forms and links need no class of their own here.
_CLASSES = etree.ElementDefaultClassLookup(element=html.HtmlElement)


def parse(content: str) -> html.HtmlElement | None:
    """The document, or ``None`` when there is none.

    Raises :class:`Poison` for too many elements or attributes, and for elements that lie too deep.
    """
    if any(ATTRIBUTES.search(content, start, end) for start, end in _long_stretches(content)):
        raise Poison(f"an element of more than {MAX_ATTRIBUTES} attributes", DeadLetterReason.TOO_LARGE)
    cleaned = _cleaned(content)
    if not cleaned:
        return None
    parser = etree.HTMLParser(
        encoding="utf-8", collect_ids=False, remove_comments=True, remove_pis=True, huge_tree=True
    )
    parser.set_element_class_lookup(_CLASSES)
    try:
        tree = html.document_fromstring(cleaned, parser=parser)
    except etree.ParserError:
        return None
    # What follows is not in the tree.
    if parser.error_log.filter_from_fatals().filter_types(etree.ErrorTypes.ERR_RESOURCE_LIMIT):
        raise Poison(f"elements nested deeper than {MAX_DEPTH}", DeadLetterReason.TOO_LARGE)
    if most_elements(content) > MAX_ELEMENTS and (elements := size(tree)) > MAX_ELEMENTS:
        raise Poison(f"page of {elements} elements, at most {MAX_ELEMENTS}", DeadLetterReason.TOO_LARGE)
    return tree


def _cleaned(content: str) -> bytes:
    """The content in UTF-8, without what ends the document for libxml2."""
    for character in NOT_CHARACTERS:
        if character in content:
            content = content.replace(character, "")
    cleaned = content.encode("utf-8", "replace")
    if any(map(cleaned.__contains__, CONTROLS)):
        cleaned = cleaned.translate(None, CONTROLS)
    return cleaned.strip()


def _long_stretches(content: str) -> Iterator[tuple[int, int]]:
    """Where more than ``LONG_TAG`` characters stand without the end of a tag among them."""
    start = 0
    while len(content) - start > LONG_TAG:
        end = content.rfind(">", start, start + LONG_TAG + 1)
        if end < 0:
            end = content.find(">", start + LONG_TAG)
            end = len(content) if end < 0 else end
            yield start, end
        start = end + 1


def drop_code(tree: html.HtmlElement) -> None:
    """Take programs, styles and drawings out of the tree; linked data stays."""
    etree.strip_elements(tree, "style", "svg", with_tail=False)
    for script in list(tree.iter("script")):
        if "ld+json" not in (script.get("type") or ""):
            script.drop_tree()


def shorten_rows(tree: html.HtmlElement) -> None:
    """Take the cells out of the tree that no row has room for."""
    cells = 0
    for element in list(tree.iter("tr", *CELLS)):
        cells = cells + 1 if element.tag in CELLS else 0
        if cells > MAX_CELLS:
            element.drop_tree()


def size(tree: html.HtmlElement) -> int:
    """How many elements the tree has."""
    return int(COUNT(tree))


def most_elements(content: str) -> int:
    """How many elements the tree has at most: a tag makes one, and what follows it may begin a paragraph."""
    return 2 * (content.count("<") + 4)


def words_of(element: html.HtmlElement) -> str:
    """The words in the element, a blank between any two pieces of text."""
    text = " ".join(element.itertext()) if len(element) else element.text or ""
    return " ".join(text.split())


def texts(tree: html.HtmlElement, *tags: str) -> Iterator[str]:
    """The words of every element with one of these tags that has any."""
    return (words for element in tree.iter(*tags) if (words := words_of(element)))
