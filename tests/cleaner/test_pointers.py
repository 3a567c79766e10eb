"""Lines that point to other stories, which the extractor would drop without a trace."""

import pytest

from copydesk_cleaner.extraction.pointers import led_headline
from tests.cleaner.pages import article_of, html_page
from tests.cleaner.test_extract import page_of, story_of

HEADLINE = "Ferry crews walk out again"
ADDRESS = "https://example.org/news/strike"


@pytest.mark.parametrize(
    "line",
    [
        "<p>READ MORE: <a href='/news/strike'>{}</a></p>",
        "<p><strong><a href='/news/strike'>See also: {}</a></strong></p>",
        "<h3>Don’t miss: <a href='/news/strike'>{}</a></h3>",
        "<div>MORE: <a href='/news/strike'>{}</a></div>",
    ],
)
@pytest.mark.parametrize("after", ["", "<p>Nobody else spoke.</p>"])
def test_a_short_pointer_is_a_removal_and_a_related_link(line: str, after: str) -> None:
    body = f"<article><h1>Row at the harbour</h1>{story_of()}{line.format(HEADLINE)}{after}</article>"
    article = article_of(html_page(page_of(body, "<title>Row at the harbour</title>")))
    assert HEADLINE not in article.text
    assert [removal.kind for removal in article.removals] == ["title", "related-link"]
    assert [(link.title, link.url) for link in article.related_links] == [(HEADLINE, ADDRESS)]


@pytest.mark.parametrize(
    ("line", "headline"),
    [
        (f"READ MORE: {HEADLINE}", HEADLINE),
        (f"MORE: {HEADLINE}", HEADLINE),
        ("More: the board asked for that, and for less.", ""),
        (f"Nobody spoke: {HEADLINE}", ""),
        (f"READ MORE: {HEADLINE} {'and over ' * 40}", ""),
        ("", ""),
    ],
)
def test_the_headline_behind_a_lead(line: str, headline: str) -> None:
    assert led_headline(line) == headline


@pytest.mark.parametrize(
    ("address", "cut"),
    [
        ("/2026/05/the-boards-plan-divides-ferry-crews-1234567", ["headline.link"]),
        ("/news/123456-the-boards-plan-divides-ferry-crews.html?ref=x", ["headline.link"]),
        ("/news/the-boards-plan", []),
        ("/news/the-boards-plan-divides-the-city", []),
    ],
)
def test_a_line_that_the_address_of_a_link_says_is_a_related_headline(address: str, cut: list[str]) -> None:
    article = article_of(html_page(page_with_line_and_link(address)))
    assert [removal.rule for removal in article.removals] == cut


def test_the_address_of_the_page_itself_says_no_other_headline() -> None:
    address = "https://example.org/news/the-boards-plan-divides-ferry-crews"
    page = html_page(page_with_line_and_link(address)).model_copy(update={"url": f"{address}?page=2"})
    assert article_of(page).removals == ()


def page_with_line_and_link(address: str) -> str:
    line = "<p>The board’s plan divides ferry crews</p>"
    return page_of(
        f"<a href='{address}'><img alt=''></a><article>{story_of()}{line}<p>Nobody else spoke about it on that day.</p></article>"
    )
