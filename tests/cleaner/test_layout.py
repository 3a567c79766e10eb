"""Pages that tables lay out, and the tables of data in them."""

import pytest

from copydesk_cleaner.extraction.layout import without_layout_tables
from copydesk_cleaner.extraction.tree import parse, words_of
from tests.cleaner.pages import article_of, html_page

SENTENCE = "The harbour board met on Friday to hear the ferry crews about the {} timetable, which begins in May."
STORY = [SENTENCE.format(season) for season in ("winter", "spring", "summer", "autumn", "night")]
COLUMNS = (
    "<html><body><table><tr><td><a href='/'>News</a><br><a href='/tides'>Tides</a></td><td>{}</td>"
    "<td><b>Other headlines</b><br><a href='/1'>Herring quota cut again</a></td></tr></table></body></html>"
)


@pytest.mark.parametrize(
    "column",
    ["<br><br>".join(["", *STORY]), "".join(f"<p>{line}</p>" for line in STORY)],
    ids=["breaks", "paragraphs"],
)
def test_the_story_in_a_column_keeps_its_paragraphs(column: str) -> None:
    article = article_of(html_page(COLUMNS.format(f"<font size='2'><b>{column}</b></font>")))
    assert list(article.paragraphs) == STORY


def test_a_table_of_data_in_a_column_stays_a_table() -> None:
    table = "<table><tr><th>Club</th><th>Points</th></tr><tr><td>Quay Town</td><td>27</td></tr></table>"
    story = "".join(f"<p>{line}</p>" for line in STORY)
    article = article_of(html_page(COLUMNS.format(f"{story}{table}<p>{SENTENCE.format('last')}</p>")))
    assert "| Quay Town | 27 |" in article.paragraphs


@pytest.mark.parametrize(
    "html",
    [
        "<table><tr><td>Quay Street 4<br>Hale</td><td>27</td></tr></table>",
        "<table><tr><td>" + "1<br>" * 9 + "</td></tr></table>",
        "<table><tr><td>" + SENTENCE * 9 + "</td></tr></table>",
    ],
    ids=["address", "figures", "no breaks"],
)
def test_cells_of_data_stay_cells(html: str) -> None:
    tree = parse(html)
    assert tree is not None
    without_layout_tables(tree)
    assert tree.find(".//td") is not None


def test_nothing_is_lost() -> None:
    tree = parse(COLUMNS.format("<h1>Quay</h1><table><tr><td>deep</td></tr></table>"))
    assert tree is not None
    before = words_of(tree)
    without_layout_tables(tree)
    assert words_of(tree) == before
    assert len(tree.findall(".//table")) == 1
