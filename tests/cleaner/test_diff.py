import re

import pytest

from copydesk_cleaner.diff import render_cuts, render_diff
from copydesk_cleaner.stage import Cleaner
from copydesk_cleaner.text import normalise
from tests.cleaner.pages import GOLDEN, article_of, text_page

TEXT = (
    "The board met on Friday to hear the complaint of the ferry crews.\n"
    "READ MORE: Row over harbour grows\n"
    "Guards at the gate (Picture: PA)It will answer next week, the chairwoman said after the meeting."
)
PLAIN = re.compile(r"\[-(.*?)-\]\{[\w.-]+\}", re.DOTALL)
COLOURS = re.compile(r"\x1b\[9;31m(.*?)\x1b\[0m\x1b\[2m [\w.-]+\x1b\[0m", re.DOTALL)


def test_cuts_are_marked_with_their_rules() -> None:
    assert render_diff(article_of(text_page(TEXT)), colour=False) == (
        "The board met on Friday to hear the complaint of the ferry crews.\n"
        "[-READ MORE: Row over harbour grows-]{related.read-more}\n"
        "[-Guards at the gate -]{credit.bracketed}[-(Picture: PA)-]{credit.bracketed}"
        "It will answer next week, the chairwoman said after the meeting."
    )


def test_with_colour_cuts_are_struck() -> None:
    shown = render_diff(article_of(text_page(TEXT)), colour=True)
    assert "\x1b[9;31mREAD MORE: Row over harbour grows\x1b[0m\x1b[2m related.read-more\x1b[0m\n" in shown


@pytest.mark.parametrize(
    "text", [TEXT, (GOLDEN / "seed" / "page.txt").read_text(encoding="utf-8"), "Nothing to cut here."]
)
def test_without_its_marks_it_is_the_text(text: str) -> None:
    article = article_of(text_page(text))
    assert PLAIN.sub(r"\1", render_diff(article, colour=False)) == normalise(text)
    assert COLOURS.sub(r"\1", render_diff(article, colour=True)) == normalise(text)


def test_a_text_cannot_colour_the_terminal() -> None:
    article = article_of(text_page("Sneaky \x1b[31mred\x1b]0;title\x07 text of one line."))
    assert "\x1b" not in render_diff(article, colour=False)


def test_removals_that_do_not_fit_are_an_error() -> None:
    article = article_of(text_page(TEXT)).model_copy(update={"paragraphs": ("x",)})
    with pytest.raises(ValueError, match="does not fit"):
        render_diff(article, colour=False)


def test_of_a_text_of_which_nothing_is_left_the_cuts_are_shown() -> None:
    text, cuts = Cleaner(()).cuts(text_page("Read more: Ferry crews walk out\nAdvertisement"))
    shown = render_cuts(text, cuts, colour=False)
    assert PLAIN.sub(r"\1", shown) == "Read more: Ferry crews walk out\nAdvertisement"
    assert shown.count("]{") == 2
