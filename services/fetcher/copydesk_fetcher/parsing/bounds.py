"""What is taken out of XML before a parser sees it, so that no feed costs more than its size."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

START_OF_ENTRY = re.compile(rb"<(?:[\w.-]{1,40}:)?(?:item|entry)[\s/>]", re.IGNORECASE)
END_OF_ENTRY = re.compile(rb"</(?:[\w.-]{1,40}:)?(?:item|entry)\s{0,9}>", re.IGNORECASE)
FIRST_ELEMENT = re.compile(rb"<\w")
DOCTYPE = re.compile(rb"<!DOCTYPE", re.IGNORECASE)
PROLOGUE_LIMIT = 20_000
LONG_ENTITY = re.compile(rb"""<!ENTITY\s[^>"']{1,200}(?:"[^"]{101}|'[^']{101})""")

# What the parser does for an element grows with how deep it lies, and with xml:base with the square of that.
DEPTH_LIMIT = 200
TAG = re.compile(rb"<!--|<!\[CDATA\[|<(/?)([A-Za-z_][\w:.-]{0,100})[^<>]*>")
OPAQUE = {b"<!--": b"-->", b"<![CDATA[": b"]]>"}
VOID = frozenset((b"br", b"hr", b"img", b"input", b"wbr"))

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
    if body.count(b"<") > DEPTH_LIMIT:
        body, is_deep = _shallow(body)
        problems += [f"elements nested more than {DEPTH_LIMIT} deep"] if is_deep else []
    first = FIRST_ELEMENT.search(body)
    prologue = body[: first.start()] if first else b""
    if not DOCTYPE.search(prologue):
        return body, problems
    rest = body[len(prologue) :]
    if len(prologue) > PROLOGUE_LIMIT or LONG_ENTITY.search(prologue):
        return rest, [*problems, "a document type with more than it needs"]
    return prologue.replace(b"<!ENTITY", b"\n<!ENTITY") + rest, problems  # feedparser wants a line for each


def _tags(body: bytes) -> Iterator[re.Match[bytes]]:
    """The tags that are not within comments and character data sections."""
    at = 0
    never_ends: set[bytes] = set()
    while match := TAG.search(body, at):
        at = match.end()
        if match[2] is not None:
            yield match
        elif match[0] not in never_ends:
            end = body.find(OPAQUE[match[0]], at)
            if end < 0:
                never_ends.add(match[0])
            else:
                at = end


def _shallow(body: bytes) -> tuple[bytes, bool]:
    """The body without the tags, not the texts, of elements that lie too deep, and whether there were some.

    What is left open is closed by the end of what it lies in, as in HTML.
    """
    open_names: list[bytes] = []
    depths: Counter[bytes] = Counter()
    kept: list[bytes] = []
    kept_to = 0
    for tag in _tags(body):
        name = tag[2]
        if tag[1]:
            if not depths[name]:
                continue
            while (last := open_names.pop()) != name:
                depths[last] -= 1
            depths[name] -= 1
        elif not tag[0].endswith(b"/>") and name.lower() not in VOID:
            open_names.append(name)
            depths[name] += 1
        if len(open_names) + bool(tag[1]) > DEPTH_LIMIT:
            kept.append(body[kept_to : tag.start()])
            kept_to = tag.end()
    return b"".join((*kept, body[kept_to:])), bool(kept)


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
