"""The sample article: four fused captions with credits, a READ MORE line and two bare headlines among 15 paragraphs."""

import pytest

from copydesk_cleaner.text import normalise
from copydesk_shared.messages import PARAGRAPH_BREAK, Article
from copydesk_shared.removals import restore
from tests.cleaner.pages import GOLDEN, article_of, html_page, text_page

SEED = (GOLDEN / "seed" / "page.txt").read_text(encoding="utf-8").strip()
LINES = SEED.split("\n")
READ_MORE = 4
HEADLINES = (5, 16)
CREDIT = "RUSSIAN INVESTIGATIVE COMMITEE HANDOUT/EPA-EFE/REX/Shutterstock"
AGENCIES = ("EPA-EFE", "REX", "Shutterstock")
PICTURES = [
    (
        "A Russian investigator examining debris at the crash site of the Ilyushin Il-76 aircraft near the village of Yablonovo",
        CREDIT,
        AGENCIES,
    ),
    (
        "A convoy of buses is seen transporting Ukrainian prisoners for a potential swap to the II-76 at a Russian airbase on January 24",
        "Anadolu via Getty Images",
        ("Anadolu", "Getty Images"),
    ),
    ("There are believed to have been more than 70 people on board when the plane was shot down", CREDIT, AGENCIES),
    ("The wreckage of the plane that went down near Yablonovo, Belgorod region, Russia", CREDIT, AGENCIES),
]
LINKS = [
    "Russia-Ukraine row over downed plane killing 65 PoWs - all the evidence so far",
    "Russian model killed after calling Putin a 'psychopath' was strangled by her ex",
    "Give Ukraine western fighter jets to fight Russians, urges Boris Johnson",
]


def expected_paragraphs() -> tuple[str, ...]:
    """What a person would keep: built from the sample by hand, not by the rules."""
    kept = [line for number, line in enumerate(LINES) if number not in (READ_MORE, *HEADLINES)]
    for caption, credit, _ in PICTURES:
        kept = [line.removeprefix(f"{caption} ({credit})") for line in kept]
    return tuple(kept)


def assert_furniture_moved(article: Article) -> None:
    assert [(image.caption, image.credit, image.agencies) for image in article.images] == PICTURES
    assert [link.title for link in article.related_links] == LINKS


def test_as_plain_text() -> None:
    article = article_of(text_page(SEED))
    assert article.paragraphs == expected_paragraphs()
    assert len(article.paragraphs) == 15
    assert_furniture_moved(article)
    assert article.language == "en"
    assert restore(article) == normalise(SEED)


@pytest.mark.parametrize(
    "frame",
    [
        "{}",
        (
            "<html lang='en'><head><title>Putin claims plane was shot down</title></head><body>"
            "<nav><a href='/'>Home</a></nav><main><article><h1>Putin claims plane was shot down</h1>{}</article></main>"
            "<footer>Terms</footer></body></html>"
        ),
    ],
    ids=["fragment", "page"],
)
def test_as_html(frame: str) -> None:
    article = article_of(html_page(frame.format("".join(f"<p>{line}</p>" for line in LINES))))
    assert article.paragraphs == expected_paragraphs()
    assert_furniture_moved(article)


def test_on_one_line_without_spaces_between() -> None:
    article = article_of(text_page("".join(LINES)))
    assert article.text == "".join(expected_paragraphs())
    assert_furniture_moved(article)


def test_on_one_line_with_spaces_between() -> None:
    article = article_of(text_page(" ".join(LINES)))
    assert article.text == " ".join(expected_paragraphs())
    assert [(image.caption, image.credit, image.agencies) for image in article.images] == PICTURES
    assert [link.title for link in article.related_links] == [f"{LINKS[0]} {LINKS[1]}", LINKS[2]]


def test_known_titles_find_headlines_even_inside_a_line() -> None:
    article = article_of(text_page(" ".join(LINES), known_titles=tuple(LINKS)))
    assert LINKS[2] not in article.text
    assert LINKS[2] in [link.title for link in article.related_links]


def test_cleaning_the_cleaned_text_changes_nothing() -> None:
    once = article_of(text_page(SEED))
    again = article_of(text_page(once.text))
    assert again.paragraphs == once.paragraphs
    assert again.removals == ()
    assert PARAGRAPH_BREAK.join(again.paragraphs) == once.text
