"""The pictures of a page with the captions and credits that are printed at them, in ``figure`` elements or beside.

Publishers print the credit inside the caption, beside it, or under a picture without any ``figure``. What is a caption
and what a credit is told by the element or by a word in its class; that there is a picture has to be true as well.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import chain, islice
from typing import NamedTuple

from lxml import etree, html

from copydesk_cleaner.captions import credit_alone
from copydesk_cleaner.credits import is_chain
from copydesk_cleaner.extraction.tree import words_of
from copydesk_cleaner.metadata import Figure

TEASERS = frozenset({"a", "aside", "nav", "footer"})
SOURCES = ("src", "data-src", "data-original")
PICTURES = ("img", "amp-img", "picture", "video", "amp-video", "iframe", "figure")
MAX_CAPTION = 1_000  # characters; more is a text around a picture
MAX_CREDIT = 160
MAX_FIGURES = 300
MAX_PIECE = 50_000
MAX_AROUND = 240  # characters beside a caption in the box that it shares with its picture
MAX_CLIMB = 4
REMEMBERED = 4096
MAX_BESIDE = 2
CAPTION_DATA = ("data-caption",)
CREDIT_DATA = ("data-credit", "data-copyright", "data-photographer", "data-attribution")

CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
CAPTION = re.compile(
    r"(?:^|[^a-z])(?:cap|captions?|cutline|legende|legenda|leyenda|didascalia|bildunterschrift|bildtext|onderschrift|bijschrift|podpis"
    r"|(?:image|img|photo|foto|picture|media|item|[a-z]*bild|figure)[-_]{1,2}(?:info[-_]{1,2})?(?:desc|description|text|title|subtitle))"
    r"(?:$|[^a-z])"
)
_SURE = (
    "credits?|copyrights?|photographers?|photo[-_]?by|attribution|urheber|fotograf|fotografo|fotografie|fotocredit|bildnachweis|"
    "bildrechte|rights|credito|creditos|kredit"
)
CREDIT = re.compile(
    rf"(?:^|[^a-z])(?:{_SURE}|byline|authors?|autor|creators?|sources?|quelle|agency|agentur)(?:$|[^a-z])"
)
SURE_CREDIT = re.compile(rf"(?:^|[^a-z])(?:{_SURE})(?:$|[^a-z])")  # outside a figure the others are of the story
# A part of each of the words for captions and credits: most classes have none.
MAYBE = re.compile(
    "cap|line|egend|eyend|didasc|bild|schrift|podpis|im(?:age|g)|hoto|foto|picture|media|item|figure|redit|right|attrib|urheb|"
    "author|autor|creator|source|quelle|agen|cr[eé]dit|kredit"
)
# And of each of those for captions alone.
CAPTION_PARTS = ("cap", "cutline", "egend", "eyend", "didasc", "schrift", "podpis", "desc", "text", "title")
HIDDEN = re.compile(
    r"(?:toggle|hide|enlarge|show)[-_ ]?(?:caption|image)|screen-?reader|visually-?hidden|sr-only"
    r"|(?:^|[-_ ])icon(?:$|[-_ ])"
)
LOOSE = re.compile(r" (?=[.,](?: |$))")  # after the end of an element
CREDIT_TAGS = frozenset({"cite", "small"})
UNSEEN = frozenset({"button", "noscript", "script", "style", "svg"})
PRINTED = frozenset({"div", "p", "span", "dd", "td", "em", "figcaption", "small", "i"})
IS_PICTURE = " or ".join(f"self::{tag}" for tag in PICTURES)
HOLDS_PICTURE = etree.XPath(f"boolean(descendant-or-self::*[{IS_PICTURE}])")


class _Box:
    """A caption and the elements around it that belong to the same picture."""

    def __init__(self, caption: html.HtmlElement, elements: list[html.HtmlElement], *, marked: bool = True) -> None:
        self.caption = caption
        self.elements = elements
        self.marked = marked

    def credits(self) -> list[html.HtmlElement]:
        """The elements in the caption that are marked as credits, or else the first beside it."""
        inside = [element for element in self.caption.iterdescendants() if _is_credit(element)]
        if inside:
            return [element for element in inside if not any(map(_is_credit, element.iterdescendants()))]
        return list(islice(chain(self._beside(), self._labelled()), 1))

    def credit(self, printed: Iterable[html.HtmlElement]) -> str:
        """The credit as printed in these elements: the label and the name may be marked apart."""
        words = list(dict.fromkeys(filter(None, map(_text, printed))))
        whole = " ".join(words)
        marked = whole if len(words) == 1 or whole in _text(self.caption) else words[-1] if words else ""
        return marked if len(marked) <= MAX_CREDIT else ""

    def _beside(self) -> Iterator[html.HtmlElement]:
        """What is marked as a credit, outside the caption."""
        around = {self.caption, *self.caption.iterancestors()}
        for element in self.elements:
            says = _says_any_credit if element.tag == "figure" else _says_sure_credit
            yield from (found for found in element.iter() if found not in around and _is_credit(found, says))

    def _labelled(self) -> Iterator[html.HtmlElement]:
        """What is no more than the label of a credit and a name, beside the caption."""
        for element in self.elements:
            for found in element.iter(*PRINTED):
                if found is not self.caption and not len(found) and _says_credit(words_of(found)):
                    yield found


class Pictures(NamedTuple):
    """What is known of the pictures of a page, and the elements that say it although they stand in no ``figure``."""

    figures: list[Figure]
    apart: list[html.HtmlElement]


def read_pictures(tree: html.HtmlElement, captions: Iterable[html.HtmlElement]) -> Pictures:
    """The pictures that have a caption or a credit, without those that tease other stories.

    ``captions`` are the elements that are marked as such, in order.
    """
    found: list[Figure] = []
    apart: list[html.HtmlElement] = []
    captioned: set[html.HtmlElement] = set()
    for caption, box in _boxes(tree, captions):
        captioned.update(element for element in box.elements if element.tag == "figure")
        printed = box.credits()
        found.append(Figure(_source_in(box.elements), _text(caption), box.credit(printed)))
        apart += (element for element in (*printed, *([caption] if box.marked else [])) if not _is_in_figure(element))
    for element in islice(tree.iter("figure", "img", "amp-img", "picture"), MAX_FIGURES):
        words, credit = _attribute(element, CAPTION_DATA), _attribute(element, CREDIT_DATA)
        if (words or credit) and captioned.isdisjoint((element, *element.iterancestors())) and not _teases(element):
            found.append(Figure(_source_in([element]), words, credit))
    return Pictures(found, apart)


def take_out(elements: Iterable[html.HtmlElement]) -> None:
    """Take the elements, some of which may be in others, out of their tree."""
    for element in elements:
        if element.getparent() is not None:
            element.drop_tree()


def _is_in_figure(element: html.HtmlElement) -> bool:
    return next(element.iterancestors("figure"), None) is not None


def _boxes(tree: html.HtmlElement, captions: Iterable[html.HtmlElement]) -> Iterator[tuple[html.HtmlElement, _Box]]:
    taken: set[html.HtmlElement] = set()
    for element in islice(captions, MAX_FIGURES):
        if _teases(element) or not taken.isdisjoint(element.iterancestors()):
            continue
        if _is_longer(element, MAX_CAPTION) or not _text(element) or HOLDS_PICTURE(element):
            continue
        box = _box_of(element)
        if box is not None:
            taken.update((element, *box.elements))
            yield element, box
    yield from _bare_boxes(tree, taken)


def _bare_boxes(tree: html.HtmlElement, taken: set[html.HtmlElement]) -> Iterator[tuple[html.HtmlElement, _Box]]:
    """Pictures without any word in a class: in a small box with them stand a caption and what can only be a credit."""
    lengths: dict[html.HtmlElement, int] = {}
    for picture in islice(tree.iter("img", "amp-img"), MAX_FIGURES):
        box = _small_box(picture, lengths)
        if box is None or _teases(box) or not taken.isdisjoint((*box.iter(), *box.iterancestors())):
            continue
        taken.add(box)
        credit = next((leaf for leaf in box.iter(*PRINTED) if not len(leaf) and _says_credit(words_of(leaf))), None)
        if credit is not None:
            caption = next((part for part in box.iter(*PRINTED) if _holds_words(part, credit)), credit)
            yield caption, _Box(caption, [box], marked=False)


def _small_box(picture: html.HtmlElement, lengths: dict[html.HtmlElement, int]) -> html.HtmlElement | None:
    """The element around a picture that has the first words; the ``lengths`` of those around others are remembered."""
    around = list(islice(picture.iterancestors(), MAX_CLIMB))
    teaser = next(picture.iterancestors(*TEASERS), None)
    if teaser is not None and teaser not in around:
        return None
    for box in around:
        length = lengths.get(box)
        if length is None:
            length = lengths[box] = _length(box.itertext(), 2 * MAX_AROUND)
        if length:
            return box if length <= 2 * MAX_AROUND and next(box.iterdescendants("a"), None) is None else None
        if box.tag == "a":  # and no box around a link is one
            return None
    return None


def _holds_words(part: html.HtmlElement, credit: html.HtmlElement) -> bool:
    return part is not credit and bool(words_of(part)) and not HOLDS_PICTURE(part)


def _says_credit(words: str) -> bool:
    return 0 < len(words) <= MAX_CREDIT and (bool(credit_alone(words)) or is_chain(words))


def _box_of(caption: html.HtmlElement) -> _Box | None:
    """The elements around a caption that belong to its picture; ``None`` when there is no picture."""
    figure = next(caption.iterancestors("figure"), None)
    if figure is not None:
        return _Box(caption, [figure, *_credits_after(figure)])
    element, length = caption, len(_text(caption))
    for _ in range(MAX_CLIMB):
        before = element.getprevious()
        if before is not None and HOLDS_PICTURE(before) and not _is_longer(before, MAX_AROUND):
            return _Box(caption, [before, element, *_credits_after(element)])
        element = element.getparent()
        if element is None or _is_longer(element, length + MAX_AROUND):
            break
        if HOLDS_PICTURE(element):
            return _Box(caption, [element, *_credits_after(element)])
    return _Box(caption, [caption]) if caption.tag == "figcaption" else None


def _credits_after(element: html.HtmlElement) -> list[html.HtmlElement]:
    """The neighbours that follow and are marked as credits."""
    found = []
    for _ in range(MAX_BESIDE):
        element = element.getnext()
        if element is None or not _is_credit(element, _says_sure_credit) or len(_text(element)) > MAX_CREDIT:
            break
        found.append(element)
    return found


def is_caption(tag: str, *, says: bool) -> bool:
    """Whether an element is marked as a caption, by its tag or as its class ``says``.

    A page's own elements hold text too; their names have a hyphen:
    https://html.spec.whatwg.org/multipage/custom-elements.html
    """
    return tag == "figcaption" or tag.endswith("-caption") or (says and (tag in PRINTED or "-" in tag))


def _is_credit(element: html.HtmlElement, says: Callable[[str], bool] | None = None) -> bool:
    if element.tag in CREDIT_TAGS:
        return True
    names = element.get("class") or element.get("itemprop")
    return bool(names) and (says or _says_any_credit)(names)


def says_caption(names: str) -> bool:
    """Whether a class says that an element is a caption."""
    return _marked(names, CAPTION, CREDIT)


# Blocks of a page share their classes, and pages of a host too.
@lru_cache(REMEMBERED)
def _says_any_credit(names: str) -> bool:
    return MAYBE.search(names.lower()) is not None and _marked(names, CREDIT, CAPTION)


@lru_cache(REMEMBERED)
def _says_sure_credit(names: str) -> bool:
    return MAYBE.search(names.lower()) is not None and _marked(names, SURE_CREDIT, CAPTION)


def _marked(names: str, wanted: re.Pattern[str], other: re.Pattern[str]) -> bool:
    """Whether a word of the class says so, and none after it says something else: "caption-author" is no caption."""
    names = CAMEL.sub("-", names).lower()
    last = max((match.start() for match in wanted.finditer(names)), default=-1)
    return last >= 0 and all(match.start() < last for match in other.finditer(names))


def _teases(element: html.HtmlElement) -> bool:
    return next(element.iterancestors(*TEASERS), None) is not None


def _text(element: html.HtmlElement) -> str:
    """The words of an element without those of its buttons and of what is only read aloud."""
    return LOOSE.sub("", " ".join(" ".join(_pieces(element)).split())) if len(element) else words_of(element)


def _pieces(element: html.HtmlElement) -> Iterator[str]:
    walker = etree.iterwalk(element, events=("start", "end"))
    for event, part in walker:
        if event == "end":
            yield part.tail or "" if part is not element else ""
        elif part is not element and _is_unseen(part):
            walker.skip_subtree()
        else:
            yield part.text or ""


def _length(pieces: Iterable[str], most: int) -> int:
    """How many characters the words of these pieces have, a blank between any two; more than ``most`` is just that."""
    length = 0
    for piece in pieces:
        if piece.isspace():
            continue
        words = piece[:MAX_PIECE].split()
        length += sum(map(len, words)) + len(words)
        if length - 1 > most:
            break
    return max(0, length - 1)


def _is_longer(element: html.HtmlElement, length: int) -> bool:
    """Whether the words of the element are more than so many characters; half of them at most are loose blanks."""
    return _length(_pieces(element), 2 * length) > 2 * length or len(_text(element)) > length


def _is_unseen(element: html.HtmlElement) -> bool:
    names = element.get("class")
    return element.tag in UNSEEN or (names is not None and HIDDEN.search(names.lower()) is not None)


def _attribute(element: html.HtmlElement, names: Iterable[str]) -> str:
    return next((" ".join(value.split()) for name in names if (value := element.get(name))), "")


def _source_in(elements: Iterable[html.HtmlElement]) -> str | None:
    """The address of the first picture in them."""
    for element in elements:
        for image in element.iter("img", "amp-img"):
            for name in SOURCES:
                source = image.get(name)
                if source and not source.startswith("data:"):
                    return str(source)
    return None
