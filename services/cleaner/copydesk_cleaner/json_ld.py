"""The JSON-LD of a page: read even where it is not quite JSON, and the node that is this page's story. Pure."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from typing import Any
from urllib.parse import urljoin

from copydesk_cleaner.text import key, normalise
from copydesk_shared.identity import canonical_url

Node = Mapping[str, Any]

MAX_JSON_LD = 512 * 1024
MAX_NODES = 500
MAX_ADDRESS = 2_000
MIN_START = 20
ARTICLE_TYPES = ("Article", "Posting", "Report", "Review", "Story")
INSIDE = ("@graph", "mainEntity", "mainEntityOfPage")

# What templates write around JSON for the sake of old browsers or of XML.
OPENING = re.compile(r"\A(?:\s|<!--|/\*|//|<!\[CDATA\[|\*/)*")
CLOSING = re.compile(r"[\s;,]+")
# A string as a whole, so that nothing in it is mended but a backslash that means nothing; or commas and what they end.
FAULT = re.compile(r'"(?>(?:[^"\\]|\\.)*)(?:"|\\?\Z)|(?P<commas>,[\s,]*+)(?P<end>[\]}])?', re.DOTALL)
ESCAPE = re.compile(r'\\(?:(["\\/bfnrtu])|(.))', re.DOTALL)
DECODER = json.JSONDecoder(strict=False)


def json_ld_nodes(scripts: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Every object in the JSON-LD of a page, outer ones first; what cannot be read is passed over.

    What is mended: comments and CDATA marks around it, commas too many, backslashes that mean nothing, line breaks in
    strings, quotation marks written as entities.
    """
    queue: list[Any] = [value for script in scripts if len(script) <= MAX_JSON_LD for value in _values(script)]
    for _ in range(MAX_NODES):
        if not queue:
            return
        item = queue.pop(0)
        if isinstance(item, list):
            queue += item
        elif isinstance(item, dict):
            yield item
            queue += [item[name] for name in INSIDE if name in item]


def _values(script: str) -> list[Any]:
    """What the script says: one value, or the several that some templates write one after the other."""
    for text in _readings(script):
        try:
            return list(_decoded(text))
        except (ValueError, RecursionError):
            continue
    return []


def _readings(script: str) -> Iterator[str]:
    text = OPENING.sub("", script, count=1)
    yield text
    yield FAULT.sub(_mended, text)
    if "&quot;" in text or "&#34;" in text:
        yield FAULT.sub(_mended, unescape(text))


def _mended(found: re.Match[str]) -> str:
    if found["commas"]:
        return found["end"] or ","
    return ESCAPE.sub(lambda escape: escape[0] if escape[1] else escape[2], found[0]) if "\\" in found[0] else found[0]


def _decoded(text: str) -> Iterator[Any]:
    position = 0
    for _ in range(MAX_NODES):
        value, position = DECODER.raw_decode(text, position)
        yield value
        blank = CLOSING.match(text, position)
        position = blank.end() if blank else position
        if not text.startswith(("{", "["), position):
            return


def story_node(nodes: Sequence[Node], addresses: Sequence[str], titles: Sequence[str]) -> Node:
    """The node of this page's story, empty where there is none.

    Of several articles that is the one that names this page as its own, then the one whose headline is a title of this
    page, then the first.

    :param addresses: of this page, the first absolute
    :param titles: what the page calls its story outside JSON-LD
    """
    articles = [node for node in nodes if _is_article(node)]
    if len(articles) < 2:  # noqa: PLR2004 - nothing to choose
        return articles[0] if articles else {}
    base = addresses[0] if addresses else ""
    here = {place for address in addresses if (place := _place(base, address))}
    names = [name for title in titles if (name := _name(title))]
    return min(articles, key=lambda node: (not _is_here(node, base, here), not _is_called(node, names)))


def _is_article(node: Node) -> bool:
    types = node.get("@type")
    names = types if isinstance(types, list) else [types]
    return any(isinstance(name, str) and name.endswith(ARTICLE_TYPES) for name in names)


def _is_here(node: Node, base: str, here: set[str]) -> bool:
    said = [value for name in ("url", "@id", "mainEntityOfPage") for value in _addresses(node.get(name))]
    return any(_place(base, address) in here for address in said)


def _addresses(value: object) -> list[str]:
    if isinstance(value, list):
        return [address for item in value[:MAX_NODES] for address in _addresses(item) if not isinstance(item, list)]
    if isinstance(value, dict):
        return [address for name in ("@id", "url") if isinstance(address := value.get(name), str)]
    return [value] if isinstance(value, str) else []


def _place(base: str, address: str) -> str:
    """The address without scheme, www, fragment and what only tracks; empty for one that is none."""
    try:
        place = canonical_url(urljoin(base, address[:MAX_ADDRESS].strip()))
    except ValueError:
        return ""
    return place.partition("://")[2].removeprefix("www.").rstrip("/")


def _is_called(node: Node, names: Sequence[str]) -> bool:
    headline = node.get("headline")
    own = _name(headline) if isinstance(headline, str) else ""
    return bool(own) and any(name == own or (len(own) >= MIN_START and name.startswith(f"{own} ")) for name in names)


def _name(title: str) -> str:
    return key(normalise(unescape(title[:MAX_ADDRESS])))
