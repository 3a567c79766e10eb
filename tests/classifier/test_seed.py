"""The sample article gets exactly its three tags, raw and cleaned, with room to spare."""

from pathlib import Path

import pytest

from copydesk_classifier.oneshot import article_from
from copydesk_classifier.stage import classify
from copydesk_classifier.taxonomy import Taxonomy
from tests.classifier.samples import DATA, NOW, SEED, spans_fit, tags_of

EXPECTED = {"conflict", "aviation", "prisoner-exchange"}
MARGIN = 1.5

RAW = pytest.param(
    SEED, marks=[pytest.mark.seed, pytest.mark.skipif(not SEED.exists(), reason="../shared is not there")], id="raw"
)


@pytest.mark.parametrize("path", [pytest.param(DATA / "seed-cleaned.txt", id="cleaned"), RAW])
def test_the_sample_article(packaged: Taxonomy, path: Path) -> None:
    classified = classify(article_from(path.read_text(encoding="utf-8"), NOW), packaged)
    assert tags_of(classified) == EXPECTED
    assert all(tag.score >= MARGIN * tag.threshold for tag in classified.tags)
    assert classified.candidates == ()
    assert spans_fit(classified)
    (exchange,) = [tag for tag in classified.tags if tag.tag == "prisoner-exchange"]
    assert "prisoner exchanges" in {each.text for each in exchange.evidence}
