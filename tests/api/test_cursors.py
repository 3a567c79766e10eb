"""Cursors come back as they went out, and nothing else is taken for one."""

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_api.cursors import (
    MAX_CURSOR,
    MAX_VALUE,
    CursorError,
    PageKey,
    decode_page,
    decode_position,
    encode_page,
    encode_position,
)
from copydesk_api.cursors import _check as check

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
KEY = PageKey(AT, 7)
times = st.datetimes(timezones=st.just(UTC))
numbers = st.integers(0, MAX_VALUE)


@given(times, numbers, st.text(max_size=30))
def test_a_page_cursor_comes_back(at: datetime, row_id: int, query: str) -> None:
    assert decode_page(encode_page(PageKey(at, row_id), query), query) == PageKey(at, row_id)


@given(numbers)
def test_a_position_comes_back(position: int) -> None:
    cursor = encode_position(position, "feed")
    assert decode_position(cursor, "feed") == position
    assert cursor.isascii()
    assert len(cursor) < MAX_CURSOR


@given(st.text() | st.text(alphabet="ABCabc123_-=[]", max_size=60))
def test_no_text_is_taken_for_a_cursor(text: str) -> None:
    with pytest.raises(CursorError):
        decode_page(text, "")
    with pytest.raises(CursorError):
        decode_position(text, "")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_json_is_taken_for_a_cursor(value: object) -> None:
    with pytest.raises(CursorError):
        decode_position(urlsafe_b64encode(json.dumps(value).encode()).decode(), "feed")


@given(st.integers(0, 200), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
def test_a_cursor_with_one_other_character_is_refused(at: int, char: str) -> None:
    cursor = encode_page(KEY, "query")
    at %= len(cursor)
    changed = cursor[:at] + char + cursor[at + 1 :]
    try:
        assert decode_page(changed, "query") == KEY  # the last character has bits that carry nothing
    except CursorError:
        assert changed != cursor


def forged(*parts: object) -> str:
    return urlsafe_b64encode(json.dumps([*parts, check(list(parts))]).encode()).decode().rstrip("=")


REFUSED = {
    "cut": (encode_position(5, "f")[:-4], "damaged|not a cursor"),
    "other list": (encode_page(KEY, "f"), "belongs to /v1/articles"),
    "other feed": (encode_position(5, "g"), "built anew"),
    "other version": (forged(2, "changes", "f", 5), "another version"),
    "a float": (forged(1, "changes", "f", 1.5), "values do not fit"),
    "too many": (forged(1, "changes", "f", 1, 2), "values do not fit"),
    "too big": (forged(1, "changes", "f", 2**63), "values do not fit"),
    "too long": ("A" * (MAX_CURSOR + 1), "not a cursor"),
    "deep": (urlsafe_b64encode(b"[" * 290).decode(), "not a cursor"),
    "padded": (forged(1, "changes", "f", 10) + "==", "not a cursor"),
    "not a list": (urlsafe_b64encode(b'"text"').decode(), "damaged"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_says_why(name: str) -> None:
    cursor, why = REFUSED[name]
    with pytest.raises(CursorError, match=why):
        decode_position(cursor, "f")


def test_other_filters() -> None:
    with pytest.raises(CursorError, match="other filters"):
        decode_page(encode_page(KEY, "one"), "two")


def test_a_time_that_no_calendar_has() -> None:
    with pytest.raises(CursorError, match="values do not fit"):
        decode_page(forged(1, "articles", "q", MAX_VALUE, 1), "q")
