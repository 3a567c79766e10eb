"""Boxes beside and below a story, told by what they are made of: fields for an address, comments."""

# Publishers print curly quotation marks, and the patterns hold them.
# ruff: noqa: RUF001

import re
from collections.abc import Iterator

from lxml import etree, html

from copydesk_cleaner.extraction.tree import words_of

MAX_BOX = 400
MAX_AROUND = 250  # what a box says besides the form
LONG_PARAGRAPH = 60
STORY = frozenset({"article", "body", "html", "main"})
COMMENTS = re.compile(
    r"(?:\d[\d.,]* )?(?:all |reader |readers['’] |user |your )?"
    r"(?:comments|kommentare|commentaires|comentarios|comentários|commenti|reacties|komentarze|комментарии|коментарі)"
    r"(?: ?\(?\d[\d.,]*\)?)?:?",
    re.IGNORECASE,
)
AFTER_STORY = etree.XPath(f"boolean(preceding::p[string-length(normalize-space()) > {LONG_PARAGRAPH}])")


def without_boxes(tree: html.HtmlElement) -> None:
    """Take out of the tree what asks for an e-mail address, and the comments of readers."""
    for part in (*_address_boxes(tree), *_comments(tree)):
        if part.getparent() is not None:
            part.drop_tree()


def _address_boxes(tree: html.HtmlElement) -> list[html.HtmlElement]:
    """The blocks around fields for an address that say little besides."""
    boxes = []
    for field in tree.iter("input"):
        if not _asks_address(field):
            continue
        box = next(field.iterancestors("form"), field)
        length = _length(box, MAX_BOX)
        for around in box.iterancestors():
            most = min(MAX_BOX, length + MAX_AROUND)
            if around.tag in STORY or _length(around, most) > most or next(around.iter("h1"), None) is not None:
                break
            box = around
        if length <= MAX_BOX and box is not field:
            boxes.append(box)
    return boxes


def _length(element: html.HtmlElement, enough: int) -> int:
    """How many characters the words in the element have, counted until there are more than enough."""
    length = 0
    for text in element.itertext():
        length += len(text.strip())
        if length > enough:
            break
    return length


def _asks_address(field: html.HtmlElement) -> bool:
    kind = field.get("type", "text")
    return kind == "email" or (
        kind == "text" and any("mail" in field.get(name, "").lower() for name in ("name", "id", "placeholder"))
    )


def _comments(tree: html.HtmlElement) -> Iterator[html.HtmlElement]:
    """Headings that say that comments follow a story, and what follows them in their section."""
    for heading in tree.iter("h2", "h3", "h4", "h5", "h6"):
        if COMMENTS.fullmatch(words_of(heading)) and AFTER_STORY(heading):
            yield heading
            yield from (part for part in heading.itersiblings() if isinstance(part.tag, str))
