"""What the packaged tags reach, by the names of the sections in ``floors.toml``: labelled texts, and headings of others.

The headings are those of Wikipedia's current events (``../shared/data/README.md``). They say what a text is about in the
eyes of its editors, are broader than the tags, and nothing was fitted to them.
"""

import gzip
import json
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from copydesk_classifier.differences import given_tags
from copydesk_classifier.evaluation import f1_of
from copydesk_classifier.labelled import LabelledText, labelled_texts
from copydesk_classifier.taxonomy import Taxonomy, load_taxonomy
from tests.classifier.samples import DATA, article
from tests.cleaner.pages import SHARED_DATA
from tests.eval.measure import Figures

HEADINGS = SHARED_DATA.parent / "classify" / "wce10_split.jsonl.gz"
TAGS = ("conflict", "aviation", "prisoner-exchange")
CONFLICTS = "conflict"
EXCHANGES = "prisoner-exchange"
# Headings under which none of the tags has much to look for, by what they are called here.
ELSEWHERE = {"sport": "sport", "sci_tech": "technology", "arts_culture": "entertainment"}


class Headed(NamedTuple):
    """A text under a heading, and the tags that it gets."""

    heading: str
    is_test: bool
    tags: set[str]


@cache
def taxonomy() -> Taxonomy:
    return load_taxonomy()


def _tags(text: LabelledText) -> set[str]:
    return given_tags(article(*text.text.split("\n"), title=text.title), taxonomy())


@cache
def _judged(name: str) -> list[tuple[LabelledText, set[str]]]:
    return [(text, _tags(text)) for text in labelled_texts(DATA / name)]


def _figures(pairs: Sequence[tuple[bool, bool]]) -> Figures:
    """Of pairs of (has it, should have it)."""
    counts = Counter(pairs)
    right, wrong, missed = counts[True, True], counts[True, False], counts[False, True]
    return {
        "precision": right / max(1, right + wrong),
        "recall": right / max(1, right + missed),
        "f1": f1_of(right, wrong, missed),
    }


def dev() -> Figures:
    """Of each tag; ``f1_clear`` leaves out labels that a second reader could flip."""
    reached: Figures = {}
    for tag in TAGS:
        every = [(tag in found, tag in text.tags, tag in text.borderline) for text, found in _judged("tags_dev.jsonl")]
        clear = [(has, should) for has, should, is_borderline in every if not is_borderline]
        figures = {**_figures([(has, should) for has, should, _ in every]), "f1_clear": _figures(clear)["f1"]}
        reached |= {f"{tag}.{name}": value for name, value in figures.items()}
    for name in ("f1", "f1_clear"):
        reached[f"macro_{name}"] = sum(reached[f"{tag}.{name}"] for tag in TAGS) / len(TAGS)
    return reached


def probes() -> Figures:
    """How many of the probes come out otherwise than they should."""
    return {"wrong": sum(found & set(TAGS) != text.tags for text, found in _judged("tags_probes.jsonl"))}


@cache
def _headed() -> list[Headed]:
    with gzip.open(HEADINGS, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    wanted = [row for row in rows if row["split"] == "test" or row["cat"] in ELSEWHERE]
    return [
        Headed(row["cat"], row["split"] == "test", _tags(LabelledText(text=row["text"], tags=frozenset())))
        for row in wanted
    ]


def headings() -> Figures:
    """The tag ``conflict`` as the heading "armed conflicts and attacks" of the test years."""
    pairs = [(CONFLICTS in each.tags, each.heading == CONFLICTS) for each in _headed() if each.is_test]
    return {f"conflict.{name}": value for name, value in _figures(pairs).items()}


def elsewhere() -> Figures:
    """The share of texts under headings of other things that do not get a tag."""
    reached: Figures = {}
    for heading, name in ELSEWHERE.items():
        under = [each.tags for each in _headed() if each.heading == heading]
        for tag in TAGS:
            reached[f"{name}.{tag}"] = sum(tag not in tags for tags in under) / len(under)
    return reached


def exchanges() -> Figures:
    """The tag ``prisoner-exchange`` on stories and near misses in many manners; its rules were fitted to them."""
    judged = _judged("tags_exchanges.jsonl")
    return {
        f"{EXCHANGES}.{name}": value
        for name, value in _figures([(EXCHANGES in found, EXCHANGES in text.tags) for text, found in judged]).items()
    }


OWN = {"dev": cache(dev), "probes": cache(probes), "exchanges": cache(exchanges)}
DEVELOPER_DATA = {"headings": cache(headings), "elsewhere": cache(elsewhere)}
