"""The story as the page itself tells it: the body in its JSON-LD, and the standfirst that its description repeats.

https://schema.org/articleBody is written for search engines: whole, but without sub-heads, lists and tables. So it
mends an extraction that missed much of it, and nothing is cut because of it.
"""

import re
from collections.abc import Iterator
from html import unescape

from lxml import etree, html

from copydesk_cleaner.extraction.tree import words_of
from copydesk_cleaner.json_ld import json_ld_nodes
from copydesk_cleaner.metadata import PageFacts, story_of
from copydesk_cleaner.text import key, normalise

BODY = "articleBody"
TAGS = re.compile(r"<[^<>]{0,2000}>")
BLOCK_END = re.compile(r"</(?:p|div|li|h[1-6]|blockquote)>|<br\s*/?>", re.IGNORECASE)
MIN_SAID = 600
MUCH_LONGER = 1.3
AGREES = 0.6
BEGINS_ALIKE = 0.3  # is enough where the story begins in the same way and a demand to pay is longer than the rest
LONG_LINE = 60
FOUND_IN_TREE = 0.8
KEY_START = 40

DESCRIPTION_META = ("og:description", "description", "twitter:description")
MIN_STANDFIRST = 40
MAX_STANDFIRST = 600
START = 30
MAX_CLIMB = 4
MAX_PIECES = 50
ASIDE = frozenset({"aside", "nav", "footer"})
NO_STANDFIRST = frozenset({"a", "aside", "figure", "figcaption", "footer", "li", "nav", "script", "style", "noscript"})
PIECES = etree.XPath("//h1 | //body/descendant::text()[contains(., $start)]")
WHOLE = etree.XPath("string()", smart_strings=False)
FOLLOWS = etree.XPath(
    "boolean(following::text()[contains(., $start)]) or "
    "boolean(following::p[starts-with(translate(normalize-space(), ' ', ''), $squeezed)])"
)
ELLIPSIS = ("…", "...", "[…]", "[...]")


def with_body_said(text: str, tree: html.HtmlElement, facts: PageFacts, url: str) -> str:
    """The text, or the body that the page's JSON-LD tells when the text is a small part of it."""
    said = body_said(facts, url)
    if "\n" in said and "\n" not in text and key(said) == key(text):
        return said  # of a page that a program draws nothing else is there, and all in one line
    if len(said) < MIN_SAID or len(said) < MUCH_LONGER * len(text) or not _agrees(text, said):
        return text
    printed = list(_blocks_in(tree, key(said)))
    return normalise("\n".join(printed)) if sum(map(len, printed)) >= FOUND_IN_TREE * len(said) else said


def body_said(facts: PageFacts, url: str) -> str:
    """The body of the story in the page's JSON-LD, or else the longest in it, as lines of text; or nothing."""
    scripts = [script for script in facts.json_ld if BODY in script]
    nodes = list(json_ld_nodes(scripts))
    bodies = [body for node in nodes if isinstance(body := node.get(BODY), str)]
    own = story_of(nodes, facts, url).get(BODY) if len(bodies) > 1 else None
    return _plain(own if isinstance(own, str) else max(bodies, key=len, default=""))


def _plain(body: str) -> str:
    if "<" in body:
        body = TAGS.sub("", BLOCK_END.sub("\n", body))
    return normalise(unescape(body))


def _agrees(text: str, said: str) -> bool:
    """Whether the text is of the same story as the body: most of it is in there, or its beginning; nothing agrees."""
    whole = key(said)
    lines = [words for line in text.split("\n") if (words := key(line))]
    shared = sum(len(words) for words in lines if words[:KEY_START] in whole)
    begins = any(len(words) >= LONG_LINE and whole.startswith(words[:KEY_START]) for words in lines)
    return shared >= (BEGINS_ALIKE if begins else AGREES) * sum(map(len, lines))


def _blocks_in(tree: html.HtmlElement, whole: str) -> Iterator[str]:
    """The paragraphs of the page that are in the body, each once."""
    seen = set()
    for element in tree.iter("p", "h2", "h3", "h4", "li", "blockquote"):
        words = words_of(element)
        name = key(words)
        if name and name not in seen and name[:KEY_START] in whole and not _is_aside(element):
            seen.add(name)
            yield words


def _is_aside(element: html.HtmlElement) -> bool:
    return any(ancestor.tag in ASIDE for ancestor in element.iterancestors())


def with_standfirst(text: str, tree: html.HtmlElement, facts: PageFacts) -> str:
    """The text after the standfirst: the page's description where it is printed between the heading and the text."""
    first = text.partition("\n")[0]
    descriptions = [description for description in _descriptions(facts) if description not in text]
    known = key(text) if descriptions else ""
    for description in descriptions:
        if key(description) not in known and (found := _printed(tree, description, first)):
            return f"{normalise(found)}\n{text}"
    return text


def _descriptions(facts: PageFacts) -> list[str]:
    said = [
        normalise(unescape(value)).replace("\n", " ") for name in DESCRIPTION_META for value in facts.meta.get(name, ())
    ]
    titles = {key(heading) for heading in (*facts.headings, facts.title_tag, *facts.meta.get("og:title", ()))}
    return [
        text
        for value in dict.fromkeys(said)
        if MIN_STANDFIRST <= len(text := _whole(value)) <= MAX_STANDFIRST and key(text) not in titles
    ]


def _whole(description: str) -> str:
    """The description without the dots of one that was cut short."""
    for dots in ELLIPSIS:
        description = description.removesuffix(dots)
    return description.rstrip()


def _printed(tree: html.HtmlElement, description: str, first: str) -> str:
    """The description as printed after a main heading and before the first line of the text, or nothing."""
    if description[:START] not in WHOLE(tree):
        return ""
    headed = False
    for piece in PIECES(tree, start=description[:START])[:MAX_PIECES]:
        if not isinstance(piece, str):
            headed = True
        elif headed:
            found = _paragraph(piece, description)
            if found is not None:
                return words_of(found) if _is_before(found, first) else ""
    return ""


def _is_before(element: html.HtmlElement, first: str) -> bool:
    """Whether the first line of the text is printed after the element; its words may be in links and large letters."""
    start = first.removeprefix("- ")[:START]
    return bool(FOLLOWS(element, start=start, squeezed=start.replace(" ", "")))


def _paragraph(piece: object, description: str) -> html.HtmlElement | None:
    """The element around the piece of text that says the description and no more."""
    element = piece.getparent()  # type: ignore[attr-defined]
    if piece.is_tail:  # type: ignore[attr-defined]
        element = element.getparent()
    if any(ancestor.tag in NO_STANDFIRST for ancestor in (element, *element.iterancestors())):
        return None
    wanted = key(description)
    for _ in range(MAX_CLIMB):
        if element is None:
            return None
        words = words_of(element)
        if len(words) > MAX_STANDFIRST:
            return None
        if key(words) == wanted:
            return element
        element = element.getparent()
    return None
