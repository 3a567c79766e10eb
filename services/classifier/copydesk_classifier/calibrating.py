"""From scores to probabilities, fitted to labelled texts: needs scikit-learn, the extra ``train``."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from copydesk_classifier.evaluation import Judged
from copydesk_classifier.weights import MIN_POSITIVES, TagCalibration

FOLDS = 5
BINS = 5
DIGITS = 4
SEED = 0

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def calibration_of(cases: Sequence[Judged], date: str) -> TagCalibration | None:
    """Platt's logistic of the scores' logarithms, or nothing under :data:`MIN_POSITIVES` texts of either kind.

    ``brier`` and ``ece`` are of probabilities that each text got from the other texts. ``None`` too where a higher
    score does not make the tag likelier.
    """
    scores = np.log1p([case.score for case in cases])
    wanted = np.array([case.wanted for case in cases])
    positive = int(wanted.sum())
    if min(positive, len(wanted) - positive) < MIN_POSITIVES:
        return None
    unseen = np.zeros(len(scores))
    for others, seen in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(scores, wanted):
        a, b = _platt(scores[others], wanted[others])
        unseen[seen] = 1 / (1 + np.exp(-(a * scores[seen] + b)))
    a, b = _platt(scores, wanted)
    if a <= 0:
        return None
    return TagCalibration(
        a=round(a, DIGITS),
        b=round(b, DIGITS),
        n_positive=positive,
        n_negative=len(wanted) - positive,
        brier=round(float(np.mean((unseen - wanted) ** 2)), DIGITS),
        ece=round(expected_error(unseen, wanted), DIGITS),
        date=date,
    )


def _platt(scores: Floats, wanted: Flags) -> tuple[float, float]:
    """The logistic whose targets are a little off 0 and 1, so that it stays finite (J. Platt, 1999, section 2.2).

    A target t between 0 and 1 is the same as a positive of weight t and a negative of weight 1 - t.
    """
    positive, negative = int(wanted.sum()), int((~wanted).sum())
    targets = np.where(wanted, (positive + 1) / (positive + 2), 1 / (negative + 2))
    both = np.concatenate([scores, scores]).reshape(-1, 1)
    labels = np.concatenate([np.ones(len(scores)), np.zeros(len(scores))])
    fitted = LogisticRegression(C=1e6).fit(both, labels, sample_weight=np.concatenate([targets, 1 - targets]))
    return float(fitted.coef_[0][0]), float(fitted.intercept_[0])


def expected_error(probabilities: Floats, wanted: Flags) -> float:
    """The expected calibration error over :data:`BINS` bins of equal width."""
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    error = 0.0
    for each in range(BINS):
        inside = bins == each
        if inside.any():
            error += inside.mean() * abs(float(probabilities[inside].mean()) - float(wanted[inside].mean()))
    return error
