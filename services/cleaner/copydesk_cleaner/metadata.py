"""Title, authors, dates and pictures from what a page says of itself: JSON-LD, OpenGraph, meta tags. Pure.

Vocabularies: https://schema.org/NewsArticle, https://ogp.me, and the meta names that publishers use.
"""

# Publishers print curly quotation marks and dashes, and the patterns hold them.

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape
from urllib.parse import urljoin

from copydesk_cleaner.captions import split_caption
from copydesk_cleaner.dates import parse_date
from copydesk_cleaner.json_ld import Node, json_ld_nodes, story_node
from copydesk_cleaner.languages import primary_language
from copydesk_cleaner.page_titles import choose_titles
from copydesk_cleaner.people import clean_authors
from copydesk_cleaner.pictures import completed_by, is_same_picture
from copydesk_cleaner.text import key, normalise
from copydesk_shared.messages import Image

MAX_IMAGES = 40
MAX_KEYWORDS = 40
MAX_KEYWORD = 80
MAX_SITE = 60

TITLE_META = ("og:title", "twitter:title", "dc.title", "parsely-title", "sailthru.title")
AUTHOR_META = (
    "author",
    "article:author",
    "parsely-author",
    "sailthru.author",
    "byl",
    "dc.creator",
    "twitter:creator:name",
)
PUBLISHED_META = (
    "article:published_time",
    "og:article:published_time",
    "datepublished",
    "parsely-pub-date",
    "sailthru.date",
    "dc.date.issued",
    "dc.date",
    "dcterms.created",
    "pubdate",
    "publishdate",
    "publish-date",
    "date",
)
MODIFIED_META = ("article:modified_time", "og:article:modified_time", "og:updated_time", "datemodified", "lastmod")
SITE_META = ("og:site_name", "application-name", "twitter:site")
SECTION_META = ("article:section", "og:article:section", "parsely-section", "section", "sailthru.section")
# The first that says anything counts: the rest repeats it, or is for search engines.
KEYWORD_META = ("article:tag", "news_keywords", "parsely-tags", "sailthru.tags", "keywords", "og:article:tag")
TIER_META = ("article:content_tier", "og:article:content_tier")
LEAD_IMAGE_META = ("og:image:secure_url", "og:image", "og:image:url", "twitter:image", "twitter:image:src")

# https://schema.org/ImageObject
CREDIT_FIELDS = ("creditText", "copyrightHolder", "creator", "author", "copyrightNotice")

IDENTIFIER = re.compile(r"[0-9a-fA-F-]{12,}|\d+")
KEYWORD_SEPARATOR = re.compile(r"\s*[,;|]\s*")


@dataclass(frozen=True)
class Figure:
    """A ``figure`` element: the picture's address as written and the words of its caption.

    ``credit`` is what the page itself marks as the credit, in the caption or beside it.
    """

    url: str | None
    caption: str
    credit: str = ""


@dataclass(frozen=True)
class PageFacts:
    """What the extractor read from the tree. ``meta`` maps lower-case names to contents in page order.

    ``bylines`` can be read once. ``lower_headings`` are the first of the second and third rank. ``canonical`` is the
    address that the page gives itself, as written.
    """

    json_ld: Sequence[str] = ()
    meta: Mapping[str, Sequence[str]] = field(default_factory=dict)
    title_tag: str = ""
    headings: Sequence[str] = ()
    lower_headings: Sequence[str] = ()
    bylines: Iterable[str] = ()
    language: str = ""
    times: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    canonical: str = ""


@dataclass(frozen=True)
class Metadata:
    """The fields of an article that do not come from its text; empty or ``None`` where the page says nothing.

    ``titles`` are all the titles that the page gives itself, best first; ``site`` is what the site calls itself.
    """

    title: str = ""
    titles: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    attribution: tuple[str, ...] = ()
    published_at: datetime | None = None
    modified_at: datetime | None = None
    language: str | None = None
    section: str = ""
    keywords: tuple[str, ...] = ()
    lead_image: str | None = None
    images: tuple[Image, ...] = ()
    paywalled: bool = False
    site: str = ""


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    if isinstance(value, dict):
        return _strings(value.get("name"))
    return []


def _first(node: Node, *names: str) -> str:
    return next((text for name in names for text in _strings(node.get(name)) if text.strip()), "")


def _one_line(text: str) -> str:
    return normalise(text).replace("\n", " ")


def _titles(node: Node, facts: PageFacts, sites: Sequence[str], url: str) -> tuple[str, ...]:
    headlines = [_first(node, "headline"), *_meta(facts, TITLE_META)]
    tags = [facts.title_tag, _first(node, "name")]
    return choose_titles(headlines, facts.headings[:2], tags, sites, url, lower=facts.lower_headings)


def _keywords(node: Node, facts: PageFacts) -> tuple[str, ...]:
    sources = [_strings(node.get("keywords")), *([*facts.meta.get(name, ())] for name in KEYWORD_META)]
    for source in sources:
        parts = [_one_line(part) for text in source for part in KEYWORD_SEPARATOR.split(unescape(text))]
        if found := {key(part): part for part in reversed(parts) if _is_keyword(part)}:
            return tuple(found.values())[::-1][:MAX_KEYWORDS]
    return ()


def _is_keyword(text: str) -> bool:
    return bool(key(text)) and len(text) <= MAX_KEYWORD and not IDENTIFIER.fullmatch(text)


def _section(node: Node, facts: PageFacts) -> str:
    said = (_first(node, "articleSection"), *_meta(facts, SECTION_META))
    return next((line for text in said if (line := _one_line(unescape(text))) and len(line) <= MAX_KEYWORD), "")


def _lead_image(node: Node, facts: PageFacts, url: str) -> str | None:
    said = (*_meta(facts, LEAD_IMAGE_META), *(figure.url for figure in _json_ld_images(node)))
    return next((address for each in said if (address := absolute(url, each))), None)


def _authors(node: Node, nodes: Sequence[Node], facts: PageFacts, site: str) -> tuple[str, ...]:
    by_id = {each["@id"]: each for each in nodes if isinstance(each.get("@id"), str)}
    written = node.get("author")
    people = [_resolved(each, by_id) for each in (written if isinstance(written, list) else [written])]
    said = (_strings(people), _meta(facts, AUTHOR_META), facts.bylines)
    return next((names for each in said if (names := clean_authors(each, site))), ())


def _resolved(person: object, by_id: Mapping[str, Node]) -> object:
    """The node that a reference of JSON-LD means, else what is written."""
    if isinstance(person, dict) and "name" not in person and isinstance(person.get("@id"), str):
        return by_id.get(person["@id"], person)
    return person


def _meta(facts: PageFacts, names: Sequence[str]) -> list[str]:
    return [value for name in names for value in facts.meta.get(name, ()) if value.strip()]


def _dates(node: Node, name: str, facts: PageFacts, metas: Sequence[str], now: datetime) -> datetime | None:
    values = [_first(node, name), *_meta(facts, metas), *(facts.times if name == "datePublished" else ())]
    return next((date for value in values if (date := parse_date(value, now))), None)


def _json_ld_images(node: Node) -> Iterator[Figure]:
    images = node.get("image")
    for image in images if isinstance(images, list) else [images]:
        if isinstance(image, str):
            yield Figure(image, "")
        elif isinstance(image, dict):
            address = _first(image, "url", "contentUrl") or None
            yield Figure(address, _first(image, "caption", "description"), _first(image, *CREDIT_FIELDS))


def _images(node: Node, facts: PageFacts, url: str) -> tuple[Image, ...]:
    """The pictures with a caption first, then those that only have an address; each once."""
    figures = [*facts.figures, *_json_ld_images(node), *(Figure(value, "") for value in _meta(facts, ("og:image",)))]
    found: list[Image] = []
    for figure in sorted(figures, key=lambda figure: not figure.caption):
        image = split_caption(figure.caption, figure.credit).model_copy(update={"url": absolute(url, figure.url)})
        same = next((at for at, each in enumerate(found) if is_same_picture(each, image)), None)
        if same is not None:
            found[same] = completed_by(found[same], image)
        elif image.caption or image.credit or image.url:
            found.append(image)
    return tuple(found)[:MAX_IMAGES]


def absolute(base: str, address: str | None) -> str | None:
    """The absolute http(s) address, or ``None``."""
    if not address or base.startswith("urn:"):
        base = ""
    try:
        joined = urljoin(base, (address or "").strip())
    except ValueError:
        return None
    return joined if joined.startswith(("http://", "https://")) else None


def story_of(nodes: Sequence[Node], facts: PageFacts, url: str) -> Node:
    """The node of JSON-LD that is the story of the page, empty where there is none."""
    addresses = [url, *filter(None, (facts.canonical, *_meta(facts, ("og:url",))))]
    return story_node(nodes, addresses, [*_meta(facts, TITLE_META), *facts.headings, facts.title_tag])


def read_metadata(facts: PageFacts, url: str, now: datetime) -> Metadata:
    """What the page says of itself. ``now`` is when it was fetched; no date may be after it."""
    nodes = list(json_ld_nodes(facts.json_ld))
    node = story_of(nodes, facts, url)
    publisher = node.get("publisher")
    sites = [*_meta(facts, SITE_META), *(_strings(_resolved(publisher, {})) if publisher else ())]
    language = facts.language or _first(node, "inLanguage") or next(iter(_meta(facts, ("og:locale", "language"))), "")
    titles = _titles(node, facts, sites, url)
    return Metadata(
        title=titles[0] if titles else "",
        titles=titles,
        authors=_authors(node, nodes, facts, sites[0] if sites else ""),
        published_at=_dates(node, "datePublished", facts, PUBLISHED_META, now),
        modified_at=_dates(node, "dateModified", facts, MODIFIED_META, now),
        language=primary_language(language),
        section=_section(node, facts),
        keywords=_keywords(node, facts),
        lead_image=_lead_image(node, facts, url),
        images=_images(node, facts, url),
        paywalled=str(node.get("isAccessibleForFree", "")).lower() == "false" or "locked" in _meta(facts, TIER_META),
        site=next((name for each in sites if _is_site_name(name := _one_line(unescape(each)))), ""),
    )


def _is_site_name(text: str) -> bool:
    """Whether this is a name and neither an account nor an address nor a slogan."""
    return bool(key(text)) and len(text) <= MAX_SITE and not text.startswith("@") and "://" not in text
