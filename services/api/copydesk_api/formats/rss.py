"""The list of articles as RSS 2.0, https://www.rssboard.org/rss-specification, by the advice of its profile."""

from datetime import UTC, datetime
from email.utils import format_datetime

from copydesk_api.formats.selection import NAME, Selection, as_html, modified, newest, picture, published, rfc3339
from copydesk_api.formats.xml import XmlWriter
from copydesk_shared.messages import ClassifiedArticle

RSS_TYPE = "application/rss+xml"
NAMESPACES = {
    "version": "2.0",
    "xmlns:atom": "http://www.w3.org/2005/Atom",
    "xmlns:content": "http://purl.org/rss/1.0/modules/content/",
    "xmlns:dc": "http://purl.org/dc/elements/1.1/",
    "xmlns:dcterms": "http://purl.org/dc/terms/",
    "xmlns:media": "http://search.yahoo.com/mrss/",
}
LEAD_PARAGRAPHS = 1


def rss(selection: Selection) -> bytes:
    """The feed."""
    xml = XmlWriter()
    with xml.inside("rss", NAMESPACES), xml.inside("channel"):
        xml.add("title", selection.title)
        xml.add("link", selection.home_url)
        xml.add("description", "Cleaned and tagged articles.")
        xml.add("generator", NAME)
        xml.add("lastBuildDate", _rfc822(newest(selection.articles)))
        xml.add("docs", "https://www.rssboard.org/rss-specification")
        xml.add("atom:link", None, rel="self", type=RSS_TYPE, href=selection.feed_url)
        for rel, href in (("next", selection.next_url), ("hub", selection.hub_url)):
            if href:
                xml.add("atom:link", None, rel=rel, href=href)
        for article in selection.articles:
            _item(xml, selection, article)
    return xml.document()


def _item(xml: XmlWriter, selection: Selection, article: ClassifiedArticle) -> None:
    html = as_html(article)
    with xml.inside("item"):
        xml.add("title", article.title or article.source.name or article.article_id)
        xml.add("link", selection.link(article))
        xml.add("guid", article.article_id, isPermaLink="false")
        xml.add("pubDate", _rfc822(published(article)))
        xml.add("dcterms:modified", rfc3339(modified(article)))
        for name in article.authors:
            xml.add("dc:creator", name)
        xml.add("dc:publisher", article.source.name or article.source.domain)
        xml.add("dc:language", article.language)
        for tag in article.tags:
            xml.add("category", tag.tag)
        xml.add("description", " ".join(article.paragraphs[:LEAD_PARAGRAPHS]))
        xml.add("content:encoded", html)
        image = picture(article)
        if image:
            xml.add("media:content", None, url=image, medium="image")


def _rfc822(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)
