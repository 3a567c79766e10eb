"""An article as ninjs 3.1, the news format of the IPTC in JSON: https://www.iptc.org/std/ninjs/."""

from typing import Any

from copydesk_api.formats.selection import as_html, modified, published, rfc3339
from copydesk_api.web.links import web_url
from copydesk_shared.messages import ClassifiedArticle, Image
from copydesk_shared.tags import Tag

NINJS_TYPE = "application/ninjs+json"
STANDARD = {"name": "ninjs", "version": "3.1", "schema": "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json"}
MEDIA_TOPIC = "http://cv.iptc.org/newscodes/mediatopic/"
PUBLISHER_ROLE = "http://cv.iptc.org/newscodes/contentprodpartyrole/publisher"


def ninjs(article: ClassifiedArticle, base_url: str) -> dict[str, Any]:
    """The object. ``base_url`` is the absolute address of this service."""
    page = f"{base_url}/articles/{article.article_id}"
    source = web_url(article.canonical_url)
    item = {
        "uri": page,
        "standard": STANDARD,
        "type": "text",
        "representationType": "full",
        "version": str(article.revision),
        "contentCreated": rfc3339(published(article)),
        "versionCreated": rfc3339(max(modified(article), article.fetched_at)),
        "pubStatus": "usable",
        "language": article.language,
        "title": article.title or None,
        "headlines": [{"role": "main", "contentType": "text/plain", "value": article.title}] if article.title else None,
        "by": ", ".join(article.authors) or None,
        "bodies": _bodies(article),
        "subjects": [_subject(tag) for tag in article.tags] or None,
        "infoSources": _sources(article),
        "associations": [_picture(image) for image in article.images if web_url(image.url)] or None,
        "altIds": [{"role": "article_id", "value": article.article_id}, {"role": "source", "value": article.url}],
        "renditions": [{"name": "web", "href": source, "contentType": "text/html"}] if source else None,
        "usageTerms": _usage(article),
    }
    return {name: value for name, value in item.items() if value is not None}


def _bodies(article: ClassifiedArticle) -> list[dict[str, Any]]:
    counts = {"charCount": len(article.text), "wordCount": article.word_count}
    plain = {"role": "main", "contentType": "text/plain", **counts, "value": article.text}
    return [plain, {"role": "main", "contentType": "text/html", **counts, "value": as_html(article)}]


def _subject(tag: Tag) -> dict[str, Any]:
    subject: dict[str, Any] = {"name": tag.label, "rel": "about", "literal": tag.tag, "creator": "Copydesk"}
    if tag.iptc:
        subject["uri"] = MEDIA_TOPIC + tag.iptc[0].removeprefix("medtop:")
    if tag.probability is not None:
        subject["confidence"] = round(100 * tag.probability)
    return subject


def _sources(article: ClassifiedArticle) -> list[dict[str, str]]:
    publisher = {"name": article.source.name, "role": PUBLISHER_ROLE, "literal": article.source.domain}
    return [publisher, *({"name": agency} for agency in article.attribution)]


def _picture(image: Image) -> dict[str, Any]:
    found = {
        "name": "picture",
        "uri": image.url,
        "type": "picture",
        "descriptions": [{"role": "caption", "value": image.caption}] if image.caption else None,
        "by": image.credit or None,
        "renditions": [{"name": "original", "href": image.url}],
    }
    return {name: value for name, value in found.items() if value is not None}


def _usage(article: ClassifiedArticle) -> str | None:
    said = {"robots": article.rights.robots, "text and data mining": article.rights.tdm}
    return "; ".join(f"{name}: {value}" for name, value in said.items() if value) or None
