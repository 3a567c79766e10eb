"""The labelled texts, see data/README.md, and what the seed tags bring. What they reach is measured in tests/eval."""

import json
from typing import Any, NamedTuple

import pytest

from copydesk_classifier.stage import classify
from copydesk_classifier.taxonomy import Taxonomy
from tests.classifier.samples import DATA, article, tags_of

TAGS = ("conflict", "aviation", "prisoner-exchange")


class Judged(NamedTuple):
    name: str
    expected: set[str]
    borderline: set[str]
    found: set[str]


def _judged(name: str, taxonomy: Taxonomy) -> list[Judged]:
    items: list[dict[str, Any]] = [
        json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines() if line
    ]
    return [
        Judged(
            item["id"],
            set(item["tags"]),
            set(item["borderline"]),
            tags_of(classify(article(*item["text"].split("\n"), title=item.get("title", "")), taxonomy)),
        )
        for item in items
    ]


@pytest.fixture(scope="module")
def dev(packaged: Taxonomy) -> list[Judged]:
    return _judged("tags_dev.jsonl", packaged)


def test_the_labelled_set_is_whole(dev: list[Judged]) -> None:
    assert len(dev) == 109
    assert {tag: sum(tag in each.expected for each in dev) for tag in TAGS} == {
        "conflict": 38,
        "aviation": 23,
        "prisoner-exchange": 12,
    }


def test_the_probes_are_all_right(packaged: Taxonomy) -> None:
    judged = _judged("tags_probes.jsonl", packaged)
    assert len(judged) == 10
    wrong = [(each.name, each.found) for each in judged if each.found & set(TAGS) != each.expected]
    assert wrong == []


@pytest.mark.parametrize("tag", TAGS)
def test_a_seed_tag_brings_examples_and_many_probes(tag: str, packaged: Taxonomy) -> None:
    file = next(source.file for source in packaged.tags if source.id == tag)
    assert 3 <= len(file.examples) <= 10
    assert len(file.tests.negative) >= 60
    assert not set(file.examples) & {*file.tests.positive, *file.tests.negative}
