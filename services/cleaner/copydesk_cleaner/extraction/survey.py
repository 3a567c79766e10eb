"""What the names of a page's elements say, read in one walk: asking costs more than understanding.

An element is named by its class, its identifier, and by what some publishers use for a class.
"""

from typing import NamedTuple

from ahocorasick_rs import AhoCorasick
from lxml import etree, html

from copydesk_cleaner.extraction.figures import CAPTION_PARTS, is_caption, says_caption
from copydesk_cleaner.extraction.related_lists import BOX_PARTS, says_box

PARTS = AhoCorasick((*CAPTION_PARTS, *BOX_PARTS))


class Survey(NamedTuple):
    """The elements of a page that are marked as captions, those called boxes of related stories, and all names.

    As long as all ``elements`` are held, lxml need not make an object for each of them anew at every walk.
    """

    elements: list[html.HtmlElement]
    captions: list[html.HtmlElement]
    boxes: list[html.HtmlElement]
    names: str


def survey(tree: html.HtmlElement) -> Survey:
    """The survey of a tree; the elements are in order, the classes and identifiers each on lines of their own."""
    captions, boxes = [], []
    classes: dict[str, tuple[bool, bool]] = {"": (False, False)}
    tags: dict[str, bool] = {}
    identifiers = []
    elements = list(tree.iter(etree.Element))
    for element in elements:
        names = element.get("class") or ""
        says = classes.get(names)
        if says is None:
            says = classes[names] = _says(names)
        shows, calls = says
        tag = element.tag
        is_own = tags.get(tag)
        if is_own is None:
            is_own = tags[tag] = is_caption(tag, says=False)
        if is_own or (shows and is_caption(tag, says=True)):
            captions.append(element)
        if not names and (other := element.get("data-component") or element.get("data-gu-name")):
            calls = _says(other)[1]
        identifier = element.get("id")
        if identifier:
            identifiers.append(identifier)
            calls = calls or _says(identifier)[1]
        if calls:
            boxes.append(element)
    return Survey(elements, captions, boxes, "\n".join((*classes, *identifiers)))


def _says(names: str) -> tuple[bool, bool]:
    """Whether names say that an element is a caption, and that it is a box of related stories."""
    if not names or not PARTS.find_matches_as_indexes(names.lower()):
        return False, False
    return says_caption(names), says_box(names)
