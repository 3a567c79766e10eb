"""From the bytes of an answer to its text: the right charset."""

from collections.abc import Iterator

from w3lib.encoding import (
    http_content_type_encoding,
    read_bom,
    resolve_encoding,
    to_unicode,
)

from copydesk_shared.charsets import WEB_ENCODINGS, declared_in_page, guess, meant

MULTIBYTE = frozenset("utf-16-le utf-16-be utf-16 gb18030 big5hkscs euc_jp iso2022_jp cp932 cp949".split())
FALLBACK = "cp1252"


def _declared(content_type: str, body: bytes) -> Iterator[str]:
    """What the header declares, then what the page does: the page is only searched when somebody asks on."""
    if (in_header := http_content_type_encoding(content_type)) in WEB_ENCODINGS:
        yield in_header
    if in_page := declared_in_page(body):
        yield in_page


def _decodes(body: bytes, encoding: str) -> bool:
    try:
        body.decode(encoding)
    except UnicodeError:
        return False
    return True


def choose_encoding(content_type: str, body: bytes) -> str:
    """The charset of a page: byte order mark, then header, then what it says itself, as far as each can be true.

    Text that is valid UTF-8 and not plain ASCII is UTF-8 whatever single-byte charset was declared: text in those
    charsets is practically never valid UTF-8, and servers with a wrong default are common.
    """
    bom, _ = read_bom(body)
    if bom in WEB_ENCODINGS:
        return str(bom)
    declared = _declared(content_type, body)
    first = next(declared, None)
    if first not in MULTIBYTE and _decodes(body, "utf-8"):
        return first if first and body.isascii() else "utf-8"
    for name in (first, *declared):
        if name and _decodes(body, name):
            return meant(name, body)
    return first or _guessed(body) or FALLBACK


def _guessed(body: bytes) -> str | None:
    names = map(resolve_encoding, guess(body))
    return next((name for name in names if name in WEB_ENCODINGS and _decodes(body, name)), None)


def decode_text(content_type: str, body: bytes) -> str:
    """The text of a page. What cannot be decoded becomes U+FFFD; NUL, which no page means, goes."""
    text: str = to_unicode(body, choose_encoding(content_type, body))
    text = text.removeprefix("\ufeff")
    # Looking takes a fiftieth of the time that replacing nothing takes.
    return text.replace("\x00", "") if "\x00" in text else text
