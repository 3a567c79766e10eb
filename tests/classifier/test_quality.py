"""The packaged tags against labelled texts; see data/README.md. The floors stand in floors.toml."""

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from copydesk_classifier.stage import classify
from copydesk_classifier.taxonomy import Taxonomy
from tests.classifier.samples import DATA, article, tags_of

FLOORS = tomllib.loads((Path(__file__).parent / "floors.toml").read_text(encoding="utf-8"))
TAGS = ("conflict", "aviation", "prisoner-exchange")


class Judged(NamedTuple):
    name: str
    expected: set[str]
    borderline: set[str]
    found: set[str]


class Measure(NamedTuple):
    precision: float
    recall: float
    f1: float


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


def _measure(tag: str, judged: Iterable[Judged]) -> Measure:
    pairs = [(tag in each.expected, tag in each.found) for each in judged]
    right = pairs.count((True, True))
    precision = right / max(1, right + pairs.count((False, True)))
    recall = right / max(1, right + pairs.count((True, False)))
    return Measure(precision, recall, 2 * precision * recall / max(1e-9, precision + recall))


@pytest.fixture(scope="module")
def dev(packaged: Taxonomy) -> list[Judged]:
    return _judged("tags_dev.jsonl", packaged)


def _clear(tag: str, judged: Iterable[Judged]) -> list[Judged]:
    return [each for each in judged if tag not in each.borderline]


@pytest.mark.parametrize("tag", TAGS)
def test_each_tag_stays_above_its_floors(tag: str, dev: list[Judged]) -> None:
    measured = {**_measure(tag, dev)._asdict(), "f1_clear": _measure(tag, _clear(tag, dev)).f1}
    below = {name: value for name, value in measured.items() if value < FLOORS["dev"][tag][name]}
    assert not below


def test_the_mean_over_the_tags_stays_above_its_floor(dev: list[Judged]) -> None:
    macro = sum(_measure(tag, dev).f1 for tag in TAGS) / len(TAGS)
    clear = sum(_measure(tag, _clear(tag, dev)).f1 for tag in TAGS) / len(TAGS)
    assert macro >= FLOORS["dev"]["macro_f1"]
    assert clear >= FLOORS["dev"]["macro_f1_clear"]


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
    wrong = [(each.name, each.found) for each in judged if each.found != each.expected]
    assert len(wrong) <= FLOORS["probes"]["wrong"], wrong
