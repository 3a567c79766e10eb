"""Cursors: opaque to people, checked by us.

A cursor is base64url of a small JSON list: version, kind, the values and a check digest over them. The digest guards
against mistakes (a cut or mistyped cursor), not against forgery: a cursor holds no secret and grants nothing.
"""

import hashlib
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite
from struct import Struct

from copydesk_api.schema import EPOCH, MICROSECOND

VERSION = 1
CURSOR = re.compile("[A-Za-z0-9_-]+")  # base64url without padding (RFC 4648 section 5)
MAX_CURSOR = 2_000
MAX_DOMAIN = 253  # RFC 1035 section 2.3.4; each character may be four bytes, as base64 twice
MAX_VALUE = 2**63 - 1
CHECK_DIGITS = 8
CONTEXT_DIGITS = 16

_FLOAT = Struct(">d")
_WHOLE = Struct(">q")

ARTICLES = "articles"
CHANGES = "changes"
REVISIONS = "articles/{article_id}/revisions"
SOURCES = "sources"
FEEDS = "feeds"
DELIVERIES = "webhooks/{webhook_id}/deliveries"


class CursorError(ValueError):
    """The cursor cannot be used; the text says why."""


@dataclass(frozen=True)
class PageKey:
    """The last article of a page; the next page starts after it. It has a ``rank`` in a list by relevance."""

    sort_at: datetime
    row_id: int
    rank: float | None = None


def _check(parts: list[object]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:CHECK_DIGITS]


def _encode(kind: str, context: str, *numbers: int) -> str:
    parts: list[object] = [VERSION, kind, context, *numbers]
    return urlsafe_b64encode(json.dumps([*parts, _check(parts)], separators=(",", ":")).encode()).decode().rstrip("=")


def _parts(cursor: str) -> list[object]:
    if len(cursor) > MAX_CURSOR or not CURSOR.fullmatch(cursor):
        raise CursorError("this is not a cursor of this service")
    try:
        # RecursionError: a few hundred opening brackets are valid JSON so far.
        parts = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        raise CursorError("this is not a cursor of this service") from None
    if not isinstance(parts, list) or len(parts) < 4 or parts[-1] != _check(parts[:-1]):  # noqa: PLR2004
        raise CursorError("the cursor is damaged: its check digits do not fit")
    if parts[0] != VERSION:
        raise CursorError("the cursor is of another version of this service; start again without it")
    return parts[1:-1]


def _decode(cursor: str, kind: str, context: str, mismatch: str, count: int) -> list[int]:
    found_kind, found_context, *numbers = _parts(cursor)
    if found_kind != kind:
        raise CursorError(f"the cursor belongs to /v1/{found_kind}, not to this list")
    if found_context != context:
        raise CursorError(mismatch)
    whole = [number for number in numbers if isinstance(number, int) and abs(number) <= MAX_VALUE]
    if len(whole) != len(numbers) or len(whole) != count:
        raise CursorError("the cursor is damaged: its values do not fit")
    return whole


def encode_page(key: PageKey, query: str) -> str:
    """The cursor of the page after ``key``, in the list of the query with this digest."""
    rank = () if key.rank is None else _WHOLE.unpack(_FLOAT.pack(key.rank))
    return _encode(ARTICLES, query, (key.sort_at - EPOCH) // MICROSECOND, key.row_id, *rank)


def decode_page(cursor: str, query: str, *, ranked: bool = False) -> PageKey:
    """Raises :class:`CursorError`, also when the cursor is of a list with other filters, or in another order."""
    mismatch = "the cursor belongs to a list with other filters; start again without it"
    microseconds, row_id, *bits = _decode(cursor, ARTICLES, query, mismatch, 3 if ranked else 2)
    try:
        return PageKey(EPOCH + timedelta(microseconds=microseconds), row_id, _rank(bits[0]) if bits else None)
    except OverflowError:
        raise CursorError("the cursor is damaged: its values do not fit") from None


def _rank(bits: int) -> float:
    rank: float = _FLOAT.unpack(_WHOLE.pack(bits))[0]
    if not isfinite(rank):
        raise OverflowError
    return rank


def encode_position(position: int, feed: str) -> str:
    """The cursor of the changes after ``position`` in the feed of this name."""
    return _encode(CHANGES, feed, position)


def decode_position(cursor: str, feed: str) -> int:
    """Raises :class:`CursorError`, also when the cursor is of a feed that was built anew since."""
    mismatch = "the cursor belongs to a feed that was built anew since; start again without it"
    return _decode(cursor, CHANGES, feed, mismatch, 1)[0]


def _of_article(article_id: str, feed: str) -> str:
    return f"{feed}/{hashlib.sha256(article_id.encode()).hexdigest()[:CONTEXT_DIGITS]}"


def encode_revision(position: int, article_id: str, feed: str) -> str:
    """The cursor of the revisions of an article before ``position`` in the feed of this name."""
    return _encode(REVISIONS, _of_article(article_id, feed), position)


def decode_revision(cursor: str, article_id: str, feed: str) -> int:
    """Raises :class:`CursorError`, also when the cursor is of another article."""
    mismatch = "the cursor belongs to another article, or to a feed that was built anew since; start again without it"
    return _decode(cursor, REVISIONS, _of_article(article_id, feed), mismatch, 1)[0]


def encode_source(domain: str) -> str:
    """The cursor of the sources that come after this domain."""
    return _encode_text(SOURCES, domain)


def decode_source(cursor: str) -> str:
    """Raises :class:`CursorError`."""
    return _decode_text(cursor, SOURCES)


def encode_feed(feed_id: str) -> str:
    """The cursor of the feeds that come after this id."""
    return _encode_text(FEEDS, feed_id)


def decode_feed(cursor: str) -> str:
    """Raises :class:`CursorError`."""
    return _decode_text(cursor, FEEDS)


def encode_delivery(number: int, webhook_id: str) -> str:
    """The cursor of the deliveries of a webhook before this number."""
    return _encode(DELIVERIES, webhook_id, number)


def decode_delivery(cursor: str, webhook_id: str) -> int:
    """Raises :class:`CursorError`, also when the cursor is of another webhook."""
    mismatch = "the cursor belongs to another webhook; start again without it"
    return _decode(cursor, DELIVERIES, webhook_id, mismatch, 1)[0]


def _encode_text(kind: str, text: str) -> str:
    return _encode(kind, urlsafe_b64encode(text.encode()).decode())


def _decode_text(cursor: str, wanted: str) -> str:
    kind, context, *_ = _parts(cursor)
    if kind != wanted:
        raise CursorError(f"the cursor belongs to /v1/{kind}, not to this list")
    try:
        return urlsafe_b64decode(str(context)).decode()
    except ValueError:
        raise CursorError("the cursor is damaged: its values do not fit") from None
