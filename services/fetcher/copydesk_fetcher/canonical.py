"""The address a page gives itself: ``rel=canonical`` (RFC 6596) in its head or in a ``Link`` header (RFC 8288)."""

import re
from urllib.parse import SplitResult, urljoin, urlsplit

from copydesk_fetcher.head import Head
from copydesk_shared.identity import canonical_url, registrable_domain
from copydesk_shared.url_rules import is_story
from copydesk_shared.urls import plain_url

HEADER_CHARACTERS = 4096
LINK_VALUE = re.compile(r"<([^<>]*)>((?:\s*;\s*[\w!#$&+.^`|~*-]+\s*=\s*(?:\"[^\"]*\"|[^\s\",;]+))*)")
LINK_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s\",;]+))", re.IGNORECASE)


def declared_in_head(head: Head, url: str) -> str | None:
    """What the head declares, made absolute; ``None`` where it declares nothing."""
    if not head.canonicals:
        return None
    base = (_join(url, head.base) if head.base else None) or url
    return _join(base, head.canonicals[0])


def declared_in_header(link: str, url: str) -> str | None:
    """What a ``Link`` header declares, made absolute; ``None`` where it declares nothing."""
    for target, parameters in LINK_VALUE.findall(link[:HEADER_CHARACTERS]):
        rel = LINK_REL.search(parameters)
        if rel and "canonical" in (rel[1] or rel[2] or "").lower().split():
            return _join(url, target.strip())
    return None


def _join(base: str, target: str) -> str | None:
    try:
        return urljoin(base, target)
    except ValueError:
        return None


def _says_less(own: SplitResult, other: SplitResult) -> bool:
    """Whether the declared address cannot tell this story from the others of its site.

    Templates with one address for all their pages are common: the front page, the section, or the script without the
    number that it is asked for.
    """
    if other.path == "/" and not other.query:
        return own.path != "/" or bool(own.query)
    if other.query:
        return False
    segments, declared = own.path.strip("/").split("/"), other.path.strip("/")
    if declared == own.path.strip("/"):
        return bool(own.query) and not is_story(segments[-1])
    return declared.isalpha() and declared == segments[0] and any(map(is_story, segments))


def resolve_canonical(url: str, declared: str | None) -> str:
    """The canonical URL of a page that came from ``url`` and declares this one.

    It counts only on the same registrable domain, and only when it can tell the story from others. Raises
    ``ValueError`` when ``url`` is not an http(s) URL.
    """
    own = canonical_url(url)
    if not declared:
        return own
    try:
        other = canonical_url(plain_url(declared))
    except ValueError:
        return own
    same_site = registrable_domain(other) == registrable_domain(own)
    return other if same_site and not _says_less(urlsplit(own), urlsplit(other)) else own
