from datetime import timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_fetcher.responses import Fetched
from copydesk_shared.retry_after import LONGEST_SECONDS

from .samples import NOW


def retry_after(value: str) -> float | None:
    return Fetched(429, "https://news.example/", {"retry-after": value}).retry_after(NOW)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("99999999999999999999", LONGEST_SECONDS),
        (format_datetime(NOW + timedelta(minutes=5), usegmt=True), 300.0),
        (format_datetime(NOW - timedelta(minutes=5), usegmt=True), 0.0),
        (format_datetime(NOW + timedelta(days=900), usegmt=True), LONGEST_SECONDS),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("soon", None),
        ("Sun, 99 Nov 2026 10:00:00 GMT", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after(value) == seconds


@given(st.text(max_size=60))
def test_no_header_breaks_it(value: str) -> None:
    seconds = retry_after(value)
    assert seconds is None or 0 <= seconds <= LONGEST_SECONDS


@pytest.mark.parametrize(
    ("header", "media_type"),
    [("Text/HTML; charset=x", "text/html"), ("", ""), (" text/plain ", "text/plain"), (";", "")],
)
def test_media_type(header: str, media_type: str) -> None:
    assert Fetched(200, "https://news.example/", {"content-type": header}).media_type == media_type
