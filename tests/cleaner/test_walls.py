"""Whether the reader got all of the story, or a page that says that there is none."""

import pytest

from copydesk_cleaner.stage import clean
from copydesk_shared.errors import DropReason
from copydesk_shared.messages import Page
from copydesk_shared.stage import Drop
from tests.cleaner.pages import article_of, html_page, text_page

SENTENCE = "The harbour board met on Friday to hear the complaint of the ferry crews about the winter timetable."
LONG = f"{SENTENCE} " * 20

WALLS = [
    "Cet article est réservé aux abonnés. Il vous reste 80 % de cet article à lire.",
    "La suite est réservée aux abonnés.",
    "Dieser Artikel ist Abonnenten vorbehalten",
    "Weiterlesen mit Hafen Plus",
    "Jetzt weiterlesen mit dem Digital-Abo",
    "Este contenido es exclusivo para suscriptores",
    "Suscríbete para seguir leyendo",
    "Questo articolo è riservato agli abbonati",
    "Conteúdo exclusivo para assinantes",
    "Dit artikel is alleen voor abonnees",
    "Dalsza część artykułu dostępna dla prenumeratorów",
    "Материал доступен только подписчикам",
    "Artikeln är för dig som är prenumerant",
    "Tento článek je jen pro předplatitele.",
    "Subscribe to continue reading",
]


def page_of(body: str, head: str = "<title>Row</title>") -> Page:
    return html_page(f"<html><head>{head}</head><body>{body}</body></html>")


def story(text: str, wall: str) -> Page:
    return page_of(
        f"<article><h1>Ferry crews walk out</h1><p>{text}</p><p>{SENTENCE}</p><div><p>{wall}</p></div></article>"
    )


@pytest.mark.parametrize("wall", WALLS)
@pytest.mark.parametrize("text", [SENTENCE * 2, LONG], ids=["short", "long"])
def test_a_story_that_ends_at_a_wall_is_kept_back(wall: str, text: str) -> None:
    article = article_of(story(text, wall))
    assert article.access == "paywall"
    assert wall not in article.paragraphs
    assert article_of(text_page(f"{text}\n{SENTENCE}\n{wall}")).access == "paywall"


@pytest.mark.parametrize(
    "wall", ["Déjà abonné ? Connectez-vous", "Already a subscriber? Log in", "Newsletter abonnieren"]
)
def test_an_offer_alone_does_not_keep_a_story_back(wall: str) -> None:
    assert article_of(story(LONG, wall)).access == "full"


@pytest.mark.parametrize("wall", WALLS)
def test_a_wall_between_paragraphs_is_an_offer(wall: str) -> None:
    assert article_of(text_page(f"{LONG}\n{wall}\n{SENTENCE} It ends.")).access == "full"


def test_a_wall_beside_a_short_text_counts_where_it_is_seen() -> None:
    wall = f"<div class='x'><p>{WALLS[0]}</p></div>"
    start = f"<article><h1>Row</h1><p>{SENTENCE}</p><p>{SENTENCE * 6} It ends.</p></article>"
    assert article_of(page_of(start + wall)).access == "paywall"
    assert article_of(page_of(start + wall.replace("class='x'", "hidden"))).access == "full"
    assert article_of(page_of(start + f"<footer>{wall}</footer>")).access == "full"
    assert article_of(page_of(start.replace(SENTENCE * 6, LONG) + wall)).access == "full"


def test_the_tier_of_a_story_is_what_its_page_says() -> None:
    tier = "<title>Row</title><meta property='article:content_tier' content='{}'>"
    body = f"<article><h1>Row</h1><p>{LONG}</p></article>"
    tiers = [article_of(page_of(body, tier.format(each))).access for each in ("free", "metered", "locked")]
    assert tiers == ["full", "full", "paywall"]


OTHERS = "".join(
    f"<div><h3><a href='/{name}'>Ferry crews walk out in {name}</a></h3><p>{SENTENCE}</p></div>" for name in "ABC"
)
MISSING = {
    "server": "<title>404 Not Found</title>|<center><h1>404 Not Found</h1></center><hr><center>nginx</center>",
    "gone": "<title>410 Gone</title>|<h1>Gone</h1><p>The resource is no longer available and there is no other address.</p>",
    "blog": "<title>Page not found – Quay</title>|<h1>Oops! That page can’t be found.</h1><p>It looks like nothing is here.</p>",
    "soft": f"<title>Page not found | Quay</title>|<article><h1>Page not found</h1><p>Try a search.</p></article>{OTHERS}",
    "German": "<title>Fehler 404 – Bote</title>|<h1>Seite nicht gefunden</h1><p>Leider gibt es die Seite nicht mehr.</p>",
    "French": "<title>Erreur 404</title>|<h1>Cette page n’existe plus</h1><p>Elle a été supprimée par la rédaction.</p>",
    "Spanish": "<title>Página no encontrada</title>|<h1>404</h1><p>Vuelva a la portada para seguir leyendo el diario.</p>",
    "Russian": "<title>Порт.ру</title>|<h1>Страница не найдена</h1><p>Возможно, она была удалена или перенесена.</p>",
    "Japanese": "<title>ページが見つかりません</title>|<h1>404</h1><p>お探しのページは移動または削除されました。</p>",
}


@pytest.mark.parametrize("markup", MISSING.values(), ids=MISSING)
def test_a_page_that_says_that_it_is_missing_is_no_article(markup: str) -> None:
    head, body = markup.split("|", 1) if markup.count("|") == 1 else markup.rsplit("|", 1)
    outcome = clean(page_of(body, head))
    assert isinstance(outcome, Drop)
    assert outcome.reason == DropReason.NOT_FOUND


@pytest.mark.parametrize("text", ["404 Not Found\nnginx", "Error 404", "Page not found\nIt may have been moved."])
def test_so_is_a_text_that_says_nothing_else(text: str) -> None:
    outcome = clean(text_page(text))
    assert isinstance(outcome, Drop)
    assert outcome.reason == DropReason.NOT_FOUND


@pytest.mark.parametrize(
    ("title", "head"),
    [
        ("404: page not found, the history of an error", ""),
        ("Not found: the missing ferry", ""),
        ("Gone", "<meta name='author' content='Ada Holm'>"),
        ("Page not found", "<meta property='article:published_time' content='2026-01-24T10:00:00Z'>"),
        ("Gone", ""),
        ("Ferry crews walk out", ""),
    ],
)
def test_a_story_about_what_is_missing_is_one(title: str, head: str) -> None:
    body = f"<article><h1>{title}</h1><p>{SENTENCE * 3}</p><p>{SENTENCE * 3}</p></article>"
    assert article_of(page_of(body, f"<title>{title} | Quay</title>{head}")).paragraphs
