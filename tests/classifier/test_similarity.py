"""Similarity: the vectors, what they add to a score, and that everything works without them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import wordllama
from hypothesis import given
from hypothesis import strategies as st

from copydesk_classifier import embeddings
from copydesk_classifier.embeddings import DIMENSIONS, Embedder
from copydesk_classifier.engine import WORDS_ONLY
from copydesk_classifier.similarity import read_background
from copydesk_classifier.stage import classify, stage
from copydesk_classifier.taxonomy import Taxonomy, load_taxonomy
from copydesk_classifier.weights import MIN_POSITIVES
from copydesk_shared.errors import InputError
from copydesk_shared.messages import ClassifiedArticle
from copydesk_shared.tags import Tag
from tests.classifier.samples import TAG_FILE, article, folder

EXAMPLES = """\
examples:
  - The car ferry to the island leaves at noon with forty passengers on board.
  - A new ferry line will carry people across the bay from spring.
"""
FERRY = TAG_FILE.replace("tests:\n", EXAMPLES + "tests:\n")
WORDLESS = """\
id: gardening
version: 1
label: Gardening
description: Growing flowers, vegetables and trees in a garden.
languages: [en]
threshold: 2.0
examples:
  - Plant the tomato seedlings in the garden bed when the frost is over, and water them well.
  - Prune roses in late winter, cutting just above a healthy bud.
tests:
  positive:
    - She planted tomatoes and beans in the vegetable garden and pruned the roses by the fence.
  negative:
    - The central bank left interest rates unchanged on Thursday.
"""
NEAR = "A gangway fell. The new boat across the bay to the island carries passengers and cars from spring."


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder()


@pytest.fixture
def likened(tmp_path: Path) -> Taxonomy:
    """The tag of ferries with examples, and weights by which similarity can be seen."""
    (tmp_path / "weights.json").write_text('{"default": {"centre": 0.0, "gain": 20, "limit": 0.4}}')
    return load_taxonomy(folder(tmp_path, FERRY))


def _all(classified: ClassifiedArticle) -> Iterator[Tag]:
    yield from classified.tags
    yield from classified.candidates


@pytest.mark.parametrize(
    "text",
    ["", "a", "The ferry left the quay.", "Перевізник залишив порт.", "naïve café — “quoted” 😀", "x" * 2_000],
    ids=range(6),
)
def test_vectors_are_those_of_the_package(embedder: Embedder, text: str) -> None:
    whole = wordllama.WordLlama.load(dim=DIMENSIONS, cache_dir=Path(wordllama.__file__).parent, disable_download=True)
    expected = whole.embed(text)[0] if text else np.zeros(DIMENSIONS)
    assert np.abs(embedder.embed(text) - expected).max() < 1e-4


@given(st.lists(st.text(alphabet="abc ", max_size=6), max_size=40))
def test_forgetting_words_changes_nothing(words: list[str]) -> None:
    remembering, forgetting = Embedder(), Embedder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embeddings, "MAX_KNOWN", 3)
        for count in range(len(words)):
            text = " ".join(words[: count + 1])
            vector = forgetting.embed(text)
            assert len(forgetting._known) <= 3
            assert len(forgetting._once_known) <= 3
    assert not words or np.array_equal(vector, remembering.embed(" ".join(words)))


def test_a_direction_has_length_one_unless_there_is_nothing(embedder: Embedder) -> None:
    assert np.linalg.norm(embedder.direction("The ferry left.")) == pytest.approx(1.0)
    assert not embedder.direction("").any()


def test_the_background_has_no_text_twice() -> None:
    texts = [each.text for each in read_background()]
    assert len(texts) == len(set(texts)) >= 40


def test_a_tag_shows_its_similarity_and_its_nearest_example(likened: Taxonomy) -> None:
    (tag,) = classify(article("A ferry line across the bay will carry people from spring."), likened).tags
    assert tag.similarity
    assert tag.similarity.nearest_example == "A new ferry line will carry people across the bay from spring."
    assert -1 <= tag.similarity.background <= 1
    assert tag.similarity.value > 0.2
    other = classify(article("The car ferry leaves at noon with forty passengers."), likened).tags[0].similarity
    assert other
    assert other.nearest_example.startswith("The car ferry to the island")


def test_similarity_adds_where_the_words_are_just_short_and_never_more_than_its_limit(likened: Taxonomy) -> None:
    _, [scored] = likened.score("", NEAR, "en")
    assert scored.scored.score == pytest.approx(1.2)
    assert scored.similarity
    assert scored.similarity.value > 0.05
    assert scored.score == pytest.approx(1.2 + min(0.4 * 2, 20 * scored.similarity.value))
    assert scored.score <= 1.2 + 0.4 * 2


def test_similarity_gives_nothing_without_words(likened: Taxonomy) -> None:
    text = EXAMPLES.splitlines()[2].removeprefix("  - ").replace("ferry", "boat")
    classified = classify(article(text), likened)
    assert not list(_all(classified))


@pytest.mark.parametrize(("language", "looked_at"), [("en", True), ("en-GB", True), (None, True), ("de", False)])
def test_similarity_is_for_english(tmp_path: Path, language: str | None, looked_at: bool) -> None:
    both = load_taxonomy(folder(tmp_path, FERRY.replace("languages: [en]", "languages: [en, de]")))
    (tag,) = classify(article("The ferry left the quay.", language=language), both).tags
    assert (tag.similarity is not None) is looked_at


def test_a_later_paragraph_is_compared_too(likened: Taxonomy) -> None:
    filler = "The council will vote on parking charges and bin collections next week, officials said. " * 6
    far = classify(article(filler, "The ferry left."), likened)
    near = classify(article(filler, "The ferry to the island carries people across the bay from spring."), likened)
    (low,), (high,) = list(_all(far)), list(_all(near))
    assert low.similarity
    assert high.similarity
    assert high.similarity.value > low.similarity.value


def test_a_tag_without_phrases_works_by_similarity(tmp_path: Path) -> None:
    taxonomy = load_taxonomy(folder(tmp_path, WORDLESS))
    (tag,) = classify(article("Water the roses and the beans in the garden, and plant tomatoes."), taxonomy).tags
    assert tag.evidence == ()
    assert tag.similarity
    assert not list(_all(classify(article("The army shelled the town."), taxonomy)))
    assert not list(_all(classify(article("Water the roses in the garden.", language="de"), taxonomy)))


def test_the_probability_is_calibrated_from_thirty_positives_on(tmp_path: Path) -> None:
    entry = '{{"tags": {{"ferry": {{"a": 2, "b": -3, "n_positive": {}, "n_negative": 50, "brier": 0.1, "ece": 0.1}}}}}}'
    for count, calibrated in ((MIN_POSITIVES - 1, False), (MIN_POSITIVES, True)):
        (tmp_path / "calibration.json").write_text(entry.format(count))
        (tag,) = classify(article("The ferry left."), load_taxonomy(folder(tmp_path, TAG_FILE))).tags
        assert tag.calibrated is calibrated
        power = 2 * np.log1p(tag.score) - 3 if calibrated else 4 * (tag.score / tag.threshold - 1)
        expected = 1 / (1 + np.exp(-power))
        assert tag.probability == pytest.approx(expected, abs=1e-4)


WITHOUT = """
import sys
from pathlib import Path
{missing}
from copydesk_classifier.stage import classify, stage
from copydesk_classifier.taxonomy import load_taxonomy
from copydesk_shared.messages import Article
taxonomy = load_taxonomy(Path(sys.argv[1]))
stage(taxonomy)
print(classify(Article.model_validate_json(sys.stdin.read()), taxonomy).model_dump_json())
"""


MISSING = {
    **{name: f"sys.modules[{name!r}] = None" for name in ("numpy", "tokenizers", "wordllama")},
    "files of wordllama": "sys.path.insert(0, sys.argv[2])",
}


@pytest.mark.parametrize("missing", MISSING)
def test_without_the_extra_words_alone_count(tmp_path: Path, missing: str) -> None:
    other = tmp_path / "other"
    (other / "wordllama").mkdir(parents=True)
    (other / "wordllama" / "__init__.py").touch()
    path = folder(tmp_path, FERRY, WORDLESS)
    story = article("The ferry left the quay.")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(missing=MISSING[missing]), str(path), str(other)],
        input=story.model_dump_json(),
        env=dict(os.environ),
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    said, answer = done.stdout.splitlines()[:-1] + done.stderr.splitlines(), done.stdout.splitlines()[-1]
    assert len([line for line in said if "similarity is not installed" in line]) == 1
    alone = ClassifiedArticle.model_validate_json(answer)
    both = classify(story, load_taxonomy(path))
    assert [tag.tag for tag in alone.tags] == ["ferry"]
    assert alone.tags[0].similarity is None
    assert alone.tags[0].evidence == both.tags[0].evidence
    assert alone.classifier_version.endswith(WORDS_ONLY)
    assert alone.classifier_version != both.classifier_version


def test_the_stage_says_nothing_where_all_is_installed(likened: Taxonomy, capsys: pytest.CaptureFixture[str]) -> None:
    assert stage(likened).version == likened.version
    assert "similarity" not in "".join(capsys.readouterr())


STRONG = '{"default": {"centre": 0.0, "gain": 20, "limit": 0.9}}'


def test_what_must_not_get_the_tag_must_not_get_it_by_similarity_either(tmp_path: Path) -> None:
    negative = FERRY.replace("    - A ferry tale of the toy town.", f"    - {NEAR}")
    folder(tmp_path, negative)
    assert load_taxonomy(tmp_path).tags, "by its words it is a candidate"
    (tmp_path / "weights.json").write_text(STRONG)
    with pytest.raises(InputError, match=r"a\.yaml:\d+: tests\.negative\[0\]: gets the tag 'ferry'.*A gangway fell"):
        load_taxonomy(tmp_path)


def test_similarity_does_not_help_a_text_that_must_get_the_tag(tmp_path: Path) -> None:
    folder(tmp_path, FERRY.replace("    - The ferry left.", f"    - {NEAR}"))
    (tmp_path / "weights.json").write_text(STRONG)
    with pytest.raises(InputError, match=r"tests\.positive\[0\]: does not get the tag 'ferry'"):
        load_taxonomy(tmp_path)
