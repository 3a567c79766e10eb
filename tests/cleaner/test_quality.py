"""The cleaner against its floors: the project's own pattern cases always, the developer data where it is there."""

import json
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

from tests.cleaner.pages import ROOT, SHARED_DATA
from tests.cleaner.scored import from_text

HERE = Path(__file__).parent
FLOORS = tomllib.loads((HERE / "floors.toml").read_text(encoding="utf-8"))
CASES = [json.loads(line) for line in (HERE / "data" / "cases.jsonl").read_text(encoding="utf-8").splitlines()]

FIGURES = {
    "fused_readmore": r"'readmore': '\d+/\d+=([\d.]+)'",
    "fused_related_headline": r"'related_headline': '\d+/\d+=([\d.]+)'",
    "fused_caption_credit": r"'caption\+credit': '\d+/\d+=([\d.]+)'",
    "fused_lines_intact": r"fused .*body lines intact \d+/\d+=([\d.]+)",
    "fused_documents_exact": r"docs exact \d+/\d+=([\d.]+)",
    "labelled_junk_gone": r"junk lines gone \d+/\d+=([\d.]+)",
    "labelled_lines_intact": r"text .*body lines intact \d+/\d+=([\d.]+)",
    "aeb_f1": r"aeb F1=([\d.]+)",
    "fundus_f1": r"fundus F1=([\d.]+)",
    "fundus_english_f1": r"  en F1=([\d.]+)",
}


def same(one: str, other: str) -> bool:
    return " ".join(one.split()) == " ".join(other.split())


def test_pattern_cases() -> None:
    hits = sum(same(from_text(case["input"], None), case["expected"]) for case in CASES)
    twins = [case["counter"] for case in CASES if case["counter"]]
    keeps = sum(same(from_text(twin, None), twin) for twin in twins)
    assert hits >= FLOORS["cases"]["hits"]
    assert keeps >= FLOORS["cases"]["keeps"]


@cache
def scored(scorer: str, function: str) -> str:
    """What a scorer of the developer data prints."""
    done = subprocess.run(
        [sys.executable, SHARED_DATA / scorer, f"tests.cleaner.scored:{function}", str(SHARED_DATA)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=110,
        check=True,
    )
    return done.stdout


@pytest.mark.seed
@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="needs ../shared/data/clean")
@pytest.mark.parametrize(
    ("scorer", "function", "figure"),
    [
        *(("score.py", "from_text", figure) for figure in FLOORS["text"]),
        *(("score_html.py", "from_html", figure) for figure in FLOORS["html"]),
    ],
)
def test_developer_data(scorer: str, function: str, figure: str) -> None:
    found = re.search(FIGURES[figure], scored(scorer, function))
    assert found is not None
    assert float(found[1]) >= (FLOORS["text"] | FLOORS["html"])[figure]
