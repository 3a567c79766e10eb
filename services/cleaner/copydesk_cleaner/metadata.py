"""Title, authors, dates and pictures from what a page says of itself: JSON-LD, OpenGraph, meta tags. Pure.

Vocabularies: https://schema.org/NewsArticle, https://ogp.me, and the meta names that publishers use.
"""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin

from copydesk_cleaner.captions import split_caption
from copydesk_cleaner.text import key, normalise
from copydesk_shared.messages import Image

MAX_JSON_LD = 512 * 1024
MAX_NODES = 500
MAX_IMAGES = 40
MAX_AUTHOR = 60
MAX_AUTHORS = 12
MAX_TITLE = 300
OLDEST = datetime(1990, 1, 1, tzinfo=UTC)
CLOCK_SKEW = timedelta(days=1)

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
ARTICLE_TYPES = ("Article", "Posting", "Report", "Review", "Story")

LANGUAGE = re.compile(r"[a-z]{2,3}(?=$|[-_])")
BYLINE_LEAD = re.compile(r"^(?:by|von|par|por|di)\s+", re.IGNORECASE)
AUTHOR_SEPARATOR = re.compile(r"\s*(?:,|;|\||\band\b|\bund\b|&)\s*")
TITLE_SEPARATOR = re.compile(r"\s+[|–—·»-]\s+")


@dataclass(frozen=True)
class Figure:
    """A ``figure`` element: the picture's address as written and the words of its caption.

    ``credit`` is the end of the caption that the page itself marks as the credit.
    """

    url: str | None
    caption: str
    credit: str = ""


@dataclass(frozen=True)
class PageFacts:
    """What the extractor read from the tree. ``meta`` maps lower-case names to contents in page order."""

    json_ld: Sequence[str] = ()
    meta: Mapping[str, Sequence[str]] = field(default_factory=dict)
    title_tag: str = ""
    headings: Sequence[str] = ()
    bylines: Sequence[str] = ()
    language: str = ""
    times: Sequence[str] = ()
    figures: Sequence[Figure] = ()


@dataclass(frozen=True)
class Metadata:
    """The fields of an article that do not come from its text; empty or ``None`` where the page says nothing.

    ``titles`` are all the titles that the page gives itself, best first.
    """

    title: str = ""
    titles: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    modified_at: datetime | None = None
    language: str | None = None
    images: tuple[Image, ...] = ()
    paywalled: bool = False


def parse_date(value: object, now: datetime) -> datetime | None:
    """An aware time in UTC from ISO 8601 or RFC 5322 text; ``None`` for nonsense and for the future.

    A time without a zone is taken as UTC. A day of grace covers publishers whose zone is wrong.
    """
    if not isinstance(value, str) or not value.strip():
        return None
    parsed = _parse(value.strip())
    if parsed is None:
        return None
    try:
        aware = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return aware if OLDEST <= aware <= now + CLOCK_SKEW else None


def _parse(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def primary_language(value: str) -> str | None:
    """The primary subtag of a language tag (BCP 47), in small letters: ``en`` of ``en-GB``."""
    match = LANGUAGE.match(value.strip().lower())
    return match.group() if match and match.group() != "und" else None


def json_ld_nodes(scripts: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Every object in the JSON-LD of a page, outer ones first; what cannot be read is passed over."""
    queue: list[Any] = []
    for script in scripts:
        if len(script) <= MAX_JSON_LD:
            try:
                queue.append(json.loads(script.strip().removeprefix("<!--").removesuffix("-->"), strict=False))
            except (ValueError, RecursionError):
                continue
    for _ in range(MAX_NODES):
        if not queue:
            return
        item = queue.pop(0)
        if isinstance(item, list):
            queue += item
        elif isinstance(item, dict):
            yield item
            queue += [item[name] for name in ("@graph", "mainEntity", "mainEntityOfPage") if name in item]


def _is_article(node: Mapping[str, Any]) -> bool:
    types = node.get("@type")
    names = types if isinstance(types, list) else [types]
    return any(isinstance(name, str) and name.endswith(ARTICLE_TYPES) for name in names)


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    if isinstance(value, dict):
        return _strings(value.get("name"))
    return []


def _first(node: Mapping[str, Any], *names: str) -> str:
    return next((text for name in names for text in _strings(node.get(name)) if text.strip()), "")


def _one_line(text: str) -> str:
    return normalise(text).replace("\n", " ")


def clean_authors(names: Sequence[str], site: str) -> tuple[str, ...]:
    """The names of people or desks, without "By", addresses and the site's own name."""
    parts = [part for name in names for part in AUTHOR_SEPARATOR.split(BYLINE_LEAD.sub("", _one_line(name)))]
    kept = [
        part
        for part in parts
        if part
        and len(part) <= MAX_AUTHOR
        and "://" not in part
        and not part.startswith("@")
        and key(part) != key(site)
    ]
    return tuple({key(part): part for part in reversed(kept)}.values())[::-1][:MAX_AUTHORS]


def _titles(node: Mapping[str, Any], facts: PageFacts) -> tuple[str, ...]:
    tag = TITLE_SEPARATOR.split(_one_line(facts.title_tag))[0]
    candidates = [_first(node, "headline"), *_meta(facts, TITLE_META), *facts.headings[:2], tag, _first(node, "name")]
    return tuple(dict.fromkeys(line[:MAX_TITLE] for line in map(_one_line, candidates) if line))


def _meta(facts: PageFacts, names: Sequence[str]) -> list[str]:
    return [value for name in names for value in facts.meta.get(name, ()) if value.strip()]


def _dates(
    node: Mapping[str, Any], name: str, facts: PageFacts, metas: Sequence[str], now: datetime
) -> datetime | None:
    values = [_first(node, name), *_meta(facts, metas), *(facts.times if name == "datePublished" else ())]
    return next((date for value in values if (date := parse_date(value, now))), None)


def _json_ld_images(node: Mapping[str, Any]) -> Iterator[Figure]:
    images = node.get("image")
    for image in images if isinstance(images, list) else [images]:
        if isinstance(image, str):
            yield Figure(image, "")
        elif isinstance(image, dict):
            yield Figure(_first(image, "url", "contentUrl") or None, _first(image, "caption", "description"))


def _images(node: Mapping[str, Any], facts: PageFacts, url: str) -> tuple[Image, ...]:
    """The pictures with a caption first, then those that only have an address; each once."""
    figures = [*facts.figures, *_json_ld_images(node), *(Figure(value, "") for value in _meta(facts, ("og:image",)))]
    found: dict[str, Image] = {}
    for figure in sorted(figures, key=lambda figure: not figure.caption):
        address = absolute(url, figure.url)
        image = split_caption(figure.caption, figure.credit).model_copy(update={"url": address})
        name = key(image.caption) or address or ""
        if name and name not in found and not (not image.caption and _has_address(found, address)):
            found[name] = image
    return tuple(found.values())[:MAX_IMAGES]


def _has_address(found: Mapping[str, Image], address: str | None) -> bool:
    return any(image.url == address for image in found.values())


def absolute(base: str, address: str | None) -> str | None:
    """The absolute http(s) address, or ``None``."""
    if not address or base.startswith("urn:"):
        base = ""
    try:
        joined = urljoin(base, (address or "").strip())
    except ValueError:
        return None
    return joined if joined.startswith(("http://", "https://")) else None


def read_metadata(facts: PageFacts, url: str, now: datetime) -> Metadata:
    """What the page says of itself. ``now`` is when it was fetched; no date may be after it."""
    nodes = list(json_ld_nodes(facts.json_ld))
    node: Mapping[str, Any] = next((each for each in nodes if _is_article(each)), {})
    site = next(iter(_meta(facts, SITE_META)), "")
    said = (_strings(node.get("author")), _meta(facts, AUTHOR_META), facts.bylines)
    authors = next((names for each in said if (names := clean_authors(each, site))), ())
    language = facts.language or _first(node, "inLanguage") or next(iter(_meta(facts, ("og:locale", "language"))), "")
    titles = _titles(node, facts)
    return Metadata(
        title=titles[0] if titles else "",
        titles=titles,
        authors=authors,
        published_at=_dates(node, "datePublished", facts, PUBLISHED_META, now),
        modified_at=_dates(node, "dateModified", facts, MODIFIED_META, now),
        language=primary_language(language),
        images=_images(node, facts, url),
        paywalled=str(node.get("isAccessibleForFree", "")).lower() == "false",
    )
