"""Leads such as READ MORE, with their headline in all the ways in which they are printed."""

import pytest

from tests.cleaner.pages import article_of, html_page, text_page

BODY = (
    "The harbour board met on Friday to hear the complaint of the ferry crews about the new winter timetable.",
    "The board will publish its answer next week, the chairwoman told members after the meeting had closed.",
)
HEADLINE = "Council votes to close the old swing bridge"


def cleaned(*between: str) -> tuple[tuple[str, ...], list[str]]:
    article = article_of(text_page("\n".join((BODY[0], *between, BODY[1]))))
    return article.paragraphs, [link.title for link in article.related_links]


@pytest.mark.parametrize(
    "line",
    [
        f"READ MORE: {HEADLINE}",
        f"READ MORE | {HEADLINE}",
        f"READ MORE >> {HEADLINE}",
        f"READ MORE ▶ {HEADLINE}",
        f"▶ Read more - {HEADLINE}",
        f"(READ MORE: {HEADLINE})",
        f"[SEE ALSO: {HEADLINE}]",
        f"Lesen Sie auch: {HEADLINE}",
        f"À lire également : {HEADLINE}",
        f"Lea también | {HEADLINE}",
        f"Guarda anche: {HEADLINE}",
        f"Saiba mais: {HEADLINE}",
        f"Bekijk ook: {HEADLINE}",
        f"PRZECZYTAJ TAKŻE: {HEADLINE}",
        f"ЧИТАЙТЕ ЕЩЁ: {HEADLINE}",
        f"ДИВИСЬ ТАКОЖ: {HEADLINE}",
        f"Läs också: {HEADLINE}",
        f"Čtěte také: {HEADLINE}",
        f"Citește și: {HEADLINE}",
    ],
)
def test_a_lead_and_its_headline(line: str) -> None:
    assert cleaned(line) == (BODY, [HEADLINE])


@pytest.mark.parametrize("lead", ["READ MORE", "Read more:", "SEE ALSO >>", "Lesen Sie auch:", "Читайте також:"])
def test_a_lead_alone_and_the_headlines_below_it(lead: str) -> None:
    second = "Islanders ask for a doctor who stays"
    assert cleaned(lead, HEADLINE, f"- {second}") == (BODY, [HEADLINE, second])
    assert cleaned(lead) == (BODY, [])


@pytest.mark.parametrize("blank", ["", " "])
def test_a_lead_at_the_end_of_a_paragraph(blank: str) -> None:
    article = article_of(text_page(f"{BODY[0]}{blank}READ MORE: {HEADLINE}\n{BODY[1]}"))
    assert article.paragraphs == BODY
    assert [link.title for link in article.related_links] == [HEADLINE]


@pytest.mark.parametrize(
    "line",
    [
        "Read more books, the teacher told the class of 2019 on their last day.",
        "Watch: the old word for the men who stood guard at sea.",
        "Trending: more people than ever take the ferry.",
        "The sign on the door said in large letters. READ MORE: it was about books.",
        "He answered the mail. More: the crews are tired, and so is he.",
        "See also the map on the wall of the town hall, which is older.",
        "Podrobnosti nejsou známy, uvedla policie.",
        "Подробнее об этом он говорить не стал.",
    ],
)
def test_sentences_that_begin_like_a_lead_stay(line: str) -> None:
    assert cleaned(line) == ((BODY[0], line, BODY[1]), [])


def test_the_places_of_a_list_that_is_read_aloud_go_with_its_headlines() -> None:
    second = "What is behind the ferry strike?"
    lines = ("list of 2 items", "list 1 of 2", HEADLINE, "list 2 of 2", second, "end of list")
    assert cleaned(*lines) == (BODY, [HEADLINE, second])


def test_a_paragraph_below_a_lead_stays() -> None:
    sentence = "The crews will be back at work on Monday, said the harbour master."
    assert cleaned("READ MORE", sentence) == ((BODY[0], sentence, BODY[1]), [])


@pytest.mark.parametrize(
    "sentence",
    [
        "»Wir haben keine Zeit zu verlieren«, sagte der Minister. »Die Strecken sind schlecht.«",
        "„Wir haben keine Zeit zu verlieren“, sagte der Minister. „Die Strecken sind schlecht.“",
        "«Nous n’avons pas de temps à perdre», dit le ministre. «Les voies sont mauvaises.»",
        "“We have no time to lose,” the minister said. “The lines are in bad repair.”",
        "‘We have no time to lose,’ the minister said. ‘The lines are in bad repair.’",
        "‚Wir haben keine Zeit zu verlieren‘, sagte der Minister. ‚Die Strecken sind schlecht.‘",
        "The minister has no time to lose, Xinhua wrote on Friday. (Xinhua)",
        "「We have no time to lose」 the minister told the members 「and none to spare。」",
    ],
)
def test_a_quotation_below_the_headlines_of_a_lead_stays(sentence: str) -> None:
    assert cleaned("LESEN SIE AUCH", HEADLINE, sentence) == ((BODY[0], sentence, BODY[1]), [HEADLINE])


def test_a_link_that_was_cut_says_where_it_leads() -> None:
    story = "<p>" + "The harbour board met on Friday to hear the complaint of the ferry crews. " * 6 + "</p>"
    link = '<p>READ MORE: <a href="/crews">Ferry crews take their complaint to the board</a></p>'
    page = html_page(f"<html><body><article><h1>Harbour row</h1>{story}{link}{story}</article></body></html>")
    (found,) = article_of(page).related_links
    assert (found.title, found.url) == (
        "Ferry crews take their complaint to the board",
        "https://example.org/crews",
    )


def test_the_items_of_a_list_below_a_lead_with_its_owner_go_and_the_paragraph_below_them_stays() -> None:
    sentence = "- The board met, and nobody spoke."
    items = ("- Zooey Ek: The story of my boats", "- Best ferries")
    paragraphs, titles = cleaned("More Must-Reads from The Courier", *items, sentence)
    assert sentence in paragraphs
    assert titles == [item.removeprefix("- ") for item in items]
    assert not set(items) & set(paragraphs)


def test_numbers_between_the_headlines_of_a_list_go_with_them() -> None:
    listed = (
        "Most popular:\n- 1\nLorry bursts into flames on the quay\n3 - 2\nInside the new market hall in Hale\n5 - 3"
    )
    story = "The board met on Friday to hear the complaint of the ferry crews.\nIt will publish its answer next week, it said."
    article = article_of(text_page(f"{story}\n{listed}"))
    assert "\n".join(article.paragraphs) == story


def test_numbers_below_a_line_of_the_story_stay() -> None:
    story = "The board met on Friday to hear the complaint of the ferry crews.\nIt counted the votes:\n3 - 2\n5 - 3"
    assert "\n".join(article_of(text_page(story)).paragraphs) == story
