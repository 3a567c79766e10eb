import subprocess
import sys

PROGRAM = """
import sys
from copydesk_shared.log import Record
from copydesk_shared.telemetry import CURRENT_RECORD, configure_logging, get_logger
configure_logging("test", "info", sys.argv[1])
CURRENT_RECORD.set(Record("t", 0, 7, b"\\x1b[2Jkey", None))
get_logger().warning("dead letter", error="first\\nsecond \\x9b31m\\x07")
"""


def _said(style: str) -> str:
    answer = subprocess.run([sys.executable, "-c", PROGRAM, style], capture_output=True, check=True)
    return answer.stderr.decode()


def test_what_comes_from_outside_moves_nobody_s_cursor() -> None:
    said = _said("console")
    assert "\x1b" not in said
    assert "\x9b" not in said
    assert "\x07" not in said
    assert r"\x1b[2Jkey" in said
    assert "offset" in said


def test_json_has_it_all_and_escapes_it_itself() -> None:
    said = _said("json")
    assert "\x1b" not in said
    assert r"\u001b[2Jkey" in said
