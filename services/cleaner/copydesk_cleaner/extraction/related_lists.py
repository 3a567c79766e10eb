"""The other stories that a page points to around its own: lists below a heading, boxes in the text, single led links.

trafilatura leaves most of them out, without a trace. Here they are read before that, and nothing is cut because of it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import NamedTuple

from lxml import etree, html

from copydesk_cleaner.extraction.documents import is_document
from copydesk_cleaner.extraction.pointers import SURE, led_headline
from copydesk_cleaner.extraction.tree import HEADINGS, words_of
from copydesk_cleaner.metadata import absolute
from copydesk_cleaner.related import MAX_LINK, bare
from copydesk_cleaner.rulebook import shipped
from copydesk_cleaner.text import key
from copydesk_shared.identity import registrable_domain
from copydesk_shared.messages import RelatedLink

MAX_RELATED = 30
MAX_LISTED = 20
MAX_PLACES = 100
MAX_BLOCK = 8_000  # characters of a list with all that is said of its stories
MAX_HEADING = 60
MAX_SUBJECT_WORDS = 6
MAX_CLIMB = 4
MAX_BESIDE = 12
MAX_UNLINKED = 300  # characters of a list that are no link, for each link
MIN_WORDS, MIN_BOX_WORDS = 2, 3
MIN_HEADLINE_WORDS = 4  # on average; names have fewer
MIN_TEXT = 40
MAX_MARKS = 4  # around a link: brackets, an arrow
MAX_AROUND = 3
MIN_LETTERS = 6
MAX_TITLE = 200
REMEMBERED = 4096

# Blocks whose first words may head a list, or stand before a link.
HEADERS = (*HEADINGS, "p", "div", "span", "strong", "b", "em", "i", "dt", "li", "label", "summary")
ONE_LINK = frozenset({"p", *HEADINGS})
NOWHERE = frozenset({"nav", "footer", "header", "form"})
STORY = frozenset({"article", "main", "body"})
MARKS = " \t\r\n:：|»>›→▸▼-–—•…?!"  # noqa: RUF001 - as printed
BOX = re.compile(
    r"(?:^|[^a-z])(?:related|relatedposts|readmore|read-(?:more|next|also)|rich-?link|interstitial|see-also|also-read|recirc(?:ulation)?|"
    r"internal-?link|post-embed|bookmark-card|correlat[aio]|relacionad[ao]s?|similaires?|verwandt|recommend(?:ed|ations?)|more-(?:on|from)|"
    r"you-(?:may|might)|jp-relatedposts|crosslinks?|inline-?related|liens-?associes)(?:$|[^a-z])"
)
# A part of each of these words: most classes have none.
BOX_PARTS = (
    *("relat", "relacion", "readmore", "read-", "readnext", "readalso", "rich", "interst", "see", "also", "recirc"),
    *(
        "internal",
        "embed",
        "bookmark",
        "similaire",
        "verwandt",
        "recommend",
        "more",
        "you-",
        "youm",
        "crosslink",
        "liens",
    ),
)
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
TITLE = re.compile(r"(?:^|[^a-z])(?:title|headline|heading|titre|titulo|titolo|titel|tytul)(?:$|[^a-z])")
NOT_A_STORY = re.compile(
    r"^(?:#|mailto:|tel:|javascript:|whatsapp:|sms:)|/(?:tags?|topics?|authors?|profile|user|category|categories|kategorie|themen|"
    r"etiquetas?|autor(?:es)?|search|login|subscribe|newsletters?|account)(?:/|$)",
    re.IGNORECASE,
)


Block = tuple[html.HtmlElement, list[html.HtmlElement]]  # and its links


class _Found(NamedTuple):
    """A link that may lead to a related story, of ``least`` words at least; ``anywhere``: on other sites too."""

    link: html.HtmlElement
    least: int
    anywhere: bool = False


def _vocabulary(name: str) -> frozenset[str]:
    return frozenset(bare(words) for words in shipped().vocabulary(name))


LISTS = (_vocabulary("related_headings") | {words for words, sure in SURE.items() if sure}) - _vocabulary(
    "unrelated_headings"
)
EXTERNAL = _vocabulary("external_headings")
STARTS = tuple(f"{words} " for words in _vocabulary("related_heading_starts"))
UNRELATED = _vocabulary("unrelated_words")


def related_links(
    tree: html.HtmlElement, url: str, boxes: Sequence[html.HtmlElement], lists: Iterable[Block]
) -> tuple[RelatedLink, ...]:
    """The stories that the page points to, each once and in order.

    ``boxes`` are those called so, in order; ``lists`` are the page's :func:`link_blocks`.
    """
    found: dict[str, RelatedLink] = {}
    own = _site(url)
    for link, least, anywhere in islice(chain(_links(tree, boxes), _between(lists)), 10 * MAX_RELATED):
        title, address = _title(link), absolute(url, link.get("href"))
        site = _site(address or "") if anywhere else own
        if _is_story(title, least) and _may_lead_to_story(link.get("href"), address, url, site):
            found.setdefault(key(title), RelatedLink(title=title, url=address))
    return tuple(found.values())[:MAX_RELATED]


def _links(tree: html.HtmlElement, boxes: Sequence[html.HtmlElement]) -> Iterator[_Found]:
    """The links below headings and in boxes."""
    for element, heads in islice(_places(tree, boxes), MAX_PLACES):
        if heads:
            anywhere = _names(element.text) in EXTERNAL
            yield from (_Found(link, 1 if anywhere else MIN_WORDS, anywhere) for link in _headed(element))
        else:
            yield from (_Found(link, MIN_BOX_WORDS) for link in _boxed(element))


def _places(tree: html.HtmlElement, boxes: Sequence[html.HtmlElement]) -> Iterator[tuple[html.HtmlElement, bool]]:
    """The boxes that are called related by their class, and the headings of lists; which it is."""
    heads = list(filter(_heads, tree.iter(*HEADERS)))
    called = [box for box in boxes if box is tree or tree in box.iterancestors()]  # some were taken out
    heading, around = set(heads), set(called)
    if not heads or not called:
        yield from ((element, bool(heads)) for element in heads or called)
        return
    for element in tree.iter(etree.Element):
        if element in around:
            yield element, False
        if element in heading:
            yield element, True


def _heads(element: html.HtmlElement) -> bool:
    text = element.text
    return text is not None and len(text) <= MAX_HEADING and not text.isspace() and _heads_list(text)


def _between(lists: Iterable[Block]) -> Iterator[_Found]:
    """The links of blocks between two paragraphs that are links to stories and nothing else.

    A paragraph or heading that is one link may be the story's own: that is for the rules of headlines to say.
    """
    for block, links in lists:
        if (len(links) > 1 or block.tag not in ONE_LINK) and _mean_words(links) >= MIN_HEADLINE_WORDS:
            yield from (_Found(link, MIN_BOX_WORDS) for link in links)


def keep_names(tree: html.HtmlElement) -> None:
    """Make plain items of lists of linked names between two paragraphs: these are the text, and no other stories."""
    for block, links in list(link_blocks(tree)):
        items = list(block.iter("li"))
        if len(items) > 1 and len(links) == len(items) and _mean_words(links) < MIN_HEADLINE_WORDS:
            for link in links:
                link.drop_tag()


def link_blocks(tree: html.HtmlElement) -> Iterator[Block]:
    """The blocks between two paragraphs in which all is links."""
    for paragraph in tree.iter("p"):
        if len(paragraph.text or "") + len(paragraph) == 0:
            continue
        block = _following(paragraph)
        if (
            block is None
            or block.tag in NOWHERE
            or (block.tag == "p" and next(block.iterdescendants("a"), None) is None)
        ):
            continue
        links = _stories_in(block)
        if links and len(links) <= MAX_LISTED and _is_all_links(block, links) and _is_text(paragraph):
            after = _following(block)
            if after is not None and any(_is_text(each) for each in islice(after.iter("p"), MAX_BESIDE)):
                yield block, links


def _following(element: html.HtmlElement) -> html.HtmlElement | None:
    """What follows the element, or the block around it that it ends."""
    for _ in range(MAX_AROUND):
        following = element.getnext()
        if following is not None or element.tag in STORY or element.getparent() is None:
            return following
        element = element.getparent()
    return None


def _is_text(paragraph: html.HtmlElement) -> bool:
    return len(words_of(paragraph)) > MIN_TEXT and not _is_nowhere(paragraph)


def _is_all_links(block: html.HtmlElement, links: Sequence[html.HtmlElement]) -> bool:
    if any(link.get("rel") == "tag" for link in links) or _is_longer(block, MAX_BLOCK):
        return False
    return len(words_of(block)) <= sum(len(words_of(link)) + MAX_MARKS for link in links)


def _mean_words(links: Sequence[html.HtmlElement]) -> float:
    return sum(len(words_of(link).split()) for link in links) / len(links)


def says_box(names: str) -> bool:
    """Whether a class calls a box related."""
    return BOX.search(CAMEL.sub("-", names).lower()) is not None


def _names(text: str) -> str:
    """The words of a heading as they are compared."""
    return bare(" ".join(text.split()).strip(MARKS))


@lru_cache(REMEMBERED)
def _heads_list(text: str) -> bool:
    """Whether the words head a list of related stories."""
    words = _names(text)
    if not words or not UNRELATED.isdisjoint(words.split()):
        return False
    return words in LISTS or words in EXTERNAL or (words.startswith(STARTS) and len(words.split()) <= MAX_SUBJECT_WORDS)


def _boxed(box: html.HtmlElement) -> list[html.HtmlElement]:
    """The links of a box, where that is little more than links to stories."""
    links = _stories_in(box)
    if not links or len(links) > MAX_LISTED or not _is_mostly_links(box, links) or _is_nowhere(box):
        return []
    return links


def _headed(heading: html.HtmlElement) -> list[html.HtmlElement]:
    """The links behind the words of a heading: in the same block, or else in what follows it."""
    inside = _stories_in(heading)
    if inside:
        return [] if _is_longer(heading, MAX_LINK) else inside
    if _is_nowhere(heading):
        return []
    element = heading
    for _ in range(MAX_CLIMB):
        if found := _below(element):
            return found[:MAX_LISTED]
        if element.tag in STORY or element.getparent() is None:
            return []
        element = element.getparent()
    return []


def _below(element: html.HtmlElement) -> list[html.HtmlElement]:
    """The links in the blocks that follow, up to the next heading or paragraph."""
    found: list[html.HtmlElement] = []
    for block in islice(element.itersiblings(), MAX_BESIDE):
        links = _stories_in(block)
        if not links:
            if block.tag in HEADINGS or _is_longer(block, MAX_HEADING):
                break
        elif not _is_mostly_links(block, links):
            break
        found += links
    return found


def _stories_in(block: html.HtmlElement) -> list[html.HtmlElement]:
    return list(islice(block.iter("a"), MAX_LISTED + 1))


def _is_mostly_links(block: html.HtmlElement, links: Sequence[html.HtmlElement]) -> bool:
    if _is_longer(block, MAX_BLOCK):
        return False
    linked = sum(len(words_of(link)) for link in links)
    return len(words_of(block)) - linked <= MAX_UNLINKED * len(links)


def _is_longer(block: html.HtmlElement, most: int) -> bool:
    """Whether there is more text in a block than so many characters; not all of a large one is looked at."""
    length = 0
    for text in islice(block.itertext(), most):
        length += len(text.strip())
        if length > most:
            return True
    return False


def _is_nowhere(element: html.HtmlElement) -> bool:
    return any(ancestor.tag in NOWHERE for ancestor in (element, *element.iterancestors()))


def _title(link: html.HtmlElement) -> str:
    """The headline in a link, or of it: what is marked as one, or its words without a lead."""
    for part in link.iter(etree.Element):
        if (
            part is not link
            and (part.tag in HEADINGS or _says_title(part.get("class") or ""))
            and (words := words_of(part))
        ):
            return _unled(words)
    pieces = [words for text in link.itertext() if (words := " ".join(text.split())) and not _heads_list(words)]
    blocks = any(part.tag in {"div", "p"} for part in link)
    words = (pieces[0] if blocks else " ".join(pieces)) if pieces else ""
    return _unled(words or link.get("aria-label") or link.get("title") or "")


@lru_cache(REMEMBERED)
def _says_title(names: str) -> bool:
    return bool(names) and TITLE.search(CAMEL.sub("-", names).lower()) is not None


def _unled(words: str) -> str:
    return led_headline(words) or words


def _is_story(title: str, least: int) -> bool:
    """Whether the words can be a headline; a script without blanks has words of no length."""
    if not MIN_LETTERS <= len(title) <= MAX_TITLE or _heads_list(title):
        return False
    return len(title.split()) >= least or (not title.isascii() and " " not in title)


def _may_lead_to_story(written: str | None, address: str | None, url: str, own: str) -> bool:
    """Whether the link leads to another page of the site; a program may follow one without an address."""
    if written is None:
        return True
    if address is None or NOT_A_STORY.search(written.strip()) or is_document(written):
        return False
    return _site(address) == own and address.partition("#")[0] != url


def _site(address: str) -> str:
    try:
        return registrable_domain(address)
    except ValueError:
        return ""
