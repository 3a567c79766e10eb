"""Captions without a credit and without a stop, and lines above a caption that belong to it."""

import pytest

from tests.cleaner.pages import article_of, text_page

FIRST = "The harbour board met on Friday to hear the complaint of the ferry crews about the new timetable."
SECOND = "The crews want an hour more in port, so that they can clean the boats and eat their lunch in peace."
LAST = "It will publish its answer next week, the chairwoman told the members after the meeting had closed."
LEFT = "Ada Holm (left) at the gate of the cannery with two of the crew"
SEEN = "Two of the boats are seen at the northern pier on a foggy morning"
FURTHER = "A deckhand ties the last of the boats to the pier as the rain begins to fall"
ENDED = "Ada Holm (left) was at the gate of the cannery with two of the crew."


def left_of(*lines: str) -> tuple[str, ...]:
    return article_of(text_page("\n".join(lines))).paragraphs


def test_a_line_that_says_where_somebody_stands_is_a_caption() -> None:
    article = article_of(text_page(f"{FIRST}\n{LEFT}\n{SECOND}\n{LAST}"))
    assert article.paragraphs == (FIRST, SECOND, LAST)
    assert [image.caption for image in article.images] == [LEFT]
    assert [removal.rule for removal in article.removals] == ["caption.unmarked"]


@pytest.mark.parametrize("line", [ENDED, "- " + LEFT, LEFT + " ...", f"(The photo above shows {LEFT})"])
def test_sentences_items_and_what_is_broken_off_stay(line: str) -> None:
    assert left_of(FIRST, line, SECOND, LAST) == (FIRST, line, SECOND, LAST)


def test_where_two_captions_are_told_long_lines_like_them_are_captions_too() -> None:
    assert left_of(FIRST, LEFT, SECOND, FURTHER, SECOND + " It is all.", SEEN, LAST) == (
        FIRST,
        SECOND,
        SECOND + " It is all.",
        LAST,
    )


def test_with_one_caption_they_stay() -> None:
    assert FURTHER in left_of(FIRST, LEFT, SECOND, FURTHER, SECOND + " It is all.", LAST)


def test_the_first_line_may_be_the_title() -> None:
    assert left_of(LEFT, FIRST, SECOND, LAST)[0] == LEFT


@pytest.mark.parametrize("text", [f"{FIRST}\n{LEFT}", f"{LEFT}\n{SEEN}"])
def test_a_text_without_paragraphs_is_left_alone(text: str) -> None:
    assert "\n".join(left_of(*text.split("\n"))) == text


def test_an_alternative_text_goes_with_the_caption_that_begins_so() -> None:
    alternative, caption = (
        "Ferries at the northern pier",
        "Ferries at the northern pier on Friday. Credit: Getty / Jane Roe",
    )
    assert left_of(FIRST, alternative, caption, SECOND, LAST) == (FIRST, SECOND, LAST)


def test_a_sentence_that_the_caption_says_again_stays() -> None:
    sentence = "Ferries waited at the northern pier on Friday."
    assert sentence in left_of(FIRST, sentence, f"{sentence} (Jane Roe/Getty Images)", SECOND, LAST)


@pytest.mark.parametrize("button", ["hide caption", "toggle caption"])
def test_a_line_above_a_credit_with_a_button_is_its_caption(button: str) -> None:
    above = "Passengers waited for hours at the northern pier on Friday."
    assert left_of(FIRST, above, "Jane Roe/Getty Images", button, SECOND, LAST) == (FIRST, SECOND, LAST)
    assert above in left_of(FIRST, above, "Jane Roe/Getty Images", SECOND, LAST)


def test_what_stands_below_the_title_is_no_headline_of_another_story() -> None:
    title = "What the first two years of the harbour board look like"
    standfirst = "Dredging, tolls, sailors' pensions, anti-strike law could all be decided in its tenure"
    assert left_of(title, standfirst, FIRST, SECOND, LAST) == (title, standfirst, FIRST, SECOND, LAST)


@pytest.mark.parametrize(
    "line", ["Lot 3: A fine old brass compass (1840)", "Results: Holm 41 %, Bell 38 %, Fenn of the crews 21 %"]
)
def test_years_are_no_credits_and_lists_of_shares_no_headlines(line: str) -> None:
    assert left_of(FIRST, SECOND, line, LAST) == (FIRST, SECOND, line, LAST)
