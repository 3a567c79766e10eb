"""What a tree tells of the story besides its text: meta tags, JSON-LD, figures, links and headings."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from lxml import etree, html

from copydesk_cleaner.extraction.tree import texts, words_of
from copydesk_cleaner.metadata import Figure, Metadata, PageFacts

MAX_CAPTIONS = 300
MAX_LOWER_HEADINGS = 40
BYLINES = etree.XPath("//*[@rel='author' or @itemprop='author']")
STATING = ("script", "meta", "title", "h1", "time", "link")
XML_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


def read_facts(tree: html.HtmlElement, figures: Sequence[Figure]) -> PageFacts:
    """The facts that metadata are made of."""
    found: dict[str, list[html.HtmlElement]] = {tag: [] for tag in STATING}
    for element in tree.iter(*STATING):
        found[element.tag].append(element)
    return PageFacts(
        json_ld=[
            script.text for script in found["script"] if "ld+json" in (script.get("type") or "").lower() and script.text
        ],
        meta=_meta(found["meta"]),
        title_tag=next(filter(None, map(words_of, found["title"])), ""),
        headings=list(filter(None, map(words_of, found["h1"]))),
        lower_headings=list(islice(texts(tree, "h2", "h3"), MAX_LOWER_HEADINGS)),
        bylines=_bylines(tree),
        language=tree.get("lang") or tree.get(XML_LANGUAGE) or "",
        times=[time for element in found["time"] if (time := element.get("datetime"))],
        figures=figures,
        canonical=next((link.get("href") or "" for link in found["link"] if _is_canonical(link)), ""),
    )


def _is_canonical(link: html.HtmlElement) -> bool:
    return "canonical" in (link.get("rel") or "").split()


def _bylines(tree: html.HtmlElement) -> Iterator[str]:
    """Looked for when they are asked for: most pages tell their authors otherwise."""
    yield from map(words_of, BYLINES(tree))


def _meta(elements: Iterable[html.HtmlElement]) -> dict[str, list[str]]:
    meta: dict[str, list[str]] = {}
    for element in elements:
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
