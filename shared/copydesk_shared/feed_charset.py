"""From a feed's bytes to UTF-8 without byte order mark and XML declaration, whatever it was and said it was."""

import codecs
import re
import zlib
from dataclasses import dataclass

UNPACKED_LIMIT = 50 * 1024 * 1024  # what sitemaps.org allows, and more than a feed may have
DECLARATION_BYTES = 1024
GZIP = b"\x1f\x8b"
# Marks, then "<" and "<?xm" in what is not ASCII; of two that begin alike the longer first.
SIGNS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)
EBCDIC = b"\x4c\x6f\xa7\x94"
# The blanks before it are tried once, not from each of them anew: a feed may be megabytes of blanks.
XML_DECLARATION = re.compile(r"(?<!\s)\s*+<\?xml\b[^<>]{0,1000}?\?>\s*", re.IGNORECASE)
DECLARED = re.compile(r"""<\?xml\b[^<>]{0,1000}?\bencoding\s*=\s*["']([\w.:-]{1,40})["']""", re.IGNORECASE)
HEADER_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)
# Codecs of Python that are no charsets, or that hostile input makes slow.
NO_CHARSETS = frozenset(("idna", "mbcs", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"))
# A charset by the name of its subset: what browsers read (WHATWG Encoding Standard, section 4.2).
SUPERSETS = {"ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "gb2312": "gb18030", "gbk": "gb18030"}
# Text in these is hardly ever valid UTF-8 by accident but may well be, when it is short.
MULTIBYTE = ("big5", "cp932", "cp949", "euc", "gb", "hz", "iso2022", "johab", "shift_jis", "utf-16", "utf-32")
WIDE = ("utf-16", "utf-32")  # never without a sign
LATIN = "iso8859-1"
BLANKS = "\ufeff\0 \t\r\n\f\v"
SAMPLE_BYTES = 65_536
FAULTS = 500  # as many wrong characters in the sample are not pasted in
CONTROLS = bytes((*range(9), 11, 12, *range(14, 32)))  # none of them may stand in XML


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text as UTF-8; what was wrong with the bytes, if anything."""

    body: bytes
    problems: tuple[str, ...] = ()


def decode(body: bytes, content_type: str) -> Decoded:
    """What the bytes say. Characters that cannot be read become U+FFFD, or what they are in windows-1252."""
    unpacked, cut = _unpacked(body)
    declared, unknown = _declared(unpacked, content_type)
    text, used = _text(unpacked, declared)
    plain = XML_DECLARATION.sub("", text.lstrip(BLANKS), count=1).encode("utf-8", "replace")
    clean = plain.translate(None, CONTROLS)
    problems = (
        cut,
        f"unknown charset {unknown[0]}" if unknown else "",
        _difference(declared, used, unpacked),
        "control characters" if len(clean) < len(plain) else "",
    )
    return Decoded(clean, tuple(problem for problem in problems if problem))


def _unpacked(body: bytes) -> tuple[bytes, str]:
    """What a gzip file holds, no more than the limit: sitemaps are served as such files."""
    if not body.startswith(GZIP):
        return body, ""
    inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        unpacked = inflate.decompress(body, UNPACKED_LIMIT)
    except zlib.error as error:
        return b"", f"broken gzip data: {error}"
    if inflate.eof:
        return unpacked, ""
    return unpacked, "gzip data broke off" if len(unpacked) < UNPACKED_LIMIT else f"cut at {UNPACKED_LIMIT} bytes"


def _declared(body: bytes, content_type: str) -> tuple[list[str], list[str]]:
    """The charsets claimed, by Python's names, the most credible first, and the claims that are none.

    A byte order mark counts more than the header, the header more than the XML declaration (RFC 7303 section 3).
    """
    sign = next((name for mark, name in SIGNS if body.startswith(mark)), None)
    if sign:
        return [sign], []
    start = body[:DECLARATION_BYTES].decode("cp037" if body.startswith(EBCDIC) else LATIN)
    inside = DECLARED.search(start)
    claims = [claim for claim in (_in_header(content_type), inside[1] if inside else None) if claim]
    names = [_charset(claim) for claim in claims]
    unknown = [claim for claim, name in zip(claims, names, strict=True) if name is None]
    return [name for name in names if name and not name.startswith(WIDE)], unknown


def _in_header(content_type: str) -> str | None:
    found = HEADER_CHARSET.search(content_type)
    return found[1] if found else None


def _charset(claim: str) -> str | None:
    try:
        found = codecs.lookup(claim)
    except (LookupError, ValueError):
        return None
    is_text = getattr(found, "_is_text_encoding", True)
    return SUPERSETS.get(found.name, found.name) if is_text and found.name not in NO_CHARSETS else None


def _text(body: bytes, declared: list[str]) -> tuple[str, str]:
    """The text and the charset that it was in.

    Bytes that are valid UTF-8 are UTF-8 whatever single-byte charset was declared: servers with a wrong default are
    common, and text in those charsets is practically never valid UTF-8.
    """
    candidates = list(declared) if declared and declared[0].startswith(MULTIBYTE) else ["utf-8", *declared]
    if body.startswith(EBCDIC):
        candidates = [*declared, "cp037"]
    for name in (*candidates, "utf-8"):
        try:
            return body.decode(name), name
        except (UnicodeError, ValueError):
            continue
    if declared and declared[0] not in ("utf-8", "cp1252"):
        return body.decode(declared[0], "replace"), declared[0]
    if len(body[:SAMPLE_BYTES].decode("utf-8", "ignore").encode()) < min(len(body), SAMPLE_BYTES) - FAULTS:
        return body.decode("cp1252", "replace"), "cp1252"
    return body.decode("utf-8", "copydesk.western"), "utf-8 and windows-1252"


def _difference(declared: list[str], used: str, body: bytes) -> str:
    if not declared or declared[0] == used or (used == "utf-8" and body.isascii()):
        return "" if declared or used == "utf-8" else f"no charset declared, read as {used}"
    return f"declared as {declared[0]}, read as {used}"


def _western(error: UnicodeError) -> tuple[str, int]:
    """What is no UTF-8 was pasted in from windows-1252, as a rule."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("copydesk.western", _western)
