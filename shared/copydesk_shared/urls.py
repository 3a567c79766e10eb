"""URLs from strangers: what we are ready to ask for."""

import re
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from copydesk_shared.identity import canonical_url

URL_LIMIT = 4096
# What parsers of URLs disagree about: a backslash is part of the host for some and ends it for others.
NOT_IN_HOSTS = re.compile(r"""[\s\x00-\x20\x7f\\<>"^`{|}]""")

# Blanks and control characters, of C1 too: as they are they would reach logs and terminals.
UNSEEN = re.compile(r"[\x00-\x20\x7f-\x9f]")


def plain_url(url: str, base: str = "") -> str:
    """The absolute URL without user name, password and fragment.

    Blanks and control characters are percent-encoded. Raises ``ValueError`` unless it is an http or https URL of
    reasonable length that has a canonical form.
    """
    whole = urljoin(base, url.strip()) if base else url.strip()
    if len(whole) > URL_LIMIT:
        raise ValueError(f"more than {URL_LIMIT} characters")
    canonical_url(whole)
    parts = urlsplit(whole)
    if NOT_IN_HOSTS.search(parts.netloc) or not (parts.hostname or "").strip("."):
        raise ValueError(f"no host in URL: {url!r}")
    plain = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, ""))
    return UNSEEN.sub(lambda found: quote(found[0]), plain)
