"""The text of a whole page's story: trafilatura's rules, without what its fast mode does and a news page does not need.

Its own fast mode measures the page's text and tries again where little of it was taken. Here a cheaper question decides
(:func:`seems_short`), and then its default mode is asked, which compares several extractors.
"""

import re
from collections.abc import Iterator
from copy import copy, deepcopy
from math import inf

from lxml import etree, html
from trafilatura import core, main_extractor
from trafilatura.htmlprocessing import (
    convert_tags,
    delete_by_link_density,
    link_density_test,
    prune_unwanted_nodes,
    tree_cleaning,
)
from trafilatura.settings import MANUALLY_CLEANED, Extractor
from trafilatura.xml import delete_element, xmltotxt
from trafilatura.xpaths import BODY_XPATH, RAW_TREE_PRUNE_XPATH, REMOVE_COMMENTS_AND_LISTS_XPATH

from copydesk_cleaner.extraction.bare_texts import wrap_bare_texts
from copydesk_cleaner.extraction.boxes import without_boxes
from copydesk_cleaner.extraction.documents import keep_documents
from copydesk_cleaner.extraction.frame import frame_of, sparing, with_further_parts
from copydesk_cleaner.extraction.layout import part_spans, without_layout_lists, without_layout_tables
from copydesk_cleaner.extraction.listicles import keep_listicles
from copydesk_cleaner.extraction.nesting import free_main
from copydesk_cleaner.extraction.paragraphs import compare_extraction, justext_rescue
from copydesk_cleaner.extraction.pointers import keep_pointers
from copydesk_cleaner.extraction.related_lists import keep_names
from copydesk_cleaner.extraction.selectors import REGEXP, select_all, select_first, with_names
from copydesk_cleaner.extraction.teasers import without_teasers
from copydesk_cleaner.extraction.tree import shorten_rows, size, texts

MAX_RERUN_ELEMENTS = 15_000
SHORT_TEXT = 400
LONG_PARAGRAPH = 60
COVERED_SHARE = 0.4
MUCH_MORE = 2  # a short text is all of a short story when no more than that is found in another way
FRAMED_SHARE = 0.8

OPTIONS = Extractor(fast=True, comments=False)
# trafilatura takes these out whatever is in them; figures, forms and formulas it looks into first.
NEVER_STORY = tuple(tag for tag in MANUALLY_CLEANED if tag not in {"figure", "form", "math"})
# The words in all of trafilatura's RAW_TREE_PRUNE_XPATH, a costly search for stories that follow this one.
GOING_ON = ("mvp-post-add-", "infinite", "elementor-share-buttons")
GOES_ON = select_first(
    etree.XPath(
        ".//*[self::div or self::section or self::aside][re:test(@id, '{0}') or re:test(@class, '{0}')]".format(
            "|".join(GOING_ON)
        ),
        namespaces=REGEXP,
    )
)
COMMENTS = [select_all(expression) for expression in REMOVE_COMMENTS_AND_LISTS_XPATH]
ICONS = re.compile("[\ue000-\uf8ff]")  # private use: https://www.unicode.org/faq/private_use.html
# Its last resort takes any list for text. A navigation with a long paragraph was never closed.
NAVIGATION = (
    f"//*[self::nav or @role='navigation'][not(.//p[string-length(normalize-space()) > {LONG_PARAGRAPH}])]"
    "[not(.//article or .//main)]"
)


# Those are gone by then, and trafilatura's own cleaning would look for each again.
_tree_cleaning = with_names(tree_cleaning, MANUALLY_CLEANED=[tag for tag in MANUALLY_CLEANED if tag not in NEVER_STORY])


class _Passes:
    """The passes over a tree in which sections of links are taken out: another only where the last found something."""

    def __init__(self) -> None:
        self._taken = 0

    def delete(self, element: html.HtmlElement) -> None:
        self._taken += 1
        delete_element(element)

    def passes(self, most: int) -> Iterator[int]:
        for number in range(most):
            before = self._taken
            yield number
            if self._taken == before:
                return


_PASSES = _Passes()


def _link_density(element: html.HtmlElement, favor_precision: bool = False) -> tuple[bool, bool]:
    """As trafilatura's test of how much of an element is links, which none are where there is no link."""
    if next(element.iter("ref"), None) is None:
        return False, False
    found: tuple[bool, bool] = link_density_test(element, favor_precision)
    return found


# trafilatura's main extractor, unchanged but for how it asks: the same answers come sooner.
_prune = with_names(
    main_extractor.prune_unwanted_sections,
    delete_by_link_density=with_names(
        delete_by_link_density, link_density_test=_link_density, delete_element=_PASSES.delete
    ),
    range=_PASSES.passes,
    **{
        name: [sparing(select_all(expression)) for expression in getattr(main_extractor, name)]
        for name in ("OVERALL_DISCARD_XPATH", "DISCARD_IMAGE_ELEMENTS", "TEASER_DISCARD_XPATH")
    },
)
_extract = with_names(
    main_extractor._extract,  # noqa: SLF001 - it has no other name
    prune_unwanted_sections=_prune,
)
_recover_wild_text = with_names(main_extractor.recover_wild_text, prune_unwanted_sections=_prune)


def _recover(
    tree: html.HtmlElement, body: etree._Element, options: Extractor, tags: set[str], consumed: set[etree._Element]
) -> etree._Element:
    """What is in the frame of the story, where trafilatura knows none; else the paragraphs that it finds anywhere."""
    frame, long = frame_of(tree)
    if frame is not None:
        framed, text, _ = with_names(_extract, BODY_XPATH=[lambda _: [deepcopy(frame)]])(tree, options)
        if len(text) >= FRAMED_SHARE * long:
            return framed
    return _recover_wild_text(tree, body, options, tags, consumed)


# The first asks for names of bodies, the others for those of larger parts of a page, which its teasers have too.
BODIES = [select_first(expression) for expression in BODY_XPATH]
_extract_content = with_names(
    main_extractor.extract_content,
    _extract=with_names(_extract, BODY_XPATH=[with_further_parts(BODIES[0]), *BODIES[1:]]),
    recover_wild_text=_recover,
    MIN_DUPLICATE_LENGTH=inf,  # a line that comes twice is for the rules to judge, who leave an account
)
_extract_and_compare = with_names(
    core._extract_and_compare,  # noqa: SLF001 - it has no other name
    extract_content=_extract_content,
    compare_extraction=compare_extraction,
)
_bare_extraction = with_names(
    core.bare_extraction,
    trafilatura_sequence=with_names(
        core.trafilatura_sequence,
        RAW_TREE_PRUNE_XPATH=[select_all(expression) for expression in RAW_TREE_PRUNE_XPATH],
        REMOVE_COMMENTS_AND_LISTS_XPATH=COMMENTS,
        _extract_and_compare=_extract_and_compare,
        justext_rescue=justext_rescue,
        _recall_retry=with_names(
            core._recall_retry,  # noqa: SLF001 - it has no other name
            _extract_and_compare=_extract_and_compare,
        ),
    ),
)


def _without_icons(text: str, _: bool) -> str:
    """The text without the letters of icon fonts. Its own rule drops all that is not printed alone, joiners too."""
    return text if text.isascii() else ICONS.sub("", text)


_xmltotxt = with_names(xmltotxt, sanitize=_without_icons)


def page_text(tree: html.HtmlElement, url: str, names: str, *, has_lists: bool) -> str:
    """The story of a page, a line for each block; empty when none was found. The tree stays as it is.

    ``names`` are its classes and identifiers, ``has_lists`` whether there are :func:`link_blocks`.
    """
    own = copy(tree)
    elements = list(own.iter())  # held, so that lxml need not make objects for them at every walk
    text = fast(_own_story(own, url, names, has_lists=has_lists), names)
    del elements
    if not seems_short(text, tree) or size(tree) > MAX_RERUN_ELEMENTS:
        return text
    found = thorough(_own_story(copy(tree), url, names, has_lists=has_lists))
    return found if len(found) >= MUCH_MORE * len(text) or len(text) >= SHORT_TEXT else text


def _own_story(tree: html.HtmlElement, url: str, names: str, *, has_lists: bool) -> html.HtmlElement:
    if free_main(tree) or has_lists:
        keep_names(tree)
    keep_pointers(tree)
    wrap_bare_texts(tree)
    part_spans(tree)
    keep_documents(tree)
    lists = keep_listicles(tree, url)
    without_layout_tables(tree)
    without_layout_lists(tree)
    without_boxes(tree)
    without_teasers(tree, lists, names)
    return tree


def seems_short(text: str, tree: html.HtmlElement) -> bool:
    """Whether the text is short, or covers little of the page's long paragraphs."""
    if len(text) < SHORT_TEXT:
        return True
    long = sum(len(words) for words in texts(tree, "p") if len(words) > LONG_PARAGRAPH)
    return len(text) < COVERED_SHARE * long


def fast(tree: html.HtmlElement, names: str) -> str:
    """What trafilatura's main extractor finds; the tree is used up."""
    etree.strip_elements(tree, *NEVER_STORY, with_tail=False)
    shorten_rows(tree)
    try:
        if any(part in names for part in GOING_ON) and any(True for _ in GOES_ON(tree)):
            prune_unwanted_nodes(tree, RAW_TREE_PRUNE_XPATH)
        prune_unwanted_nodes(tree, COMMENTS)
        tree = convert_tags(_tree_cleaning(tree, OPTIONS), OPTIONS, None)
        body, _ = _extract_content(tree, OPTIONS)
    except (TypeError, ValueError):  # as in trafilatura's own entry: what lxml will not hold
        return ""
    return _printed(body)


def thorough(tree: html.HtmlElement) -> str:
    """What trafilatura's default mode finds."""
    shorten_rows(tree)
    document = _bare_extraction(tree, include_comments=False, with_metadata=False, prune_xpath=NAVIGATION)
    body = getattr(document, "body", None)  # None when nothing was found
    return "" if body is None else _printed(body)


def _printed(body: etree._Element) -> str:
    """The text of trafilatura's result, whose references are unescaped once more in printing."""
    for element in body.iter():
        text, tail = element.text, element.tail
        if text and "&" in text:
            element.text = text.replace("&", "&amp;")
        if tail and "&" in tail:
            element.tail = tail.replace("&", "&amp;")
    return str(_xmltotxt(body, include_formatting=False))
