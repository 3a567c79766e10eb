"""A credit at the end of a story's paragraph takes nothing of the story with it; a caption before one still goes."""

from itertools import product

import pytest

from tests.cleaner.pages import article_of, html_page, text_page

BEFORE = "The harbour board met on Friday to hear the complaint of the ferry crews about the new timetable."
AFTER = "It will publish its answer next week, the chairwoman told the members after the meeting had closed."

LONG = (
    "Islanders met on Tuesday evening in the hall, where tempers were short. The operator promised them a smaller boat, "
    "and said that it would pay for hotels. Nobody believed a word of it, and the meeting ended at midnight."
)
STORIES = (
    "“We are cut off,” said Jon Quill, who runs the shop. “Nobody tells us anything.”",
    "The operator promised them a smaller boat.",
    "Islanders met on Tuesday evening in the hall. The operator promised them a smaller boat.",
    LONG,
    "Yesterday the minister told parliament that she would not resign over the affair, which has cost 40 million.",
    "But the boats are full until the end of the week.",
    "„Wir wissen seit Tagen nicht, wie es weitergeht“, sagte die Sprecherin der Reederei.",
    "« Nous n’avons rien su avant mardi soir », a déclaré la présidente du conseil.",
    "Según la alcaldesa, las obras costarán doce millones de euros.",
)
CREDITS = (
    "Photo: Jane Roe / AFP",
    "(Jane Roe/PA)",
    "(Image: PA)",
    "(AP Photo/Jane Roe)",
    "Pic: PA",
    "Credit: Getty",
    "Foto: dpa",
    "© Jane Roe/AFP",
)
CAPTIONS = (
    "Guards stand at the palace gate.",
    "A ferry leaves the quay at Norwick, Norway, March 3, 2026.",
    "Islanders are seen on the pier in the morning light.",
    "Workers near the bridge in March.",
    "Elf Wagen liegen neben den Gleisen.",
)


@pytest.mark.parametrize("gap", ["", " "])
@pytest.mark.parametrize(("story", "credit"), list(product(STORIES, CREDITS)))
def test_only_the_credit_goes_from_the_end_of_a_paragraph(story: str, credit: str, gap: str) -> None:
    article = article_of(text_page(f"{BEFORE}\n{story}{gap}{credit}\n{AFTER}"))
    assert article.paragraphs == (BEFORE, story, AFTER)
    assert article_of(text_page(article.text)).paragraphs == article.paragraphs


def test_a_credit_in_an_element_of_its_own_takes_nothing_of_the_paragraph() -> None:
    story = LONG
    page = html_page(
        f"<html><body><article><p>{BEFORE}</p><p>{story}<span>Photo: Jane Roe/AFP</span></p><p>{AFTER}</p>"
        "</article></body></html>"
    )
    assert article_of(page).paragraphs == (BEFORE, story, AFTER)


@pytest.mark.parametrize("gap", ["", " "])
@pytest.mark.parametrize(("caption", "credit"), list(product(CAPTIONS, CREDITS)))
def test_a_sentence_that_describes_a_picture_still_goes(caption: str, credit: str, gap: str) -> None:
    assert article_of(text_page(f"{BEFORE}\n{caption}{gap}{credit}\n{AFTER}")).paragraphs == (BEFORE, AFTER)


@pytest.mark.parametrize(
    "line",
    [
        "The operator is Caledonian MacBrayne (CalMac)",
        "The data come from the weather service (Met Office)",
        "The song is by two Scots (Lennox/Stewart)",
        "The museum is showing her father's photographs (Courtesy of the National Library)",
        "The award went to a photographer of the newspaper (AP)",
        "His record stands at 20 wins (PA)",
        "The group is known as Photographers for Peace (PA)",
    ],
)
def test_a_sentence_without_a_full_stop_keeps_its_brackets(line: str) -> None:
    removals = article_of(text_page(f"{BEFORE}\n{line}\n{AFTER}")).removals
    assert [removal for removal in removals if removal.rule.startswith("credit.")] == []


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (
            "The minister resigned on Tuesday after a vote of no confidence. Photo: Jane Roe / AFP",
            "The minister resigned on Tuesday after a vote of no confidence.",
        ),
        ("(AP) A storm hit the islands. (AP Photo/Jane Roe)", "(AP) A storm hit the islands."),
        (
            "Photos: Storm The ferry waits. Hide Caption 1 of 2\nPhotos: Storm The pier broke. Hide Caption 2 of 2",
            "Storm The ferry waits.\nStorm The pier broke.",
        ),
    ],
)
def test_a_text_that_is_nothing_else_stays(text: str, left: str) -> None:
    assert article_of(text_page(text)).text == left
    assert article_of(text_page(left)).text == left


@pytest.mark.parametrize(
    ("line", "left"),
    [
        (
            "Die Stadt rechnet mit zwei Millionen Franken. ⇥(Quelle: Hafenamt)",
            "Die Stadt rechnet mit zwei Millionen Franken.",
        ),
        (
            "The board heard her in Washington, D.C.Guards stand at the gate (Jane Roe/PA)",
            "The board heard her in Washington, D.C.",
        ),
        (
            f"The old ferry, launched in 1984 © Harbour Post / Jane Roe{AFTER.replace('It', 'The board')}",
            AFTER.replace("It", "The board"),
        ),
        ("BBC", ""),
        ("Handout", ""),
        ("BBC Two", "BBC Two"),
    ],
)
def test_what_goes_of_a_line(line: str, left: str) -> None:
    expected = tuple(filter(None, (BEFORE, left, AFTER)))
    assert article_of(text_page(f"{BEFORE}\n{line}\n{AFTER}")).paragraphs == expected
