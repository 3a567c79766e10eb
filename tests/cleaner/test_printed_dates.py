"""Dates that a page only prints, where no metadata tell one."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_cleaner.printed_dates import date_line, first_date
from tests.cleaner.pages import NOW, article_of, html_page, text_page

SENTENCE = "The harbour board met on Friday to hear the complaint of the ferry crews about the winter timetable."
DAY, MOMENT = datetime(2026, 1, 24, tzinfo=UTC), datetime(2026, 1, 24, 10, 30, tzinfo=UTC)

PRINTED = [
    ("24 January 2026", DAY),
    ("Saturday, January 24, 2026", DAY),
    ("January 24th, 2026 at 10:30 am", MOMENT),
    ("Sat 24 Jan 2026 10.30 GMT", MOMENT),
    ("Published 24 Jan 2026 05:30 EST", MOMENT),
    ("24.01.2026, 10:30 Uhr", MOMENT),
    ("Von Anna Berg | 24. Januar 2026 | 10.30 Uhr", MOMENT),
    ("Stand: 24. Jänner 2026", DAY),
    ("Publié le 24 janvier 2026 à 10h30", MOMENT),
    ("24 de janeiro de 2026 às 10h30", MOMENT),
    ("24 de enero de 2026", DAY),
    ("Pubblicato il 24 gennaio 2026", DAY),
    ("24 januari 2026 10:30", MOMENT),
    ("24 stycznia 2026, 10:30", MOMENT),
    ("24. ledna 2026", DAY),
    ("Опубликовано 24 января 2026, 10:30", MOMENT),
    ("24 січня 2026", DAY),
    ("24 Ocak 2026", DAY),
    ("2026年1月24日 10:30", MOMENT),
    ("2026-01-24", DAY),
    ("24/01/2026", DAY),
    ("01/24/2026", DAY),
]


@pytest.mark.parametrize(("line", "expected"), PRINTED, ids=[line for line, _ in PRINTED])
@pytest.mark.parametrize("tag", ["time", "p", "span", "div"])
def test_a_date_below_the_headline_is_that_of_the_story(line: str, expected: datetime, tag: str) -> None:
    body = f"<h1>Ferry crews walk out</h1><{tag}>{line}</{tag}><p>{SENTENCE * 2}</p><p>{SENTENCE}</p>"
    page = html_page(f"<html><body><article>{body}</article></body></html>")
    assert article_of(page).published_at == expected


@pytest.mark.parametrize(("line", "expected"), PRINTED[:5], ids=[line for line, _ in PRINTED[:5]])
def test_a_plain_text_may_begin_with_its_date(line: str, expected: datetime) -> None:
    text = f"Ferry crews walk out\n{line}\n{SENTENCE * 2}\n{SENTENCE}"
    assert article_of(text_page(text)).published_at == expected


@pytest.mark.parametrize(
    "line",
    [
        "04/05/2026",
        "The ferries stop for good on 24 January 2026 at noon",
        "24 marines",
        "24 January 2126",
        "99.99.2026",
        "31 February 2026",
        "2026",
        "In January",
    ],
)
def test_what_is_no_date_of_publication(line: str) -> None:
    assert date_line(line, NOW, "en") is None
    body = f"<h1>Ferry crews walk out</h1><p>{line}</p><p>{SENTENCE * 2}</p><p>{SENTENCE}</p>"
    assert article_of(html_page(f"<html><body><article>{body}</article></body></html>")).published_at is None


def test_day_and_month_between_slashes_are_told_by_the_language() -> None:
    assert date_line("04/05/2026", NOW, "fr") == datetime(2026, 5, 4, tzinfo=UTC)


def test_the_date_of_the_update_is_only_taken_where_there_is_no_other() -> None:
    lines = ["Updated 25 January 2026", "Published 24 January 2026"]
    assert first_date(lines, NOW, "en") == DAY
    assert first_date(lines[:1], NOW, "en") == datetime(2026, 1, 25, tzinfo=UTC)


def test_a_date_behind_the_first_paragraph_is_of_something_else() -> None:
    assert first_date([SENTENCE * 2, "24 January 2026"], NOW, "en") is None


@given(st.text(max_size=130))
def test_any_line_has_an_outcome(line: str) -> None:
    date = date_line(line, NOW, None)
    assert date is None or date <= NOW
