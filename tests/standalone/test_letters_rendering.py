"""What is shown of letters, and how times and ids are told: pure, so whatever text there may be."""

import json
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_shared.dead_letters import dead_letter, parse
from copydesk_shared.errors import DeadLetterReason
from copydesk_shared.letters.selection import parse_id, parse_moment
from copydesk_shared.letters.showing import headline, printable
from copydesk_shared.log import Record
from copydesk_standalone.letters.rendering import as_json, describe, fit, table_row

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _columns(text: str) -> int:
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text
    )


@given(st.text())
def test_what_is_printable_stays_and_the_rest_becomes_escapes(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert shown == text or not text.isprintable()


@given(st.text(max_size=60), st.integers(1, 30))
def test_a_cell_has_the_width_of_its_column(text: str, width: int) -> None:
    cell = fit(text, width)
    assert cell.isprintable()
    assert _columns(cell) == width


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("abc", "abc  "),
        ("abcde", "abcde"),
        ("abcdef", "abcd…"),
        ("日本語", "日本…"),
        ("日本", "日本 "),
        ("\x1b[2J!", r"\x1b…"),
    ],
)
def test_cells(text: str, cell: str) -> None:
    assert fit(text, 5) == cell


@given(st.text(max_size=40), st.binary(max_size=40), st.binary(max_size=80), st.text(max_size=80), st.integers())
def test_no_letter_breaks_what_is_shown(stage: str, key: bytes, value: bytes, error: str, timestamp: int) -> None:
    sent = dead_letter(
        Record("t", 0, 0, key, value, ((stage, key),)), stage=stage, reason=DeadLetterReason.BUG, error=error
    )
    letter = parse(Record("dead", 1, 42, sent.key, sent.value, sent.headers, timestamp))
    assert all(line.isprintable() for line in [*describe(letter), table_row(letter, None)])
    assert _columns(table_row(letter, 140)) <= 140
    line = as_json(letter)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["id"] == "1/42"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ("one\ntwo", "one"),
        ("\n\n", ""),
        ('Traceback (most recent call last):\n  File "a.py", line 1, in f\n    x\nKeyError: 5\n\n', "KeyError: 5"),
        ('  File "a.py", line 1, in f\nValueError: cut at the front', "ValueError: cut at the front"),
    ],
)
def test_the_line_that_says_most(error: str, line: str) -> None:
    assert headline(error) == line


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2h", NOW - timedelta(hours=2)),
        ("0s", NOW),
        ("7d", NOW - timedelta(days=7)),
        ("1w", NOW - timedelta(weeks=1)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20T15:30", datetime(2026, 11, 20, 15, 30, tzinfo=UTC)),
        ("2026-11-20T15:30+02:00", datetime(2026, 11, 20, 13, 30, tzinfo=UTC)),
        ("2026-11-20T15:30:01.5Z", datetime(2026, 11, 20, 15, 30, 1, 500_000, tzinfo=UTC)),
    ],
)
def test_times(text: str, at: datetime) -> None:
    assert parse_moment(text, NOW) == at


@given(st.text() | st.from_regex(r"\d{1,12}[smhdwy]", fullmatch=True) | st.datetimes(timezones=st.timezones()).map(str))
def test_any_text_is_a_time_or_a_clear_mistake(text: str) -> None:
    try:
        at = parse_moment(text, NOW)
    except ValueError as error:
        assert repr(text) in str(error) or "too long ago" in str(error)  # noqa: PT017 - any text may also be a time
    else:
        assert at.tzinfo is not None


@given(st.text())
def test_any_text_is_an_id_or_a_clear_mistake(text: str) -> None:
    try:
        partition, offset = parse_id(text)
    except ValueError as error:
        assert "is not partition/offset" in str(error)  # noqa: PT017 - any text may also be an id
    else:
        assert partition >= 0 <= offset
