"""The feeds of the sample publisher: RSS 2.0, Atom (RFC 4287), and RSS with the full text in ``content:encoded``."""

from collections.abc import Iterable
from datetime import datetime
from email.utils import format_datetime
from xml.etree import ElementTree as ET

from copydesk_standalone.demo.pages import article_url, render_wire
from copydesk_standalone.demo.schedule import Printed

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DUBLIN_CORE = "http://purl.org/dc/elements/1.1/"

for _prefix, _namespace in (("atom", ATOM), ("content", CONTENT), ("dc", DUBLIN_CORE)):
    ET.register_namespace(_prefix, _namespace)


def rss(base_url: str, path: str, title: str, items: Iterable[Printed], changed: datetime, *, full: bool) -> bytes:
    """An RSS 2.0 document; ``full`` adds the text of each article."""
    root = ET.Element("rss", version="2.0")
    channel = ET.SubElement(root, "channel")
    _add(channel, "title", title)
    _add(channel, "link", f"{base_url}/")
    _add(channel, "description", f"{title}, a newspaper that does not exist")
    _add(channel, "language", "en-gb")
    _add(channel, "lastBuildDate", format_datetime(changed, usegmt=True))
    ET.SubElement(channel, f"{{{ATOM}}}link", href=base_url + path, rel="self", type="application/rss+xml")
    for item in items:
        channel.append(_rss_item(base_url, item, full=full))
    return _document(root)


def _rss_item(base_url: str, printed: Printed, *, full: bool) -> ET.Element:
    article = printed.article
    item = ET.Element("item")
    _add(item, "title", article.title)
    # Real feeds count their readers in the link; the page's canonical address is the one without it.
    _add(item, "link", article_url(base_url, article) + ("" if full else "?utm_source=rss&utm_medium=feed"))
    _add(item, "guid", f"tag:harbour-courier.example,2024:{article.slug}", isPermaLink="false")
    _add(item, "pubDate", format_datetime(printed.published, usegmt=True))
    _add(item, f"{{{ATOM}}}updated", _rfc3339(printed.updated))
    for author in article.authors:
        _add(item, f"{{{DUBLIN_CORE}}}creator", author)
    _add(item, "category", article.section)
    _add(item, "description", article.reads_summary(revised=printed.revised))
    if full:
        _add(item, f"{{{CONTENT}}}encoded", render_wire(printed))
    return item


def atom(base_url: str, path: str, title: str, items: Iterable[Printed], changed: datetime) -> bytes:
    """An Atom document."""
    root = ET.Element(f"{{{ATOM}}}feed")
    _add(root, f"{{{ATOM}}}title", title)
    _add(root, f"{{{ATOM}}}id", "tag:harbour-courier.example,2024:latest")
    _add(root, f"{{{ATOM}}}updated", _rfc3339(changed))
    ET.SubElement(root, f"{{{ATOM}}}link", href=f"{base_url}/")
    ET.SubElement(root, f"{{{ATOM}}}link", href=base_url + path, rel="self", type="application/atom+xml")
    for item in items:
        root.append(_atom_entry(base_url, item))
    return _document(root)


def _atom_entry(base_url: str, printed: Printed) -> ET.Element:
    article = printed.article
    entry = ET.Element(f"{{{ATOM}}}entry")
    _add(entry, f"{{{ATOM}}}title", article.title)
    _add(entry, f"{{{ATOM}}}id", f"tag:harbour-courier.example,2024:{article.slug}")
    ET.SubElement(entry, f"{{{ATOM}}}link", href=article_url(base_url, article), rel="alternate", type="text/html")
    _add(entry, f"{{{ATOM}}}published", _rfc3339(printed.published))
    _add(entry, f"{{{ATOM}}}updated", _rfc3339(printed.updated))
    for author in article.authors:
        _add(ET.SubElement(entry, f"{{{ATOM}}}author"), f"{{{ATOM}}}name", author)
    ET.SubElement(entry, f"{{{ATOM}}}category", term=article.section)
    _add(entry, f"{{{ATOM}}}summary", article.reads_summary(revised=printed.revised))
    return entry


def _add(parent: ET.Element, name: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, name, attributes).text = text


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _document(root: ET.Element) -> bytes:
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document
