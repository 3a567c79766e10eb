"""The quick answers to trafilatura's expressions are those of XPath."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree, html
from trafilatura import xpaths

from copydesk_cleaner.extraction.selectors import REGEXP, select_all, select_first

LISTS = (
    "REMOVE_COMMENTS_AND_LISTS_XPATH",
    "RAW_TREE_PRUNE_XPATH",
    "OVERALL_DISCARD_XPATH",
    "TEASER_DISCARD_XPATH",
    "DISCARD_IMAGE_ELEMENTS",
    "AUTHOR_DISCARD_XPATHS",
    "AUTHOR_XPATHS",
)
EXPRESSIONS = [expression for name in LISTS for expression in getattr(xpaths, name)]
WORDS = (
    "comment comments-list post-comments disqus_thread infinite-scroll mvp-post-add-box elementor-share-buttons cookie "
    "social Share nav Navigation menu teaser Teaser caption author byline hidden hide-me reply-1 akismet article-body "
    "post-content entry main-content story-body story Main fulltext FULLTEXT display:none true MostPopularStories x"
).split()
TAGS = "div section aside p span ul ol li article main h1 h3 a details".split()
NAMES = ("id", "class", "role", "style", "itemprop", "data-component", "aria-hidden", "data-lp-replacement-content")

attributes = st.dictionaries(
    st.sampled_from(NAMES), st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join), max_size=4
)
blocks = st.tuples(st.sampled_from(TAGS), attributes, st.integers(0, 3))


def tree_of(parts: list[tuple[str, dict[str, str], int]]) -> html.HtmlElement:
    """A tree of these blocks, each so many levels above the one before, or inside it."""
    root = html.Element("body")
    inner = root
    for tag, named, up in parts:
        for _ in range(up):
            above = inner.getparent()
            inner = inner if above is None else above
        inner = etree.SubElement(inner, tag, named)
    return root


def quick(expressions: list[etree.XPath]) -> Iterator[bool]:
    return (select_all(expression) is not expression for expression in expressions)


def test_most_expressions_are_of_the_form_that_is_answered_without_xpath() -> None:
    assert sum(quick(EXPRESSIONS)) >= len(EXPRESSIONS) - 2
    assert select_first(xpaths.BODY_XPATH[0]) is not xpaths.BODY_XPATH[0]


@given(st.lists(blocks, max_size=25))
def test_the_elements_are_those_that_xpath_finds(parts: list[tuple[str, dict[str, str], int]]) -> None:
    tree = tree_of(parts)
    for expression in EXPRESSIONS:
        assert list(select_all(expression)(tree)) == expression(tree), expression.path


@given(st.lists(blocks, max_size=25))
def test_the_first_element_is_the_one_that_xpath_finds_first(parts: list[tuple[str, dict[str, str], int]]) -> None:
    tree = tree_of(parts)
    for expression in xpaths.BODY_XPATH:
        assert next(iter(select_first(expression)(tree)), None) == next(iter(expression(tree)), None), expression.path


def test_what_asks_for_the_first_is_no_question_for_all() -> None:
    expression = etree.XPath(".//*[@id='a'][1]")
    assert select_all(expression) is expression
    assert select_first(expression) is not expression


@pytest.mark.parametrize(
    "path",
    [
        ".//div[@id='a']/p",
        ".//*[self::div][re:test(@id, 'a*')]",
        ".//*[@id='a' and @class='b']",
        ".//*[rel='me' or @id='a']",
        ".//*[@id='a']|//author",
        ".//*[@id='a'][1][.//h1]",
        ".//*[@id='a'][.//h1][1]/p",
        ".//*[@id='a'][.//h1]|.//p[.//a]",
        ".//*[@id='a'][last() > 3]",
    ],
)
def test_an_expression_of_another_form_is_left_to_lxml(path: str) -> None:
    expression = etree.XPath(path, namespaces=REGEXP)
    assert select_all(expression) is expression
