import gc
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from copydesk_cleaner import languages
from copydesk_cleaner.settings import CleanerSettings
from copydesk_cleaner.stage import STAGE, YOUNG_OBJECTS, Cleaner, clean
from copydesk_cleaner.version import CLEANER_VERSION
from copydesk_shared.errors import DropReason
from copydesk_shared.messages import Article, Rights
from copydesk_shared.stage import Drop
from copydesk_shared.topics import CLEANED, FETCHED
from copydesk_shared.workers import Prepared
from tests.cleaner.pages import NOW, article_of, html_page, text_page

BODY = "The harbour board met on Friday to hear the complaint of the ferry crews about the new winter timetable."
PAGE = f"<html><body><article><h1>Row</h1><p>{BODY}</p></article></body></html>"
OTHER = "It will publish its answer next week, the chairwoman told the members after the meeting had closed."


def test_the_stage_goes_from_fetched_to_cleaned_and_to_a_worker_process() -> None:
    assert (STAGE.name, STAGE.version) == ("cleaner", CLEANER_VERSION)
    assert (STAGE.source, STAGE.sink) == (FETCHED, CLEANED)
    handler = pickle.loads(pickle.dumps(STAGE.handle))  # noqa: S301 - our own bytes
    assert handler(html_page(PAGE)) == clean(html_page(PAGE))


@pytest.fixture
def collector() -> Iterator[None]:
    """Python's collector as it was, after the test."""
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.mark.usefixtures("collector")
def test_what_the_first_page_needs_is_loaded_before_it() -> None:
    languages._identifier.cache_clear()
    handler: object = STAGE.handle
    assert isinstance(handler, Prepared)
    handler.prepare()
    assert languages._identifier.cache_info().currsize == 1


@pytest.mark.usefixtures("collector")
def test_what_is_loaded_is_no_garbage_to_look_for() -> None:
    gc.unfreeze()
    Cleaner(()).prepare()
    assert gc.get_freeze_count() > YOUNG_OBJECTS
    assert gc.get_threshold()[0] == YOUNG_OBJECTS


def test_what_the_fetcher_decided_is_copied() -> None:
    page = text_page(BODY).model_copy(
        update={"revision": 3, "feed_id": "f1", "canonical_url": "https://example.org/c", "article_id": "b" * 20}
    )
    article = article_of(page)
    for field in ("article_id", "revision", "url", "canonical_url", "feed_id", "source", "fetched_at"):
        assert getattr(article, field) == getattr(page, field)
    assert article.cleaner_version == CLEANER_VERSION
    assert Article.model_validate_json(article.model_dump_json()) == article


def test_what_the_feed_says_fills_what_the_page_does_not() -> None:
    hints = {
        "entry_title": "Row",
        "entry_authors": ("Ann Lee",),
        "entry_published_at": datetime(2026, 11, 1, tzinfo=UTC),
    }
    article = article_of(text_page(BODY).model_copy(update=hints))
    assert (article.title, article.authors, article.published_at) == ("Row", ("Ann Lee",), hints["entry_published_at"])
    head = '<meta name="author" content="Bo Ek"><meta property="article:published_time" content="2026-11-02">'
    html = f"<html><head><title>Harbour</title>{head}</head><body><article><p>{BODY}</p><p>{OTHER}</p></article></body></html>"
    article = article_of(html_page(html).model_copy(update=hints))
    assert (article.title, article.authors) == ("Harbour", ("Bo Ek",))
    assert article.published_at == datetime(2026, 11, 2, tzinfo=UTC)


def test_a_byline_in_the_text_names_the_author() -> None:
    article = article_of(text_page(f"By Adam Millington and Bo Ek\n{BODY}\n{OTHER}"))
    assert article.authors == ("Adam Millington", "Bo Ek")
    assert article.paragraphs == (BODY, OTHER)


def test_a_paywall_is_reported() -> None:
    script = '<script type="application/ld+json">{"@type": "NewsArticle", "isAccessibleForFree": false}</script>'
    assert article_of(html_page(f"{script}<p>{BODY}</p>")).access == "paywall"
    assert article_of(html_page(f"<p>{BODY}</p>")).access == "full"


@pytest.mark.parametrize(
    ("fetched", "declared", "access"),
    [
        ("full", "true", "full"),
        ("full", "false", "paywall"),
        ("partial", "true", "partial"),
        ("partial", "false", "paywall"),
        ("paywall", "true", "paywall"),
        ("consent", "false", "consent"),
    ],
)
def test_the_stricter_of_page_and_fetcher_counts(fetched: str, declared: str, access: str) -> None:
    script = (
        f'<script type="application/ld+json">{{"@type": "NewsArticle", "isAccessibleForFree": {declared}}}</script>'
    )
    page = html_page(f"{script}<p>{BODY}</p>").model_copy(update={"access": fetched})
    assert article_of(page).access == access


def test_rights_go_on_as_the_fetcher_found_them() -> None:
    rights = Rights(robots="noarchive", tdm="reserved https://example.org/policy.json")
    assert article_of(text_page(BODY).model_copy(update={"rights": rights})).rights == rights
    assert article_of(text_page(BODY)).rights == Rights(robots=None, tdm=None)


def test_language_is_declared_or_told_from_a_long_text() -> None:
    german = "Der Hafenrat hat am Freitag über die Beschwerde der Fährleute gegen den neuen Fahrplan beraten. " * 3
    assert article_of(text_page(german)).language == "de"
    assert article_of(text_page("Kurz.")).language is None


def test_words_and_hash_follow_the_content() -> None:
    article = article_of(text_page("It's a well-known row.\nSecond line of it."))
    assert article.word_count == 8
    assert article.content_hash == article_of(text_page("It's a well-known  row.\n\nSecond line of it.")).content_hash
    assert article.content_hash != article_of(text_page("It's a well-known row.")).content_hash
    assert (
        article.content_hash
        != article_of(text_page("It's a well-known row.\nSecond line of it.", title="T")).content_hash
    )


@pytest.mark.parametrize(
    "text", ["", " \n\u200b", "READ MORE: A headline of another story", "(Picture: PA)", "Advertisement"]
)
def test_nothing_left_is_a_drop(text: str) -> None:
    outcome = clean(text_page(text))
    assert isinstance(outcome, Drop)
    assert outcome.reason is DropReason.NO_ARTICLE


def test_no_date_is_after_the_page_was_fetched() -> None:
    html = f'<meta property="article:published_time" content="2099-01-01"><p>{BODY}</p>'
    published = article_of(html_page(html)).published_at
    assert published is None or published <= NOW


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPYDESK_CLEANER_WORKERS", "3")
    assert CleanerSettings().workers == 3
    monkeypatch.delenv("COPYDESK_CLEANER_WORKERS")
    assert CleanerSettings().workers >= 1


@pytest.mark.parametrize(
    ("name", "value"), [("WORKERS", "0"), ("WORKERS", "many"), ("DEADLINE_SECONDS", "-1"), ("WORKER", "2")]
)
def test_a_bad_setting_is_one_line_and_exit_code_2(name: str, value: str) -> None:
    environment = {**os.environ, f"COPYDESK_CLEANER_{name}": value}
    done = subprocess.run(
        [sys.executable, "-m", "copydesk_cleaner"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert f"COPYDESK_CLEANER_{name}" in done.stderr
    assert done.stderr.count("\n") == 1
