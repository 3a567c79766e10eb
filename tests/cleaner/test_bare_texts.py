"""Text that stands bare behind a box in the midst of the story."""

import pytest

from copydesk_cleaner.extract import extract
from tests.cleaner.pages import html_page

FIRST = "The harbour board met on Friday and agreed to close the northern pier until the end of the year, its chairman said."
SECOND = (
    "Residents who depend on the ferry said that they had not been asked, and that it would cost them an hour a day."
)
LAST = "The board will meet again in November, when the council is expected to send somebody of its own to the table."
BARE = (
    "Ada Holm says that the crews were not welcome at first, because there were more of them than berths in the port."
)


def lines_of(inner: str) -> list[str]:
    story = f"<p>{FIRST}</p><p>{SECOND}</p>{inner}<p>{LAST}</p>"
    title = "Harbour board closes the northern pier"
    page = f"<html><head><title>{title}</title></head><body><main><article><h1>{title}</h1><div>{story}</div></article></main>"
    return extract(html_page(page)).text.split("\n")


@pytest.mark.parametrize("box", ["article", "section"])
@pytest.mark.parametrize("around", ["<p>{}</p>", "{}"])
def test_text_behind_a_box_is_a_paragraph(box: str, around: str) -> None:
    lines = lines_of(around.format(f"<{box}><a href='/x'><p>I left the harbour</p></a></{box}>{BARE}"))
    assert lines.index(SECOND) < lines.index(BARE) < lines.index(LAST)


def test_links_and_emphasis_in_it_stay_in_their_places() -> None:
    marked = BARE.replace("crews", "<a href='/c'>crews</a>").replace("berths", "<em>berths</em>")
    assert BARE in lines_of(f"<p><section><p>I left the harbour</p></section>{marked}</p>")


def test_a_few_words_are_left_where_they_are() -> None:
    assert "Read on" not in lines_of("<section><p>I left the harbour</p></section>Read on")
