"""``copydesk demo`` as a newcomer starts it."""

from pathlib import Path
from typing import Any

import pytest

from copydesk_standalone.demo.article import load_articles
from tests.e2e.pipeline import Pipeline, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(500)]
ARTICLES = load_articles()
CORRECTED = next(article for article in ARTICLES if article.corrected_after is not None)


def test_every_article_arrives_once_within_a_minute(tmp_path: Path) -> None:
    with Pipeline("demo", "--every", "0.5", data_dir=tmp_path / "demo") as pipeline:
        pipeline.wait_ready()
        until(lambda: len(pipeline.articles()) == len(ARTICLES), 120, "every article on the REST feed")
        served = {article["title"]: article for article in pipeline.articles()}
        assert set(served) == {article.title for article in ARTICLES}
        changes = pipeline.changes()
        assert sorted(change["article_id"] for change in changes) == sorted(
            each["article_id"] for each in served.values()
        )
        assert pipeline.interrupt() == 0
        assert "Traceback" not in pipeline.output()


def test_a_correction_is_a_revision(tmp_path: Path) -> None:
    with Pipeline("demo", "--every", "8", data_dir=tmp_path / "demo") as pipeline:
        pipeline.wait_ready()
        until(lambda: _corrected(pipeline).get("revision") in {1, 2}, 120, "a revision")
        first = _corrected(pipeline)
        if first["revision"] == 1:  # a machine that is very busy looks when the correction is there
            assert tuple(first["paragraphs"]) == CORRECTED.expected_paragraphs()
        until(lambda: _corrected(pipeline)["revision"] == 2, 120, "the correction")
        corrected = _corrected(pipeline)
        assert corrected["article_id"] == first["article_id"]
        assert tuple(corrected["paragraphs"]) == CORRECTED.expected_paragraphs(revised=True)
        assert {tag["tag"] for tag in corrected["tags"]} == set(CORRECTED.tags)
        assert [change["revision"] for change in pipeline.changes() if change["article_id"] == first["article_id"]] == [
            2
        ]
        assert pipeline.interrupt() == 0


def _corrected(pipeline: Pipeline) -> dict[str, Any]:
    return next((article for article in pipeline.articles() if article["title"] == CORRECTED.title), {})


def test_kept_data_survives_a_restart_of_the_demo(tmp_path: Path) -> None:
    with Pipeline("demo", "--every", "3600", data_dir=tmp_path / "demo") as first:
        first.wait_ready()
        first_batch = sum(article.age_minutes is not None for article in ARTICLES)
        until(lambda: len(first.articles()) == first_batch, 120, "the first batch")
        before = first.changes()
        assert first.interrupt() == 0
    with Pipeline("demo", "--every", "3600", data_dir=tmp_path / "demo") as second:
        second.wait_ready()
        assert second.changes() == before
        assert second.interrupt() == 0
