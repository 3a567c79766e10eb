"""Authors, agencies, titles and dates that a page only prints above its story."""

from datetime import UTC, datetime

import pytest

from copydesk_shared.messages import Article
from tests.cleaner.pages import article_of, html_page

SENTENCE = "The harbour board met on Friday to hear the complaint of the ferry crews about the winter timetable."
TITLE = "Ferry crews walk out over the winter plan"


def article(head: str, title: str = f"{TITLE} | The Quay", body: str = "") -> Article:
    text = body or f"<p>{SENTENCE * 3}</p><p>{SENTENCE * 3}</p>"
    return article_of(
        html_page(f"<html><head><title>{title}</title></head><body>{head}<div>{text}</div></body></html>")
    )


@pytest.mark.parametrize(
    ("line", "authors", "agencies"),
    [
        ("<p>By Ada Holm</p>", ("Ada Holm",), ()),
        ("<div><span>Par Ada Holm avec AFP</span><span>Publié le 3 mars 2026</span></div>", ("Ada Holm",), ("AFP",)),
        ("<div><span>di Ada Ferri</span><span>9 aprile 2026</span></div>", ("Ada Ferri",), ()),
        ("<ul><li>Von Ada Holm und Jo Bell</li><li>3. März 2026</li></ul>", ("Ada Holm", "Jo Bell"), ()),
        ("<p>By the harbour, on Friday</p>", (), ()),
    ],
)
def test_a_byline_below_the_headline_names_authors(
    line: str, authors: tuple[str, ...], agencies: tuple[str, ...]
) -> None:
    found = article(f"<header><h1>{TITLE}</h1>{line}</header>")
    assert (found.authors, found.attribution) == (authors, agencies)


def test_a_name_behind_the_first_paragraph_is_no_author() -> None:
    body = f"<p>{SENTENCE * 3}</p><p>{SENTENCE * 3}</p><p>{SENTENCE * 2}</p><p>{SENTENCE * 2}</p><aside><p>By Ada Holm</p></aside>"
    assert article(f"<h1>{TITLE}</h1>", body=body).authors == ()


def test_what_style_sheets_keep_apart_is_not_fused() -> None:
    found = article(f"<h1>{TITLE}</h1>", body=f"<p><span>Jane Roe</span><span>Bergen</span> {SENTENCE * 4}</p>")
    assert found.paragraphs[0].startswith("Jane Roe Bergen The harbour")
    letters = article(f"<h1>{TITLE}</h1>", body=f"<p><span>T</span><span>he</span> board. {SENTENCE * 4}</p>")
    assert letters.paragraphs[0].startswith("The board.")


def test_the_title_is_the_part_that_the_text_begins_with() -> None:
    body = f"<b>{TITLE}</b><br><i>By Ada Holm</i><br>Tuesday, 3 March 1998<br><br>{SENTENCE * 3}<br><br>{SENTENCE * 3}"
    found = article("", f"The Quay - {TITLE}", body)
    assert (found.title, found.authors) == (TITLE, ("Ada Holm",))
    assert found.published_at == datetime(1998, 3, 3, tzinfo=UTC)
    assert TITLE not in found.paragraphs


def test_a_title_of_which_the_text_has_nothing_stays_whole() -> None:
    assert article("", f"The Quay - {TITLE}").title == f"The Quay - {TITLE}"
