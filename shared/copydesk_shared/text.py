"""Text from feeds: markup taken out, whitespace made plain, nothing in it that JSON or a database refuses."""

import html
import re

# Never goes back, and looks for the end of a quotation and of a tag no further than it may be: hostile markup costs its
# length only.
TAG = re.compile(
    r"""<(/?)([a-zA-Z][^\s/<>]*+)(?>(?:[^<>=]++|=\s*+"[^"]{0,1000}+"|=\s*+'[^']{0,1000}+'|=){0,200})>"""
    r"""|<[!?][a-zA-Z\[][^<>]*+>|<!--"""
)
HIDDEN = frozenset(("script", "style", "template", "noscript"))
BLOCKS = frozenset(
    "address article aside blockquote br dd div dl dt figcaption figure h1 h2 h3 h4 h5 h6 hr li ol p pre section table "
    "td th tr ul".split(),
)
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

# Python refuses to read a number of more than 4300 digits.
ENDLESS_REFERENCE = re.compile(r"&#[0-9]{4000,}+;?")


def unescaped(text: str) -> str:
    """The text with its character references resolved; one of thousands of digits becomes U+FFFD."""
    try:
        return html.unescape(text)
    except ValueError:
        return html.unescape(ENDLESS_REFERENCE.sub("\ufffd", text))


def scrubbed(text: str) -> str:
    """The text without control characters and without lone surrogates, which have no UTF-8 form."""
    return CONTROLS.sub("", text).encode("utf-8", "ignore").decode("utf-8")


def _without_comments(text: str) -> str:
    """The text without comments; one that never ends goes to the end of what looks like its tag."""
    kept = []
    at = 0
    while (start := text.find("<!--", at)) >= 0:
        kept.append(text[at:start])
        end = text.find("-->", start)
        if end < 0:
            return "".join(kept) + text[start:].partition(">")[2]
        at = end + 3
    return "".join(kept) + text[at:]


def _without_tags(text: str) -> str:
    """The text between the tags, with character references resolved; blocks are set apart by a blank."""
    parts: list[str] = []
    at = 0
    until = ""
    for tag in TAG.finditer(text):
        closes, name = tag[1], (tag[2] or "").lower()
        if not until:
            parts.append(text[at : tag.start()])
            until = name if name in HIDDEN and not closes else ""
            if name in BLOCKS:
                parts.append(" ")
        elif closes and name == until:
            until = ""
        at = tag.end()
    if not until:
        parts.append(text[at:])
    return unescaped("".join(parts))


def plain_text(value: str, limit: int) -> str:
    """One line of text, at most ``limit`` characters, of a value that may hold HTML, or HTML escaped once more."""
    value = value[: limit * 10]
    text = value if TAG.search(value) else unescaped(value)
    if TAG.search(text):
        text = _without_tags(_without_comments(text))
    return " ".join(scrubbed(text).split())[:limit].rstrip()


def counted(count: int, one: str, many: str = "") -> str:
    """So many of something: ``one`` is what a single one is called, ``many`` what others are, if not by an s."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
