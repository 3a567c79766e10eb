"""Heads and calibrations, fitted to labelled texts with scikit-learn itself."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk_classifier.calibrating import calibration_of
from copydesk_classifier.engine import Taxonomy
from copydesk_classifier.evaluation import Judged, judged, labels_of, quality
from copydesk_classifier.labelled import LabelledText, labelled_texts
from copydesk_classifier.taxonomy import load_taxonomy
from copydesk_classifier.training import train
from copydesk_classifier.weights import Fitted
from copydesk_shared.errors import InputError
from tests.classifier.samples import TAG_FILE, folder

ABOUT = ("The {} left the quay late.", "Passengers of the {} waited at the pier.", "The {} crossed the sound at dawn.")
OTHER = ("The {} council met on Monday.", "A {} museum opened in the old mill.", "The {} team won at home.")
VESSELS = "catamaran hovercraft paddle-steamer trimaran hydrofoil".split()
PLACES = "northern southern eastern western central".split()


def labelled(count: int, seed: int = 0) -> list[LabelledText]:
    """Half about vessels that the tag file has no word for."""
    choose = random.Random(seed)

    def text(at: int) -> LabelledText:
        frames, words = (ABOUT, VESSELS) if at % 2 else (OTHER, PLACES)
        sentences = [choose.choice(frames).format(choose.choice(words)) for _ in range(3)]
        return LabelledText(text=" ".join(sentences), language="en", tags=frozenset({"ferry"} if at % 2 else ()))

    return [text(at) for at in range(count)]


@pytest.fixture
def ferries(tmp_path: Path) -> Taxonomy:
    return load_taxonomy(folder(tmp_path, TAG_FILE))


def test_a_head_finds_what_the_words_do_not(ferries: Taxonomy) -> None:
    trained = train(ferries, "ferry", labelled(80))
    assert trained.f1_before < 0.7
    assert trained.f1_after > 0.95
    assert trained.threshold is None
    with_head = Taxonomy(ferries.tags, Fitted(heads=(trained.head,)))
    unseen = labelled(40, seed=1)
    assert quality(judged(with_head, unseen, ["ferry"])["ferry"]).f1 > 0.95
    assert quality(judged(ferries, unseen, ["ferry"])["ferry"]).f1 < 0.7
    assert with_head.version != ferries.version


def test_the_margin_in_the_file_is_that_of_scikit_learn(ferries: Taxonomy) -> None:
    from copydesk_classifier.heads import features, margin
    from copydesk_classifier.tokens import read_document
    from copydesk_classifier.training import _model

    texts = labelled(60)
    model = _model().fit(texts, ["ferry" in text.tags for text in texts])
    head = train(ferries, "ferry", texts).head
    for text, expected in zip(texts, model.decision_function(texts), strict=True):
        assert margin(head, features(read_document(text.title, text.text))) == pytest.approx(expected, abs=1e-3)


def test_the_same_texts_give_the_same_head(ferries: Taxonomy) -> None:
    assert train(ferries, "ferry", labelled(60)) == train(ferries, "ferry", labelled(60))


def test_a_text_that_comes_again_counts_once(ferries: Taxonomy) -> None:
    texts = labelled(60)
    copies = [text.model_copy(update={"text": f" {text.text.upper()}\n"}) for text in texts]
    assert train(ferries, "ferry", [*texts, *texts, *copies]) == train(ferries, "ferry", texts)
    with pytest.raises(InputError, match="at least 20 texts of each kind"):
        train(ferries, "ferry", labelled(30) * 3)


def test_a_threshold_is_fitted_where_the_file_says_auto(tmp_path: Path) -> None:
    text = TAG_FILE.replace("threshold: 2.0", "threshold: auto")
    taxonomy = load_taxonomy(folder(tmp_path, text))
    few_words = [text.model_copy(update={"text": text.text.replace("late", "gangway")}) for text in labelled(80)]
    trained = train(taxonomy, "ferry", few_words)
    assert trained.threshold is not None
    assert trained.threshold > 0


@pytest.mark.parametrize("count", [2, 38])
def test_too_few_texts_are_refused(ferries: Taxonomy, count: int) -> None:
    with pytest.raises(InputError, match=f"at least 20 texts of each kind .* there are {count // 2} with the tag"):
        train(ferries, "ferry", labelled(count))


def cases(scores: Iterator[float], wanted: bool) -> list[Judged]:
    return [Judged(score, 0.5, score >= 2, wanted) for score in scores]


def test_a_calibration_says_how_likely_a_score_is() -> None:
    choose = random.Random(3)
    given_ = cases((choose.lognormvariate(1.5, 0.6) for _ in range(60)), wanted=True)
    others = cases((choose.lognormvariate(-0.5, 0.8) for _ in range(140)), wanted=False)
    found = calibration_of([*given_, *others], "2026-01-02")
    assert found is not None
    assert (found.n_positive, found.n_negative, found.date) == (60, 140, "2026-01-02")
    assert found.probability(0) < 0.1
    assert found.probability(8) > 0.9
    assert found.brier < 0.1
    assert found.ece < 0.1


def test_few_positives_or_useless_scores_give_no_calibration() -> None:
    assert calibration_of(cases(iter([3.0] * 29), True) + cases(iter([0.0] * 90), False), "") is None
    assert calibration_of(cases(iter([0.0] * 40), True) + cases(iter([3.0] * 40), False), "") is None


@given(st.lists(st.tuples(st.floats(0, 30), st.booleans(), st.booleans()), max_size=40))
def test_shares_are_shares(drawn: list[tuple[float, bool, bool]]) -> None:
    found = quality([Judged(score, min(1.0, score / 30), given_, wanted) for score, given_, wanted in drawn])
    assert all(0 <= value <= 1 for name, value in found._asdict().items() if name != "positive")


def test_average_precision_by_hand() -> None:
    ranked = [Judged(3, 1, True, True), Judged(2, 1, True, False), Judged(1, 0, False, True)]
    assert quality(ranked).average_precision == pytest.approx((1 + 2 / 3) / 2)
    assert quality(ranked).precision == quality(ranked).recall == quality(ranked).f1 == 0.5


def test_only_labels_that_are_tags_are_judged(ferries: Taxonomy) -> None:
    texts = [LabelledText(text="x", tags=frozenset({"ferry", "tram"}))]
    assert labels_of(texts, ferries) == ["ferry"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "not valid JSON: expecting property name"),
        ('{"text": "x"}', "not a labelled text: tags: is missing"),
        ('{"text": "", "tags": []}', "not a labelled text: text: must have at least 1 character"),
        ('{"text": "x", "tags": ["A b"]}', "not a labelled text: tags"),
        ("[1]", "not a labelled text: must be a mapping"),
        ('"\\ud800"', "not a labelled text"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(json.dumps({"text": "x", "tags": []}) + "\n" + line + "\n")
    with pytest.raises(InputError) as error:
        labelled_texts(path)
    assert str(error.value).startswith(f"{path}:2: ")
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


def test_files_without_texts_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n\n")
    (tmp_path / "latin.jsonl").write_bytes(b'{"text": "\xe9", "tags": []}')
    for name, problem in (("empty", "no labelled texts"), ("gone", "no such file"), ("latin", "not UTF-8 at byte")):
        with pytest.raises(InputError, match=problem):
            labelled_texts(tmp_path / f"{name}.jsonl")
