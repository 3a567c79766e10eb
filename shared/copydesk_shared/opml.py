"""Feeds from OPML and into it (OPML 2.0): how people carry subscriptions from one reader to another. Pure functions."""

import html
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote
from xml.etree import ElementTree as ET

from listparser.opml import OpmlMixin

from copydesk_shared.errors import InputError
from copydesk_shared.feed_charset import decode
from copydesk_shared.feeds import NAME_CHARACTERS, feed_of
from copydesk_shared.messages import Feed
from copydesk_shared.text import counted, plain_text, scrubbed
from copydesk_shared.urls import URL_LIMIT

BYTES_LIMIT = 5 * 1024 * 1024
ELEMENTS_LIMIT = 50_000
DEPTH_LIMIT = 50
WARNINGS_LIMIT = 100
TITLE = "Feeds of Copydesk"

ENTITY = re.compile(r"<!ENTITY", re.IGNORECASE)
OPML = re.compile(r"<(?:[\w.-]{1,40}:)?(?:opml|outline)[\s>/]", re.IGNORECASE)
FEED_SCHEME = re.compile(r"feed:(?://)?(?=https?://)|feed:(?=//)", re.IGNORECASE)
NOT_IN_FILES = re.compile("[\x00-\x20\x7f-\x9f\ufffe\uffff]")
NOT_IN_XML = re.compile("[\ufffe\uffff]")
# What is read of an outline, and how much of it.
ATTRIBUTES: Mapping[str, int] = {
    "text": 1000, "title": 1000, "type": 40, "xmlurl": URL_LIMIT + 1, "htmlurl": URL_LIMIT + 1, "url": URL_LIMIT + 1,
}  # fmt: skip
LISTS = ("link", "include")
FEED_TYPES = frozenset(("rss", "atom", "rdf", "json", "feed"))
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
ADDRESS = re.compile(r"""[\s"']xmlUrl\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+))""", re.IGNORECASE)
END = re.compile(r"</(?:[\w.-]{1,40}:)?opml\s*>|<opml[^<>]*/>", re.IGNORECASE)
# What listparser and the parser below it raise on input that they were not written for.
PARSER_ERRORS = (AssertionError, AttributeError, LookupError, ValueError)


@dataclass(frozen=True, slots=True)
class Imported:
    """The feeds in the order of the file, each once, and what could not be taken, one line each."""

    feeds: tuple[Feed, ...]
    warnings: tuple[str, ...]


class _TooMuch(Exception):
    """More than anybody subscribes to."""


class _Outlines(OpmlMixin):
    """listparser's reader of OPML within bounds: its work grows with the square of depth, categories and repeats."""

    def __init__(self) -> None:
        super().__init__()
        self.harvest.update({"feeds": [], "lists": [], "opportunities": [], "meta": {}, "version": ""})
        self.repeated = 0
        self.addresses: set[str] = set()
        self.nameless: list[str] = []
        self._elements = 0

    def start(self, tag: str, attrs: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > ELEMENTS_LIMIT:
            raise _TooMuch(f"more than {ELEMENTS_LIMIT} elements")
        super().start(tag, attrs)

    def start_opml_outline(self, attrs: dict[str, str]) -> None:
        if len(self.hierarchy) >= DEPTH_LIMIT:
            raise _TooMuch(f"outlines nested more than {DEPTH_LIMIT} deep")
        kept = {name: attrs[name][:limit] for name, limit in ATTRIBUTES.items() if name in attrs}
        if kept.get("htmlurl") and kept.get("type", "").lower() not in LISTS:
            kept.setdefault("xmlurl", "")  # or listparser takes the outline for a folder
        url = kept.get("xmlurl", "").strip()
        self.addresses.add(url)
        is_feed = "xmlurl" in attrs or kept.get("type", "").strip().lower() in FEED_TYPES
        if is_feed and not (url or kept.get("htmlurl", "").strip()) and len(self.nameless) <= WARNINGS_LIMIT:
            self.nameless.append(kept.get("text", "").strip() or kept.get("title", "").strip() or "an outline")
        is_known = url in self.found_urls
        self.repeated += is_known
        super().start_opml_outline({} if is_known else kept)

    def end_opml_outline(self) -> None:
        if self.hierarchy:
            super().end_opml_outline()

    def read(self, text: str) -> str | None:
        """Take what can be read; the answer is where that ended and why, if it was before the end."""
        try:
            self.feed(text)
        except _TooMuch as error:
            return f"line {self.getpos()[0]}: {error}: the rest was not read"
        except PARSER_ERRORS:
            return f"line {self.getpos()[0]}: broken: the rest was not read"
        # The parser keeps back what never ends.
        return f"line {self.getpos()[0]}: a tag without end: the rest was not read" if self.rawdata.strip() else None


def import_opml(content: bytes, name: str) -> Imported:
    """The feeds of an OPML file; ``name`` is what errors call it.

    An outline with an ``xmlUrl`` is a feed, one with nothing but an ``htmlUrl`` a site whose feeds are to be found.
    Folders are passed over. Raises :class:`InputError` where nothing can be read.
    """
    reader = _Outlines()
    text = _text(content, name)
    ended = reader.read(text)
    feeds: dict[str, Feed] = {}
    warnings = [ended] if ended else list(_lost(text, reader.addresses))
    warnings += [f"{_shown(each)}: a feed without a URL" for each in reader.nameless]
    repeated = reader.repeated
    for kind, listed in (("feed", reader.harvest["feeds"]), ("site", reader.harvest["opportunities"])):
        for each in listed:
            try:
                feed = _feed(each["url"], each["title"], is_site=kind == "site")
            except ValueError as error:
                warnings.append(f"{_shown(each['title'] or each['url'])}: {_shown(str(error))}")
                continue
            repeated += feed.feed_id in feeds
            feeds.setdefault(feed.feed_id, feed)
    warnings += [f"{_shown(each['url'])}: a list elsewhere, which is not followed" for each in reader.harvest["lists"]]
    said = counted(repeated, "outline names", "outlines name")
    warnings += [f"{said} a feed that is in the file already"] if repeated else []
    return Imported(tuple(feeds.values()), tuple(_bounded(warnings)))


def _lost(text: str, read: Collection[str]) -> Iterator[str]:
    """What a file that was read to its end has lost all the same: feeds in broken tags, and what was behind its end."""
    for found in ADDRESS.findall(COMMENT.sub("", text)):
        address = html.unescape("".join(found))[: URL_LIMIT + 1].strip()
        if address and address not in read:
            yield f"{_shown(address)}: in a tag that cannot be read"
    if not END.search(text):
        yield "the end is missing, and maybe feeds with it: there is no </opml>"


def _text(content: bytes, name: str) -> str:
    if len(content) > BYTES_LIMIT:
        raise InputError(f"{name}: larger than {BYTES_LIMIT // 1024 // 1024} MiB")
    decoded = decode(content, "")
    if len(decoded.body) > BYTES_LIMIT:
        raise InputError(f"{name}: larger than {BYTES_LIMIT // 1024 // 1024} MiB as UTF-8")
    text = decoded.body.decode("utf-8", "replace")
    if ENTITY.search(text):
        raise InputError(f"{name}: declares XML entities, which no list of feeds needs")
    if not OPML.search(text):
        raise InputError(f"{name}: not OPML: it has no outlines")
    return text


def _feed(url: str, title: str, *, is_site: bool) -> Feed:
    told = {
        "url": FEED_SCHEME.sub(_scheme, url, count=1),
        "name": plain_text(NOT_IN_XML.sub("", title), NAME_CHARACTERS),
        "kind": "site" if is_site else "",
    }
    return feed_of({key: value for key, value in told.items() if value})


def _scheme(match: re.Match[str]) -> str:
    """``feed:https://host`` and ``feed://host`` are what some readers make of links to feeds."""
    return "" if match.string[match.end() :][:1] != "/" else "http:"


def _shown(text: str) -> str:
    return " ".join(scrubbed(text).split())[:200]


def _bounded(warnings: list[str]) -> Iterator[str]:
    yield from warnings[:WARNINGS_LIMIT]
    if len(warnings) > WARNINGS_LIMIT:
        yield f"and {len(warnings) - WARNINGS_LIMIT} more"


def for_a_file(feed: Feed) -> Feed:
    """The same feed without what XML cannot hold and terminals obey; in its URL that is percent-encoded."""
    url = NOT_IN_FILES.sub(lambda match: quote(match[0]), feed.url)
    return feed.model_copy(update={"url": url, "name": NOT_IN_FILES.sub(" ", feed.name)})


def export_opml(feeds: Iterable[Feed], title: str = TITLE) -> str:
    """An OPML 2.0 document of these feeds: their names and URLs. What else they are set to has no place in OPML."""
    root = ET.Element("opml", version="2.0")
    ET.SubElement(ET.SubElement(root, "head"), "title").text = _clean(title)
    body = ET.SubElement(root, "body")
    for feed in feeds:
        name = _clean(feed.name)
        where = {"htmlUrl": feed.url} if feed.kind == "site" else {"type": "rss", "xmlUrl": feed.url}
        ET.SubElement(body, "outline", {"text": name, "title": name, **where})
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _clean(text: str) -> str:
    return NOT_IN_XML.sub("", scrubbed(text))
