"""An article as https://schema.org/NewsArticle in JSON-LD, for the article's page."""

import json
from typing import Any

from copydesk_api.formats.selection import modified, picture, published, rfc3339
from copydesk_api.web.links import web_url
from copydesk_shared.messages import ClassifiedArticle

# What could end the script element, or begin a comment in it, where the JSON stands in a page.
IN_SCRIPT = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def news_article(article: ClassifiedArticle, base_url: str) -> dict[str, Any]:
    """The object: where the text comes from, by whom, when, and what it is about. Not the text itself."""
    source = web_url(article.canonical_url)
    found = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "@id": f"{base_url}/articles/{article.article_id}",
        "headline": article.title or None,
        "url": source,
        "isBasedOn": source,
        "datePublished": rfc3339(published(article)),
        "dateModified": rfc3339(modified(article)),
        "author": [{"@type": "Person", "name": name} for name in article.authors] or None,
        "publisher": {"@type": "Organization", "name": article.source.name, "url": f"https://{article.source.domain}/"},
        "image": picture(article),
        "inLanguage": article.language,
        "articleSection": article.section or None,
        "keywords": [tag.label for tag in article.tags] or None,
        "wordCount": article.word_count,
        "isAccessibleForFree": article.access == "full" or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def for_script(value: dict[str, Any]) -> str:
    """The JSON as it may stand in a ``script`` element of a page (HTML, "Restrictions for contents of script")."""
    return json.dumps(value, ensure_ascii=False).translate(IN_SCRIPT)
