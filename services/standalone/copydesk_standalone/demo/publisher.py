"""A small newspaper on loopback, for demonstrations and tests: what it answers to each path at each moment."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from importlib.resources import files

from copydesk_standalone.demo import feeds, pages
from copydesk_standalone.demo.article import Article, load_articles
from copydesk_standalone.demo.schedule import Printed, Schedule, last_change

ROBOTS = "User-agent: *\nDisallow: /comments/\nDisallow: /newsletter\n"
ABOUT = (
    "Every person, place and event in this newspaper is invented. It is here so that Copydesk has something to read."
)
HTML = "text/html; charset=utf-8"
RSS = "application/rss+xml; charset=utf-8"
ATOM = "application/atom+xml; charset=utf-8"
PICTURE = re.compile(r"/pictures/(?P<slug>[a-z0-9-]+)-(?P<number>[1-9][0-9]?)\.svg")

FEEDS_YAML = """\
# The bundled sample publisher. Every name in it is invented.
feeds:
  - id: harbour-courier
    url: http://127.0.0.1:{port}/rss.xml
    name: {paper}
    interval: 5s
    content: page
  - id: harbour-courier-more
    url: http://127.0.0.1:{port}/atom.xml
    name: {paper}
    interval: 5s
    content: page
  - id: harbour-wire
    url: http://127.0.0.1:{port}/wire.xml
    name: Harbour Wire
    interval: 5s
    content: feed
"""


def feeds_yaml(port: int) -> str:
    """The text of a ``feeds.yaml`` that reads the sample publisher on this port."""
    return FEEDS_YAML.format(port=port, paper=pages.PAPER)


@dataclass(frozen=True)
class Response:
    """An HTTP response. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class _Found:
    """What a path leads to, before conditions are looked at. ``changed`` is when it last changed."""

    content_type: str
    body: bytes
    changed: datetime


@dataclass(frozen=True)
class Publisher:
    """The newspaper. It keeps no state: what is out follows from the clock, ``started`` and ``every_seconds`` alone.

    ``clock`` returns aware times. Raises :class:`ValueError` when ``every_seconds`` is not above zero.
    """

    clock: Callable[[], datetime]
    started: datetime
    every_seconds: float = 5.0
    base_url: str = "http://127.0.0.1"
    articles: tuple[Article, ...] = field(default_factory=load_articles)

    def __post_init__(self) -> None:
        if not self.every_seconds > 0:
            raise ValueError("every_seconds must be above zero")

    @property
    def schedule(self) -> Schedule:
        # HTTP and RSS dates count in whole seconds; a start between two would date the first batch into the future.
        return Schedule(self.articles, self.started.astimezone(UTC).replace(microsecond=0), self.every_seconds)

    def printed(self) -> tuple[Printed, ...]:
        """What is out now, newest first."""
        return self.schedule.printed(self.clock())

    def respond(self, path: str, headers: Mapping[str, str]) -> Response:
        """The answer to a GET of this path (without the query). ``headers`` has its names in lower case."""
        now = self.clock()
        found = self._find(path, now)
        if found is None:
            body = pages.render_notice(self.base_url, "Page not found", "There is nothing at this address.")
            return Response(HTTPStatus.NOT_FOUND, {"content-type": HTML, "content-length": str(len(body))}, body)
        return _conditional(found, headers, now)

    def _find(self, path: str, now: datetime) -> _Found | None:
        plain = {"/": self._front, "/rss.xml": self._rss, "/atom.xml": self._atom, "/wire.xml": self._wire}
        if path in plain:
            return plain[path](now)
        return self._fixed(path) or self._section(path, now) or self._article(path, now) or self._picture(path, now)

    def _fixed(self, path: str) -> _Found | None:
        since = self.schedule.started
        if path == "/robots.txt":
            return _Found("text/plain; charset=utf-8", ROBOTS.encode(), since)
        if path == "/style.css":
            sheet = files(__package__).joinpath("static", "style.css").read_bytes()
            return _Found("text/css; charset=utf-8", sheet, since)
        if path == "/about":
            return _Found(HTML, pages.render_notice(self.base_url, "About us", ABOUT), since)
        return None

    def _front(self, now: datetime) -> _Found:
        items = tuple(item for item in self.schedule.printed(now) if item.article.template != "wire")
        return self._listing("Latest", items)

    def _section(self, path: str, now: datetime) -> _Found | None:
        section = path.removeprefix("/")
        if section not in pages.SECTIONS:
            return None
        return self._listing(
            section.title(), tuple(item for item in self.schedule.printed(now) if item.article.section == section)
        )

    def _listing(self, heading: str, items: tuple[Printed, ...]) -> _Found:
        changed = last_change(items, self.schedule.started)
        return _Found(HTML, pages.render_listing(self.base_url, heading, items), changed)

    def _rss(self, now: datetime) -> _Found:
        items = self.schedule.printed(now, "rss")
        changed = last_change(items, self.schedule.started)
        return _Found(RSS, feeds.rss(self.base_url, "/rss.xml", pages.PAPER, items, changed, full=False), changed)

    def _atom(self, now: datetime) -> _Found:
        items = self.schedule.printed(now, "atom")
        changed = last_change(items, self.schedule.started)
        return _Found(ATOM, feeds.atom(self.base_url, "/atom.xml", pages.PAPER, items, changed), changed)

    def _wire(self, now: datetime) -> _Found:
        items = self.schedule.printed(now, "wire")
        changed = last_change(items, self.schedule.started)
        return _Found(RSS, feeds.rss(self.base_url, "/wire.xml", "Harbour Wire", items, changed, full=True), changed)

    def _article(self, path: str, now: datetime) -> _Found | None:
        for item in self.schedule.printed(now):
            if item.article.path == path and item.article.template != "wire":
                return _Found(HTML, pages.render_article(self.base_url, item), item.updated)
        return None

    def _picture(self, path: str, now: datetime) -> _Found | None:
        match = PICTURE.fullmatch(path)
        for item in self.schedule.printed(now) if match else ():
            number = int(match["number"]) if match else 0
            if match and item.article.slug == match["slug"] and number <= len(item.article.pictures()):
                picture = item.article.pictures()[number - 1]
                return _Found("image/svg+xml", pages.render_picture(picture.caption, number), item.published)
        return None


def _conditional(found: _Found, headers: Mapping[str, str], now: datetime) -> Response:
    """RFC 9110, section 13: If-None-Match decides alone where it is given, else If-Modified-Since."""
    changed = found.changed.replace(microsecond=0)
    tag = f'"{hashlib.sha256(found.body).hexdigest()[:20]}"'
    answer = {"etag": tag, "cache-control": "max-age=0, must-revalidate"}
    # A second change may follow within this second, and the date could not tell them apart (RFC 9110, 8.8.2.2).
    if now - changed >= timedelta(seconds=1):
        answer["last-modified"] = format_datetime(changed, usegmt=True)
    if _unchanged(tag, answer.get("last-modified"), headers):
        return Response(HTTPStatus.NOT_MODIFIED, answer, b"")
    answer |= {"content-type": found.content_type, "content-length": str(len(found.body))}
    return Response(HTTPStatus.OK, answer, found.body)


def _unchanged(tag: str, last_modified: str | None, headers: Mapping[str, str]) -> bool:
    if "if-none-match" in headers:
        offered = {part.strip().removeprefix("W/") for part in headers["if-none-match"].split(",")}
        return tag in offered or "*" in offered
    since = _http_date(headers.get("if-modified-since"))
    own = _http_date(last_modified)
    return since is not None and own is not None and own <= since


def _http_date(text: str | None) -> datetime | None:
    """The date, or None for what is not one: RFC 9110 has a bad date ignored."""
    try:
        date = parsedate_to_datetime(text) if text else None
    except (ValueError, OverflowError):
        return None
    return date.replace(tzinfo=UTC) if date and date.tzinfo is None else date
