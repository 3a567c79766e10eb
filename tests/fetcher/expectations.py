"""What feedparser's test files expect, as far as we carry it: ``entries[0]['title'] == 'x'`` as data, never executed."""

import ast
import codecs
import html
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

from copydesk_fetcher.parsing.bounds import END_OF_ENTRY
from copydesk_fetcher.parsing.dispatch import parse_feed
from copydesk_fetcher.parsing.drafts import _name, _page
from copydesk_fetcher.parsing.model import NotAFeed, ParsedEntry, ParsedFeed
from copydesk_shared.feed_charset import decode
from copydesk_shared.identity import short_digest
from copydesk_shared.text import plain_text
from copydesk_shared.urls import plain_url

from .samples import NOW

BASE = "http://127.0.0.1:8097/tests/"
ADDED = "http://added.example/link"
EXPECT = re.compile(r"Expect:\s*(.*?)\s*-->", re.DOTALL)
HEADER = re.compile(r"^Header:\s+([^:]+):(.+)$", re.MULTILINE)
SKIP_UNLESS = re.compile(r"""SkipUnless:\s*__import__\('codecs'\)\.lookup\('([^']+)'\)""")
EMAIL = re.compile(r"\s*\([^()]*@[^()]*\)$")
ADDRESS = re.compile(r"""\b(?:href|src)\s*=\s*["']([^"']*)""")
LONG = 100_000

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Expectation:
    """What a file says of its feed; ``value`` is a Python literal."""

    path: Path
    value: object


def expectations(text: str) -> list[Expectation]:
    """Those of a file's text that are a name, or a name that equals a literal; ``bozo`` is one, by its truth."""
    found = EXPECT.search(text)
    try:
        tree = ast.parse(found[1].strip() if found else "", mode="eval").body
    except (SyntaxError, ValueError):
        return []
    terms = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
    return [each for term in terms if (each := _expectation(term)) is not None]


def _expectation(term: ast.expr) -> Expectation | None:
    if isinstance(term, ast.UnaryOp) and isinstance(term.op, ast.Not):
        return Expectation(path, value=False) if (path := _path(term.operand)) == ("bozo",) else None
    if not isinstance(term, ast.Compare):
        return Expectation(path, value=True) if (path := _path(term)) == ("bozo",) else None
    if len(term.ops) != 1 or not isinstance(term.ops[0], ast.Eq):
        return None
    path = _path(term.left)
    try:
        return Expectation(path, ast.literal_eval(term.comparators[0])) if path else None
    except ValueError:
        return None


def _path(term: ast.expr) -> Path:
    """``entries[0]['title']`` or ``entries[0].title`` as ``("entries", 0, "title")``; empty when it is neither."""
    if isinstance(term, ast.Name):
        return (term.id,)
    if isinstance(term, ast.Attribute):
        return (*before, term.attr) if (before := _path(term.value)) else ()
    if isinstance(term, ast.Subscript) and isinstance(term.slice, ast.Constant):
        key = term.slice.value
        return (*before, key) if (before := _path(term.value)) and isinstance(key, str | int) else ()
    if isinstance(term, ast.Call) and isinstance(term.func, ast.Name) and term.func.id == "len" and len(term.args) == 1:
        return ("len", *before) if (before := _path(term.args[0])) else ()
    return ()


@dataclass(frozen=True)
class Check:
    """How an expectation is compared: what we have, and what we should have for the value expected."""

    ours: Callable[[ParsedFeed], object]
    theirs: Callable[[object, str], object]
    agree: Callable[[Any, Any], bool] = operator.eq


def _first(of: Callable[[ParsedEntry], object]) -> Callable[[ParsedFeed], object]:
    return lambda feed: of(feed.entries[0]) if feed.entries else None


def _plain(value: object, _: str) -> object:
    return plain_text(str(value), LONG)


def _link(value: object, url: str) -> object:
    return plain_url(str(value), url)


def _keys(value: object, url: str) -> object:
    """By the id as it stands, and as an address in the feed."""
    return [short_digest(_name(name, _page(ADDED))) for name in (str(value), urljoin(url, str(value)))]


def _time(value: object, _: str) -> object:
    return datetime(*value[:6], tzinfo=UTC) if isinstance(value, tuple) else value  # type: ignore[misc]


def _author(value: object, _: str) -> object:
    return plain_text(EMAIL.sub("", str(value)), LONG)


def _content(entry: ParsedEntry) -> object:
    return plain_text(entry.content, LONG), set(ADDRESS.findall(html.unescape(entry.content)))


def _content_of(value: object, url: str) -> object:
    """Text and addresses: we keep the markup for the cleaner, feedparser takes dangerous elements out."""
    return plain_text(str(value), LONG), {urljoin(url, found) for found in ADDRESS.findall(html.unescape(str(value)))}


def _is_content(ours: tuple[str, set[str]], theirs: tuple[str, set[str]]) -> bool:
    return ours[0] == theirs[0] and theirs[1] <= ours[1]


TITLE = Check(_first(lambda entry: entry.title), _plain)
SUMMARY = Check(_first(lambda entry: entry.summary), _plain)
AUTHOR = Check(_first(lambda entry: entry.authors[0] if entry.authors else ""), _author)
KEY = Check(_first(lambda entry: entry.key), _keys, lambda ours, theirs: ours in theirs)
FEED_TITLE = Check(lambda feed: feed.title, _plain)
PUBLISHED = Check(_first(lambda entry: entry.published_at), _time)
CHECKS: Mapping[Path, Check] = {
    ("bozo",): Check(lambda feed: feed.problem is not None, lambda value, _: bool(value)),
    ("len", "entries"): Check(lambda feed: len(feed.entries) + feed.skipped, lambda value, _: value),
    ("feed", "title"): FEED_TITLE,
    ("feed", "title_detail", "value"): FEED_TITLE,
    ("feed", "ttl"): Check(lambda feed: feed.ttl_seconds, lambda value, _: float(str(value)) * 60),
    ("entries", 0, "title"): TITLE,
    ("entries", 0, "title_detail", "value"): TITLE,
    ("entries", 0, "summary"): SUMMARY,
    ("entries", 0, "summary_detail", "value"): SUMMARY,
    ("entries", 0, "description"): SUMMARY,
    ("entries", 0, "content", 0, "value"): Check(_first(_content), _content_of, _is_content),
    ("entries", 0, "link"): Check(_first(lambda entry: entry.url), _link),
    ("entries", 0, "id"): KEY,
    ("entries", 0, "guid"): KEY,
    ("entries", 0, "published_parsed"): PUBLISHED,
    ("entries", 0, "created_parsed"): PUBLISHED,
    ("entries", 0, "updated_parsed"): Check(_first(lambda entry: entry.updated_at), _time),
    ("entries", 0, "author"): AUTHOR,
    ("entries", 0, "author_detail", "name"): AUTHOR,
    ("entries", 0, "authors", 0, "name"): AUTHOR,
}  # fmt: skip
LINKS = (("entries", 0, "link"),)


@dataclass(frozen=True)
class Result:
    """What came of a file: how many expectations could be checked, and the names of those not met."""

    checked: int
    unmet: tuple[str, ...]
    detail: str = ""


def applies(text: str) -> bool:
    """Whether this Python has the charset that the file is in."""
    needs = SKIP_UNLESS.search(text)
    try:
        return needs is None or bool(codecs.lookup(needs[1]))
    except LookupError:
        return False


def examine(name: str, body: bytes) -> Result:
    """Parse a file as our fetcher would, and compare."""
    text = decode(body, "").body.decode("utf-8")
    headers = {key.strip().lower(): value.strip() for key, value in HEADER.findall(text)}
    url = urljoin(BASE + name, headers.get("content-location", ""))
    checks = [each for each in expectations(text) if each.path in CHECKS] if applies(text) else []
    try:
        feed = _parse(body, headers.get("content-type", ""), url, any(each.path in LINKS for each in checks))
    except NotAFeed as error:
        is_expected = Expectation(("bozo",), value=True) in checks or not checks
        return Result(len(checks), () if is_expected else ("feed",), str(error))
    compared = [(each.path, CHECKS[each.path], each.value) for each in checks]
    wrong = [
        (".".join(map(str, path)), check.ours(feed), check.theirs(value, url))
        for path, check, value in compared
        if not check.agree(check.ours(feed), check.theirs(value, url))
    ]
    return Result(len(checks), tuple(path for path, _, _ in wrong), str(wrong))


def _parse(body: bytes, content_type: str, url: str, wants_link: bool) -> ParsedFeed:
    feed = parse_feed(body, content_type, url, 100, NOW)
    if feed.skipped and not wants_link:
        return parse_feed(_with_links(body), content_type, url, 100, NOW)
    return feed


def _with_links(body: bytes) -> bytes:
    """The feed with a link at the end of each entry: one without is passed over, whatever else it says."""

    def link(end: re.Match[bytes]) -> bytes:
        prefix, _, element = end[0].removeprefix(b"</").rstrip(b"> ").rpartition(b":")
        tag = (prefix + b":" if prefix else b"") + b"link"
        value = b' href="%s">' % ADDED.encode() if element.lower() == b"entry" else b">%s" % ADDED.encode()
        return b"<" + tag + value + b"</" + tag + b">" + end[0]

    return END_OF_ENTRY.sub(link, body)
