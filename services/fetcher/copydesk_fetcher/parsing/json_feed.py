"""JSON Feed 1.0 and 1.1 (jsonfeed.org). Publishers get the types wrong: what can be read of an item is read."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from copydesk_fetcher.parsing.dates import read_date
from copydesk_fetcher.parsing.drafts import Draft, date_problem, finished, usable_url
from copydesk_fetcher.parsing.model import (
    AUTHOR_LIMIT,
    AUTHORS_LIMIT,
    CONTENT_LIMIT,
    TITLE_LIMIT,
    ContentType,
    Document,
    NotAFeed,
    ParsedFeed,
    one_line,
    plausible,
)
from copydesk_shared.text import plain_text, scrubbed

VERSION = "jsonfeed.org/version/"
ITEMS = re.compile(r'"items"\s*:\s*\[\s*')
COMMA = re.compile(r"\s*,\s*")
HUB_TYPE = "websub"
LARGEST_NUMBER = 18  # digits: a longer one is no id, and takes long to read

Json = Mapping[str, Any]


def _number(digits: str) -> int | None:
    return int(digits) if len(digits) <= LARGEST_NUMBER else None


# Control characters in strings and NaN are mistakes of others that do no harm.
DECODER = json.JSONDecoder(strict=False, parse_int=_number, parse_constant=lambda _: None)


def recognises(document: Document) -> bool:
    """Whether it is JSON; what of, :func:`read` finds out."""
    return document.start[:1] in ("{", "[")


def read(document: Document) -> ParsedFeed:
    """What the feed says. Raises :class:`NotAFeed`."""
    feed, broken = _parsed(document.body)
    items = feed.get("items")
    version = feed.get("version")
    is_versioned = isinstance(version, str) and VERSION in version
    items = items[: document.limit] if isinstance(items, list) else None
    if items is None or not (is_versioned or any(map(_is_item, items))):
        raise NotAFeed(broken or "JSON, but no JSON Feed")
    drafts = [_draft(item, feed, document) for item in items]
    usable = [draft for draft in drafts if draft is not None]
    wrong = sum(not isinstance(item, dict) for item in items)
    problems = (
        broken,
        "" if is_versioned else "no version of JSON Feed",
        f"{wrong} of its items are no objects" if wrong else "",
        date_problem(usable),
    )
    return ParsedFeed(
        finished(usable),
        skipped=len(drafts) - len(usable),
        problem="; ".join(filter(None, problems)) or None,
        hub=usable_url(list(_hubs(feed)), document.url),
        self_url=usable_url([_string(feed, "feed_url")], document.url),
        site_url=usable_url([_string(feed, "home_page_url")], document.url),
        title=plain_text(_string(feed, "title"), TITLE_LIMIT),
    )


def _parsed(body: bytes) -> tuple[Json, str]:
    """The feed and what is wrong with its JSON."""
    text = body.decode("utf-8")
    broken = ""
    try:
        feed = DECODER.decode(text)
    except RecursionError:
        raise NotAFeed("JSON that is nested too deep") from None
    except ValueError as error:
        broken = one_line(f"broken JSON: {error}")
        feed = _rescued(text)
    if not isinstance(feed, dict):
        raise NotAFeed(broken or "JSON, but no JSON Feed")
    return feed, broken


def _rescued(text: str) -> Json:
    """What is whole in JSON that is broken: what the feed says of itself before its items, and the first items."""
    start = ITEMS.search(text)
    if start is None:
        return {}
    items: list[Any] = []
    position: int | None = start.end()
    try:
        while position is not None:
            item, end = DECODER.raw_decode(text, position)
            items.append(item)
            after = COMMA.match(text, end)
            position = after.end() if after else None
    except (ValueError, RecursionError):
        pass
    try:
        about = DECODER.decode(text[: start.start()].rstrip().removesuffix(",") + "}")
    except (ValueError, RecursionError):
        about = {}
    return {**(about if isinstance(about, dict) else {}), "items": items}


def _is_item(item: Any) -> bool:
    return isinstance(item, dict) and any(name in item for name in ("content_html", "content_text", "date_published"))


def _string(values: Json, name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""


def _scalar(values: Json, name: str) -> str:
    """The text of that name, or its number: ids and times are often written so."""
    value = values.get(name)
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else _string(values, name)


def _draft(item: Any, feed: Json, document: Document) -> Draft | None:
    if not isinstance(item, dict):
        return None
    url = usable_url([_string(item, "url"), _string(item, "external_url")], document.url)
    url = url or usable_url([_string(item, "id")], "")
    if url is None:
        return None
    published, wrong_published = _date(item, "date_published", document.now)
    updated, wrong_updated = _date(item, "date_modified", document.now)
    content, content_type = _content(item)
    return Draft(
        name=_scalar(item, "id"),
        url=url,
        title=plain_text(_string(item, "title"), TITLE_LIMIT),
        raw_summary=_string(item, "summary") or content,
        authors=tuple(dict.fromkeys(_authors(item) or _authors(feed)))[:AUTHORS_LIMIT],
        published=published,
        updated=updated,
        content=content,
        content_type=content_type,
        unread_dates=wrong_published + wrong_updated,
    )


def _date(item: Json, name: str, now: datetime) -> tuple[datetime | None, bool]:
    """A plausible time, and whether there was one that is not."""
    text = _scalar(item, name)
    at = plausible(read_date(text), now)
    return at, at is None and bool(text.strip())


def _authors(values: Json) -> list[str]:
    """The names in ``authors`` (1.1) or ``author`` (1.0); a name alone where an object should be is one too."""
    several = values.get("authors")
    found = several if isinstance(several, list) and several else [values.get("author")]
    named = [_string(each, "name") if isinstance(each, dict) else each for each in found[:AUTHORS_LIMIT]]
    names = [plain_text(name, AUTHOR_LIMIT) for name in named if isinstance(name, str)]
    return [name for name in names if name]


def _content(item: Json) -> tuple[str, ContentType]:
    """The HTML, or else the text. Both stand for one content; HTML tells paragraphs and pictures."""
    texts: tuple[tuple[str, ContentType], ...] = (("content_html", "text/html"), ("content_text", "text/plain"))
    for name, kind in texts:
        value = _string(item, name)
        if value.strip() and len(value) <= CONTENT_LIMIT:
            return scrubbed(value), kind
    return "", "text/html"


def _hubs(feed: Json) -> Iterator[str]:
    hubs = feed.get("hubs")
    for hub in hubs if isinstance(hubs, list) else ():
        if isinstance(hub, dict) and _string(hub, "type").lower() == HUB_TYPE:
            yield _string(hub, "url")
