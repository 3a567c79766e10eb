import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_shared.zones import plain_clock


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tue, 03 Nov 2026 09:15:00 CET", "Tue, 03 Nov 2026 09:15:00 +0100"),
        ("Tue Nov 03 09:15:00 CEST 2026", "Tue Nov 03 09:15:00 +0200 2026"),
        ("2026-11-03 09:15:00.5 BST", "2026-11-03 09:15:00.5+0100"),
        ("2026-11-03T09:15:00Z", "2026-11-03T09:15:00+0000"),
        ("November 3, 2026 9:15 am EDT", "November 3, 2026 09:15 -0400"),
        ("November 3, 2026 at 9:15 p.m. (NST)", "November 3, 2026 21:15 -0330"),
        ("November 3, 2026 12:05am", "November 3, 2026 00:05"),
        ("November 3, 2026 12:05 PM", "November 3, 2026 12:05"),
        ("November 3, 2026 21:05 PM", "November 3, 2026 21:05"),
        ("3 November 2026 9:15 pm IST", "3 November 2026 21:15 IST"),
        ("Tue Nov 03 2026 09:15:00 GMT+0100 (CET)", "Tue Nov 03 2026 09:15:00 +0100 (CET)"),
        ("Tue, 03 Nov 2026 09:15:00 +0100 (CET)", "Tue, 03 Nov 2026 09:15:00 +0100 (CET)"),
        ("2026-11-03 09:15 IST", "2026-11-03 09:15"),
        ("09:15 est dit", "09:15 est dit"),
        ("2026-11-03", "2026-11-03"),
    ],
)
def test_a_time_is_written_out(text: str, expected: str) -> None:
    assert plain_clock(text) == expected


@given(st.text(max_size=60))
def test_a_text_without_a_clock_stays(text: str) -> None:
    assert ":" in text or plain_clock(text) == text
