"""Which URL an article has, and the id that follows from it."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import cache, lru_cache, wraps
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from publicsuffixlist import PublicSuffixList
from w3lib.url import canonicalize_url

from copydesk_shared.url_rules import (
    AMP_CACHES,
    AMP_FILE,
    AMP_SEGMENTS,
    ESCAPED_TWICE,
    HOST,
    SESSION_PATH,
    TRACKING_PARAMETERS,
    TRACKING_PREFIXES,
    TRACKING_VALUES,
    is_story,
)

# On its way an entry's URL is asked about a dozen times, while some thousand others are on theirs. Few are longer.
REMEMBERED = 16_384
REMEMBERED_CHARACTERS = 256
ARTICLE_ID_BYTES = 15  # 120 bits: 20 characters of base64url without padding


def _remembered(function: Callable[[str], str]) -> Callable[[str], str]:
    """The function with its last answers remembered, but for those on long texts: memory stays bounded."""
    remembering = lru_cache(REMEMBERED)(function)

    @wraps(function)
    def answer(text: str) -> str:
        return remembering(text) if len(text) <= REMEMBERED_CHARACTERS else function(text)

    return answer


def _is_tracking(name: str, value: str) -> bool:
    lowered = name.lower().removeprefix(ESCAPED_TWICE)
    if lowered in TRACKING_PARAMETERS or lowered.startswith(TRACKING_PREFIXES):
        return True
    return value.lower() in TRACKING_VALUES.get(lowered, ())


def _host(name: str | None) -> str | None:
    """The host, unless URL parsers would differ on it: they do on backslashes, blanks and control characters."""
    if not name or any(character.isspace() or character in "\\/?#@%<>^|" for character in name):
        return None
    return f"[{name}]" if ":" in name else name.rstrip(".")


def _original(url: str) -> str:
    """The address of the page that an AMP cache has copied, for as long as it is one."""
    while match := next((found for cache_ in AMP_CACHES if (found := cache_.match(url))), None):
        if not HOST.fullmatch(match[2].partition("/")[0]):
            break
        url = f"http{'s' if match[1] else ''}://{match[2]}{url[match.end() :]}"
    return url


def _own_path(path: str) -> str:
    """The path without a session and without what makes it the AMP page of a story."""
    path = SESSION_PATH.sub("", path) if ";" in path else path
    if "amp" not in path.lower():
        return path or "/"
    slash = "/" if path.endswith("/") else ""
    segments = path.removesuffix("/").split("/")
    end = len(segments)
    while end and segments[end - 1].lower() in AMP_SEGMENTS:
        end -= 1
    story = segments[:end] if end and is_story(segments[end - 1]) else segments
    return AMP_FILE.sub(r"\1", "/".join(story)) + slash or "/"


@_remembered
def canonical_url(url: str) -> str:
    """One spelling for the addresses of one page.

    Host in lower case, default port, fragment, user name and tracking parameters gone, the rest of the query sorted and
    percent-encoding made uniform (RFC 3986 section 6.2.2). Copies in AMP caches and AMP spellings of a story's path
    become the story's. Raises ``ValueError`` unless it is an absolute http(s) URL.
    """
    parts = urlsplit(_original(url.strip()))
    host = _host(parts.hostname)
    if parts.scheme.lower() not in ("http", "https") or not host:
        raise ValueError(f"not an absolute http or https URL: {url!r}")
    # Bytes that are no UTF-8 stay as they are: two stories may differ in them.
    named = parse_qsl(parts.query, keep_blank_values=True, errors="surrogateescape")
    kept = urlencode([pair for pair in named if not _is_tracking(*pair)], errors="surrogateescape")
    port = parts.port
    default_port = {"http": 80, "https": 443}[parts.scheme.lower()]
    netloc = host if port in (None, default_port) else f"{host}:{port}"
    plain = urlunsplit((parts.scheme.lower(), netloc, _own_path(parts.path), kept, ""))
    return str(canonicalize_url(plain, keep_blank_values=True, keep_fragments=False))


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@_remembered
def registrable_domain(url: str) -> str:
    """The domain one registers (``bbc.co.uk`` of ``https://www.bbc.co.uk/news``), or the host itself: an IP address.

    Raises ``ValueError`` when the URL names no host.
    """
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    if not host:
        raise ValueError(f"no host in URL: {url!r}")
    if host.replace(".", "").isdigit() or ":" in host:
        return host
    return _suffixes().privatesuffix(host) or host


def short_digest(text: str) -> str:
    """A URL-safe digest of 120 bits, 20 characters: SHA-256, cut and in base64url (RFC 4648 section 5)."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return urlsafe_b64encode(digest[:ARTICLE_ID_BYTES]).decode("ascii")


def article_id(canonical: str) -> str:
    """The id of the article that has this canonical URL."""
    return short_digest(canonical)
