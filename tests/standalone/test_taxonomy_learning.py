"""``copydesk taxonomy train`` and ``eval`` as a user runs them."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from copydesk_classifier.taxonomy import load_taxonomy
from copydesk_shared.errors import UserError
from copydesk_standalone.cli import copydesk
from tests.classifier.samples import TAG_FILE
from tests.classifier.samples import folder as written
from tests.classifier.test_learning import labelled


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(copydesk, ["taxonomy", *map(str, arguments)])
    if isinstance(result.exception, Exception):
        raise result.exception
    return result


@pytest.fixture
def tags(tmp_path: Path) -> Path:
    place = tmp_path / "tags"
    place.mkdir()
    return written(place, TAG_FILE)


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(text.model_dump_json() + "\n" for text in labelled(80)))
    return path


def test_a_head_is_trained_used_and_judged(tags: Path, labels: Path) -> None:
    before = run("eval", labels, "--taxonomy", tags, "--format", "json").stdout
    said = run("train", "ferry", labels, "--dir", tags).stdout
    assert f"{labels}: texts that come again, left out: 1\n" in said
    assert f"{tags / 'ferry.head.json'}: 40 texts with the tag, 39 without" in said
    assert load_taxonomy(tags).fitted.head_of("ferry")
    after = run("eval", labels, "--taxonomy", tags, "--format", "json").stdout
    assert json.loads(before)["f1"] < 0.7
    assert json.loads(after)["f1"] > 0.95
    assert not [path.name for path in tags.iterdir() if path.name.startswith(".")]


def test_labels_that_no_tag_has_are_named(tags: Path, labels: Path) -> None:
    assert run("eval", labels, "--taxonomy", tags).stderr == ""
    with labels.open("a") as file:
        file.write(json.dumps({"text": "A tram left.", "tags": ["tram", "ferry"]}) + "\n")
    said = run("eval", labels, "--taxonomy", tags)
    assert said.stderr == f"{labels}: passed over, since no tag here is called that: tram\n"
    assert said.stdout.startswith("tag")


def test_probabilities_are_fitted(tags: Path, labels: Path) -> None:
    run("train", "ferry", labels, "--dir", tags)
    said = run("eval", labels, "--taxonomy", tags, "--calibrate").stdout
    assert "ferry: calibrated: Brier 0.0" in said
    assert load_taxonomy(tags).fitted.calibration.of("ferry")


def test_a_fitted_threshold_is_written(tags: Path, labels: Path) -> None:
    (tags / "a.yaml").write_text(TAG_FILE.replace("threshold: 2.0", "threshold: auto"))
    assert "since the tag's file says auto" in run("train", "ferry", labels, "--dir", tags).stdout
    assert "ferry" in load_taxonomy(tags).fitted.weights.thresholds


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["train", "tram", "{labels}", "--dir", "{tags}"], "no tag is called 'tram'; there are: ferry"),
        (["train", "ferry", "{tags}/none.jsonl", "--dir", "{tags}"], "none.jsonl: cannot be read: no such file"),
        (["eval", "{labels}", "--taxonomy", "packaged"], "none of its labels is a tag here; there are: ferry"),
        (["eval", "{labels}", "--calibrate"], "name their folder with --taxonomy"),
    ],
)
def test_a_mistake_is_one_line(tags: Path, labels: Path, arguments: list[str], problem: str) -> None:
    with pytest.raises(UserError) as error:
        run(*(each.format(tags=tags, labels=labels) for each in arguments))
    assert problem in str(error.value)


def test_without_the_extra_it_says_what_to_install(tags: Path, labels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "copydesk_classifier.training", None)
    for name in [name for name in sys.modules if name.partition(".")[0] == "sklearn"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "copydesk_classifier.training")
    with pytest.raises(UserError, match="needs scikit-learn: install copydesk with its extra 'train'"):
        run("train", "ferry", labels, "--dir", tags)
