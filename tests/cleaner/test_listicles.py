"""Stories in the form of a list, and documents that a story hands out: what is a link there is text."""

import pytest

from copydesk_cleaner.extract import extract
from tests.cleaner.pages import article_of, html_page

SENTENCE = "The harbour board met on Friday to hear the complaint of the ferry crews about the timetable."
PORTS = ("Aalen", "Bergen", "Calais", "Dover")


def page_of(body: str, title: str = "Ports worth a winter journey") -> str:
    start = f"<p>{SENTENCE} {SENTENCE}</p>"
    return f"<html lang='en'><head><title>{title}</title></head><body><article><h1>{title}</h1>{start}{body}</article>"


ITEMS = {
    "in a row": "<h3><a href='/p/{name}'>{name}</a></h3><p>{name} has a quay. {text}</p>",
    "in blocks": "<div><h2><a href='/p/{name}'>{name} Castle</a></h2><p>{name} has a quay. {text}</p></div>",
    "in a list": "<li><h3><a href='/p/{name}'>{name} Castle</a></h3><p>{name} has a quay. {text}</p></li>",
    "link around": "<div><a href='/p/{name}'><h3>{name} Castle</h3></a><p>{name} has a quay. {text}</p></div>",
    "without paragraphs": "<div><h3><a href='/p/{name}'>{name}</a></h3>{name} has a quay. {text}</div>",
    "numbered": "<div><h3><a href='/p/{name}'>{number}. Take the early ferry to {name} in the winter</a></h3>"
    "<p>{name} has a quay. {text}</p></div>",
    "lines": "<p><strong><a href='/p/{name}'>{number}. {name} Castle</a></strong></p><p>{name} has a quay. {text}</p>",
    "elsewhere": "<h3><a href='https://{name}.example/'>{name} Castle</a></h3><p>{name} has a quay. {text}</p>",
}


@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS)
def test_the_items_of_a_list_are_the_story(item: str) -> None:
    items = "".join(item.format(name=name, number=n, text=SENTENCE) for n, name in enumerate(PORTS, 1))
    text = article_of(html_page(page_of(items))).text
    assert [name for name in PORTS if f"{name} has a quay." in text] == list(PORTS)
    assert all(any(name in line and "quay" not in line for line in text.split("\n")) for name in PORTS)


def test_the_title_tells_how_many_items_there_are() -> None:
    item = ITEMS["in blocks"].replace("{name} Castle", "Take the early ferry to {name} in the winter")
    items = "".join(item.format(name=name, text=SENTENCE) for name in PORTS)
    assert "Bergen has a quay." not in article_of(html_page(page_of(items))).text
    assert "Bergen has a quay." in article_of(html_page(page_of(items, "4 ferries for the winter"))).text


@pytest.mark.parametrize(
    "item",
    [
        "<div><h3><a href='/p/{name}'>{name}</a></h3><ul><li><a href='/a'>Ferries</a><li><a href='/b'>Fares</a></ul></div>",
        "<div><h3><a href='/p/{name}'>{name} Castle</a></h3><time>3 May</time><p>{text}</p></div>",
        "<div><h3><a href='/p/{name}'>{name} Castle</a></h3><p>03.05.2026 {text}</p></div>",
        "<div><h3><a href='/p/{name}'>Ferry crews walk out again in {name}</a></h3><p>{text}</p></div>",
    ],
    ids=["menu", "with a time", "with a date", "headlines"],
)
def test_menus_and_other_stories_are_not(item: str) -> None:
    items = "".join(item.format(name=name, text=SENTENCE) for name in PORTS)
    assert "Bergen" not in article_of(html_page(page_of(items))).text


DOCUMENTS = (
    "<li><a href='/files/one.pdf'>Part one: the winter timetable of the ferries</a></li>"
    "<li><a href='/files/two.PDF?download=1'>Part two: what the crews of the ferries said</a></li>"
    "<li><a href='https://files.example.com/three.xlsx'>All fares</a> (2 MB)</li>"
)


@pytest.mark.parametrize(
    "after", ["", f"<p>{SENTENCE} It will answer in May.</p>"], ids=["at the end", "in the middle"]
)
def test_a_list_of_documents_is_part_of_the_story(after: str) -> None:
    article = article_of(html_page(page_of(f"<p>{SENTENCE} The report:</p><ul>{DOCUMENTS}</ul>{after}")))
    for words in ("Part one: the winter timetable", "Part two: what the crews", "All fares (2 MB)"):
        assert words in article.text
    assert article.related_links == ()


def test_a_list_of_pages_is_none() -> None:
    pages = DOCUMENTS.replace(".pdf", "").replace(".PDF", "").replace("https://files.example.com/three.xlsx", "/three")
    page = html_page(page_of(f"<p>{SENTENCE} More:</p><ul>{pages}</ul><p>{SENTENCE} It will answer in May.</p>"))
    assert "Part two: what the crews" not in article_of(page).text


LONG = "And the sea went on, and the sea went on, and nobody counted the ships."


@pytest.mark.parametrize("frame", ["<article>{}</article>", "<div>{}</div>", "<div><div>{}</div></div>"])
def test_a_line_that_comes_twice_in_a_row_goes_with_an_account(frame: str) -> None:
    lines = f"<p>{SENTENCE} {SENTENCE}</p><p>{LONG}</p><p>{LONG}</p><p>{SENTENCE} It will answer in May.</p>"
    article = article_of(html_page(f"<html><body><h1>Row</h1>{frame.format(lines)}</body></html>"))
    assert article.paragraphs.count(LONG) == 1
    assert [removal.rule for removal in article.removals if removal.text.strip() == LONG] == ["boilerplate.repeat"]


@pytest.mark.parametrize(
    "words",
    [
        "👩\u200d🚒 and 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "می\u200cخواهم",
        "क\u094d\u200dष",
        "🫨🪾",
    ],
    ids=["emoji", "Persian", "Devanagari", "new emoji"],
)
def test_characters_that_shape_others_stay(words: str) -> None:
    body = f"<p>{words} {SENTENCE}</p><p>{SENTENCE} It will answer in May.</p>"
    assert f"{words} The harbour" in extract(html_page(page_of(body))).text


def test_the_letters_of_icon_fonts_go() -> None:
    assert "\ue001" not in extract(html_page(page_of(f"<p><i>\ue001</i> {SENTENCE}</p>"))).text
