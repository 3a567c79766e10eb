"""Pointers to other stories without a mark behind the lead, and where pointers lead."""

import pytest

from tests.cleaner.pages import article_of, html_page, text_page

SENTENCE = "The harbour board met on Friday to hear the complaint of the ferry crews about the winter timetable."

LINES = [
    ("READ MORE Crews walk out over winter plan", "Crews walk out over winter plan"),
    ("Read more Crews walk out over winter plan", "Crews walk out over winter plan"),
    ("SEE ALSO Crews walk out over winter plan", "Crews walk out over winter plan"),
    ("LESEN SIE AUCH Besatzungen legen Arbeit nieder", "Besatzungen legen Arbeit nieder"),
    ("Lesen Sie auch Besatzungen legen Arbeit nieder", "Besatzungen legen Arbeit nieder"),
    ("Mehr zum Thema Besatzungen legen Arbeit nieder", "Besatzungen legen Arbeit nieder"),
    ("LIRE AUSSI Les équipages en grève contre le plan d’hiver", "Les équipages en grève contre le plan d’hiver"),
    ("Leia também Tripulações param por causa do plano", "Tripulações param por causa do plano"),
    ("LEER MÁS Las tripulaciones paran por el plan", "Las tripulaciones paran por el plan"),
    ("LEGGI ANCHE Gli equipaggi in sciopero", "Gli equipaggi in sciopero"),
    ("Lees ook Bemanningen leggen werk neer", "Bemanningen leggen werk neer"),
    ("CZYTAJ TAKŻE Załogi promów strajkują", "Załogi promów strajkują"),
    ("ЧИТАЙТЕ ТАКЖЕ Экипажи бастуют из-за плана", "Экипажи бастуют из-за плана"),
    ("ЧИТАЙТЕ ТАКОЖ Екіпажі страйкують через план", "Екіпажі страйкують через план"),
]


@pytest.mark.parametrize(("line", "title"), LINES, ids=[line for line, _ in LINES])
def test_a_line_of_a_lead_and_a_headline_is_a_pointer(line: str, title: str) -> None:
    article = article_of(text_page(f"{SENTENCE}\n{line}\n{SENTENCE} It ends."))
    assert article.paragraphs == (SENTENCE, f"{SENTENCE} It ends.")
    assert [link.title for link in article.related_links] == [title]


INSIDE = [
    ("The board met.", "READ MORE Crews walk out over winter plan", "The chairwoman said that the vote was close."),
    (
        "Der Rat tagte.",
        "LESEN SIE AUCH Besatzungen legen Arbeit nieder",
        "Die Vorsitzende sagte, es sei knapp gewesen.",
    ),
    ("Le conseil a voté.", "LIRE AUSSI Les équipages en grève", "La présidente a dit que le vote était serré."),
    ("O conselho votou.", "LEIA TAMBÉM Tripulações param no inverno", "A presidente disse que foi apertado."),
    ("El consejo votó.", "LEER MÁS Las tripulaciones paran en invierno", "La presidenta dijo que fue muy justo."),
]


@pytest.mark.parametrize(("before", "pointer", "after"), INSIDE)
def test_a_lead_in_capitals_inside_a_line_takes_its_headline(before: str, pointer: str, after: str) -> None:
    article = article_of(text_page(f"{SENTENCE}\n{before} {pointer} {after}\n{SENTENCE} It ends."))
    assert article.paragraphs[1] == f"{before} {after}"
    assert [removal.text.strip() for removal in article.removals] == [pointer]


@pytest.mark.parametrize(
    "line",
    [
        "Read more books, she told the pupils",
        "Read more Dickens.",
        "READ MORE BOOKS",
        "Most read Books of the year",
        "See also Section 4 of the act",
        "She told the crews to READ MORE Dickens and to write less of it.",
        "MORE THAN EVER The crews want to be heard, she said.",
        "Lees ook kabinet draait bij",
    ],
)
def test_what_only_looks_like_a_lead_stays(line: str) -> None:
    text = f"{SENTENCE} The pupils read of Dickens, of books and of acts.\n{line}\n{SENTENCE} It ends."
    assert line in article_of(text_page(text)).paragraphs


def test_a_lead_before_the_words_of_a_link_needs_no_capitals() -> None:
    body = f"<p>{SENTENCE * 2}</p><p>Also read <a href='/chief'>fire chief resigns</a></p><p>{SENTENCE} It ends.</p>"
    article = article_of(html_page(f"<html><body><article><h1>Row</h1>{body}</article></body></html>"))
    assert len(article.paragraphs) == 2
    assert [(link.title, link.url) for link in article.related_links] == [
        ("fire chief resigns", "https://example.org/chief")
    ]


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("<p>Read more: <a href='/a'>Fire chief quits</a></p>", [("Fire chief quits", "/a")]),
        (
            "<p>READ MORE <a href='/a'>Fire chief quits over row</a> | <a href='/b'>Bus fares go up again</a></p>",
            [("Fire chief quits over row", "/a"), ("Bus fares go up again", "/b")],
        ),
        (
            "<p>Read more: Two held after fire at the old…</p><a href='/c'>Two held after fire at the old cannery</a>",
            [("Two held after fire at the old…", "/c")],
        ),
        (
            "<p>Read more: Two held after fire</p><a href='/d'><h4>Two held after fire</h4><p>They were seen.</p></a>",
            [("Two held after fire", "/d")],
        ),
    ],
    ids=["few words", "several", "broken off", "heading in a link"],
)
def test_a_pointer_leads_where_its_link_does(pointer: str, expected: list[tuple[str, str]]) -> None:
    body = f"<p>{SENTENCE * 2}</p>{pointer}<p>{SENTENCE} It ends.</p>"
    article = article_of(html_page(f"<html><body><article><h1>Row</h1>{body}</article></body></html>"))
    assert [(link.title, link.url) for link in article.related_links][: len(expected)] == [
        (title, f"https://example.org{path}") for title, path in expected
    ]
