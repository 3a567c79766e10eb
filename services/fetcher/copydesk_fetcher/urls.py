"""URLs from strangers: what we are ready to ask for."""

from urllib.parse import urljoin, urlsplit, urlunsplit

from copydesk_shared.identity import canonical_url

URL_LIMIT = 4096


def plain_url(url: str, base: str = "") -> str:
    """The absolute URL without user name, password and fragment.

    Raises ``ValueError`` unless it is an http or https URL of reasonable length that has a canonical form.
    """
    whole = urljoin(base, url.strip()) if base else url.strip()
    if len(whole) > URL_LIMIT:
        raise ValueError(f"more than {URL_LIMIT} characters")
    canonical_url(whole)
    parts = urlsplit(whole)
    # A backslash is part of the host for some parsers and the start of the path for others: no two may disagree here.
    if "\\" in parts.netloc or not (parts.hostname or "").strip("."):
        raise ValueError(f"no host in URL: {url!r}")
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, "")).strip()
