"""From bytes that a person hands in to their text.

A byte order mark goes first, then UTF-8, then what the document declares, then what its bytes look like. Browsers do
likewise: https://encoding.spec.whatwg.org, https://html.spec.whatwg.org/multipage/parsing.html#determining-the-character-encoding.
"""

import codecs
from collections.abc import Iterator

from copydesk_shared.charsets import declared_in_page, guess, meant
from copydesk_shared.errors import InputError

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
FALLBACK = "windows-1252"
# Latin-1 and ASCII are claimed without thought; a claim of UTF-16 that can be read as ASCII is wrong.
NO_CLAIMS = frozenset({"iso8859-1", "cp1252", "ascii", "utf-8"})
WIDE = ("utf-16", "utf-32")

MIN_WIDE_SHARE = 0.02  # of NUL bytes: the blanks in Cyrillic
MAX_STRAY_SHARE = 0.1
SAMPLE = 65_536

UTF8_FAULT = "\ufffd"
MIN_SOUND = 4


def decode(content: bytes) -> str:
    """The text of the bytes. Raises :class:`InputError` where a byte order mark is not true."""
    for mark, encoding in BOMS:
        if content.startswith(mark):
            return _decoded(content, encoding)
    for encoding in _candidates(content):
        try:
            return content.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return content.decode("utf-8" if _is_damaged_utf8(content) else FALLBACK, "replace")


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise InputError(f"the input cannot be decoded: its byte order mark says {encoding}, but it is not") from None


def _candidates(content: bytes) -> Iterator[str]:
    """The encodings that the bytes may be in, the likeliest first; each is asked for only when those before it fail.

    Text in another encoding is practically never valid UTF-8, unless it is ASCII to look at, as ISO-2022-JP is.
    """
    wide = _without_mark(content)
    if wide:
        yield wide
    declared = _declared(content)
    if not content.isascii():
        yield "utf-8"
    if declared:
        yield declared
    if content.isascii():
        yield "utf-8"
    elif not _is_damaged_utf8(content):
        yield from guess(content)
        yield FALLBACK


def _without_mark(content: bytes) -> str:
    """UTF-16 without a byte order mark: blanks, digits and Latin letters have a NUL each, all on the same side."""
    if len(content) % 2 or b"\0" not in content:
        return ""
    sample = content[:SAMPLE]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    few, many = sorted((even, odd))
    if many < MIN_WIDE_SHARE * len(sample) or few > MAX_STRAY_SHARE * many:
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def _declared(content: bytes) -> str:
    """What the page declares, unless it is claimed without thought."""
    name = declared_in_page(content)
    return meant(name, content) if name and name not in NO_CLAIMS and not name.startswith(WIDE) else ""


def _is_damaged_utf8(content: bytes) -> bool:
    """Whether most of what is not ASCII is UTF-8: a few bytes were lost, or pasted in from somewhere else."""
    text = content[:SAMPLE].decode("utf-8", "replace")
    faults = text.count(UTF8_FAULT)
    sound = len(text) - faults - sum(map(str.isascii, text))
    return sound > MIN_SOUND * faults > 0
