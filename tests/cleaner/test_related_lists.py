"""The other stories to which a page points around its own."""

import pytest

from copydesk_shared.messages import Article
from tests.cleaner.pages import article_of, html_page

FIRST = "The harbour board met on Friday to hear the complaint of the ferry crews about the new timetable."
SECOND = "It will publish its answer next week, the chairwoman told the members after the meeting had closed."
MORE = (
    "The crews had asked for two more boats in the morning, and for a later start on the first day of the year.",
    "Nobody from the ferry company spoke at the meeting, which was the longest that the board has ever held.",
)
LINK = '<a href="/news/two-held">Two held after fire at the cannery</a>'
TITLE, ADDRESS = "Two held after fire at the cannery", "https://example.org/news/two-held"


def article_with(inside: str = "", after: str = "") -> Article:
    return article_of(
        html_page(
            f"<!doctype html><html><body><main><article><h1>Crews complain</h1><p>{FIRST}</p>{inside}<p>{SECOND}</p><p>{MORE[0]}</p><p>{MORE[1]}</p></article>"
            f"{after}</main></body></html>"
        )
    )


@pytest.mark.parametrize(
    "after",
    [
        f"<section><h2>More on this story</h2><ul><li>{LINK}</li></ul></section>",
        f"<div class=field><div>Mehr zum Thema</div><div class=items><div>{LINK}</div></div></div>",
        f"<h3><em>Related</em></h3><p>{LINK}</p>",
        f"<div><h4>You might also like</h4><div><h3>{LINK}</h3><p>It was the third this year.</p></div></div>",
        f"<div><h2>More from Ada Holm</h2><ul><li>{LINK} 2 May</li></ul></div>",
        "<h2>Lees ook</h2><article><a href='/news/two-held'><div><h3>Two held after fire at the cannery</h3><p>Why?</p></div></a></article>",
        "<h2>Related stories</h2><ul><li><a aria-label='Two held after fire at the cannery' href='/news/two-held'></a></li></ul>",
        f"<div class='jp-relatedposts'>{LINK}</div>",
    ],
)
def test_lists_after_the_story(after: str) -> None:
    article = article_with(after=after)
    assert [(link.title, link.url) for link in article.related_links] == [(TITLE, ADDRESS)]
    assert article.paragraphs == (FIRST, SECOND, *MORE)


@pytest.mark.parametrize(
    "inside",
    [
        f"<aside class=rich-link>{LINK}<span>Read more</span></aside>",
        f"<div class=c-interstitial>[{LINK}]</div>",
        f"<ul><li>{LINK}</li></ul>",
        f"<div class=teaser><p>Lesen Sie auch: {LINK}</p></div>",
        f"<p>À lire aussi {LINK}</p>",
    ],
)
def test_links_between_two_paragraphs(inside: str) -> None:
    article = article_with(inside)
    assert [(link.title, link.url) for link in article.related_links] == [(TITLE, ADDRESS)]
    assert article.paragraphs == (FIRST, SECOND, *MORE)


@pytest.mark.parametrize(
    "after",
    [
        f"<section><h2>Most read</h2><ul><li>{LINK}</li></ul></section>",
        "<div><h2>Related topics</h2><ul><li><a href='/news/ferries'>Ferries and harbours</a></li></ul></div>",
        "<div class=related><a href='https://elsewhere.example/offer'>Ten ways to lose a ferry</a></div>",
        "<div class=related><a href='/tag/ferries'>Ferries and their crews</a></div>",
        f"<nav class=related>{LINK}</nav>",
    ],
)
def test_what_is_not_related_is_left_out(after: str) -> None:
    assert article_with(after=after).related_links == ()


def test_linked_names_stay_in_the_text() -> None:
    names = "<ul><li><a href='/ada'>Ada Holm</a></li><li><a href='/jo'>Jo Bell</a></li></ul>"
    article = article_with(names)
    assert article.paragraphs == (FIRST, "- Ada Holm", "- Jo Bell", SECOND, *MORE)
    assert article.related_links == ()


def test_a_list_that_reached_the_text_is_cut_and_told() -> None:
    article = article_with(
        after=f"<section><h2>More on this story</h2><ul><li><a href='/news/two-held'><p>{TITLE}</p></a></li></ul></section>"
    )
    assert TITLE not in article.text
    assert [link.title for link in article.related_links] == [TITLE]
