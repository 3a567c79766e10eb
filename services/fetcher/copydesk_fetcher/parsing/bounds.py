"""What is taken out of XML before a parser sees it, so that no feed costs more than its size."""

import re
from itertools import islice

START_OF_ENTRY = re.compile(rb"<(?:[\w.-]{1,40}:)?(?:item|entry)[\s/>]", re.IGNORECASE)
END_OF_ENTRY = re.compile(rb"</(?:[\w.-]{1,40}:)?(?:item|entry)\s{0,9}>", re.IGNORECASE)
FIRST_ELEMENT = re.compile(rb"<\w")
DOCTYPE = re.compile(rb"<!DOCTYPE", re.IGNORECASE)
PROLOGUE_LIMIT = 20_000
LONG_ENTITY = re.compile(rb"""<!ENTITY\s[^>"']{1,200}(?:"[^"]{101}|'[^']{101})""")

MARK = re.compile(rb"[<&]")
MARKS_LIMIT = 250_000
# Thousands of attributes, and names of people that are long: feedparser takes the square of their length.
GIANTS = (
    (re.compile(rb"<([\w:.-]{1,100})\s[^<>]{100000,}?(/?)>"), rb"<\1\2>", "an element with giant attributes"),
    (
        re.compile(
            rb"(<(?:\w{1,40}:)?(?:author|creator|managingEditor|webMaster|publisher|name|email)\b[^<>]*>"
            rb"\s*(?:<!\[CDATA\[)?[^<&]{1000})[^<]+",
            re.IGNORECASE,
        ),
        rb"\1",
        "the name of a person is giant",
    ),
)

REFERENCE = re.compile(rb"&#(?:(\d{1,20})|[xX]([0-9a-fA-F]{1,20}));?")
SURROGATES = re.compile(
    rb"&#(?:(5[56]\d{3})|[xX]([dD][89abAB][0-9a-fA-F]{2}));&#(?:(5[67]\d{3})|[xX]([dD][c-fC-F][0-9a-fA-F]{2}));"
)
UNREADABLE = b"&#xFFFD;"
ASTRAL = 0x10000
HIGH_HALVES = range(0xD800, 0xDC00)
LOW_HALVES = range(0xDC00, 0xE000)
XML_CHARACTERS = (range(0x20, 0xD800), range(0xE000, 0xFFFE), range(9, 11), range(13, 14), range(ASTRAL, 0x110000))


def first_entries(body: bytes, limit: int) -> bytes:
    """The feed with no more than its first ``limit`` entries, closed by its own end if it has one."""
    starts = START_OF_ENTRY.finditer(body)
    beyond = next((match.start() for number, match in enumerate(starts) if number == limit), None)
    if beyond is None:
        return body
    end = max((match.end() for match in END_OF_ENTRY.finditer(body, beyond)), default=len(body))
    return body[:beyond] + body[end:]


def without_bombs(body: bytes) -> tuple[bytes, list[str]]:
    """The body without what no parser gets over, or not in time, and what that was."""
    problems = []
    if b"&#" in body:
        body = REFERENCE.sub(_valid, SURROGATES.sub(_joined, body))
    for pattern, kept, problem in GIANTS:
        body, count = pattern.subn(kept, body)
        problems += [problem] if count else []
    if body.count(b"<") + body.count(b"&") > MARKS_LIMIT:
        body = body[: next(islice(MARK.finditer(body), MARKS_LIMIT, None)).start()]
        problems.append(f"cut where it has more than {MARKS_LIMIT} tags")
    first = FIRST_ELEMENT.search(body)
    prologue = body[: first.start()] if first else b""
    if not DOCTYPE.search(prologue):
        return body, problems
    rest = body[len(prologue) :]
    if len(prologue) > PROLOGUE_LIMIT or LONG_ENTITY.search(prologue):
        return rest, [*problems, "a document type with more than it needs"]
    return prologue.replace(b"<!ENTITY", b"\n<!ENTITY") + rest, problems  # feedparser wants a line for each


def _code(decimal: bytes | None, hexadecimal: bytes | None) -> int:
    return int(decimal) if decimal else int(hexadecimal or b"0", 16)


def _joined(pair: re.Match[bytes]) -> bytes:
    """Two halves of a character in UTF-16 as the character they are."""
    high, low = _code(pair[1], pair[2]), _code(pair[3], pair[4])
    if high not in HIGH_HALVES or low not in LOW_HALVES:
        return pair[0]
    return b"&#%d;" % (ASTRAL + ((high - HIGH_HALVES.start) << 10) + low - LOW_HALVES.start)


def _valid(reference: re.Match[bytes]) -> bytes:
    """The reference, if it is to a character of XML 1.0 (section 2.2)."""
    code = _code(reference[1], reference[2])
    return reference[0] if any(code in characters for characters in XML_CHARACTERS) else UNREADABLE
