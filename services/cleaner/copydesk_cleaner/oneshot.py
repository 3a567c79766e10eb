"""A page made from a file or a text that a person hands in."""

import hashlib
import re
from datetime import datetime
from typing import Literal

from copydesk_cleaner.extraction.charsets import decode
from copydesk_shared.errors import InputError
from copydesk_shared.identity import article_id, canonical_url, registrable_domain
from copydesk_shared.messages import Page, Source

Kind = Literal["auto", "html", "text"]

SNIFFED = 4096
MAX_CONTROL_SHARE = 0.01
STARTS_AS_HTML = re.compile(r"\s*<(?:!doctype|\?xml|!--|[a-z][a-z0-9]*[\s>/])", re.IGNORECASE)
HTML_TAGS = re.compile(r"</(?:p|div|article|section|body|h[1-6]|li|figure)\s*>|<br\s*/?>", re.IGNORECASE)
MIN_TAGS = 2
BINARY = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x1f\x8b", "gzip data"),
    (b"GIF8", "a GIF image"),
    (b"\x7fELF", "a program"),
)
CONTROLS = re.compile(r"[\x01-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")


def page_from(content: str | bytes, *, kind: Kind, url: str | None, now: datetime, name: str = "") -> Page:
    """A page of revision 1 that holds the content, fetched ``now``.

    Without a URL its address is ``urn:sha256:...`` of the text. Raises :class:`InputError` for input that is empty,
    binary or has an address that is not an absolute http or https URL; what is wrong with the content begins with the
    name that it goes by.
    """
    try:
        text = _checked(_text(content) if isinstance(content, bytes) else content)
    except InputError as error:
        raise InputError(f"{name}: {error}" if name else str(error)) from None
    canonical = _canonical(url) if url is not None else f"urn:sha256:{hashlib.sha256(_utf8(text)).hexdigest()}"
    domain = registrable_domain(canonical) if url is not None else "unknown"
    html = kind == "html" or (kind == "auto" and looks_like_html(text))
    return Page(
        article_id=article_id(canonical),
        url=url.strip() if url is not None else canonical,
        canonical_url=canonical,
        source=Source(name=domain, domain=domain),
        content_type="text/html" if html else "text/plain",
        content=_utf8(text).decode("utf-8"),
        fetched_at=now,
    )


def _text(content: bytes) -> str:
    for signature, name in BINARY:
        if content.startswith(signature):
            raise InputError(f"the input is not text: it looks like {name}")
    return decode(content)


def _utf8(text: str) -> bytes:
    """The text in UTF-8; a lone surrogate, which no encoding can carry, becomes a question mark."""
    return text.encode("utf-8", "replace")


def _canonical(url: str) -> str:
    try:
        return canonical_url(url)
    except ValueError as error:
        raise InputError(str(error)) from None


def _checked(text: str) -> str:
    """The text without its few NUL characters, which browsers drop too; what is full of them is no text."""
    nuls = text.count("\0")
    if nuls > MAX_CONTROL_SHARE * len(text):
        raise InputError("the input is not text: it is full of NUL characters")
    text = text.replace("\0", "") if nuls else text
    if not text.strip():
        raise InputError("the input is empty")
    if len(CONTROLS.findall(text)) > MAX_CONTROL_SHARE * len(text):
        raise InputError("the input is not text: it is full of control characters")
    return text


def looks_like_html(text: str) -> bool:
    """Whether text of unknown kind is HTML: it starts with a tag or holds several block tags."""
    start = text[:SNIFFED]
    return STARTS_AS_HTML.match(start) is not None or len(HTML_TAGS.findall(start)) >= MIN_TAGS
