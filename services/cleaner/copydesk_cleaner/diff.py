"""The text of a page with the cuts shown in place."""

from collections.abc import Iterator, Sequence

from copydesk_shared.messages import Article, Removal
from copydesk_shared.removals import restore

STRUCK = "\x1b[9;31m"
DIM = "\x1b[2m"
RESET = "\x1b[0m"


def render_diff(article: Article, *, colour: bool) -> str:
    """The extracted text, each cut marked and followed by the name of its rule; nothing else is changed.

    With colour a cut is struck out in red (ECMA-48), without it is ``[-like this-]{rule}``. A line break that a cut
    took stands outside the marks. Raises ``ValueError`` when the removals do not fit the article.
    """
    return _shown(restore(article), article.removals, colour=colour)


def render_cuts(text: str, removals: Sequence[Removal], *, colour: bool) -> str:
    """The same of a text and what is cut of it, where nothing is left and so there is no article."""
    return _shown(text, removals, colour=colour)


def _shown(text: str, removals: Sequence[Removal], *, colour: bool) -> str:
    parts: list[str] = []
    position = 0
    for removal in sorted(removals, key=lambda each: (each.start, each.end)):
        parts.append(text[position : removal.start])
        parts += _marked(removal, colour=colour)
        position = removal.end
    parts.append(text[position:])
    return "".join(parts)


def _marked(removal: Removal, *, colour: bool) -> Iterator[str]:
    inner = removal.text.strip("\n")
    before, _, after = removal.text.partition(inner) if inner else (removal.text, "", "")
    yield before
    if inner:
        yield (f"{STRUCK}{inner}{RESET}{DIM} {removal.rule}{RESET}" if colour else f"[-{inner}-]{{{removal.rule}}}")
    yield after
