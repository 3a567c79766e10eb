"""The list of articles as Atom: RFC 4287, pages of it linked as in RFC 5005, the hub as in WebSub."""

from copydesk_api.formats.selection import NAME, Selection, as_html, modified, newest, published, rfc3339
from copydesk_api.formats.xml import XmlWriter
from copydesk_shared.messages import ClassifiedArticle

ATOM_TYPE = "application/atom+xml"
NAMESPACE = "http://www.w3.org/2005/Atom"


def atom(selection: Selection) -> bytes:
    """The feed."""
    xml = XmlWriter()
    with xml.inside("feed", {"xmlns": NAMESPACE}):
        xml.add("id", selection.feed_url)
        xml.add("title", selection.title)
        xml.add("updated", rfc3339(newest(selection.articles)))
        with xml.inside("author"):
            xml.add("name", NAME)
        xml.add("generator", NAME)
        xml.add("link", None, rel="self", type=ATOM_TYPE, href=selection.feed_url)
        xml.add("link", None, rel="alternate", type="text/html", href=selection.home_url)
        for rel, href in (("next", selection.next_url), ("hub", selection.hub_url)):
            if href:
                xml.add("link", None, rel=rel, href=href)
        for article in selection.articles:
            _entry(xml, selection, article)
    return xml.document()


def _entry(xml: XmlWriter, selection: Selection, article: ClassifiedArticle) -> None:
    with xml.inside("entry", {"xml:lang": article.language} if article.language else None):
        xml.add("id", selection.link(article))
        xml.add("title", article.title or article.source.name or article.article_id)
        xml.add("link", None, rel="alternate", type="text/html", href=selection.link(article))
        xml.add("link", None, rel="related", type="text/html", href=selection.page_url(article))
        xml.add("published", rfc3339(published(article)))
        xml.add("updated", rfc3339(modified(article)))
        for name in article.authors or (article.source.name or article.source.domain,):
            with xml.inside("author"):
                xml.add("name", name)
        for tag in article.tags:
            xml.add("category", None, term=tag.tag, label=tag.label)
        xml.add("content", as_html(article), type="html")
