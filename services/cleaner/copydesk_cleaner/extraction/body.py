"""The text of a whole page's story: trafilatura's rules, without what its fast mode does and a news page does not need.

Its own fast mode measures the page's text and tries again where little of it was taken. Here a cheaper question decides
(:func:`seems_short`), and then its default mode is asked, which compares several extractors.
"""

from copy import copy

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
from trafilatura.xml import xmltotxt
from trafilatura.xpaths import BODY_XPATH, RAW_TREE_PRUNE_XPATH, REMOVE_COMMENTS_AND_LISTS_XPATH

from copydesk_cleaner.extraction.layout import without_layout_tables
from copydesk_cleaner.extraction.nesting import free_main
from copydesk_cleaner.extraction.pointers import keep_pointers
from copydesk_cleaner.extraction.selectors import REGEXP, select_all, select_first, with_names
from copydesk_cleaner.extraction.teasers import without_teasers
from copydesk_cleaner.extraction.tree import shorten_rows, size, texts

MAX_RERUN_ELEMENTS = 15_000
SHORT_TEXT = 400
LONG_PARAGRAPH = 60
COVERED_SHARE = 0.4

OPTIONS = Extractor(fast=True, comments=False)
# trafilatura takes these out whatever is in them; figures, forms and formulas it looks into first.
NEVER_STORY = tuple(tag for tag in MANUALLY_CLEANED if tag not in {"figure", "form", "math"})
# The words in all of trafilatura's RAW_TREE_PRUNE_XPATH.
GOES_ON = select_first(
    etree.XPath(
        ".//*[self::div or self::section or self::aside][re:test(@id, '{0}') or re:test(@class, '{0}')]".format(
            "mvp-post-add-|infinite|elementor-share-buttons"
        ),
        namespaces=REGEXP,
    )
)
COMMENTS = [select_all(expression) for expression in REMOVE_COMMENTS_AND_LISTS_XPATH]
# Its last resort takes any list for text. A navigation with a long paragraph was never closed.
NAVIGATION = (
    f"//*[self::nav or @role='navigation'][not(.//p[string-length(normalize-space()) > {LONG_PARAGRAPH}])]"
    "[not(.//article or .//main)]"
)


def _link_density(element: html.HtmlElement, favor_precision: bool = False) -> tuple[bool, bool]:
    """As trafilatura's test of how much of an element is links, which none are where there is no link."""
    if next(element.iter("ref"), None) is None:
        return False, False
    found: tuple[bool, bool] = link_density_test(element, favor_precision)
    return found


# trafilatura's main extractor, unchanged but for how it asks: the same answers come sooner.
_prune = with_names(
    main_extractor.prune_unwanted_sections,
    delete_by_link_density=with_names(delete_by_link_density, link_density_test=_link_density),
    **{
        name: [select_all(expression) for expression in getattr(main_extractor, name)]
        for name in ("OVERALL_DISCARD_XPATH", "DISCARD_IMAGE_ELEMENTS", "TEASER_DISCARD_XPATH")
    },
)
_extract_content = with_names(
    main_extractor.extract_content,
    _extract=with_names(
        main_extractor._extract,  # noqa: SLF001 - it has no other name
        BODY_XPATH=[select_first(expression) for expression in BODY_XPATH],
        prune_unwanted_sections=_prune,
    ),
    recover_wild_text=with_names(main_extractor.recover_wild_text, prune_unwanted_sections=_prune),
)
_extract_and_compare = with_names(
    core._extract_and_compare,  # noqa: SLF001 - it has no other name
    extract_content=_extract_content,
)
_bare_extraction = with_names(
    core.bare_extraction,
    trafilatura_sequence=with_names(
        core.trafilatura_sequence,
        RAW_TREE_PRUNE_XPATH=[select_all(expression) for expression in RAW_TREE_PRUNE_XPATH],
        REMOVE_COMMENTS_AND_LISTS_XPATH=COMMENTS,
        _extract_and_compare=_extract_and_compare,
        _recall_retry=with_names(
            core._recall_retry,  # noqa: SLF001 - it has no other name
            _extract_and_compare=_extract_and_compare,
        ),
    ),
)


def page_text(tree: html.HtmlElement, url: str) -> str:
    """The story of a page, a line for each block; empty when none was found. The tree stays as it is."""
    text = fast(_own_story(tree, url))
    if not seems_short(text, tree) or size(tree) > MAX_RERUN_ELEMENTS:
        return text
    return thorough(_own_story(tree, url)) or text


def _own_story(tree: html.HtmlElement, url: str) -> html.HtmlElement:
    tree = copy(tree)
    free_main(tree)
    keep_pointers(tree)
    without_layout_tables(tree)
    without_teasers(tree, url)
    return tree


def seems_short(text: str, tree: html.HtmlElement) -> bool:
    """Whether the text is short, or covers little of the page's long paragraphs."""
    if len(text) < SHORT_TEXT:
        return True
    long = sum(len(words) for words in texts(tree, "p") if len(words) > LONG_PARAGRAPH)
    return len(text) < COVERED_SHARE * long


def fast(tree: html.HtmlElement) -> str:
    """What trafilatura's main extractor finds; the tree is used up."""
    etree.strip_elements(tree, *NEVER_STORY, with_tail=False)
    shorten_rows(tree)
    try:
        if _may_go_on(tree):
            prune_unwanted_nodes(tree, RAW_TREE_PRUNE_XPATH)
        prune_unwanted_nodes(tree, COMMENTS)
        tree = convert_tags(tree_cleaning(tree, OPTIONS), OPTIONS, None)
        body, _ = _extract_content(tree, OPTIONS)
    except (TypeError, ValueError):  # as in trafilatura's own entry: what lxml will not hold
        return ""
    return _printed(body)


def _may_go_on(tree: html.HtmlElement) -> bool:
    """Whether trafilatura's costly search for stories that follow this one can find anything."""
    return any(True for _ in GOES_ON(tree))


def thorough(tree: html.HtmlElement) -> str:
    """What trafilatura's default mode finds."""
    shorten_rows(tree)
    document = _bare_extraction(tree, include_comments=False, with_metadata=False, prune_xpath=NAVIGATION)
    body = getattr(document, "body", None)  # None when nothing was found
    return "" if body is None else _printed(body)


def _printed(body: etree._Element) -> str:
    """The text of trafilatura's result, whose references are unescaped once more in printing."""
    for element in body.iter():
        if element.text and "&" in element.text:
            element.text = element.text.replace("&", "&amp;")
        if element.tail and "&" in element.tail:
            element.tail = element.tail.replace("&", "&amp;")
    return str(xmltotxt(body, include_formatting=False))
