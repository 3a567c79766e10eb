"""The files beside the tag files that hold fitted numbers: weights, calibration and trained heads.

``weights.json`` and the heads change scores, ``calibration.json`` turns scores into probabilities. All of them are
optional, and each tag in them is. They are fitted by tools from labelled texts and are not written by hand.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from math import exp, log1p
from typing import Annotated, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from copydesk_classifier.folder import Folder
from copydesk_classifier.tag_file import Name, Weight
from copydesk_shared.errors import InputError
from copydesk_shared.plain import in_plain_words

WEIGHTS_FILE = "weights.json"
CALIBRATION_FILE = "calibration.json"
HEAD_SUFFIX = ".head.json"
DEFAULT_THRESHOLD = 2.0
MIN_POSITIVES = 30
HASH_DIGITS = 12
# How fast the probability of a tag without a calibration rises: 0.12 at half the threshold, 0.88 at one and a half.
STEEPNESS = 4.0

Finite = Annotated[float, Field(allow_inf_nan=False)]
Cosine = Annotated[float, Field(ge=-2, le=2)]


class _Fitted(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


_Model = TypeVar("_Model", bound=_Fitted)


class SimilarityWeights(_Fitted):
    """What similarity adds to a score, in units of the score.

    Where the tag has a lexicon: ``gain * (similarity - centre)``, at least nothing and at most ``limit`` times the
    threshold, and nothing unless the words alone score half the threshold. Where it has none, the score is
    ``threshold + slope * (similarity - cut)``.
    """

    centre: Cosine = 0.25
    gain: Annotated[float, Field(ge=0, le=1000)] = 5.0
    limit: Annotated[float, Field(ge=0, lt=1)] = 0.25
    cut: Cosine = 0.25
    slope: Annotated[float, Field(ge=0, le=1000)] = 16.0


class Weights(_Fitted):
    """``weights.json``: by tag, else ``default``. ``thresholds`` are for the tags whose file says ``auto``."""

    default: SimilarityWeights = SimilarityWeights()
    similarity: dict[Name, SimilarityWeights] = Field(default_factory=dict)
    thresholds: dict[Name, Weight] = Field(default_factory=dict)

    def similarity_of(self, tag: str) -> SimilarityWeights:
        return self.similarity.get(tag, self.default)

    def threshold_of(self, tag: str) -> float:
        return self.thresholds.get(tag, DEFAULT_THRESHOLD)


class TagCalibration(_Fitted):
    """``probability = 1 / (1 + exp(-(a * ln(1 + score) + b)))``, and what it was fitted to.

    It is J. Platt's logistic (1999) of the score's logarithm: scores have a long tail, in which more of the same makes
    a tag hardly likelier.

    ``brier`` and ``ece`` (expected calibration error) were measured on texts that it was not fitted to.
    """

    a: Annotated[float, Field(gt=0, le=1000)]
    b: Annotated[float, Field(ge=-10_000, le=10_000)]
    n_positive: Annotated[int, Field(ge=0)]
    n_negative: Annotated[int, Field(ge=0)]
    brier: Annotated[float, Field(ge=0, le=1)]
    ece: Annotated[float, Field(ge=0, le=1)]
    date: str = ""

    @property
    def is_enough(self) -> bool:
        return self.n_positive >= MIN_POSITIVES

    def probability(self, score: float) -> float:
        return logistic(self.a * log1p(score) + self.b)


class Calibration(_Fitted):
    """``calibration.json``. A tag counts as calibrated from :data:`MIN_POSITIVES` positives on."""

    tags: dict[Name, TagCalibration] = Field(default_factory=dict)

    def of(self, tag: str) -> TagCalibration | None:
        """The calibration of this tag if it was fitted to enough texts."""
        found = self.tags.get(tag)
        return found if found and found.is_enough else None


class Head(_Fitted):
    """``TAG.head.json``: a linear model over words and pairs of neighbouring words.

    ``features`` maps a word, or two with a space between, folded as :class:`copydesk_classifier.tokens.Document` has
    them, to its inverse document frequency and its coefficient. The value of a feature that occurs n times is
    ``(1 + ln n) * idf``; the values are divided by their Euclidean norm; ``margin`` is their product with the
    coefficients plus ``intercept``.

    ``gain * (margin - cut)`` is added to the score, at most ``limit`` times the threshold up or down. Where the tag has
    no lexicon, it is added to the threshold instead, without a limit.
    """

    tag: Name
    features: dict[str, tuple[Finite, Finite]]
    intercept: Finite
    cut: Finite = 0.0
    gain: Annotated[float, Field(ge=0, le=1000)] = 1.0
    limit: Annotated[float, Field(ge=0, le=10)] = 1.0
    n_positive: Annotated[int, Field(ge=0)] = 0
    n_negative: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _has_features(self) -> Self:
        if not self.features:
            raise ValueError("no features")
        return self


def logistic(value: float) -> float:
    """``1 / (1 + exp(-value))``, without overflow."""
    if value < 0:
        power = exp(max(value, -700.0))
        return power / (1 + power)
    return 1 / (1 + exp(-min(value, 700.0)))


def uncalibrated(score: float, threshold: float) -> float:
    """The probability of a tag that has no calibration: one half at its threshold."""
    return logistic(STEEPNESS * (score / threshold - 1))


def digest(meaning: object) -> str:
    """A short digest of JSON-like data; the order of keys does not matter."""
    canonical = json.dumps(meaning, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()[:HASH_DIGITS]


def _read(folder: Folder, name: str, model: type[_Model]) -> _Model:
    try:
        return model.model_validate_json(folder.files[name])
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    problem = in_plain_words(first)
    raise InputError(": ".join(filter(None, (str(folder.path / name), place, problem))))


@dataclass(frozen=True)
class Fitted:
    """What was fitted for a taxonomy. Heads are in the order of their tags."""

    weights: Weights = field(default_factory=Weights)
    calibration: Calibration = field(default_factory=Calibration)
    heads: tuple[Head, ...] = ()

    def head_of(self, tag: str) -> Head | None:
        return next((head for head in self.heads if head.tag == tag), None)

    @cached_property
    def weights_digest(self) -> str:
        return digest([self.weights.model_dump(mode="json"), [head.model_dump(mode="json") for head in self.heads]])

    @cached_property
    def calibration_digest(self) -> str:
        return digest(self.calibration.model_dump(mode="json", exclude={"tags": {"__all__": {"date"}}}))


def _read_heads(folder: Folder) -> Iterator[Head]:
    for name in sorted(folder.files):
        if name.endswith(HEAD_SUFFIX):
            head = _read(folder, name, Head)
            if name != f"{head.tag}{HEAD_SUFFIX}":
                raise InputError(f"{folder.path / name}: tag: {head.tag!r} is not what the file is named after")
            yield head


def load_fitted(folder: Folder) -> Fitted:
    """What lies beside the tag files of a folder. Raises :class:`InputError` for a file that is not as it should be."""
    return Fitted(
        _read(folder, WEIGHTS_FILE, Weights) if WEIGHTS_FILE in folder.files else Weights(),
        _read(folder, CALIBRATION_FILE, Calibration) if CALIBRATION_FILE in folder.files else Calibration(),
        tuple(_read_heads(folder)),
    )
