"""Addresses that may stand in a page."""

from urllib.parse import urlsplit


def web_url(url: str | None) -> str | None:
    """The URL if it leads to a web page, otherwise ``None``: articles may carry ``javascript:`` and the like."""
    if not url or any(char <= " " for char in url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.hostname else None
