"""From the bytes of an answer to its text: the right charset."""

from collections.abc import Iterator

from w3lib.encoding import (
    html_body_declared_encoding,
    http_content_type_encoding,
    read_bom,
    resolve_encoding,
    to_unicode,
)

from copydesk_shared.charsets import guess

# The encodings of the WHATWG Encoding Standard by Python's names. Others (punycode, unicode_escape, hex) are no text
# encodings of the web, and some of them are slow or raise on hostile input.
WEB_ENCODINGS = frozenset(
    "utf-8 utf-16-le utf-16-be utf-16 cp866 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 "
    "iso8859-10 iso8859-13 iso8859-14 iso8859-15 iso8859-16 koi8-r koi8-u mac-roman cp874 cp1250 cp1251 cp1252 cp1253 "
    "cp1254 cp1255 cp1256 cp1257 cp1258 mac-cyrillic gb18030 big5hkscs euc_jp iso2022_jp cp932 cp949".split(),
)
MULTIBYTE = frozenset("utf-16-le utf-16-be utf-16 gb18030 big5hkscs euc_jp iso2022_jp cp932 cp949".split())
FALLBACK = "cp1252"


def _declared(content_type: str, body: bytes) -> Iterator[str]:
    """What the header declares, then what the page does: the page is only searched when somebody asks on."""
    if (in_header := http_content_type_encoding(content_type)) in WEB_ENCODINGS:
        yield in_header
    if (in_page := html_body_declared_encoding(body)) in WEB_ENCODINGS:
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
            return name
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
