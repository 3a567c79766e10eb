"""Which URL an article has, and the id that follows from it."""

import hashlib
from base64 import urlsafe_b64encode
from functools import cache
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from publicsuffixlist import PublicSuffixList
from w3lib.url import canonicalize_url

ARTICLE_ID_BYTES = 15  # 120 bits: 20 characters of base64url without padding

TRACKING_PREFIXES = ("utm_", "mc_", "at_", "ns_", "pk_", "mtm_", "hsa_", "_hs", "vero_", "oly_", "trk_")
TRACKING_PARAMETERS = frozenset(
    "fbclid gclid dclid gbraid wbraid msclkid twclid yclid igshid igsh s_cid cmp cmpid icid ocid mbid smid spm "
    "cvid ftag ftcamp taid xtor wt_mc wickedid ref_src ref_url guccounter guce_referrer guce_referrer_sig "
    "__twitter_impression".split(),
)


def _is_tracking(name: str) -> bool:
    lowered = name.lower()
    return lowered in TRACKING_PARAMETERS or lowered.startswith(TRACKING_PREFIXES)


def _host(name: str | None) -> str | None:
    """The host, unless URL parsers would differ on it: they do on backslashes, blanks and control characters."""
    if not name or any(character.isspace() or character in "\\/?#@%<>^|" for character in name):
        return None
    return f"[{name}]" if ":" in name else name.rstrip(".")


def canonical_url(url: str) -> str:
    """One spelling for the addresses of one page.

    Host in lower case, default port, fragment, user name and tracking parameters gone, the rest of the query sorted and
    percent-encoding made uniform (RFC 3986 section 6.2.2). Raises ``ValueError`` unless it is an absolute http(s) URL.
    """
    parts = urlsplit(url.strip())
    host = _host(parts.hostname)
    if parts.scheme.lower() not in ("http", "https") or not host:
        raise ValueError(f"not an absolute http or https URL: {url!r}")
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if not _is_tracking(name)]
    port = parts.port
    default_port = {"http": 80, "https": 443}[parts.scheme.lower()]
    netloc = host if port in (None, default_port) else f"{host}:{port}"
    plain = urlunsplit((parts.scheme.lower(), netloc, parts.path or "/", urlencode(kept), ""))
    return str(canonicalize_url(plain, keep_blank_values=True, keep_fragments=False))


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


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
