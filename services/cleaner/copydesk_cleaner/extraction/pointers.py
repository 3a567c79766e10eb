"""What a page says of other stories: where its links lead, and lines such as "READ MORE: Ferry crews walk out".

trafilatura drops the short ones of those lines for their links, without a trace. As plain paragraphs they stay in the
text, whose rules then cut them and keep what they say.
"""

# Publishers print curly quotation marks and dashes, and the patterns hold them.
# ruff: noqa: RUF001

import re
from collections.abc import Iterator, Mapping
from functools import cached_property

from lxml import html

from copydesk_cleaner.extraction.documents import is_document
from copydesk_cleaner.extraction.tree import HEADINGS, words_of
from copydesk_cleaner.headlines import MIN_LINK_WORDS
from copydesk_cleaner.related import LEAD, MAX_LINK, bare
from copydesk_cleaner.rulebook import shipped
from copydesk_cleaner.text import has_end_mark, key

BLOCKS = frozenset({"div", "p", "ul", "ol", "table", "section", "article", "figure", "blockquote", *HEADINGS})
FIRST_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
SURE = {bare(lead.words): lead.sure for lead in shipped().leads}
# The words of the last part of an address, without the numbers before and after them.
SLUG = re.compile(
    rf"/(?:\d{{4,}}-)?(?P<words>[a-z0-9]+(?:-[a-z0-9]+){{{MIN_LINK_WORDS - 1},40}}?)"
    r"(?:-(?:[a-z]?\d{5,}|[0-9a-f]{8,}))*(?:\.(?:s?html?|php|aspx?))?/?(?:[?#]|$)",
    re.IGNORECASE,
)
FIRST_WORDS = frozenset(match.group() for words in SURE if (match := FIRST_WORD.search(words)))


def keep_pointers(tree: html.HtmlElement) -> None:
    """Turn blocks that are a lead and a linked headline into paragraphs without links."""
    for block in list(tree.iter("p", "div", *HEADINGS)):
        if _may_point(block) and led_headline(words_of(block)):
            for link in block.findall(".//a"):
                link.drop_tag()
            block.tag = "p"


def _may_point(block: html.HtmlElement) -> bool:
    """A cheap question first: most blocks begin with another word."""
    if not len(block):
        return False
    first = block.text
    if not first or first.isspace():
        if block[0].tag in BLOCKS:
            return False
        first = next((text for text in block.itertext() if not text.isspace()), "")
    return (
        _begins_like_lead(first)
        and next(block.iterdescendants("a"), None) is not None
        and not any(element.tag in BLOCKS for element in block)
    )


def _begins_like_lead(text: str) -> bool:
    word = FIRST_WORD.search(text)
    return word is not None and bare(word.group()) in FIRST_WORDS


def led_headline(line: str) -> str:
    """The headline behind a lead when the two fill the line; else nothing."""
    if len(line) > MAX_LINK or not _begins_like_lead(line):
        return ""
    match = LEAD.fullmatch(line)
    if match is None:
        return ""
    headline = match["headline"]
    return headline if SURE[bare(match["lead"])] or (headline[0].isupper() and not has_end_mark(headline)) else ""


class PageLinks(Mapping[str, str]):
    """:func:`links_of` of a tree that stays as it is, found when they are first asked for: few texts ask."""

    def __init__(self, tree: html.HtmlElement, url: str, least: int = MIN_LINK_WORDS) -> None:
        self._tree, self._url, self._least = tree, url, least

    @cached_property
    def _found(self) -> Mapping[str, str]:
        return links_of(self._tree, self._url, self._least)

    def __getitem__(self, name: str) -> str:
        return self._found[name]

    def __contains__(self, name: object) -> bool:
        return name in self._found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def links_of(tree: html.HtmlElement, url: str, least: int = MIN_LINK_WORDS) -> Mapping[str, str]:
    """Where the links lead, as written, by the key of their words or of the headline in them or behind a lead.

    Links of fewer words are left out: most are one word, and said again and again. The title that an address tells
    is a key without blanks, since addresses leave out apostrophes.
    """
    found: dict[str, str] = {}
    own = _slug(url)
    seen = {own, ""}
    for link in tree.iter("a"):
        address = link.get("href") or ""
        if is_document(address):
            continue
        text = words_of(link)
        if text not in seen and len(text) >= 2 * least - 1:
            seen.add(text)
            for name in _names(link, text, least):
                found.setdefault(name, address)
        slug = _slug(address)
        if slug not in seen:
            found.setdefault(slug, address)
    return found


def _names(link: html.HtmlElement, text: str, least: int) -> Iterator[str]:
    words = key(text)
    if words.count(" ") >= least - 1:
        yield words
    if headline := led_headline(text):
        yield key(headline)
    if len(link):
        headings = (key(words_of(heading)) for heading in link.iter(*HEADINGS))
        yield from (heading for heading in headings if heading.count(" ") >= least - 1)


def _slug(address: str) -> str:
    """The title that the address of a story holds, squeezed, or nothing."""
    if address.count("-") < MIN_LINK_WORDS - 1:
        return ""
    match = SLUG.search(address)
    return match["words"].casefold().replace("-", "") if match else ""
