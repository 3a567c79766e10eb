"""URLs from strangers: what we are ready to ask for."""

from urllib.parse import urljoin, urlsplit, urlunsplit

from copydesk_shared.identity import canonical_url, registrable_domain

URL_LIMIT = 4096


def plain_url(url: str, base: str = "") -> str:
    """The absolute URL without user name, password and fragment.

    Raises ``ValueError`` unless it is an http or https URL of reasonable length that has a canonical form.
    """
    whole = urljoin(base, url.strip()) if base else url.strip()
    if len(whole) > URL_LIMIT:
        raise ValueError(f"more than {URL_LIMIT} characters")
    canonical_url(whole)
    registrable_domain(whole)
    parts = urlsplit(whole)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, ""))
