"""Trained heads: needs scikit-learn, the extra ``train``. Tagging with one does not.

A head is a linear support vector machine over words and pairs of words, its classes balanced. How much it adds to the
score is chosen on margins that each text got from a model which had not seen it (cross-validation), and what is
reported was chosen without the texts that it is reported on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC

from copydesk_classifier.engine import Taxonomy
from copydesk_classifier.evaluation import f1_of, judged
from copydesk_classifier.heads import features
from copydesk_classifier.labelled import LabelledText, counts_of
from copydesk_classifier.tokens import read_document
from copydesk_classifier.weights import DEFAULT_THRESHOLD, Fitted, Head
from copydesk_shared.errors import InputError

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]

FOLDS = 5
LEAST_OF_A_KIND = 20
MAX_FEATURES = 20_000
DIGITS = 5
SEED = 0
# A head moves a score by at most this share of the threshold, up or down.
LIMITS = (0.5, 1.0)
GAINS = (1.0, 2.0, 4.0, 8.0)
CUTS = 24


class Adding(NamedTuple):
    """The threshold, and how a margin becomes a part of the score; see :class:`copydesk_classifier.weights.Head`."""

    threshold: float
    limit: float
    gain: float
    cut: float


@dataclass(frozen=True)
class Trained:
    """A head, and the F1 without it and with it on texts that neither it nor its weights were fitted to.

    ``threshold`` is what was found for a tag whose file says ``auto``.
    """

    head: Head
    threshold: float | None
    f1_before: float
    f1_after: float


@dataclass(frozen=True)
class _Texts:
    """Row by row: what a text scores without the head, its margin from a model that had not seen it, its label.

    ``written`` is the threshold of the tag's file, ``None`` for ``auto``.
    """

    scores: Floats
    margins: Floats
    wanted: Flags
    written: float | None
    is_limited: bool

    def threshold(self, rows: Rows) -> float:
        """The one that was written, or that with the best F1: half-way between two scores, of equals the nearest."""
        if self.written is not None:
            return self.written
        scores = np.unique(self.scores[rows])
        between = ((scores[1:] + scores[:-1]) / 2).round(DIGITS).tolist()
        possible = sorted({DEFAULT_THRESHOLD, *between}, key=lambda each: (abs(each - DEFAULT_THRESHOLD), each))
        return float(max(possible, key=lambda each: self.f1_before(each, rows)))

    def f1_before(self, threshold: float, rows: Rows) -> float:
        return _f1(self.scores[rows] >= threshold, self.wanted[rows])

    def f1_after(self, adding: Adding, rows: Rows) -> float:
        added = adding.gain * (self.margins[rows] - adding.cut)
        if self.is_limited:
            added = added.clip(-adding.limit * adding.threshold, adding.limit * adding.threshold)
        return _f1(self.scores[rows] + added >= adding.threshold, self.wanted[rows])

    def best(self, rows: Rows) -> Adding:
        """Of those that are equally good the one that changes least."""
        threshold = self.threshold(rows)
        cuts = np.unique(np.quantile(self.margins[rows], np.linspace(0.02, 0.98, CUTS)).round(DIGITS))
        choices = (Adding(threshold, *choice) for choice in product(LIMITS, GAINS, cuts.tolist()))
        return max(choices, key=lambda choice: self.f1_after(choice, rows))


def _f1(given: Flags, wanted: Flags) -> float:
    right = int((given & wanted).sum())
    return f1_of(right, int(given.sum()) - right, int(wanted.sum()) - right)


def _words(text: LabelledText) -> list[str]:
    return list(features(read_document(text.title, text.text)).elements())


def _model() -> Pipeline:
    vectorizer = TfidfVectorizer(analyzer=_words, sublinear_tf=True, min_df=2, max_features=MAX_FEATURES)
    return Pipeline([("words", vectorizer), ("margin", LinearSVC(class_weight="balanced", random_state=SEED))])


def without_repeats(texts: Sequence[LabelledText]) -> list[LabelledText]:
    """Each text once, as it comes first: a head that was fitted to one of two copies knows the other by heart."""
    found: dict[str, LabelledText] = {}
    for text in texts:
        found.setdefault(" ".join(f"{text.title}\n{text.text}".casefold().split()), text)
    return list(found.values())


def without_head(taxonomy: Taxonomy, tag: str) -> Taxonomy:
    """The same tags and weights without the head of this one."""
    fitted = taxonomy.fitted
    heads = tuple(head for head in fitted.heads if head.tag != tag)
    return Taxonomy(taxonomy.tags, Fitted(fitted.weights, fitted.calibration, heads))


def train(taxonomy: Taxonomy, tag: str, texts: Sequence[LabelledText]) -> Trained:
    """A head for one tag of a taxonomy. The same texts give the same head; a text that comes again counts once.

    Raises :class:`InputError` where there are fewer than :data:`LEAST_OF_A_KIND` texts with the tag, or without it.
    """
    texts = without_repeats(texts)
    counts = counts_of(tag, texts)
    if min(counts) < LEAST_OF_A_KIND:
        found = f"there are {counts.positive} with the tag and {counts.negative} without it"
        raise InputError(f"{tag}: at least {LEAST_OF_A_KIND} texts of each kind are needed; {found}")
    source = next(each for each in taxonomy.tags if each.id == tag)
    wanted = np.array([tag in text.tags for text in texts])
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    rows = _Texts(
        scores=np.array([case.score for case in judged(without_head(taxonomy, tag), texts, [tag])[tag]]),
        margins=cross_val_predict(_model(), texts, wanted, cv=folds, method="decision_function"),
        wanted=wanted,
        written=source.file.threshold,
        is_limited=any(part.has_lexicon for part in source.lexica),
    )
    parts = list(folds.split(texts, wanted))
    adding = rows.best(np.arange(len(texts)))
    return Trained(
        head=_head(tag, _model().fit(texts, wanted), adding, *counts),
        threshold=adding.threshold if source.file.threshold is None else None,
        f1_before=float(np.mean([rows.f1_before(rows.threshold(others), seen) for others, seen in parts])),
        f1_after=float(np.mean([rows.f1_after(rows.best(others), seen) for others, seen in parts])),
    )


def _head(tag: str, model: Pipeline, adding: Adding, positive: int, negative: int) -> Head:
    words, linear = model["words"], model["margin"]
    columns = zip(words.get_feature_names_out(), words.idf_, linear.coef_[0], strict=True)
    return Head(
        tag=tag,
        features={name: (round(float(idf), DIGITS), round(float(weight), DIGITS)) for name, idf, weight in columns},
        intercept=round(float(linear.intercept_[0]), DIGITS),
        cut=adding.cut,
        gain=adding.gain,
        limit=adding.limit,
        n_positive=positive,
        n_negative=negative,
    )
