"""How well a taxonomy does on labelled texts."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from copydesk_classifier.engine import Taxonomy
from copydesk_classifier.labelled import LabelledText


class Judged(NamedTuple):
    """One tag in one text: what it scored, whether it was given, whether it should have been."""

    score: float
    probability: float
    given: bool
    wanted: bool


class Quality(NamedTuple):
    """Shares between 0 and 1. ``average_precision`` does not depend on the threshold."""

    positive: int
    precision: float
    recall: float
    f1: float
    average_precision: float
    brier: float


def f1_of(right: int, wrong: int, missed: int) -> float:
    """The harmonic mean of precision and recall; 1 where there was nothing to find and nothing was found."""
    return 2 * right / (2 * right + wrong + missed) if right + wrong + missed else 1.0


def judged(taxonomy: Taxonomy, texts: Iterable[LabelledText], tags: Sequence[str]) -> dict[str, list[Judged]]:
    """Each of these tags in each of the texts, in their order."""
    results: dict[str, list[Judged]] = {tag: [] for tag in tags}
    for text in texts:
        scores = {each.source.id: each for each in taxonomy.score(text.title, text.text, text.language)[1]}
        for tag in tags:
            found = scores.get(tag)
            given = found is not None and found.score >= found.threshold
            score, probability = (found.score, found.probability) if found else (0.0, 0.0)
            results[tag].append(Judged(score, probability, given, tag in text.tags))
    return results


def quality(cases: Sequence[Judged]) -> Quality:
    right = sum(case.given and case.wanted for case in cases)
    given, wanted = sum(case.given for case in cases), sum(case.wanted for case in cases)
    return Quality(
        positive=wanted,
        precision=right / given if given else 1.0,
        recall=right / wanted if wanted else 1.0,
        f1=f1_of(right, given - right, wanted - right),
        average_precision=_average_precision(cases),
        brier=sum((case.probability - case.wanted) ** 2 for case in cases) / max(1, len(cases)),
    )


def _average_precision(cases: Sequence[Judged]) -> float:
    """The mean of the precisions at each text that should have the tag, best score first; of equal scores the worse."""
    ranked = sorted(cases, key=lambda case: (-case.score, case.wanted))
    found, total = 0, 0.0
    for place, case in enumerate(ranked, 1):
        if case.wanted:
            found += 1
            total += found / place
    return total / found if found else 1.0


def labels_of(texts: Iterable[LabelledText], taxonomy: Taxonomy) -> list[str]:
    """The tags of the taxonomy that any of the texts is labelled with. Others may not have been looked for."""
    labels = frozenset[str]().union(*(text.tags for text in texts))
    return [tag.id for tag in taxonomy.tags if tag.id in labels]
