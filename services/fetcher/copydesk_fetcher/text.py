"""Text from feeds: markup taken out, whitespace made plain, nothing in it that JSON or a database refuses."""

import html
import re
from html.parser import HTMLParser

TAG = re.compile(r"<[/!?]?[a-zA-Z][^<>]*>|<!--")
HIDDEN = frozenset(("script", "style", "template", "noscript"))
BLOCKS = frozenset(
    "address article aside blockquote br dd div dl dt figcaption figure h1 h2 h3 h4 h5 h6 hr li ol p pre section table "
    "td th tr ul".split(),
)
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - HTMLParser's signature
        if tag in HIDDEN:
            self._hidden += 1
        elif tag in BLOCKS:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        elif tag in BLOCKS:
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


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


def plain_text(value: str, limit: int) -> str:
    """One line of text, at most ``limit`` characters, of a value that may hold HTML, or HTML escaped once more."""
    text = html.unescape(value[: limit * 10]) if not TAG.search(value[: limit * 10]) else value[: limit * 10]
    if TAG.search(text):
        text = _without_comments(text)
        parser = _Text()
        parser.feed(text)
        parser.close()
        text = "".join(parser.parts)
    return " ".join(scrubbed(text).split())[:limit].rstrip()
