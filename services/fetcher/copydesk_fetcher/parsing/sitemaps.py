"""Sitemaps (sitemaps.org 0.9) and their indexes as XML and as text, with the Google News extension.

Elements are told by their local names and by where they stand, so that a wrong namespace, or none, does no harm, and
the ``loc`` of a picture is not that of its page. An index gives :class:`Child`, a sitemap :class:`ParsedEntry`.
"""

import html.entities
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import TypeVar
from xml.parsers import expat

from copydesk_fetcher.parsing.dates import read_date
from copydesk_fetcher.parsing.model import (
    TITLE_LIMIT,
    Child,
    Document,
    NotAFeed,
    ParsedEntry,
    ParsedFeed,
    fingerprint,
    one_line,
    plausible,
    unique,
)
from copydesk_shared.identity import short_digest
from copydesk_shared.text import plain_text, scrubbed
from copydesk_shared.urls import URL_LIMIT, plain_url

ITEMS_LIMIT = 50_000  # what the protocol allows in one file
CHILDREN_LIMIT = 1_000
DEPTH_LIMIT = 32
FIELD_CHARACTERS = URL_LIMIT + 1
START_BYTES = 65_536
GENERATED_ITEMS = 5
MENDED_AMPERSANDS = 500_000

ROOTS = frozenset(("urlset", "sitemapindex", "sitemaps", "sitemap", "urls", "url"))
ITEMS = frozenset(("url", "sitemap"))
# What is read, by its place within the item.
FIELDS: Mapping[tuple[str, ...], str] = {
    ("loc",): "loc",
    ("lastmod",): "lastmod",
    ("news", "title"): "title",
    ("news", "publication_date"): "published",
    ("news", "publication", "name"): "publication",
}
CUT_OFF = ("no element found", "unclosed token", "more than")
# Ampersands that expat refuses and readers forgive. Character data sections mean what they say.
STRAY = re.compile(
    rb"<!\[CDATA\[(?:.*?\]\]>|.*)|&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)(?:([a-zA-Z][a-zA-Z0-9]{1,31};))?",
    re.DOTALL,
)
LINE = re.compile(r"https?://\S+\s*", re.IGNORECASE)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Item:
    """A ``url`` or ``sitemap`` element: the texts of its fields."""

    kind: str
    texts: Mapping[str, str]

    def date(self, name: str, now: datetime) -> datetime | None:
        return plausible(read_date(self.texts.get(name, "")), now)


@dataclass(frozen=True, slots=True)
class _Page:
    """An item of a sitemap; ``is_exact`` when its update names a time of day."""

    texts: Mapping[str, str]
    published: datetime | None
    updated: datetime | None
    is_exact: bool

    @property
    def newest(self) -> datetime | None:
        return max((at for at in (self.published, self.updated) if at), default=None)


@dataclass
class _Found:
    items: list[_Item] = field(default_factory=list)
    problem: str | None = None


class _Enough(Exception):
    """There are as many items as a file may have."""


class _Handler:
    """Collects items from expat's events."""

    def __init__(self) -> None:
        self.items: list[_Item] = []
        self._path: list[str] = []
        self._item_depth = 0
        self._texts: dict[str, str] = {}
        self._field: str | None = None
        self._parts: list[str] = []
        self._length = 0

    def attach(self, parser: expat.XMLParserType) -> None:
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.EntityDeclHandler = self._entity
        parser.buffer_text = True

    def _start(self, name: str, _: Mapping[str, str]) -> None:
        if len(self._path) >= DEPTH_LIMIT:
            raise NotAFeed(f"elements nested more than {DEPTH_LIMIT} deep")
        local = name.rpartition(":")[2].lower()
        self._path.append(local)
        if self._item_depth:
            self._field = FIELDS.get(tuple(self._path[self._item_depth :]))
            self._parts, self._length = [], 0
        elif local in ITEMS:
            self._item_depth, self._texts = len(self._path), {}

    def _text(self, text: str) -> None:
        if self._field and self._length < FIELD_CHARACTERS:
            self._parts.append(text[:FIELD_CHARACTERS])
            self._length += len(text)

    def _end(self, _: str) -> None:
        if self._field:
            self._texts.setdefault(self._field, "".join(self._parts).strip())
            self._field = None
        elif len(self._path) == self._item_depth:
            self._finish()
        self._path.pop()

    def _finish(self) -> None:
        if len(self.items) >= ITEMS_LIMIT:
            raise _Enough
        self._item_depth = 0
        if self._texts.get("loc"):
            self.items.append(_Item(self._path[-1], self._texts))

    def _entity(self, *_: object) -> None:
        raise NotAFeed("declares XML entities")


def is_sitemap(document: Document) -> bool:
    """Whether it is an XML sitemap or an index, going by its root element."""
    return document.root in ROOTS


def is_text_sitemap(document: Document) -> bool:
    """Whether the first line is a URL and nothing else."""
    return bool(LINE.fullmatch(document.start.partition("\n")[0]))


def read(document: Document) -> ParsedFeed:
    """What an XML sitemap or an index says.

    Of a broken file comes what can be read, with ``problem``. Raises :class:`NotAFeed`.
    """
    found = _parse(document.body)
    if found.problem and not found.problem.startswith(CUT_OFF) and document.body.count(b"&") <= MENDED_AMPERSANDS:
        mended = _parse(STRAY.sub(_mend, document.body))
        if len(mended.items) > len(found.items):
            found = _Found(mended.items, found.problem)
    if found.problem and not found.items:
        raise NotAFeed(one_line(f"a broken sitemap: {found.problem}"))
    return _feed(found, document)


def read_text(document: Document) -> ParsedFeed:
    """What a text sitemap says: one URL in each line. Raises :class:`NotAFeed` when most lines are none."""
    stream = io.TextIOWrapper(io.BytesIO(document.body), "utf-8", errors="replace")
    lines = [line.strip() for line in islice(stream, ITEMS_LIMIT + 1) if line.strip()]
    items = [_Item("url", {"loc": line}) for line in lines[:ITEMS_LIMIT] if LINE.fullmatch(line)]
    if len(items) * 2 <= len(lines):
        raise NotAFeed("neither a feed nor a list of URLs")
    parsed = _feed(_Found(items, _too_long() if len(lines) > ITEMS_LIMIT else None), document)
    others = len(lines[:ITEMS_LIMIT]) - len(items)
    return ParsedFeed(parsed.entries, skipped=parsed.skipped + others, problem=parsed.problem)


def _too_long() -> str:
    return f"more than {ITEMS_LIMIT} URLs: those behind them were not read"


def _parse(body: bytes) -> _Found:
    parser = expat.ParserCreate("utf-8")
    handler = _Handler()
    handler.attach(parser)
    try:
        # In two steps because expat goes on to the end of what it was given when a handler has raised: a declaration of
        # entities stands at the beginning, and what is behind it is not to be expanded. No more steps, because expat
        # reads an endless token again with each.
        parser.Parse(body[:START_BYTES], False)
        parser.Parse(body[START_BYTES:], True)
    except _Enough:
        return _Found(handler.items, _too_long())
    except expat.ExpatError as error:
        return _Found(handler.items, str(error))
    return _Found(handler.items)


def _mend(match: re.Match[bytes]) -> bytes:
    if match[0].startswith(b"<"):
        return match[0]
    name = (match[1] or b"").decode("ascii")
    return html.entities.html5.get(name, f"&amp;{name}").encode("utf-8")


def _feed(found: _Found, document: Document) -> ParsedFeed:
    pages = [item for item in found.items if item.kind == "url"]
    indexed = [item for item in found.items if item.kind == "sitemap"]
    entries, bad_entries = _entries(pages, document)
    children, bad_children = _children(indexed, document)
    title = next((item.texts["publication"] for item in pages if item.texts.get("publication")), "")
    return ParsedFeed(
        unique(entries),
        skipped=bad_entries + bad_children,
        problem=one_line(found.problem) if found.problem else None,
        children=tuple(children),
        title=plain_text(title, TITLE_LIMIT),
    )


def _entries(items: Sequence[_Item], document: Document) -> tuple[list[ParsedEntry], int]:
    pages = _without_making([_page(item, document.now) for item in items])
    found = [_entry(page, document.url) for page in keep_newest(pages, lambda page: page.newest, document.limit)]
    entries = [entry for entry in found if entry is not None]
    return entries, len(found) - len(entries)


def _page(item: _Item, now: datetime) -> _Page:
    lastmod = item.texts.get("lastmod", "")
    return _Page(item.texts, item.date("published", now), item.date("lastmod", now), ":" in lastmod)


def _without_making(pages: list[_Page]) -> list[_Page]:
    """The pages without the update that most of them claim: that is the file's making, which says nothing of them."""
    made = made_at([page.updated for page in pages if page.is_exact])
    return [replace(page, updated=None) if made and page.updated == made else page for page in pages]


def made_at(times: Sequence[datetime | None]) -> datetime | None:
    """The time that most of at least five have, if there is one."""
    counted = Counter(at for at in times if at is not None)
    at, count = counted.most_common(1)[0] if counted else (None, 0)
    return at if len(times) >= GENERATED_ITEMS and count * 2 > len(times) else None


def _entry(page: _Page, base: str) -> ParsedEntry | None:
    url = _url(page.texts["loc"], base)
    if url is None:
        return None
    title = plain_text(page.texts.get("title", ""), TITLE_LIMIT)
    # A day alone makes no revision: it cannot be told from that of the file's making.
    says = fingerprint(title, page.updated if page.is_exact else None, str(page.published))
    return ParsedEntry(
        key=short_digest(url), url=url, title=title, summary="", authors=(), published_at=page.published,
        updated_at=page.updated, content="", content_type="text/html", is_full=False, fingerprint=says,
    )  # fmt: skip


def _children(items: Sequence[_Item], document: Document) -> tuple[list[Child], int]:
    dated = [(item, item.date("lastmod", document.now)) for item in items]
    chosen = keep_newest(dated, lambda pair: pair[1], CHILDREN_LIMIT)
    children: dict[str, Child] = {}
    skipped = 0
    for item, changed in chosen:
        url = _url(item.texts["loc"], document.url)
        if url is None:
            skipped += 1
        else:
            children.setdefault(url, Child(url, changed))
    return list(children.values()), skipped


def _url(text: str, base: str) -> str | None:
    try:
        return plain_url("".join(scrubbed(text).split("\n")), base)
    except ValueError:
        return None


def keep_newest(items: Iterable[T], date: Callable[[T], datetime | None], limit: int) -> list[T]:
    """At most ``limit`` of the items, newest first, then those without a date in their order.

    Where there are too many of these, the first and the last: nobody says at which end the new ones are put.
    """
    dated: list[tuple[datetime, T]] = []
    undated: list[T] = []
    for item in items:
        at = date(item)
        dated.append((at, item)) if at else undated.append(item)
    newest = [item for _, item in sorted(dated, key=lambda pair: pair[0], reverse=True)[:limit]]
    return newest + ends(undated, limit - len(newest))


def ends(items: Sequence[T], room: int) -> list[T]:
    """At most ``room`` items from both ends."""
    if len(items) <= room:
        return list(items)
    return [*items[: (room + 1) // 2], *items[len(items) - room // 2 :]]
