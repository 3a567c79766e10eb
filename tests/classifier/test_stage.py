"""The classifier as a service: the stage under the real runner, and what stops it from starting."""

import asyncio
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from copydesk_classifier.__main__ import main
from copydesk_classifier.settings import ClassifierSettings
from copydesk_classifier.stage import Classifier, classify, stage
from copydesk_classifier.taxonomy import Taxonomy
from copydesk_shared.errors import InputError, SettingsError
from copydesk_shared.runner import run_stage
from copydesk_shared.settings import load_settings
from copydesk_shared.stage import Emit
from copydesk_shared.testing import MemoryBroker, service
from copydesk_shared.topics import CLASSIFIED, CLEANED
from copydesk_shared.wire import decode, encode
from tests.classifier.samples import TAG_FILE, article, folder, tags_of


def test_the_stage_names_its_topics_and_its_version(ferries: Taxonomy) -> None:
    made = stage(ferries)
    assert (made.name, made.source, made.sink, made.version) == ("classifier", CLEANED, CLASSIFIED, ferries.version)


def test_the_classifier_pickles_and_emits(ferries: Taxonomy) -> None:
    copied: Classifier = pickle.loads(pickle.dumps(Classifier(ferries)))  # noqa: S301 - our own bytes
    story = article("The ferry left.")
    outcome = copied(story)
    assert outcome == Emit(classify(story, ferries))


def test_tags_that_came_with_an_article_are_replaced(ferries: Taxonomy) -> None:
    first = classify(article("The ferry left."), ferries)
    again = classify(first.model_copy(update={"paragraphs": ("A bus left.",)}), ferries)
    assert first.tags
    assert again.tags == ()


async def test_articles_are_classified_in_order_under_the_runner(ferries: Taxonomy) -> None:
    broker, running = MemoryBroker(), service()
    for text in ("The ferry left.", "A bus left.", "Two ferries met."):
        broker.append(encode(CLEANED, article(text), stage="cleaner", version="1"))
    made = stage(ferries)
    task = asyncio.create_task(run_stage(made, running, open_log=broker.open_log(made.name, CLEANED.name)))
    while len(broker.topics[CLASSIFIED.name]) < 3:
        assert not task.done()
        await asyncio.sleep(0.01)
    running.stopping.set()
    await task
    out = [decode(CLASSIFIED, record) for record in broker.topics[CLASSIFIED.name]]
    assert [tags_of(each) for each in out] == [{"ferry"}, set(), {"ferry"}]


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COPYDESK_CLASSIFIER_TAXONOMY_DIR", str(tmp_path))
    monkeypatch.setenv("COPYDESK_CLASSIFIER_WORKERS", "3")
    settings = load_settings(ClassifierSettings)
    assert (settings.taxonomy_dir, settings.workers) == (tmp_path, 3)


@pytest.mark.parametrize("workers", ["0", "-1", "many", "", "257"])
def test_a_bad_number_of_workers_is_refused(monkeypatch: pytest.MonkeyPatch, workers: str) -> None:
    monkeypatch.setenv("COPYDESK_CLASSIFIER_WORKERS", workers)
    with pytest.raises(SettingsError, match="COPYDESK_CLASSIFIER_WORKERS"):
        main()


def test_a_bad_taxonomy_stops_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder(tmp_path, TAG_FILE.replace("threshold: 2.0", "threshold: -2"))
    monkeypatch.setenv("COPYDESK_CLASSIFIER_TAXONOMY_DIR", str(tmp_path))
    with pytest.raises(InputError, match=r"a\.yaml:7: threshold"):
        main()


def test_the_process_says_one_line_and_ends_with_2(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "copydesk_classifier"],
        env={**os.environ, "COPYDESK_CLASSIFIER_TAXONOMY_DIR": str(tmp_path)},
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "no tag files" in done.stderr
