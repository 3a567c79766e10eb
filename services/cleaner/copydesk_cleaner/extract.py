"""From a page to plain text and what is known about it. With the package ``extraction``, all that knows HTML.

HTML is parsed once. A fragment (the full text of a feed) is taken as it is, block by block.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lxml import html

from copydesk_cleaner.extraction.body import page_text
from copydesk_cleaner.extraction.completion import completed
from copydesk_cleaner.extraction.facts import alternatives, captions, read_facts
from copydesk_cleaner.extraction.figures import read_pictures, take_out
from copydesk_cleaner.extraction.fragment import blocks
from copydesk_cleaner.extraction.pointers import PageLinks
from copydesk_cleaner.extraction.related_lists import link_blocks, related_links
from copydesk_cleaner.extraction.said import with_body_said, with_standfirst
from copydesk_cleaner.extraction.survey import survey
from copydesk_cleaner.extraction.tree import HEADINGS, drop_code, parse, texts
from copydesk_cleaner.extraction.walled import has_wall
from copydesk_cleaner.headlines import with_words
from copydesk_cleaner.metadata import Metadata, PageFacts, read_metadata
from copydesk_cleaner.printed_dates import first_date
from copydesk_cleaner.text import normalise
from copydesk_shared.errors import DeadLetterReason, Poison
from copydesk_shared.messages import PAGE_CHARACTERS, TEXT_CHARACTERS, Page, RelatedLink

NOTHING_KNOWN = Metadata()

MAX_CHARACTERS = PAGE_CHARACTERS
MAX_TEXT_CHARACTERS = TEXT_CHARACTERS
MAX_LINES = 20_000
MAX_HEAD, MAX_HEAD_LINES = 1_000, 6

DOCUMENT = re.compile(r"<(?:!doctype|html|head|body)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Extracted:
    """A page's text, normalised, and what was learnt on the way.

    ``captions`` and ``alternatives`` (of pictures) are as printed; ``headings`` are keys of their words, ``links`` map
    such keys and the words of addresses to where they lead, as written, ``addresses`` those of links of few words too;
    ``related`` are the stories to which the page
    points around its own. ``is_whole`` when all of what was delivered is
    the text, as in feeds, and it was not looked for in a page.
    """

    text: str
    metadata: Metadata = NOTHING_KNOWN
    captions: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    headings: frozenset[str] = frozenset()
    related: tuple[RelatedLink, ...] = ()
    is_whole: bool = False


def extract(page: Page) -> Extracted:
    """The text and metadata of a page. Raises :class:`Poison` when it is too large to be an article."""
    if len(page.content) > MAX_CHARACTERS:
        raise Poison(f"page of {len(page.content)} characters, at most {MAX_CHARACTERS}", DeadLetterReason.TOO_LARGE)
    if page.content_type == "text/plain":
        return _sized(_plain(page))
    tree = parse(page.content)
    if tree is None:
        return Extracted("")
    surveyed = survey(tree)
    pictures = read_pictures(tree, surveyed.captions)
    facts = read_facts(tree, pictures.figures)
    metadata = read_metadata(facts, page.url, page.fetched_at)
    drop_code(tree)
    fragment = DOCUMENT.search(page.content) is None
    if not fragment:
        take_out(pictures.apart)
    lists = list(link_blocks(tree))
    text = normalise(blocks(tree)) if fragment else _story(tree, facts, page.url, surveyed.names, has_lists=bool(lists))
    if not fragment and text:
        metadata = completed(metadata, tree, page, text)
        if has_wall(tree, text):
            metadata = replace(metadata, paywalled=True)
    return _sized(
        Extracted(
            text=text,
            metadata=metadata,
            captions=captions(facts, metadata),
            alternatives=alternatives(tree),
            links=PageLinks(tree, page.url),
            addresses=PageLinks(tree, page.url, least=1),
            headings=with_words(texts(tree, *HEADINGS), 1),
            related=related_links(tree, page.url, surveyed.boxes, lists),
            is_whole=fragment,
        )
    )


def _plain(page: Page) -> Extracted:
    """A text without markup, which may begin with its date."""
    text = normalise(page.content)
    date = None
    if page.entry_published_at is None:
        date = first_date(text[:MAX_HEAD].split("\n")[:MAX_HEAD_LINES], page.fetched_at, None)
    return Extracted(text, replace(NOTHING_KNOWN, published_at=date) if date else NOTHING_KNOWN, is_whole=True)


def _story(tree: html.HtmlElement, facts: PageFacts, url: str, names: str, *, has_lists: bool) -> str:
    text = with_body_said(normalise(page_text(tree, url, names, has_lists=has_lists)), tree, facts, url)
    return with_standfirst(text, tree, facts) if text else ""


def _sized(extracted: Extracted) -> Extracted:
    if len(extracted.text) > MAX_TEXT_CHARACTERS:
        raise Poison(
            f"text of {len(extracted.text)} characters, at most {MAX_TEXT_CHARACTERS}", DeadLetterReason.TOO_LARGE
        )
    lines = extracted.text.count("\n") + 1
    if lines > MAX_LINES:
        raise Poison(f"text of {lines} lines, at most {MAX_LINES}", DeadLetterReason.TOO_LARGE)
    return extracted
