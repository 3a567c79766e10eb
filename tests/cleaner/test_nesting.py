"""Pages that the parser reads in another shape than a browser does."""

import pytest

from tests.cleaner.pages import article_of, html_page
from tests.cleaner.test_extract import page_of, story_of

MENU = "<ul class='header-menu'><li>Harbour<li>Ferries"


@pytest.mark.parametrize(
    "around",
    [
        f"<header><div class='header-menu'><button>Menu{{story}}</button></div></header>{MENU}</ul>",
        f"<nav class='mobile-menu'>{MENU}{{story}}</nav>",
    ],
)
@pytest.mark.parametrize("tag", ["main", "article"])
def test_a_story_in_a_menu_that_was_never_closed_is_read_paragraph_by_paragraph(around: str, tag: str) -> None:
    article = article_of(html_page(page_of(around.format(story=f"<{tag}>{story_of()}</{tag}>"))))
    assert len(article.paragraphs) == 4
    assert "Ferries" not in article.text


def test_articles_in_a_list_stay_where_they_are() -> None:
    listed = "<ol>" + "".join(f"<li><article>{story_of(2)}</article></li>" for _ in range(3)) + "</ol>"
    assert article_of(html_page(page_of(f"<div>{listed}</div>"))).paragraphs
