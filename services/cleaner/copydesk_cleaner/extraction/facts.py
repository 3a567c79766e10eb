"""What a tree tells of the story besides its text: meta tags, JSON-LD, figures, links and headings."""

from collections.abc import Iterator

from lxml import etree, html

from copydesk_cleaner.extraction.tree import texts, words_of
from copydesk_cleaner.metadata import Figure, Metadata, PageFacts

MAX_CAPTIONS = 300
TEASERS = frozenset({"a", "aside", "nav", "footer"})
SOURCES = ("src", "data-src", "data-original")
BYLINES = etree.XPath("//*[@rel='author' or @itemprop='author']")
CANONICAL = etree.XPath("//link[contains(concat(' ', normalize-space(@rel), ' '), ' canonical ')]")
CREDITS = etree.XPath(".//figcaption//*[contains(concat(' ', @class, ' '), ' credit ')]")
XML_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


def read_facts(tree: html.HtmlElement) -> PageFacts:
    """The facts that metadata are made of."""
    return PageFacts(
        json_ld=[
            script.text
            for script in tree.iter("script")
            if "ld+json" in (script.get("type") or "").lower() and script.text
        ],
        meta=_meta(tree),
        title_tag=next(texts(tree, "title"), ""),
        headings=list(texts(tree, "h1")),
        bylines=_bylines(tree),
        language=tree.get("lang") or tree.get(XML_LANGUAGE) or "",
        times=[time for element in tree.iter("time") if (time := element.get("datetime"))],
        figures=list(_figures(tree)),
        canonical=next((link.get("href") or "" for link in CANONICAL(tree)), ""),
    )


def _bylines(tree: html.HtmlElement) -> Iterator[str]:
    """Looked for when they are asked for: most pages tell their authors otherwise."""
    yield from map(words_of, BYLINES(tree))


def _meta(tree: html.HtmlElement) -> dict[str, list[str]]:
    meta: dict[str, list[str]] = {}
    for element in tree.iter("meta"):
        name = element.get("property") or element.get("name") or element.get("itemprop")
        content = element.get("content")
        if name and content:
            meta.setdefault(name.lower(), []).append(content)
    return meta


def captions(facts: PageFacts, metadata: Metadata) -> tuple[str, ...]:
    """The captions of the page, as printed."""
    told = [figure.caption for figure in facts.figures] + [image.caption for image in metadata.images]
    return tuple(dict.fromkeys(told))[:MAX_CAPTIONS]


def alternatives(tree: html.HtmlElement) -> tuple[str, ...]:
    """The alternative texts of the page's pictures."""
    return tuple(dict.fromkeys(alt for element in tree.iter("img") if (alt := element.get("alt"))))[:MAX_CAPTIONS]


def _figures(tree: html.HtmlElement) -> Iterator[Figure]:
    """The figures that have a caption, without those that tease other stories."""
    for figure in tree.iter("figure"):
        caption = next(texts(figure, "figcaption"), "")
        if caption and not any(ancestor.tag in TEASERS for ancestor in figure.iterancestors()):
            yield Figure(next(_sources(figure), None), caption, _marked_credit(figure))


def _marked_credit(figure: html.HtmlElement) -> str:
    """The words that the caption's markup calls the credit."""
    marked = CREDITS(figure)
    return words_of(marked[-1]) if marked else ""


def _sources(figure: html.HtmlElement) -> Iterator[str]:
    for image in figure.iter("img"):
        for name in SOURCES:
            source = image.get(name)
            if source and not source.startswith("data:"):
                yield source
