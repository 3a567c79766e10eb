"""From a page to plain text and what is known about it. With the package ``extraction``, all that knows HTML.

HTML is parsed once. A fragment (the full text of a feed) is taken as it is, block by block.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import html

from copydesk_cleaner.extraction.body import page_text
from copydesk_cleaner.extraction.completion import completed
from copydesk_cleaner.extraction.facts import alternatives, captions, read_facts
from copydesk_cleaner.extraction.fragment import blocks
from copydesk_cleaner.extraction.pointers import links_of
from copydesk_cleaner.extraction.said import with_body_said, with_standfirst
from copydesk_cleaner.extraction.tree import HEADINGS, drop_code, parse, texts
from copydesk_cleaner.headlines import with_words
from copydesk_cleaner.metadata import Metadata, PageFacts, read_metadata
from copydesk_cleaner.text import normalise
from copydesk_shared.errors import DeadLetterReason, Poison
from copydesk_shared.messages import Page

NOTHING_KNOWN = Metadata()

MAX_CHARACTERS = 6_000_000
MAX_TEXT_CHARACTERS = 1_000_000
MAX_LINES = 20_000

DOCUMENT = re.compile(r"<(?:!doctype|html|head|body)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Extracted:
    """A page's text, normalised, and what was learnt on the way.

    ``captions`` and ``alternatives`` (of pictures) are as printed; ``headings`` are keys of their words, ``links`` map
    such keys and the words of addresses to where they lead, as written.
    """

    text: str
    metadata: Metadata = NOTHING_KNOWN
    captions: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    headings: frozenset[str] = frozenset()


def extract(page: Page) -> Extracted:
    """The text and metadata of a page. Raises :class:`Poison` when it is too large to be an article."""
    if len(page.content) > MAX_CHARACTERS:
        raise Poison(f"page of {len(page.content)} characters, at most {MAX_CHARACTERS}", DeadLetterReason.TOO_LARGE)
    if page.content_type == "text/plain":
        return _sized(Extracted(normalise(page.content)))
    tree = parse(page.content)
    if tree is None:
        return Extracted("")
    facts = read_facts(tree)
    metadata = read_metadata(facts, page.url, page.fetched_at)
    drop_code(tree)
    fragment = DOCUMENT.search(page.content) is None
    text = normalise(blocks(tree)) if fragment else _story(tree, facts, page.url)
    if not fragment and text:
        metadata = completed(metadata, tree, page)
    return _sized(
        Extracted(
            text=text,
            metadata=metadata,
            captions=captions(facts, metadata),
            alternatives=alternatives(tree),
            links=links_of(tree, page.url),
            headings=with_words(texts(tree, *HEADINGS), 1),
        )
    )


def _story(tree: html.HtmlElement, facts: PageFacts, url: str) -> str:
    text = with_body_said(normalise(page_text(tree, url)), tree, facts, url)
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
