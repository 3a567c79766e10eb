"""Lists of other stories and lists of tags, told by what their links are and not by what their classes are called; and
the scores of reviews, which repeat what the text says and are told by their class and by being short.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from urllib.parse import SplitResult, urljoin, urlsplit

from lxml import html

from copydesk_cleaner.extraction.tree import words_of

HEADINGS = ("h2", "h3", "h4", "h5", "h6")
MAX_HEADINGS = 500
MAX_SCORE_LINE = 80
SCORE_BOX = re.compile(
    r"(?:^|[^a-z])(?:(?:score|scores|rating|ratings|review|verdict)[-_]{0,2}(?:box|card|panel|summary|widget|block)|scorecard"
    r"|pros?[-_]{1,2}(?:and[-_])?cons?)(?:$|[^a-z])"
)
SCORE_PARTS = ("scor", "rating", "review", "verdict", "pro-", "pro_", "pros-", "pros_")  # most pages have none
MAX_LEVELS = 40
MIN_TEASERS = 3
MAX_TEASER = 500
TAG_SHARE = 0.8
ABSOLUTE = ("https://", "http://")
# A path, behind a host or not, without what has to be resolved: dots, ports, names of users.
PLAIN = re.compile(
    r"(?:https?://(?P<host>[a-zA-Z0-9.-]+)|(?!//))(?P<path>(?>(?:/(?!\.)[!-\"$-.0-:<->@-~]*+)+))(?:[?#][!-~]*+)?\Z"
)
BLOCKS = frozenset({"div", "p", "ul", "ol", "section", "footer", "li", "nav", "dl"})
LIST_PARTS = frozenset({"li", "ul", "ol"})


Item = tuple[html.HtmlElement, html.HtmlElement]  # a heading, and what is around it and its text


def without_teasers(tree: html.HtmlElement, lists: Iterable[Sequence[Item]], names: str) -> None:
    """Take lists of other stories and of tags, and boxes with scores, out of a tree whose classes are in ``names``.

    The lists of stories are among those of :func:`heads_of_lists`.
    """
    teasers = [item for items in lists for _, item in items if _is_short(item)]
    for item in (*teasers, *_tag_lists(tree), *_score_boxes(tree, names)):
        if item.getparent() is not None:
            item.drop_tree()


def _score_boxes(tree: html.HtmlElement, names: str) -> list[html.HtmlElement]:
    said = names.lower()
    if not any(part in said for part in SCORE_PARTS) or not any(map(_says_score, said.split("\n"))):
        return []
    return [
        box
        for box in tree.iter("div", "section", "aside")
        if (names := box.get("class")) and _says_score(names.lower()) and _is_short(box) and not _tells(box)
    ]


def _says_score(names: str) -> bool:
    return any(part in names for part in SCORE_PARTS) and SCORE_BOX.search(names) is not None


def _tells(box: html.HtmlElement) -> bool:
    """Whether there is a paragraph of text in it."""
    return any(len(words_of(paragraph)) > MAX_SCORE_LINE for paragraph in box.iter("p"))


def heads_of_lists(tree: html.HtmlElement, url: str) -> list[list[Item]]:
    """Neighbours, three or more, whose headings lead to other pages of the site: each heading and what is around it."""
    try:
        own = urlsplit(url)
    except ValueError:
        return []
    headings = [heading for heading in tree.iter(*HEADINGS) if _leads_away(heading, url, own)]
    if not MIN_TEASERS <= len(headings) <= MAX_HEADINGS:
        return []
    above = [_ancestors(heading) for heading in headings]
    shared = Counter(ancestor for ancestors in above for ancestor in ancestors)
    lists = defaultdict(list)
    for heading, ancestors in zip(headings, above, strict=True):
        item = heading
        for ancestor in ancestors:
            if shared[ancestor] > 1:
                lists[ancestor].append((heading, item))
                break
            item = ancestor
    return [items for items in lists.values() if len(items) >= MIN_TEASERS]


def _ancestors(element: html.HtmlElement) -> list[html.HtmlElement]:
    return [ancestor for ancestor, _ in zip(element.iterancestors(), range(MAX_LEVELS), strict=False)]


def _leads_away(heading: html.HtmlElement, url: str, own: SplitResult) -> bool:
    """Whether all of the heading is one link to another page of the site."""
    links = [link for link in heading.iter("a") if link.get("href") is not None] or _links_around(heading)
    if len(links) != 1 or not is_other_page(links[0].get("href"), url, own):
        return False
    words = words_of(links[0])
    return words != "" and words_of(heading) in words


def _links_around(heading: html.HtmlElement) -> list[html.HtmlElement]:
    return [
        ancestor
        for ancestor, _ in zip(heading.iterancestors(), range(3), strict=False)
        if ancestor.tag == "a" and ancestor.get("href")
    ]


def is_other_page(address: str, url: str, own: SplitResult) -> bool:
    """Whether an address on the page at this URL, which is also given in parts, is that of another page of the site."""
    address = address.strip()
    plain = PLAIN.match(address)
    if plain is not None and own.hostname is not None:  # most are written so, and understood without much ado
        host, path = plain["host"], plain["path"]
        return (host is None or host.lower() == own.hostname) and path not in {own.path, "/"}
    try:
        target = urlsplit(address if address.startswith(ABSOLUTE) else urljoin(url, address))
    except ValueError:
        return False
    return target.hostname == own.hostname and target.path not in {own.path, "", "/"}


def _is_short(item: html.HtmlElement) -> bool:
    return len(words_of(item)) <= MAX_TEASER and next(item.iter("h1"), None) is None


def _tag_lists(tree: html.HtmlElement) -> Iterable[html.HtmlElement]:
    """The blocks that are mostly links to tags: https://html.spec.whatwg.org/multipage/links.html#link-type-tag."""
    sizes: Counter[html.HtmlElement] = Counter()
    for link in tree.iter("a"):
        rel = link.get("rel")
        if not rel or "tag" not in rel.split():
            continue
        block = _block_around(link)
        if block is not None:
            sizes[block] += len(words_of(link))
    return [block for block, linked in sizes.items() if linked >= TAG_SHARE * len(words_of(block))]


def _block_around(link: html.HtmlElement) -> html.HtmlElement | None:
    block = next((ancestor for ancestor in link.iterancestors() if ancestor.tag in BLOCKS), None)
    while block is not None and block.tag in LIST_PARTS and block.getparent() is not None:
        if block.getparent().tag not in LIST_PARTS:
            break
        block = block.getparent()
    return block
