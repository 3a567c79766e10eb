"""What all feeds have in common."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit

from copydesk_api.web.links import web_url
from copydesk_shared.messages import ClassifiedArticle

NAME = "Copydesk"
# Characters that XML 1.0 (section 2.2) cannot hold in any form.
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Selection:
    """A page of the articles that a filter finds, newest first. All addresses are absolute."""

    articles: Sequence[ClassifiedArticle]
    base_url: str
    feed_url: str
    """Where this page is."""
    next_url: str | None = None
    """Where older articles are (RFC 5005 section 3)."""
    hub_url: str | None = None
    """The WebSub hub that pushes this feed."""
    subject: str = ""
    """The filter in words."""

    @property
    def title(self) -> str:
        """The name of the feed, with the filter."""
        return f"{NAME}: {self.subject}" if self.subject else NAME

    @property
    def home_url(self) -> str:
        """The page for people that shows the same."""
        asked = parse_qsl(urlsplit(self.feed_url).query)
        kept = urlencode([(name, value) for name, value in asked if name not in ("cursor", "limit")])
        return f"{self.base_url}/{f'?{kept}' if kept else ''}"

    def page_url(self, article: ClassifiedArticle) -> str:
        """Where the article is with us."""
        return f"{self.base_url}/articles/{article.article_id}"

    def link(self, article: ClassifiedArticle) -> str:
        """Where the article is with its publisher, otherwise with us."""
        return web_url(article.canonical_url) or self.page_url(article)


def published(article: ClassifiedArticle) -> datetime:
    """When it was published, or fetched where that is not known: what the list is ordered by."""
    return article.published_at or article.fetched_at


def modified(article: ClassifiedArticle) -> datetime:
    """When it last changed, as far as is known; never before it was published."""
    return max(published(article), article.modified_at or published(article))


def newest(articles: Sequence[ClassifiedArticle]) -> datetime:
    """When the newest of them changed; 1970 where there are none, so that the same feed is the same bytes."""
    return max(map(modified, articles), default=datetime(1970, 1, 1, tzinfo=UTC))


def rfc3339(moment: datetime) -> str:
    """The time in UTC (RFC 3339)."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def picture(article: ClassifiedArticle) -> str | None:
    """The address of the lead picture, if it is one for a browser."""
    candidates = (article.lead_image, *(image.url for image in article.images))
    return next(filter(None, map(web_url, candidates)), None)


def as_html(article: ClassifiedArticle) -> str:
    """The text as HTML: paragraphs and nothing else, so there is nothing in it to sanitise."""
    return "".join(f"<p>{escape(paragraph)}</p>" for paragraph in article.paragraphs)
