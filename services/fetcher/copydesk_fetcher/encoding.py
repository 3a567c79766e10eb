"""From the bytes of an answer to its text: the right charset."""

from w3lib.encoding import html_body_declared_encoding, http_content_type_encoding, read_bom, to_unicode

# The encodings of the WHATWG Encoding Standard by Python's names. Others (punycode, unicode_escape, hex) are no text
# encodings of the web, and some of them are slow or raise on hostile input.
WEB_ENCODINGS = frozenset(
    "utf-8 utf-16-le utf-16-be utf-16 cp866 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 "
    "iso8859-10 iso8859-13 iso8859-14 iso8859-15 iso8859-16 koi8-r koi8-u mac-roman cp874 cp1250 cp1251 cp1252 cp1253 "
    "cp1254 cp1255 cp1256 cp1257 cp1258 mac-cyrillic gb18030 big5hkscs euc_jp iso2022_jp cp932 cp949".split(),
)
MULTIBYTE = frozenset("utf-16-le utf-16-be utf-16 gb18030 big5hkscs euc_jp iso2022_jp cp932 cp949".split())
FALLBACK = "cp1252"


def _declared(content_type: str, body: bytes) -> list[str]:
    names = (http_content_type_encoding(content_type), html_body_declared_encoding(body))
    return [name for name in names if name in WEB_ENCODINGS]


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
    if not (declared and declared[0] in MULTIBYTE) and _decodes(body, "utf-8"):
        ascii_only = body.isascii()
        return declared[0] if declared and ascii_only else "utf-8"
    for name in declared:
        if _decodes(body, name):
            return name
    return declared[0] if declared else FALLBACK


def decode_text(content_type: str, body: bytes) -> str:
    """The text of a page. What cannot be decoded becomes U+FFFD; NUL, which no page means, goes."""
    text: str = to_unicode(body, choose_encoding(content_type, body))
    return text.removeprefix("\ufeff").replace("\x00", "")
