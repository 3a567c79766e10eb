"""Pages and the articles they become, as pairs of files: ``tests/golden/<case>/page.{txt,html}`` and ``article.json``.

``COPYDESK_WRITE_GOLDEN=1 pytest tests/cleaner/test_golden.py`` writes the articles anew; read the difference before you
keep it.
"""

import json
import os
from pathlib import Path

import pytest

from copydesk_cleaner.oneshot import page_from
from copydesk_cleaner.text import normalise
from copydesk_shared.messages import Article
from copydesk_shared.removals import restore
from tests.cleaner.pages import GOLDEN, NOW, article_of

CASES = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir())


def cleaned(case: str) -> Article:
    source = next((GOLDEN / case).glob("page.*"))
    url = f"https://news.example.org/{case}" if source.suffix == ".html" else None
    return article_of(page_from(source.read_bytes(), kind="auto", url=url, now=NOW))


def expected(case: str) -> Path:
    return GOLDEN / case / "article.json"


@pytest.mark.parametrize("case", CASES)
def test_a_page_becomes_its_article(case: str) -> None:
    article = json.loads(cleaned(case).model_dump_json(exclude={"cleaner_version"}))
    if os.environ.get("COPYDESK_WRITE_GOLDEN"):
        expected(case).write_text(json.dumps(article, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    assert article == json.loads(expected(case).read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES)
def test_the_article_keeps_the_story_its_author_wrote(case: str) -> None:
    """``body.txt`` was written by hand: a paragraph a line."""
    body = GOLDEN / case / "body.txt"
    assert list(cleaned(case).paragraphs) == body.read_text(encoding="utf-8").splitlines()


def test_the_seed_can_be_rebuilt() -> None:
    source = (GOLDEN / "seed" / "page.txt").read_text(encoding="utf-8")
    assert restore(cleaned("seed")) == normalise(source)
