"""The address a page gives itself: ``rel=canonical`` (RFC 6596) in its head or in a ``Link`` header (RFC 8288)."""

import html
import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from copydesk_fetcher.urls import plain_url
from copydesk_shared.identity import canonical_url, registrable_domain

HEAD_CHARACTERS = 256 * 1024
TAG_CHARACTERS = 4096
# What may hold "<link" without meaning it, and where it ends.
OPAQUE = (("<!--", "-->"), ("<script", "</script"), ("<style", "</style"), ("<title", "</title"), ("<svg", "</svg"))
HEAD_ENDS = ("</head", "<body")
TAG = re.compile(r"<(link|base)\s")
ATTRIBUTE = re.compile(r"""([a-z][a-z-]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
LINK_VALUE = re.compile(r"<([^<>]*)>((?:\s*;\s*[\w!#$&+.^`|~*-]+\s*=\s*(?:\"[^\"]*\"|[^\s\",;]+))*)")
LINK_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s\",;]+))", re.IGNORECASE)


def _skip(lowered: str, at: int) -> int | None:
    """Where to go on after something opaque that starts here, -1 when it never ends, ``None`` for anything else."""
    for start, end in OPAQUE:
        if lowered.startswith(start, at):
            stop = lowered.find(end, at + len(start))
            return -1 if stop < 0 else stop + len(end)
    return None


def _tags(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The link and base tags of the head, each with its attributes. One pass over the text, whatever is in it."""
    head = text[:HEAD_CHARACTERS]
    lowered = head.lower() if len(head.lower()) == len(head) else head
    at = lowered.find("<")
    while at >= 0 and not lowered.startswith(HEAD_ENDS, at):
        after = _skip(lowered, at)
        if after is None and (tag := TAG.match(lowered, at)):
            after = lowered.find(">", at, at + TAG_CHARACTERS)
            yield tag[1], _attributes(head[at:after])
        if after == -1:
            return
        at = lowered.find("<", at + 1 if after is None else after)


def _attributes(tag: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in ATTRIBUTE.finditer(tag):
        found.setdefault(match[1].lower(), html.unescape(next(each for each in match.groups()[1:] if each is not None)))
    return found


def declared_in_html(text: str, url: str) -> str | None:
    """What the head declares, made absolute; ``None`` where it declares nothing."""
    base = url
    for name, attributes in _tags(text):
        href = attributes.get("href", "").strip()
        if name == "base" and base == url and href:
            base = _join(url, href) or url
        elif name == "link" and "canonical" in attributes.get("rel", "").lower().split() and href:
            return _join(base, href)
    return None


def declared_in_header(link: str, url: str) -> str | None:
    """What a ``Link`` header declares, made absolute; ``None`` where it declares nothing."""
    for target, parameters in LINK_VALUE.findall(link[:TAG_CHARACTERS]):
        rel = LINK_REL.search(parameters)
        if rel and "canonical" in (rel[1] or rel[2] or "").lower().split():
            return _join(url, target.strip())
    return None


def _join(base: str, target: str) -> str | None:
    try:
        return urljoin(base, target)
    except ValueError:
        return None


def _is_front_page(url: str) -> bool:
    parts = urlsplit(url)
    return parts.path in ("", "/") and not parts.query


def resolve_canonical(url: str, declared: str | None) -> str:
    """The canonical URL of a page that came from ``url`` and declares this one.

    It counts only on the same registrable domain, and never when it makes a story out to be the front page: sites that
    do so by mistake would have one single article. Raises ``ValueError`` when ``url`` is not an http(s) URL.
    """
    own = canonical_url(url)
    if not declared:
        return own
    try:
        other = canonical_url(plain_url(declared))
    except ValueError:
        return own
    same_site = registrable_domain(other) == registrable_domain(own)
    return other if same_site and (_is_front_page(own) or not _is_front_page(other)) else own
