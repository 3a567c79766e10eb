"""Who a text is from, out of its sign-offs."""

import pytest

from copydesk_cleaner.sources import signed_by
from tests.cleaner.pages import article_of, html_page, text_page

BODY = (
    "The harbour board met on Friday to hear the complaint of the ferry crews about the new timetable.\n"
    "The crews said that nobody had asked them, and that they would not sail before noon on Sundays.\n"
    "It will publish its answer next week, the chairwoman told the members after the meeting had closed.\n"
)


@pytest.mark.parametrize(
    ("line", "attribution"),
    [
        ("(Quelle: APA/sda/dpa)", ("APA", "sda", "dpa")),
        ("Con información de EFE y Reuters", ("EFE", "Reuters")),
        ("With files from The Canadian Press", ("The Canadian Press",)),
        ("© dpa-infocom, dpa:240503-99-483045/5", ("dpa",)),
        ("AFP - Reuters - AFP", ("AFP", "Reuters")),
        ("© Riproduzione riservata", ()),
        ("The Associated Press contributed to this report.", ("The Associated Press",)),
        ("Copyright 2026 The Associated Press. All rights reserved.", ("The Associated Press",)),
        ("This article was originally published by The Conversation.", ("The Conversation",)),
        ("This article is republished from The Forum under a Creative Commons licence.", ("The Forum",)),
        ("(This article was published on November 16, 2017)", ()),
        ("(Avec AFP)", ("AFP",)),
        ("AFP/rl/jm", ("AFP",)),
        ("-- AFP", ("AFP",)),
        ("mgl/jrr", ()),
        ("Contact: press@gazette.example", ()),
        ("Listen to the podcast here", ()),
    ],
)
def test_agencies_are_named_once_and_in_order(line: str, attribution: tuple[str, ...]) -> None:
    article = article_of(text_page(BODY + line))
    assert article.attribution == attribution
    assert article.text == BODY.rstrip()


@pytest.mark.parametrize(
    ("line", "authors"),
    [
        ("(Reporting by Ada Holm in Oslo and Jo Bell; Editing by Kim Lee)", ("Ada Holm", "Jo Bell")),
        ("Aus dem Englischen von Ada Holm", ("Ada Holm",)),
        ("Written by Ada Holm", ("Ada Holm",)),
    ],
)
def test_people_are_authors_where_the_page_names_none(line: str, authors: tuple[str, ...]) -> None:
    article = article_of(text_page(BODY + line))
    assert article.authors == authors
    assert article.text == BODY.rstrip()


def test_the_sign_off_of_a_text_in_one_line() -> None:
    body = " ".join(BODY.split("\n")).strip()
    article = article_of(text_page(f"{body} Reporting by Ada Holm in Oslo; Editing by Jo Bell"))
    assert (article.text, article.authors) == (body, ("Ada Holm",))
    prompt = "Sign up to our newsletter for daily news."
    assert article_of(text_page(f"{body} {prompt}")).text == body
    article = article_of(text_page(f"{body} (Reporting by Ada Holm; Editing by Jo Bell) {prompt}"))
    assert (article.text, article.authors) == (body, ("Ada Holm",))


@pytest.mark.parametrize(
    "line",
    ["The Associated Press contributed to this report.", "Copyright 2026 The Associated Press. All rights reserved."],
)
def test_the_agency_of_a_text_in_one_line(line: str) -> None:
    body = " ".join(BODY.split("\n")).strip()
    article = article_of(text_page(f"{body} {line}"))
    assert (article.text, article.attribution) == (body, ("The Associated Press",))


def test_furniture_goes_from_the_end_until_there_is_none() -> None:
    lines = [f"Ada Holm{name} is a reporter for Harbour Weekly." for name in (" Lund", " Berg", " Dahl", " Moen")]
    assert article_of(text_page(BODY + "\n".join(lines))).text == BODY.rstrip()


def test_an_agency_among_the_captions_is_no_attribution() -> None:
    article = article_of(text_page("The ferry at the pier (Reuters)\n" + BODY * 2))
    assert article.attribution == ()


@pytest.mark.parametrize(
    ("said", "known", "authors", "agencies"),
    [
        ([("Reuters",)], (), (), ("Reuters",)),
        ([("Reuters",), (), ("Ann Lee",)], ("AFP",), ("Ann Lee",), ("Reuters", "AFP")),
        ([("Ann Lee", "dpa"), ("Bo Ek",)], ("DPA", "AP"), ("Ann Lee",), ("dpa", "AP")),
        ([("Petra",), ("AP",)], (), ("Petra",), ()),
        ([], (), (), ()),
    ],
)
def test_agencies_that_sign_where_authors_would_are_the_attribution(
    said: list[tuple[str, ...]], known: tuple[str, ...], authors: tuple[str, ...], agencies: tuple[str, ...]
) -> None:
    assert signed_by(said, known) == (authors, agencies)


def test_an_agency_in_the_metadata_is_no_author() -> None:
    node = '{"@type": "NewsArticle", "headline": "Row", "author": {"@type": "Organization", "name": "Reuters"}}'
    page = html_page(
        f'<html><head><script type="application/ld+json">{node}</script><meta name="author" content="Reuters"></head>'
        f"<body><article><p>By Ann Lee</p><p>{'The harbour board met on Friday. ' * 20}</p></article></body></html>"
    )
    article = article_of(page)
    assert (article.authors, article.attribution) == (("Ann Lee",), ("Reuters",))
