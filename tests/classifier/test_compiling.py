"""What a phrase does when several groups, rules and tags have it: noted once for all phrases that do the same."""

import pickle
from pathlib import Path

import pytest

from copydesk_classifier.compiling import Compiler
from copydesk_classifier.lexicon import Found
from copydesk_classifier.taxonomy import Taxonomy, load_taxonomy
from copydesk_classifier.tokens import read_document
from tests.classifier.samples import TAG_FILE, folder

BOATS = """
id: boats
version: 1
label: Boats
description: Boats of any kind.
languages: [en]
threshold: 2.0
lists:
  craft: [ferry|dinghy|ketch|skiff]
phrases:
  - {name: heavy, weight: 3, any: [ferry]}
  - {name: light, weight: 1, any: [$craft]}
  - {name: spelled, weight: 2, case: true, any: [Ketch]}
rules:
  - {name: sinks, weight: 2, a: [$craft], b: [sinks, sank], window: 4, unless: [dinghy]}
tests:
  positive: [The ferry sank off the pier.]
  negative: [The dinghy was painted.]
"""


@pytest.fixture
def boats(tmp_path: Path) -> Taxonomy:
    return load_taxonomy(folder(tmp_path, BOATS))


def _roles(taxonomy: Taxonomy, text: str) -> Found:
    found = taxonomy._lexicon.find(read_document("", text))
    return [sight for sights in found.values() for sight in sights]


def test_of_two_groups_with_a_phrase_the_first_counts(boats: Taxonomy) -> None:
    groups = [role.phrase for _, role, _ in _roles(boats, "ferry dinghy")]
    assert [(group.name, group.weight) for group in groups if group] == [("heavy", 3.0), ("light", 1.0)]


def test_phrases_that_do_the_same_share_what_they_do(boats: Taxonomy) -> None:
    [(_, skiff, _), (_, dinghy, _), (_, sank, _)] = _roles(boats, "The skiff met a dinghy and sank.")
    assert _roles(boats, "Another skiff.")[0][1] is skiff
    assert [rule.name for rule in skiff.begins] == ["sinks"]
    assert (len(dinghy.sets), skiff.sets < dinghy.sets) == (2, True), "it is in what the rule must not meet as well"
    assert (sank.phrase, sank.begins) == (None, ())
    assert skiff.sets.isdisjoint(sank.sets)


def test_a_spelling_is_a_phrase_of_its_own(boats: Taxonomy) -> None:
    assert [role.phrase and role.phrase.name for _, role, _ in _roles(boats, "a ketch")] == ["light"]
    assert [role.phrase and role.phrase.name for _, role, _ in _roles(boats, "a Ketch")] == ["light", "spelled"]


def test_no_tag_is_any_other_for_being_compiled_with_more(boats: Taxonomy, tmp_path: Path) -> None:
    (tmp_path / "both").mkdir()
    both = load_taxonomy(folder(tmp_path / "both", BOATS, TAG_FILE))
    text = "The ferry sank; a Ketch and a skiff came. The dinghy sank too."
    alone = boats.score("", text, "en")[1]
    assert [each[1:] for each in both.score("", text, "en")[1] if each.source.id == "boats"] == [
        each[1:] for each in alone
    ]


def test_what_is_scored_knows_its_tag_without_its_words(boats: Taxonomy) -> None:
    [scored] = boats.score("", "The ferry sank.", "en")[1]
    assert (scored.source.id, scored.source.file.label, scored.source.file.phrases) == ("boats", "Boats", ())
    [whole] = boats.tags
    assert [group.name for group in whole.file.phrases] == ["heavy", "light", "spelled"]
    assert whole.file.tests.positive == ("The ferry sank off the pier.",)


def test_a_process_that_gets_the_tags_from_another_compiles_nothing(
    boats: Taxonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = pickle.dumps(boats)

    def refuse(_: Compiler) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(Compiler, "__init__", refuse)
    copied: Taxonomy = pickle.loads(packed)  # noqa: S301 - our own bytes
    text = "The ferry sank."
    assert (copied.version, copied.tags) == (boats.version, boats.tags)
    assert copied.score("", text, "en")[1] == boats.score("", text, "en")[1]
