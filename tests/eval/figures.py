"""What the cleaner reaches on each set of documents, by the names of the sections in ``floors.toml``.

The classifier's sections are in ``tagging.py``.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

from copydesk_cleaner.oneshot import page_from
from copydesk_shared.messages import Article
from tests.cleaner.pages import NOW, ROOT, SHARED_DATA, article_of, text_page
from tests.eval import gold, tagging
from tests.eval.measure import Figures, page_figures, text_figures
from tests.eval.scored import from_text

CASES = Path(__file__).parent / "cases.jsonl"
SCORER_LIMIT = 110  # seconds

# What the scorers of the developer data print.
SHARE = r"\d+/\d+=([\d.]+)"
TEXT = {
    "fused_readmore": rf"'readmore': '{SHARE}'",
    "fused_related_headline": rf"'related_headline': '{SHARE}'",
    "fused_caption_credit": rf"'caption\+credit': '{SHARE}'",
    "fused_lines_intact": rf"fused .*body lines intact {SHARE}",
    "fused_documents_exact": rf"docs exact {SHARE}",
    "labelled_junk_gone": rf"junk lines gone {SHARE}",
    "labelled_lines_intact": rf"text .*body lines intact {SHARE}",
}
HTML = {
    "aeb_f1": r"aeb F1=([\d.]+)",
    "fundus_f1": r"fundus F1=([\d.]+)",
    "fundus_english_f1": r"  en F1=([\d.]+)",
}


def pages() -> Figures:
    return page_figures([(of, article(name)) for name, of in gold.pages().items()])


def article(name: str) -> Article:
    return article_of(page_from(gold.html_of(name), kind="html", url=gold.pages()[name].url, now=NOW))


def texts() -> Figures:
    return text_figures([(of, article_of(text_page(of.text)).paragraphs) for of in gold.texts()], one_line=False)


def texts_in_one_line() -> Figures:
    judged = [(of, article_of(text_page(of.text.replace("\n", " "))).paragraphs) for of in gold.texts()]
    return text_figures(judged, one_line=True)


def cases() -> Figures:
    """How many pattern cases are cut as expected, and how many of their twins stay whole."""
    every = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]
    twins = [case["counter"] for case in every if case["counter"]]
    return {
        "hits": sum(_same(from_text(case["input"], None), case["expected"]) for case in every),
        "keeps": sum(_same(from_text(twin, None), twin) for twin in twins),
    }


def _same(one: str, other: str) -> bool:
    return " ".join(one.split()) == " ".join(other.split())


def text() -> Figures:
    return _printed("score.py", "from_text", TEXT)


def html() -> Figures:
    return _printed("score_html.py", "from_html", HTML)


def _printed(scorer: str, function: str, patterns: dict[str, str]) -> Figures:
    done = subprocess.run(
        [sys.executable, SHARED_DATA / scorer, f"tests.eval.scored:{function}", str(SHARED_DATA)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=SCORER_LIMIT,
        check=True,
    )
    found = {name: re.search(pattern, done.stdout) for name, pattern in patterns.items()}
    return {name: float(match[1]) for name, match in found.items() if match}


OWN: dict[str, Callable[[], Figures]] = {
    "pages": cache(pages),
    "texts": cache(texts),
    "texts_in_one_line": cache(texts_in_one_line),
    "cases": cache(cases),
    **tagging.OWN,
}
DEVELOPER_DATA: dict[str, Callable[[], Figures]] = {"text": cache(text), "html": cache(html), **tagging.DEVELOPER_DATA}


def data_of(section: str) -> Path:
    """Where the developer data of a section lies, if it is there."""
    return tagging.HEADINGS if section in tagging.DEVELOPER_DATA else SHARED_DATA
