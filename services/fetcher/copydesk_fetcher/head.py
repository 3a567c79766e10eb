"""What the head of an HTML page says, found in one pass: ``base``, canonical links, ``meta`` and the title."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from copydesk_shared.text import unescaped

HEAD_CHARACTERS = 256 * 1024
TAG_CHARACTERS = 4096
TITLE_CHARACTERS = 500
METAS = 500
CANONICALS = 10
# What may hold tags without meaning them, and where it ends.
OPAQUE = {
    b"!--": b"-->", b"script": b"</script", b"style": b"</style", b"title": b"</title", b"svg": b"</svg",
    b"template": b"</template",
}  # fmt: skip
# What pages tell social networks is most of their meta tags and of no use here.
START = re.compile(
    rb"""!--|(?:script|style|title|svg|template|link|base)(?=[\s/>])|meta\s(?!(?:property|name)=["'](?:og|twitter|fb|al):)|"""
    rb"""/head|body(?=[\s/>])"""
)
ENDS = frozenset((b"/head", b"body"))
META_NAME = re.compile(rb"""\s(?:name|property)\s*=\s*["']?\s*([^\s"'>]+)""")
ATTRIBUTE = re.compile(r"""(?<![\w:-])([a-z][\w:-]*+)\s*+=\s*+(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Head:
    """``base`` and ``canonicals`` are as written. ``end`` is where the head ends, in characters of the page."""

    base: str = ""
    canonicals: tuple[str, ...] = ()
    title: str = ""
    end: int = 0
    metas: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The tags of each name or property, in lower case."""

    def meta(self, name: str) -> list[str]:
        """The contents of the meta tags of this name (in lower case), in order."""
        return [content for tag in self.metas.get(name, ()) if (content := attributes(tag).get("content", "").strip())]


def attributes(tag: str) -> dict[str, str]:
    """The attributes of a tag, names in lower case; of two with one name the first counts."""
    found: dict[str, str] = {}
    for match in ATTRIBUTE.finditer(tag):
        found.setdefault(match[1].lower(), unescaped(next(each for each in match.groups()[1:] if each is not None)))
    return found


def _starts(lowered: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The tags of interest: their names, where they start and where they end. One pass, whatever is in it."""
    at = lowered.find(b"<")
    while at >= 0:
        match = START.match(lowered, at + 1)
        if match is None:
            at = lowered.find(b"<", at + 1)
            continue
        name = match.group().rstrip()
        closing = OPAQUE.get(name)
        if name in ENDS:
            yield name, at, at
            return
        after = lowered.find(closing or b">", match.end())
        yield name, at, after
        if after < 0:
            return
        at = lowered.find(b"<", after + (len(closing) if closing else 0))


def read_head(text: str) -> Head:
    """The head of a page, as far as it is within the first 256 Ki characters. Never raises."""
    length = text.find("</head", 0, HEAD_CHARACTERS) + len("</head")
    if length >= len("</head"):
        head = _read(text[:length])
        if head.end >= 0:
            return head
    # It ends otherwise, or what looked like its end stands in a script or a comment.
    head = _read(text[:HEAD_CHARACTERS])
    return head if head.end >= 0 else replace(head, end=min(len(text), HEAD_CHARACTERS))


def _read(text: str) -> Head:
    """The head, with -1 for its end where there is none."""
    # One byte a character, so that places in it are places in the text; what matters here is ASCII.
    lowered = text.encode("latin-1", "replace").lower()
    base, title, end = "", "", -1
    canonicals: list[str] = []
    metas: dict[str, tuple[str, ...]] = {}
    for name, start, closed in _starts(lowered):
        end = start if name in ENDS else end
        if closed < 0:
            continue
        after = min(closed, start + TAG_CHARACTERS)
        if name == b"meta" and (match := META_NAME.search(lowered, start, after)) and len(metas) < METAS:
            key = match[1].decode("latin-1")
            metas[key] = (*metas.get(key, ())[:CANONICALS], text[start:after])
        elif name == b"title" and not title:
            title = _title(text[start : min(after, start + TITLE_CHARACTERS)])
        elif name == b"base" and not base:
            base = attributes(text[start:after]).get("href", "").strip()
        elif name == b"link" and lowered.find(b"canonical", start, after) >= 0 and len(canonicals) < CANONICALS:
            canonicals += _canonical(attributes(text[start:after]))
    return Head(base, tuple(canonicals), title, end, metas)


def _title(element: str) -> str:
    return " ".join(unescaped(element.partition(">")[2]).split())


def _canonical(found: dict[str, str]) -> list[str]:
    href = found.get("href", "").strip()
    return [href] if href and "canonical" in found.get("rel", "").lower().split() else []
