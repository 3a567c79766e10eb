"""What a text says twice on purpose, and what a lead that stands alone does not announce."""

import pytest

from tests.cleaner.pages import article_of, html_page, text_page

FIRST = "The harbour board met on Friday to hear the complaint of the ferry crews about the winter timetable."
REFRAIN = "And the sea went on, and the sea went on, and nobody counted the ships that were gone."
VERSES = [
    line
    for number in ("First", "Second", "Third")
    for line in (f"{number} light came over the water", f"{number} wind went over the wall,", REFRAIN)
]


def html_of(lines: list[str]) -> str:
    return f"<html><body><article><h1>Row</h1>{''.join(f'<p>{line}</p>' for line in lines)}</article></body></html>"


def test_the_refrain_of_a_poem_stays() -> None:
    assert list(article_of(text_page("\n".join([FIRST, *VERSES]))).paragraphs) == [FIRST, *VERSES]
    assert list(article_of(html_page(html_of([FIRST, *VERSES]))).paragraphs) == [FIRST, *VERSES]


def test_a_refrain_that_is_sung_twice_stays_in_a_song() -> None:
    song = [FIRST, *VERSES, REFRAIN]
    assert list(article_of(text_page("\n".join(song))).paragraphs) == song


def test_a_paragraph_that_is_printed_twice_goes_once() -> None:
    lines = [FIRST, REFRAIN, f"{FIRST} It will answer.", REFRAIN, f"{FIRST} It did not."]
    article = article_of(text_page("\n".join(lines)))
    assert article.paragraphs.count(REFRAIN) == 1
    assert [removal.rule for removal in article.removals] == ["boilerplate.repeat"]


STORIES = {
    "pt": (
        "Veja também",
        "O conselho do porto reuniu-se na sexta-feira para ouvir a queixa das tripulações dos barcos sobre o horário de inverno.",
        ["O que muda no horário de inverno dos barcos", "As tripulações pedem intervalos maiores"],
        ["Modelo russa morta após criticar líder no Instagram", "Preço do peixe sobe em Lisboa após temporal"],
    ),
    "de": (
        "Lesen Sie auch",
        "Der Hafenrat tagte am Freitag, um die Beschwerde der Besatzungen über den Winterfahrplan der Fähren zu hören.",
        ["Was der Rat über den Winterfahrplan beschloss", "Die Besatzungen fordern längere Pausen"],
        ["Russisches Model nach Kritik an Staatschef getötet", "Fischpreise steigen nach Sturm in Lissabon stark"],
    ),
    "en": (
        "See also",
        FIRST,
        ["What the board said about the winter timetable", "Crews ask for longer breaks on Sundays"],
        ["Russian model killed after calling leader a liar", "Fish prices rise in Lisbon after the storm"],
    ),
}


@pytest.mark.parametrize(("lead", "paragraph", "own", "others"), STORIES.values(), ids=STORIES)
def test_a_lead_alone_takes_no_line_of_the_story(lead: str, paragraph: str, own: list[str], others: list[str]) -> None:
    begins, ends = [f"{paragraph} {paragraph}"], [f"{paragraph} 1.", f"{paragraph} 2."]
    article = article_of(text_page("\n".join([*begins, lead, *own, *ends])))
    assert list(article.paragraphs) == [*begins, *own, *ends]
    article = article_of(html_page(html_of([*begins, lead, *own, *ends])))
    assert list(article.paragraphs) == [*begins, *own, *ends]
    assert article.related_links == ()
    article = article_of(text_page("\n".join([*begins, lead, *others, *ends])))
    assert list(article.paragraphs) == [*begins, *ends]
    assert [link.title for link in article.related_links] == others


def test_below_a_lead_only_what_is_a_link_on_the_page_is_another_story() -> None:
    lines = [f"{FIRST} {FIRST}", "See also", "What the winter timetable will change for the crews", f"{FIRST} It ends."]
    linked = [*lines[:2], f"<a href='/a'>{lines[2]}</a>", lines[3]]
    elsewhere = "<p><a href='/b'>Russian model killed after calling leader a liar</a></p>"
    kept, cut = (article_of(html_page(html_of(each) + elsewhere)) for each in (lines, linked))
    assert lines[2] in kept.paragraphs
    assert lines[2] not in cut.paragraphs


def test_the_headline_of_a_pointer_keeps_its_hyphens() -> None:
    title = "Two-thirds of ferry crews walk out — again"
    article = article_of(text_page(f"{FIRST}\nRelated articles\n- {title}\n{FIRST} It ends."))
    assert [link.title for link in article.related_links] == [title]
