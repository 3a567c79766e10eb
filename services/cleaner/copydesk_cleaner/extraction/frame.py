"""The part of a page that holds its story, told by where the long paragraphs are and not by the names of its classes.

Where trafilatura knows none of the classes it takes all paragraphs of the page, wherever they stand, and no sub-heads
and no lists. In a frame it takes these too, and nothing from outside. Where it knows one it takes the first element of
it, although advertisements may stand between two parts of a story. And by its names for what is no story it may drop
the element around the story itself.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from lxml import html

from copydesk_cleaner.extraction.selectors import Select
from copydesk_cleaner.extraction.tree import words_of

LONG_PARAGRAPH = 60
MOST = 0.8
TOO_MUCH = 0.5  # of the long paragraphs for what is no story
MIN_STORY = 600
MANY_PARTS = 3


def frame_of(tree: html.HtmlElement) -> tuple[html.HtmlElement | None, int]:
    """The smallest element that holds most of the long paragraphs, and how many characters these have.

    At each step down the greater part has to stay in one child. There is no frame but the tree where it does not.
    """
    held: Counter[html.HtmlElement] = Counter()
    for paragraph in tree.iter("p"):
        length = len(words_of(paragraph))
        if length > LONG_PARAGRAPH:
            held.update(dict.fromkeys(paragraph.iterancestors(), length))
    frame = tree
    while (inner := max(frame, key=held.__getitem__, default=None)) is not None and held[inner]:
        if held[inner] < MOST * held[frame]:
            break
        frame = inner
    return (None if frame is tree else frame), held[frame]


def with_further_parts(select: Select) -> Select:
    """What selects the first of these elements, and puts what follows of the same story into it."""

    def joined(tree: html.HtmlElement) -> Iterable[html.HtmlElement]:
        first = next(iter(select(tree)), None)
        if first is None:
            return []
        name = first.get("class")
        # What has the same class is selected too.
        parts = [part for part in tree.iter(first.tag) if part.get("class") == name] if name else []
        if len(parts) > 1 and _has_paragraph(first):
            _take(tree, first, [part for part in parts if _continues(part, first)])
        return [first]

    return joined


def sparing(select: Select) -> Select:
    """What selects these elements but for those that are or hold the story."""

    def selected(tree: html.HtmlElement) -> Iterable[html.HtmlElement]:
        found = list(select(tree))
        lengths = [_length(element) for element in found]
        longest = max(lengths, default=0)
        if not longest:
            return found
        whole = _length(tree.getroottree().getroot()) if longest >= MIN_STORY else 0
        story = max(MIN_STORY, TOO_MUCH * whole)
        return [
            element
            for element, length in zip(found, lengths, strict=True)
            if length < story and not (length and _is_walled(element))
        ]

    return selected


def _is_walled(element: html.HtmlElement) -> bool:
    """Whether it is a paragraph that a program hides from who has not paid."""
    return element.tag == "p" and "paywall" in element.get("class", "")


def _length(element: html.HtmlElement) -> int:
    """How many characters the long paragraphs in the element have."""
    return sum(length for paragraph in element.iter("p") if (length := len(words_of(paragraph))) > LONG_PARAGRAPH)


def _has_paragraph(element: html.HtmlElement) -> bool:
    return any(len(words_of(paragraph)) > LONG_PARAGRAPH for paragraph in element.iter("p"))


def _continues(part: html.HtmlElement, first: html.HtmlElement) -> bool:
    return part is not first and first not in part.iterancestors() and _article(part) is _article(first)


def _take(tree: html.HtmlElement, first: html.HtmlElement, parts: Sequence[html.HtmlElement]) -> None:
    """Put the parts that have long paragraphs into the first, and the sub-heads that stand between them.

    Where each paragraph is a part, the short ones are too.
    """
    long = [part for part in parts if _has_paragraph(part)]
    if not long:
        return
    taken = frozenset(parts if len(long) >= MANY_PARTS else long)
    around = {first, *taken}
    between: list[html.HtmlElement] = []
    for element in list(tree.iter(first.tag, "head")):
        if element is first:
            between = []
        elif not around.isdisjoint(element.iterancestors()):
            continue
        elif element in taken:
            first.extend((*between, element))
            between = []
        elif element.tag == "head":
            between.append(element)


def _article(element: html.HtmlElement) -> html.HtmlElement | None:
    return next(element.iterancestors("article"), None)
