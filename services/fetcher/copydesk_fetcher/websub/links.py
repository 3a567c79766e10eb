"""The hub and the topic of a feed as the headers of its answer name them (RFC 8288, WebSub section 4)."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from copydesk_shared.urls import plain_url

HEADER_LIMIT = 16 * 1024
_TARGET = re.compile(r"<([^<>]*)>")
# A parameter: a name, and a value that is a token or a quoted string with backslash escapes.
_PARAMETER = re.compile(r"""\s*;\s*([\w!#$%&'*+.^`|~-]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s",;]*))?""")
_ESCAPED = re.compile(r"\\(.)")


class Offer(NamedTuple):
    """Where a feed may be subscribed to: its hub, and the URL by which the hub knows it."""

    hub: str
    topic: str


class HubLinks(NamedTuple):
    """What the headers say: the first usable hub, and the feed's own URL; ``None`` for what they do not say."""

    hub: str | None
    self_url: str | None


def hub_from_headers(link_header: str, base: str) -> HubLinks:
    """The links of a ``Link`` header, or of several joined by commas, made absolute with ``base``.

    What is not an http(s) URL, or is said of another resource (``anchor``), is passed over.
    """
    found: dict[str, str] = {}
    for target, parameters in _links(link_header[:HEADER_LIMIT]):
        relations = parameters.get("rel", "").lower().split()
        wanted = [relation for relation in ("hub", "self") if relation in relations and relation not in found]
        url = _usable(target, base) if wanted and "anchor" not in parameters else None
        if url is not None:
            found.update(dict.fromkeys(wanted, url))
    return HubLinks(found.get("hub"), found.get("self"))


def _links(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    at = 0
    while match := _TARGET.search(header, at):
        at = match.end()
        parameters: dict[str, str] = {}
        while parameter := _PARAMETER.match(header, at):
            at = parameter.end()
            # RFC 8288 section 3.3: the first rel counts
            parameters.setdefault(parameter[1].lower(), _unquoted(parameter[2] or ""))
        yield match[1], parameters


def _unquoted(value: str) -> str:
    return _ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value


def _usable(target: str, base: str) -> str | None:
    try:
        return plain_url(target, base)
    except ValueError:
        return None
