"""Paragraphs without an element of their own, behind a box that stands in the midst of the story.

In ``<p><article>…</article>The board met…</p>`` the box ends the paragraph by the rules of HTML, and the rest stands
bare in the block around it. The parser lets the box stay in the paragraph; trafilatura looks in neither place.
"""

from collections.abc import Iterator
from itertools import takewhile

from lxml import html

from copydesk_cleaner.extraction.tree import words_of

BOXES = ("article", "section")
AROUND = frozenset({"article", "body", "div", "main", "p", "section"})
INLINE = frozenset("a abbr b cite code del em i ins mark q s small span strong sub sup u".split())
MIN_TEXT = 80  # characters


def wrap_bare_texts(tree: html.HtmlElement) -> None:
    """Put long texts that stand bare behind a box into paragraphs of their own."""
    for box, inline in list(_before_bare_texts(tree)):
        paragraph = html.Element("p")
        paragraph.text, box.tail = box.tail, None
        paragraph.extend(inline)
        around = box.getparent()
        if around.tag == "p":
            around.addnext(box)
        box.addnext(paragraph)


def _before_bare_texts(tree: html.HtmlElement) -> Iterator[tuple[html.HtmlElement, list[html.HtmlElement]]]:
    """The boxes, each with the elements that stand in the text behind it."""
    for box in tree.iter(*BOXES):
        around = box.getparent()
        if box.tail and box.tail.strip() and around is not None and around.tag in AROUND:
            inline = list(takewhile(lambda each: each.tag in INLINE, box.itersiblings()))
            if len(box.tail.strip()) + sum(len(words_of(each)) + len(each.tail or "") for each in inline) >= MIN_TEXT:
                yield box, inline
