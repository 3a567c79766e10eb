"""The list of articles as a feed for feed readers: JSON Feed 1.1, https://www.jsonfeed.org/version/1.1/."""

from typing import Any

from copydesk_api.formats.selection import Selection, picture, published, rfc3339
from copydesk_shared.messages import ClassifiedArticle

JSON_FEED_TYPE = "application/feed+json"
JSON_FEED_VERSION = "https://jsonfeed.org/version/1.1"


def json_feed(selection: Selection) -> dict[str, Any]:
    """The feed."""
    feed = {
        "version": JSON_FEED_VERSION,
        "title": selection.title,
        "description": "Cleaned and tagged articles.",
        "home_page_url": selection.home_url,
        "feed_url": selection.feed_url,
        "next_url": selection.next_url,
        "hubs": [{"type": "WebSub", "url": selection.hub_url}] if selection.hub_url else None,
        "items": [_item(article, selection) for article in selection.articles],
    }
    return _without_nothing(feed)


def _item(article: ClassifiedArticle, selection: Selection) -> dict[str, Any]:
    item = {
        "id": article.article_id,
        "url": selection.link(article),
        "title": article.title or None,
        "content_text": article.text,
        "image": picture(article),
        "date_published": rfc3339(published(article)),
        "date_modified": rfc3339(article.modified_at) if article.modified_at else None,
        "authors": [{"name": name} for name in article.authors] or None,
        "tags": [tag.tag for tag in article.tags] or None,
        "language": article.language,
        "_copydesk": {
            "about": f"{selection.base_url}/docs",
            "article_id": article.article_id,
            "revision": article.revision,
            "source": article.source.model_dump(),
            "tags": [tag.model_dump(mode="json") for tag in article.tags],
        },
    }
    return _without_nothing(item)


def _without_nothing(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
