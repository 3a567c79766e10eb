"""The words of a fragment of HTML, such as the full text in a feed: all of them, a line for each block."""

import re

from lxml import etree, html

NOT_CONTENT = frozenset(
    "script style template svg noscript iframe form button nav aside figure head".split(),
)
BLOCKS = frozenset(
    "address article blockquote br center dd details div dl dt h1 h2 h3 h4 h5 h6 header hr li main ol p pre section "
    "summary table tr ul".split()
)
CELLS = frozenset({"td", "th"})


def blocks(tree: html.HtmlElement) -> str:
    """All the words of a fragment, a line for each block."""
    parts: list[str] = []
    walker = etree.iterwalk(tree, events=("start", "end"))
    for event, element in walker:
        if event == "start" and element.tag in NOT_CONTENT:
            walker.skip_subtree()
        parts.append("\n" if element.tag in BLOCKS else " " if element.tag in CELLS else "")
        if event == "end":
            parts.append(_flat(element.tail))
        elif element.tag not in NOT_CONTENT:
            parts.append(element.text if element.tag == "pre" and element.text else _flat(element.text))
    return "".join(parts)


def _flat(text: str | None) -> str:
    """Text as a browser shows it: its own line breaks are only blanks."""
    return re.sub(r"\s+", " ", text or "")
