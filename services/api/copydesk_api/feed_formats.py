"""The list of articles as a feed for feed readers: JSON Feed 1.1, https://www.jsonfeed.org/version/1.1/."""

from collections.abc import Iterable
from typing import Any

from copydesk_api.web.links import web_url
from copydesk_shared.messages import ClassifiedArticle

JSON_FEED_TYPE = "application/feed+json"
JSON_FEED_VERSION = "https://jsonfeed.org/version/1.1"


def json_feed(
    articles: Iterable[ClassifiedArticle], *, base_url: str, feed_url: str, next_url: str | None
) -> dict[str, Any]:
    """The feed. The addresses are absolute."""
    feed = {
        "version": JSON_FEED_VERSION,
        "title": "Copydesk",
        "description": "Cleaned and tagged articles.",
        "home_page_url": f"{base_url}/",
        "feed_url": feed_url,
        "next_url": next_url,
        "items": [_item(article, base_url) for article in articles],
    }
    return _without_nothing(feed)


def _item(article: ClassifiedArticle, base_url: str) -> dict[str, Any]:
    pictures = (web_url(image.url) for image in article.images)
    item = {
        "id": article.article_id,
        "url": web_url(article.canonical_url) or f"{base_url}/articles/{article.article_id}",
        "title": article.title or None,
        "content_text": article.text,
        "image": next(filter(None, pictures), None),
        "date_published": _time(article.published_at or article.fetched_at),
        "date_modified": _time(article.modified_at),
        "authors": [{"name": name} for name in article.authors] or None,
        "tags": [tag.tag for tag in article.tags] or None,
        "language": article.language,
        "_copydesk": {
            "about": f"{base_url}/docs",
            "article_id": article.article_id,
            "revision": article.revision,
            "source": article.source.model_dump(),
            "tags": [tag.model_dump(mode="json") for tag in article.tags],
        },
    }
    return _without_nothing(item)


def _time(value: Any) -> str | None:
    return None if value is None else value.isoformat().replace("+00:00", "Z")


def _without_nothing(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
