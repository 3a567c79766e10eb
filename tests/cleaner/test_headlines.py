import pytest

from tests.cleaner.pages import article_of, html_page, text_page

BODY = (
    "The harbour board met on Friday to hear the complaint of the ferry crews about the new winter timetable.",
    "Ferry crews say that the timetable leaves them no time to rest between the crossings to the islands.",
    "The board will publish its answer next week, the chairwoman told members after the meeting had closed.",
    "Crossings to the islands will go on as before until the board has decided on the complaint.",
)
HEADLINE = "Pop star Mira Lane spotted shopping for garden gnomes with former husband"


def with_line(line: str, place: int = 2) -> str:
    return "\n".join((*BODY[:place], line, *BODY[place:]))


def test_a_headline_off_the_topic_is_a_related_link() -> None:
    article = article_of(text_page(with_line(HEADLINE)))
    assert article.paragraphs == BODY
    assert [link.title for link in article.related_links] == [HEADLINE]
    assert article.removals[0].rule == "headline.off-topic"


@pytest.mark.parametrize(
    "line",
    [
        "Ferry crews say the winter timetable leaves no rest",
        "A crisis on the islands",
        "Pop star Mira Lane spotted shopping for garden gnomes with former husband.",
        "- Pop star Mira Lane spotted shopping for garden gnomes with former husband",
        "2. Pop star Mira Lane spotted shopping for garden gnomes with former husband",
        "She writes:",
        "Mira Lane writes of gnomes, gardens, husbands and shopping trips abroad:",
        "This is a sentence of another kind that lost its end mark somewhere",
    ],
)
def test_sub_heads_list_items_and_sentences_stay(line: str) -> None:
    assert line in article_of(text_page(with_line(line))).paragraphs


def test_the_first_and_the_last_line_stay() -> None:
    assert HEADLINE in article_of(text_page(with_line(HEADLINE, 0))).paragraphs
    assert HEADLINE in article_of(text_page(with_line(HEADLINE, 4))).paragraphs


def test_a_list_of_short_lines_is_not_a_list_of_headlines() -> None:
    dates = tuple(
        f"Mira Lane plays Brixton Academy with guests, gate number {word}"
        for word in "one two three four five six seven".split()
    )
    article = article_of(text_page("\n".join((*BODY[:2], *dates, *BODY[2:]))))
    assert article.paragraphs == (*BODY[:2], *dates, *BODY[2:])


def test_a_known_title_is_a_related_link_whatever_its_topic_and_punctuation() -> None:
    title = "Ferry crews say: ‘winter timetable’ leaves no rest"
    line = "FERRY CREWS SAY 'Winter Timetable' leaves no rest"
    article = article_of(text_page(with_line(line), known_titles=(title, "Another")))
    assert article.paragraphs == BODY
    assert article.removals[0].rule == "related.known-title"


def test_the_own_title_is_no_related_link() -> None:
    article = article_of(
        text_page(with_line("Harbour row grows", 0), title="Harbour row grows", known_titles=("Harbour row grows",))
    )
    assert article.removals[0].kind == "title"
    assert article.related_links == ()


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("MIRA LANE OPENS UP ABOUT GARDEN GNOMES AND HER FORMER HUSBAND", None),
        ("Mike Johnson’s Art of the Deal Mike Johnson’s Art of the Deal", "Mike Johnson’s Art of the Deal"),
    ],
)
def test_lines_that_are_headlines_by_their_wording(line: str, title: str | None) -> None:
    article = article_of(text_page(with_line(line)))
    assert article.paragraphs == BODY
    assert article.related_links[0].title == (title or line)


def paragraphs_and(extra: str) -> str:
    inner = "".join(f"<p>{line}</p>" for line in BODY[:2]) + extra + "".join(f"<p>{line}</p>" for line in BODY[2:])
    return f"<div>{inner}</div>"


def test_a_line_that_is_a_link_goes_and_a_heading_that_is_one_stays() -> None:
    linked = "<a href='/x'>Ferry crews say timetable leaves no rest</a>"
    assert article_of(html_page(paragraphs_and(f"<p>{linked}</p>"))).removals[0].rule == "headline.link"
    assert article_of(html_page(paragraphs_and(f"<h2>{linked}</h2>"))).removals == ()


def test_a_sub_head_stays_however_far_off_the_topic_it_is() -> None:
    assert article_of(html_page(paragraphs_and(f"<h2>{HEADLINE}</h2>"))).removals == ()
    assert article_of(html_page(paragraphs_and(f"<p>{HEADLINE}</p>"))).removals != ()


def test_the_title_repeated_as_a_line() -> None:
    title = "Harbour board hears complaint of ferry crews"
    for line in (title, "HARBOUR BOARD HEARS COMPLAINT OF FERRY CREWS", f"{title} again"):
        assert article_of(text_page(with_line(line, 0), title=title)).paragraphs == BODY
    kept = f"{title}, and much more happened on that long and windy Friday in the old town hall of the islands."
    assert kept in article_of(text_page(with_line(kept, 0), title=title)).paragraphs
    assert article_of(text_page(title, title=title)).paragraphs == (title,)
