from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.parsing.dates import read_date

from .samples import parse, rss_of

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
DAY = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-22T09:30:00Z", AT),
        ("2026-11-22T10:30:00+01:00", AT),
        ("2026-11-22 09:30", AT),
        ("2026-11-22", DAY),
        ("Sun, 22 Nov 2026 10:30:00 +0100", AT),
        ("Sun, 22 Nov 2026 10:30:00 CET", AT),
        ("22 Nov 2026 04:30 am EST", AT),
        ("22 Nov 2026 9:30 pm", datetime(2026, 11, 22, 21, 30, tzinfo=UTC)),
        (" Sun,\n22 Nov 2026 09:30:00 GMT ", AT),
        ("1795339800", AT),
        ("1795339800000", AT),
        ("22.11.2026 09:30", AT),
        ("22.11.2026, 9.30 Uhr", AT),
        ("22/11/2026", DAY),
        ("So, 22. November 2026 10:30:00 +0100", AT),
        ("dim., 22 nov. 2026 09:30:00 +0000", AT),
        ("22 novembre 2026 à 09h30", AT),
        ("domingo, 22 de noviembre de 2026 09:30", AT),
        ("22 Dez 2026", datetime(2026, 12, 22, tzinfo=UTC)),
        ("03 août 2026", datetime(2026, 8, 3, tzinfo=UTC)),
        ("22 Smarch 2026", None),
        ("32.11.2026", None),
        ("22.13.2026", None),
        ("22.11.2026 25:00", None),
        ("2026-11-22T10:30:00+99:00", None),
        ("99999999999999999999", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_a_time_is_read_as_it_is_written(text: str, at: datetime | None) -> None:
    assert read_date(text) == at


@given(st.text(max_size=120))
def test_any_text_is_a_time_in_utc_or_none(text: str) -> None:
    found = read_date(text)
    assert found is None or found.tzinfo is UTC


@given(st.integers(min_value=10**9, max_value=4 * 10**9))
def test_every_time_is_read_back(second: int) -> None:
    at = datetime.fromtimestamp(second, UTC)
    for text in (at.isoformat(), at.strftime("%a, %d %b %Y %H:%M:%S +0000"), str(second)):
        assert read_date(text) == at


@pytest.mark.parametrize(
    ("dates", "published", "problem"),
    [
        ("<pubDate>So, 22. November 2026 10:30:00 +0100</pubDate>", AT, None),
        ("<dc:date>2026-11-22T09:30:00Z</dc:date>", AT, None),
        ("<pubDate>soon</pubDate><dc:date>2026-11-22T09:30:00Z</dc:date>", AT, "a date that cannot be true"),
        ("<pubDate>2126-11-22T09:30:00Z</pubDate>", None, "a date that cannot be true"),
        ("<pubDate>soon</pubDate><dc:date>later</dc:date>", None, "2 dates that cannot be true"),
        ("<pubDate></pubDate>", None, None),
    ],
)
def test_a_wrong_date_is_a_problem_and_the_best_of_the_others_counts(
    dates: str, published: datetime | None, problem: str | None
) -> None:
    feed = parse(rss_of(f"<item><link>https://news.example/a</link>{dates}</item>"))
    assert (feed.entries[0].published_at, feed.problem) == (published, problem)
