"""From a page to plain text and what is known about it. The only module that knows HTML, lxml and trafilatura.

HTML is parsed once. trafilatura runs in its fast mode and again in its default mode only where the result is short or
covers little of the page. A fragment (the full text of a feed) is taken as it is, block by block.
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from html import unescape

import trafilatura
from lxml import etree, html
from trafilatura.deduplication import Simhash

from copydesk_cleaner.headlines import MIN_LINK_WORDS, with_words
from copydesk_cleaner.metadata import Figure, Metadata, PageFacts, parse_date, read_metadata
from copydesk_cleaner.people import clean_authors
from copydesk_cleaner.text import normalise
from copydesk_shared.errors import DeadLetterReason, Poison
from copydesk_shared.messages import Page

NOTHING_KNOWN = Metadata()

MAX_CHARACTERS = 4_000_000
MAX_TEXT_CHARACTERS = 1_000_000
MAX_ELEMENTS = 60_000
MAX_RERUN_ELEMENTS = 15_000
SHORT_TEXT = 600
MAX_CAPTIONS = 300
LONG_PARAGRAPH = 60
COVERED_SHARE = 0.6

CONTROLS = bytes({*range(0x20), 0x7F} - set(b"\t\n\r\f"))  # libxml2 stops at some of them
DOCUMENT = re.compile(r"<(?:!doctype|html|head|body)\b", re.IGNORECASE)
NOT_CONTENT = (
    "script",
    "style",
    "template",
    "svg",
    "noscript",
    "iframe",
    "form",
    "button",
    "nav",
    "aside",
    "figure",
    "head",
)
BLOCKS = frozenset(
    "address article blockquote br center dd details div dl dt h1 h2 h3 h4 h5 h6 header hr li main ol p pre section "
    "summary table tr ul".split()
)
PRINTED = "//text()[not(parent::script or parent::style or parent::noscript or parent::iframe)][contains(., '&')]"
# trafilatura's last resort takes any list for text. A navigation with a long paragraph was never closed.
NAVIGATION = (
    f"//*[self::nav or @role='navigation'][not(.//p[string-length(normalize-space()) > {LONG_PARAGRAPH}])]"
    "[not(.//article or .//main)]"
)
CELLS = frozenset({"td", "th"})
TEASERS = frozenset({"a", "aside", "nav", "footer"})
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")

# The first of January written out, in figures or with the name of the month in the commoner languages.
_JANUARY = r"(?:jan|jän|janv|ene|gen|sty|янв|січ)\w{0,8}\.?"
NEW_YEAR = re.compile(
    r"(?<!\d)(?:(?P<year>\d{4})(?P<mark>[-/.]?)0?1(?P=mark)0?1(?!\d)|(?:0?1[-/.] ?0?1[-/.] ?"
    rf"|0?1(?:st|er|º|\.)?\s(?:de\s)?{_JANUARY},?\s(?:de\s)?)(?P<last>\d{{4}}))"
    rf"|\b{_JANUARY}\s0?1(?:st)?,?\s(?P<after>\d{{4}})",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Extracted:
    """A page's text, normalised, and what was learnt on the way.

    ``captions`` and ``alternatives`` (of pictures) are as printed; ``links`` and ``headings`` are keys of their words.
    """

    text: str
    metadata: Metadata = NOTHING_KNOWN
    captions: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    links: frozenset[str] = frozenset()
    headings: frozenset[str] = frozenset()


def extract(page: Page) -> Extracted:
    """The text and metadata of a page. Raises :class:`Poison` when it is too large to be an article."""
    if len(page.content) > MAX_CHARACTERS:
        raise Poison(f"page of {len(page.content)} characters, at most {MAX_CHARACTERS}", DeadLetterReason.TOO_LARGE)
    if page.content_type == "text/plain":
        return _sized(Extracted(normalise(page.content)))
    tree = _parse(page.content)
    if tree is None:
        return Extracted("")
    facts = _facts(tree)
    metadata = read_metadata(facts, page.url, page.fetched_at)
    fragment = DOCUMENT.search(page.content) is None
    text = normalise(_blocks(tree) if fragment else _body(tree))
    if not fragment and text:
        metadata = _completed(metadata, tree, page)
    return _sized(
        Extracted(
            text=text,
            metadata=metadata,
            captions=_captions(facts, metadata),
            alternatives=tuple(dict.fromkeys(alt for element in tree.iter("img") if (alt := element.get("alt"))))[
                :MAX_CAPTIONS
            ],
            links=with_words(_texts(tree, "a"), MIN_LINK_WORDS),
            headings=with_words(_texts(tree, *HEADINGS), 1),
        )
    )


def simhash(text: str) -> str:
    """A 64-bit similarity hash (Charikar 2002) as 16 hexadecimal digits: near texts differ in few bits."""
    return f"{Simhash(text).hash:016x}"


def _sized(extracted: Extracted) -> Extracted:
    if len(extracted.text) > MAX_TEXT_CHARACTERS:
        raise Poison(
            f"text of {len(extracted.text)} characters, at most {MAX_TEXT_CHARACTERS}", DeadLetterReason.TOO_LARGE
        )
    return extracted


def _parse(content: str) -> html.HtmlElement | None:
    cleaned = content.encode("utf-8", "replace").translate(None, CONTROLS).strip()
    if not cleaned:
        return None
    parser = html.HTMLParser(encoding="utf-8", collect_ids=False, remove_comments=True, remove_pis=True)
    try:
        tree = html.document_fromstring(cleaned, parser=parser)
    except etree.ParserError:
        return None
    elements = _size(tree)
    if elements > MAX_ELEMENTS:
        raise Poison(f"page of {elements} elements, at most {MAX_ELEMENTS}", DeadLetterReason.TOO_LARGE)
    return tree


def _size(tree: html.HtmlElement) -> int:
    return int(tree.xpath("count(//*)"))


def _words(element: html.HtmlElement) -> str:
    return " ".join(" ".join(element.itertext()).split())


def _texts(tree: html.HtmlElement, *tags: str) -> Iterator[str]:
    return (words for element in tree.iter(*tags) if (words := _words(element)))


def _body(tree: html.HtmlElement) -> str:
    """The article of a page: trafilatura fast, and its default where that seems to have missed something."""
    tree = _escaped(tree)
    fast = _trafilatura(tree, fast=True)
    if not _seems_short(fast, tree) or _size(tree) > MAX_RERUN_ELEMENTS:
        return fast
    return _trafilatura(tree, fast=False) or fast


def _escaped(tree: html.HtmlElement) -> html.HtmlElement:
    """The page with its character references written out once more, since trafilatura unescapes what it returns.

    A copy, and only where words of the page hold a reference.
    """
    if not any(_has_reference(words) for words in tree.xpath(PRINTED)):
        return tree
    tree = deepcopy(tree)
    for words in filter(_has_reference, tree.xpath(PRINTED)):
        setattr(words.getparent(), "tail" if words.is_tail else "text", words.replace("&", "&amp;"))
    return tree


def _has_reference(text: str) -> bool:
    try:
        return "&" in text and unescape(text) != text
    except ValueError:  # a number of thousands of digits
        return True


def _trafilatura(tree: html.HtmlElement, *, fast: bool) -> str:
    document = trafilatura.bare_extraction(
        tree, fast=fast, include_comments=False, with_metadata=False, prune_xpath=NAVIGATION
    )
    text = getattr(document, "text", None)  # None when nothing was found
    return text if isinstance(text, str) else ""


def _seems_short(text: str, tree: html.HtmlElement) -> bool:
    long = sum(len(words) for words in _texts(tree, "p") if len(words) > LONG_PARAGRAPH)
    return len(text) < SHORT_TEXT or len(text) < COVERED_SHARE * long


def _blocks(tree: html.HtmlElement) -> str:
    """All the words of a fragment, a line for each block."""
    parts: list[str] = []
    walker = etree.iterwalk(tree, events=("start", "end"))
    for event, element in walker:
        if event == "start" and element.tag in NOT_CONTENT:
            walker.skip_subtree()
        parts.append("\n" if element.tag in BLOCKS else " " if element.tag in CELLS else "")
        if event == "end":
            parts.append(_flat(element.tail))
        elif element.tag not in NOT_CONTENT:
            parts.append(element.text if element.tag == "pre" and element.text else _flat(element.text))
    return "".join(parts)


def _flat(text: str | None) -> str:
    """Text as a browser shows it: its own line breaks are only blanks."""
    return re.sub(r"\s+", " ", text or "")


def _facts(tree: html.HtmlElement) -> PageFacts:
    meta: dict[str, list[str]] = {}
    for element in tree.iter("meta"):
        name = element.get("property") or element.get("name") or element.get("itemprop")
        if name and element.get("content"):
            meta.setdefault(name.lower(), []).append(element.get("content"))
    return PageFacts(
        json_ld=[
            script.text
            for script in tree.iter("script")
            if script.text and "ld+json" in (script.get("type") or "").lower()
        ],
        meta=meta,
        title_tag=next(_texts(tree, "title"), ""),
        headings=list(_texts(tree, "h1")),
        bylines=[_words(element) for element in tree.xpath("//*[@rel='author' or @itemprop='author']")],
        language=tree.get("lang") or tree.get("{http://www.w3.org/XML/1998/namespace}lang") or "",
        times=[element.get("datetime") for element in tree.iter("time") if element.get("datetime")],
        figures=list(_figures(tree)),
    )


def _figures(tree: html.HtmlElement) -> Iterator[Figure]:
    """The figures that have a caption, without those that tease other stories."""
    for figure in tree.iter("figure"):
        caption = next(_texts(figure, "figcaption"), "")
        if caption and not any(ancestor.tag in TEASERS for ancestor in figure.iterancestors()):
            yield Figure(next(_sources(figure), None), caption, _marked_credit(figure))


def _marked_credit(figure: html.HtmlElement) -> str:
    """The words that the caption's markup calls the credit."""
    marked = figure.xpath(".//figcaption//*[contains(concat(' ', @class, ' '), ' credit ')]")
    return _words(marked[-1]) if marked else ""


def _sources(figure: html.HtmlElement) -> Iterator[str]:
    for image in figure.iter("img"):
        for name in ("src", "data-src", "data-original"):
            source = image.get(name)
            if source and not source.startswith("data:"):
                yield source


def _captions(facts: PageFacts, metadata: Metadata) -> tuple[str, ...]:
    told = [figure.caption for figure in facts.figures] + [image.caption for image in metadata.images]
    return tuple(dict.fromkeys(told))[:MAX_CAPTIONS]


def _completed(metadata: Metadata, tree: html.HtmlElement, page: Page) -> Metadata:
    """The fields still empty, from the feed and then from trafilatura, whose search costs as much as the extraction."""
    metadata = replace(
        metadata,
        title=metadata.title or page.entry_title,
        authors=metadata.authors or page.entry_authors,
        published_at=metadata.published_at or page.entry_published_at,
    )
    if metadata.title and metadata.authors and metadata.published_at:
        return metadata
    # Its extensive search takes any year on the page, of a copyright or a founding, for a date.
    found = trafilatura.extract_metadata(tree, default_url=page.url, extensive=False)
    return replace(
        metadata,
        title=metadata.title or found.title or "",
        authors=metadata.authors or clean_authors([found.author or ""], found.sitename or ""),
        published_at=metadata.published_at or parse_date(_written_date(found.date, tree, page.url), page.fetched_at),
    )


def _written_date(date: str | None, tree: html.HtmlElement, url: str) -> str | None:
    """The date that trafilatura found, unless it is the first of January only for want of a day and a month."""
    if not date or not date.endswith("-01-01"):
        return date
    markup = html.tostring(tree, encoding="unicode")
    years = (match["year"] or match["last"] or match["after"] for match in NEW_YEAR.finditer(f"{url}\n{markup}"))
    return date if date[:4] in years else None
