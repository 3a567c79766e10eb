"""Which charset bytes are in: what a page declares, what it must mean, and a guess where nothing is declared."""

import codecs
import re
from functools import cache

from charset_normalizer import from_bytes
from w3lib.encoding import html_body_declared_encoding

# The encodings of the WHATWG Encoding Standard by Python's names. Others (punycode, unicode_escape, hex) are no text
# encodings of the web, and some of them are slow or raise on hostile input.
WEB_ENCODINGS = frozenset(
    "utf-8 utf-16-le utf-16-be utf-16 cp866 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 "
    "iso8859-10 iso8859-13 iso8859-14 iso8859-15 iso8859-16 koi8-r koi8-u mac-roman cp874 cp1250 cp1251 cp1252 cp1253 "
    "cp1254 cp1255 cp1256 cp1257 cp1258 mac-cyrillic gb18030 big5hkscs euc_jp iso2022_jp cp932 cp949".split(),
)
# Each of them decodes any text of another, to nonsense. What is meant is told by how often letters follow each other.
CYRILLIC = ("cp1251", "koi8-u", "iso8859-5", "cp866", "mac-cyrillic")
PAIRS = "ст но то на ен ов ни ра во ко по ро пр ре ли ал ть ка ва го ві нн".split()  # noqa: RUF001 - Cyrillic is meant
MIN_PAIRS = 12
MUCH_OFTENER = 4
# Bytes that are no ASCII stand alone in Western European text, in rows in other scripts.
HIGH_RUN = re.compile(rb"[\x80-\xff]+")
SAMPLE = 65_536
MIN_HIGH_RUN = 2
MIN_HIGH_BYTES = 12
DETECTED = 8192
MAX_UNIT = 4  # bytes of one character


def declared_in_page(content: bytes) -> str:
    """Python's name of the charset that the markup at the beginning declares; nothing where it is none of the web."""
    declared = html_body_declared_encoding(content)
    return str(declared) if declared in WEB_ENCODINGS else ""


def meant(declared: str, content: bytes) -> str:
    """The charset that is meant: another Cyrillic one where the declared one makes nonsense of the bytes.

    KOI8 pages that a server or a template calls windows-1251 are the common case.
    """
    if codecs.lookup(declared).name not in _cyrillic_names():
        return declared
    high = HIGH_RUN.search(content)
    sample = content[high.start() : high.start() + SAMPLE] if high else b""
    counts = {name: _pairs_in(sample, name) for name in CYRILLIC}
    best = max(counts, key=counts.__getitem__)
    own = sum(map(sample.decode(declared, "replace").lower().count, PAIRS))  # a page may be all in capitals
    return best if counts[best] >= max(MIN_PAIRS, MUCH_OFTENER * own) else declared


@cache
def _cyrillic_names() -> frozenset[str]:
    return frozenset(codecs.lookup(name).name for name in (*CYRILLIC, "koi8-r"))


def _pairs_in(sample: bytes, encoding: str) -> int:
    """How many of the commonest pairs of small letters the text has; pairs of capitals are rare in any text."""
    text = sample.decode(encoding, "replace")
    return sum(map(text.count, PAIRS))


def guess(content: bytes) -> list[str]:
    """Python's names of the charsets the bytes may be in, the likeliest first; none where they look Western European.

    What is not Western European is left to charset-normalizer (https://charset-normalizer.readthedocs.io), which does
    not tell Western from Central European and sees Japanese where there is a pound sign.
    """
    high = HIGH_RUN.search(content)
    if high is None:
        return []
    sample = content[high.start() : high.start() + SAMPLE]
    runs = HIGH_RUN.findall(sample)
    if sum(map(len, runs)) < max(MIN_HIGH_BYTES, MIN_HIGH_RUN * len(runs)):
        return []
    if len(sample) <= DETECTED:
        return _detected(sample)
    # The sample may end within a character.
    guesses = (_detected(sample[: DETECTED - cut]) for cut in range(MAX_UNIT))
    return next((each for each in guesses if each), [])


def _detected(sample: bytes) -> list[str]:
    return [match.encoding for match in from_bytes(sample) if match.encoding != "utf_8"]
