"""Trained heads and the other fitted files: how they are read and what they add."""

import json
from math import log, sqrt
from pathlib import Path
from typing import Any

import pytest

from copydesk_classifier.explain import explain, render, rows
from copydesk_classifier.folder import read_folder
from copydesk_classifier.heads import features, margin
from copydesk_classifier.stage import classify
from copydesk_classifier.taxonomy import Taxonomy, load_taxonomy, taxonomy_of
from copydesk_classifier.tokens import read_document
from copydesk_classifier.weights import Head, digest, logistic
from copydesk_shared.errors import InputError
from tests.classifier.samples import TAG_FILE, article, folder, tags_of

FEATURES = {"ferry": [2.0, 0.5], "ferry left": [3.0, -1.0], "bus": [1.0, 4.0]}
HEAD: dict[str, Any] = {"tag": "ferry", "features": FEATURES, "intercept": 0.25}


def _with_head(path: Path, **changes: object) -> Taxonomy:
    (path / "ferry.head.json").write_text(json.dumps({**HEAD, **changes}))
    return load_taxonomy(folder(path, TAG_FILE))


def test_features_are_words_and_pairs_with_no_break_between() -> None:
    counts = features(read_document("A Ferry", "Ferry left, ferry left."))
    assert counts == {"a": 1, "a ferry": 1, "ferry": 3, "left": 2, "ferry left": 2}


def test_the_margin_is_that_of_the_formula() -> None:
    counts = features(read_document("", "The ferry left. A ferry sank."))
    ferry, left = (1 + log(2)) * 2.0, 3.0
    expected = (0.5 * ferry - 1.0 * left) / sqrt(ferry**2 + left**2) + 0.25
    assert margin(Head.model_validate(HEAD), counts) == pytest.approx(expected, abs=1e-6)
    assert margin(Head.model_validate(HEAD), features(read_document("", "Nothing."))) == 0.25


def test_a_head_adds_to_the_score_within_its_limit(tmp_path: Path) -> None:
    for name, gain, limit, added in (("a", 1.0, 1.0, 0.75), ("b", 100.0, 0.5, 1.0), ("c", 1.0, 0.1, 0.2)):
        (tmp_path / name).mkdir()
        taxonomy = _with_head(tmp_path / name, gain=gain, limit=limit)
        (tag,) = classify(article("Two words: ferry."), taxonomy).tags
        assert tag.score == pytest.approx(2.4 + added)


def test_what_a_head_adds_is_explained(tmp_path: Path) -> None:
    taxonomy = _with_head(tmp_path, gain=1.0, limit=1.0)
    text = article("Two words: ferry.")
    explanations = explain(text, taxonomy)
    (row,) = rows(text, explanations)
    assert row["trained_head"] == 0.75
    assert row["score"] == pytest.approx(row["lexicon_score"] + row["trained_head"])
    assert "+0.75  trained head\n" in render(text, explanations, taxonomy, colour=False)
    plain = tmp_path / "plain"
    plain.mkdir()
    without = load_taxonomy(folder(plain, TAG_FILE))
    assert "trained head" not in render(text, explain(text, without), without, colour=False)


def test_a_head_may_take_a_tag_away_or_give_it_without_words(tmp_path: Path) -> None:
    taxonomy = _with_head(tmp_path, gain=10.0, cut=2.0)
    assert tags_of(classify(article("The ferry."), taxonomy)) == set()
    assert tags_of(classify(article("The bus."), taxonomy)) == {"ferry"}
    assert tags_of(classify(article("The bus.", language="de"), taxonomy)) == set()


def test_a_head_is_part_of_the_version_and_the_date_of_a_calibration_is_not(tmp_path: Path) -> None:
    plain = load_taxonomy(folder(tmp_path, TAG_FILE)).version
    headed = _with_head(tmp_path).version
    entry = {"a": 2, "b": -3, "n_positive": 40, "n_negative": 50, "brier": 0.1, "ece": 0.1}
    versions = []
    for each in ({**entry, "date": "2026-01-01"}, {**entry, "date": "2026-01-02"}, {**entry, "b": -4}):
        (tmp_path / "calibration.json").write_text(json.dumps({"tags": {"ferry": each}}))
        versions.append(load_taxonomy(tmp_path).version)
    assert len({plain, headed, *versions}) == 4
    assert versions[0] == versions[1]


def test_auto_is_the_threshold_of_the_weights_file(tmp_path: Path) -> None:
    folder(tmp_path, TAG_FILE.replace("threshold: 2.0", "threshold: auto"))
    assert classify(article("The ferry left."), load_taxonomy(tmp_path)).tags[0].threshold == 2.0
    (tmp_path / "weights.json").write_text('{"thresholds": {"ferry": 1.5}}')
    assert classify(article("The ferry left."), load_taxonomy(tmp_path)).tags[0].threshold == 1.5


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("weights.json", "{", "weights.json: invalid JSON"),
        ("weights.json", '{"default": {"limit": 1.0}}', r"weights.json: default.limit: must be less than 1"),
        ("weights.json", '{"weight": {}}', r"weights.json: weight: there is no such key"),
        ("calibration.json", '{"tags": {"ferry": {"a": 0}}}', r"calibration.json: tags.ferry.a: "),
        ("ferry.head.json", json.dumps({**HEAD, "features": {}}), r"ferry.head.json: no features"),
        ("boat.head.json", json.dumps(HEAD), r"boat.head.json: tag: 'ferry' is not what the file is named after"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(tmp_path: Path, name: str, text: str, problem: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=problem) as refused:
        load_taxonomy(folder(tmp_path, TAG_FILE))
    assert "\n" not in str(refused.value)


def test_the_logistic_function_does_not_overflow() -> None:
    assert logistic(1e9) == 1.0
    assert logistic(-1e9) == pytest.approx(0.0)
    assert logistic(0.0) == 0.5


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 2, "b": 1})


def test_what_is_read_is_the_folder_as_it_was_at_one_moment(tmp_path: Path) -> None:
    folder(tmp_path, TAG_FILE.replace("threshold: 2.0", "threshold: auto"))
    (tmp_path / "weights.json").write_text('{"thresholds": {"ferry": 1.5}}')
    found = read_folder(tmp_path)
    (tmp_path / "weights.json").write_text("half a fi")
    taxonomy = taxonomy_of(found)
    assert [taxonomy.threshold(tag) for tag in taxonomy.tags] == [1.5]
