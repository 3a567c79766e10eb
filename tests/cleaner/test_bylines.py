"""Who wrote a text and which agency it is from, as lines of the text say it."""

import pytest

from tests.cleaner.pages import article_of, html_page, text_page

FIRST = "The harbour board met on Friday to hear the complaint of the ferry crews about the winter timetable."
SECOND = "It will publish its answer next week, the chairwoman told the members."

BYLINES = [
    ("Par Jeanne Morel avec AFP", ("Jeanne Morel",), ("AFP",)),
    ("Par Jeanne Morel (avec AFP et Reuters)", ("Jeanne Morel",), ("AFP", "Reuters")),
    ("Par Jeanne Morel et Luc Petit avec agences", ("Jeanne Morel", "Luc Petit"), ("agences",)),
    ("Von Anna Berg und Max Huber", ("Anna Berg", "Max Huber"), ()),
    ("Von Anna Berg, Max Huber und Eva von Stein", ("Anna Berg", "Max Huber", "Eva von Stein"), ()),
    ("Von Anna Berg, dpa", ("Anna Berg",), ("dpa",)),
    ("Von unserem Korrespondenten Max Huber", ("Max Huber",), ()),
    ("Autor: Jan Kowalski", ("Jan Kowalski",), ()),
    ("Autorin: Anna Berg", ("Anna Berg",), ()),
    ("Auteur : Jeanne Morel", ("Jeanne Morel",), ()),
    ("Por Ana Souza e João Lima", ("Ana Souza", "João Lima"), ()),
    ("Escrito por Ana Gómez", ("Ana Gómez",), ()),
    ("Door Jan de Vries", ("Jan de Vries",), ()),
    ("Af Mette Holm", ("Mette Holm",), ()),
    ("Av Lars Olsen og Kari Dahl", ("Lars Olsen", "Kari Dahl"), ()),
    ("Автор: Иван Петров", ("Иван Петров",), ()),
    ("Por Redação", (), ("Redação",)),
    ("Door onze redactie", (), ("onze redactie",)),
    ("Redacción: Ana Gómez / EFE", ("Ana Gómez",), ("EFE",)),
    ("By Ada Holm at Mill Lane", ("Ada Holm",), ()),
    ("di Giulia Zanon 9 aprile 2026", ("Giulia Zanon",), ()),
]


@pytest.mark.parametrize(("line", "authors", "agencies"), BYLINES, ids=[line for line, *_ in BYLINES])
@pytest.mark.parametrize("place", ["{line}\n{first}\n{second}", "{first}\n{second}\n{line}"], ids=["first", "last"])
def test_a_byline_names_authors_and_agencies(
    line: str, authors: tuple[str, ...], agencies: tuple[str, ...], place: str
) -> None:
    article = article_of(text_page(place.format(line=line, first=FIRST, second=SECOND)))
    assert (article.authors, article.attribution, article.images) == (authors, agencies, ())
    assert article.paragraphs == (FIRST, SECOND)


@pytest.mark.parametrize(
    ("line", "agencies"),
    [
        ("Quelle: dpa", ("dpa",)),
        ("Quellen: dpa, AFP", ("dpa", "AFP")),
        ("(Quelle: APA/dpa)", ("APA", "dpa")),
        ("Source : AFP", ("AFP",)),
        ("Fonte: ANSA", ("ANSA",)),
        ("Fuente: EFE", ("EFE",)),
        ("Bron: ANP/Belga", ("ANP", "Belga")),
        ("Źródło: PAP", ("PAP",)),
        ("Источник: ТАСС", ("ТАСС",)),
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        "{first}\n{line}\n{second}\n" + f"{FIRST} Then it ended.\n{SECOND} So it was.\nAll went home.",
        "{first} {line}\n{second}",
    ],
    ids=["between", "behind"],
)
def test_agencies_are_the_source_of_the_text_and_not_of_a_picture(
    line: str, agencies: tuple[str, ...], text: str
) -> None:
    article = article_of(text_page(text.format(first=FIRST, second=SECOND, line=line)))
    assert (article.attribution, article.images) == (agencies, ())
    assert article.paragraphs[:2] == (FIRST, SECOND)


@pytest.mark.parametrize(
    "line",
    [
        "Source: the operator’s own log.",
        "Source: the operator's own log",
        "Quelle: das Logbuch der Fähre.",
        "Fonte: il diario di bordo del capitano.",
        "Read: ‘The Sea, the Sea’ by Iris Murdoch",
        "Read: 'The Sea, the Sea' by Iris Murdoch, in one sitting.",
        "Watch: “Casablanca”, with Humphrey Bogart",
        "Foto: so hieß das Blatt bis 1990.",
    ],
)
def test_sentences_that_name_a_source_or_a_work_stay(line: str) -> None:
    for text in (f"{FIRST}\n{line}\n{SECOND}", f"{FIRST}\n{SECOND}\n{line}"):
        assert line in article_of(text_page(text)).paragraphs
    page = (
        f"<html><body><article><h1>Row</h1><p>{FIRST} {FIRST}</p><p>{line}</p><p>{SECOND}</p></article></body></html>"
    )
    assert line in article_of(html_page(page)).paragraphs
