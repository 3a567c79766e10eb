"""The tags, compiled together: what a text is scored with."""

import pickle
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

from copydesk_classifier.compiling import Compiler
from copydesk_classifier.heads import features, margin
from copydesk_classifier.lexicon import CompiledPart, Found
from copydesk_classifier.matching import find_hits
from copydesk_classifier.scoring import DIGITS, Scored, may_reach, score
from copydesk_classifier.tag_file import TagSource
from copydesk_classifier.tokens import Document, read_document
from copydesk_classifier.weights import Fitted, Head, SimilarityWeights, digest, uncalibrated
from copydesk_shared.tags import Similarity

if TYPE_CHECKING:
    from copydesk_classifier.similarity import TagVectors

# Raised when the same taxonomy would tag a text differently than before.
ENGINE_VERSION = "0.3.0"
# Stands in the version where the embeddings are not installed.
WORDS_ONLY = "words-only"
EMBEDDED_LANGUAGE = "en"
PROBABILITY_DIGITS = 4
# The share of its threshold from which on a tag is a candidate, and from which on similarity counts beside the words.
CANDIDATE_SHARE = 0.5


class TagScore(NamedTuple):
    """What one tag scores in one text.

    ``score`` is what the words score (``scored``) with what similarity and the trained head add. ``similarity`` is
    ``None`` where it was not looked at, ``trained``, what the head adds, without one.
    """

    source: TagSource
    score: float
    threshold: float
    probability: float
    calibrated: bool
    scored: Scored
    similarity: Similarity | None
    trained: float | None

    @property
    def is_near(self) -> bool:
        """Whether it is below its threshold, and so near that the tag is a candidate."""
        return CANDIDATE_SHARE * self.threshold <= self.score < self.threshold


@dataclass(frozen=True)
class _Part:
    """A part of a tag with the weights of the tag."""

    compiled: CompiledPart
    similarity: SimilarityWeights
    head: Head | None
    has_lexicon: bool

    @property
    def needs_words(self) -> bool:
        """Whether nothing can come of it in a text without its words."""
        return self.has_lexicon and self.head is None

    def least(self, floor: float) -> float:
        """What the words must score."""
        return floor * self.compiled.threshold if self.has_lexicon and self.head is None else 0.0


class _Draft(NamedTuple):
    """A part with what the words of a text score for it."""

    part: _Part
    scored: Scored


NOTHING = Scored(0.0, ())


class Taxonomy:
    """Pickles as it is compiled, so that a process which gets it from another has little to do.

    ``version`` is the engine's version and digests of the tag files, the weights and the calibration; comments, layout
    and tests do not change it. ``has_similarity`` says whether the embeddings are installed.
    """

    def __init__(self, tags: Iterable[TagSource], fitted: Fitted | None = None) -> None:
        tags = sorted(tags, key=lambda tag: tag.id)
        self.fitted = fitted or Fitted()
        compiler = Compiler()
        self._parts = tuple(
            self._part(each, part.has_lexicon)
            for tag in tags
            for part, each in zip(tag.lexica, compiler.compile(tag, self.threshold(tag)), strict=True)
        )
        self._numbers = {
            (each.compiled.source.id, each.compiled.part.languages): at for at, each in enumerate(self._parts)
        }
        self._wordless = tuple(at for at, each in enumerate(self._parts) if not each.needs_words)
        self._languages = frozenset[str]().union(*(tag.languages for tag in tags))
        self._meaning = digest(
            [[part.model_dump(mode="json", exclude={"tests"}) for part in tag.lexica] for tag in tags]
        )
        self._packed = zlib.compress(pickle.dumps(tags), level=1)
        self._lexicon = compiler.lexicon()
        self._liken()

    def _liken(self) -> None:
        """Take up the embeddings, where they are installed; all else is there."""
        sources = {each.compiled.source.id: each.compiled.source for each in self._parts}
        self._vectors = _vectors(tuple(sources.values()))
        self.has_similarity = self._vectors is not None
        self.version = self._version()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_vectors"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._liken()

    @property
    def tags(self) -> tuple[TagSource, ...]:
        """All that the files say, in the order of the ids. It is kept packed, since tagging asks for little of it."""
        return tuple(pickle.loads(zlib.decompress(self._packed)))  # noqa: S301 - our own bytes

    def _part(self, compiled: CompiledPart, has_lexicon: bool) -> _Part:
        tag = compiled.source.id
        weights, head = self.fitted.weights.similarity_of(tag), self.fitted.head_of(tag)
        return _Part(compiled, weights, head, has_lexicon)

    def threshold(self, tag: TagSource) -> float:
        """The score from which the tag is given."""
        written = tag.file.threshold
        return self.fitted.weights.threshold_of(tag.id) if written is None else written

    def score(
        self, title: str, text: str, language: str | None, *, floor: float | None = 0.0
    ) -> tuple[Document, list[TagScore]]:
        """The text as words, and the score of each tag that applies to its language (``None``: all of them).

        Tags that have nothing in the text are left out, and those that cannot reach ``floor`` times their threshold;
        none is for the floor ``None``.
        """
        document = read_document(title, text)
        drafts = list(self._drafts(document, language, floor))
        similarities = self._similarities(document, drafts) if language is None or _is_embedded(language) else {}
        best: dict[str, TagScore] = {}
        for each in self._scores(document, drafts, similarities):
            tag = each.source.id
            if tag not in best or each.score > best[tag].score:
                best[tag] = each
        return document, list(best.values())

    def finds(self, document: Document, language: str | None) -> Iterator[tuple[CompiledPart, Found]]:
        """Each part for this language that has something in the text, with its terms and where they stand."""
        spoken = None if language is None else primary(language)
        for number, found in sorted(self._lexicon.find(document).items()):
            compiled = self._parts[number].compiled
            if spoken is None or spoken in compiled.part.languages:
                yield compiled, found

    def score_alone(
        self, tag: str, languages: tuple[str, ...], text: str, *, with_similarity: bool = False
    ) -> TagScore:
        """What the tag scores in a text by its part for these languages alone, whatever the text's language.

        A part with words is scored by what was written, without a trained head. A part that has no words to look for is
        always scored with similarity.
        """
        number = self._numbers[tag, languages]
        part, document = self._parts[number], read_document("", text)
        if part.has_lexicon:
            part = replace(part, head=None)
        found = self._lexicon.find(document).get(number, [])
        drafts = [_Draft(part, score(part.compiled, find_hits(part.compiled, found, document), document))]
        wanted = with_similarity or not part.has_lexicon
        return next(self._scores(document, drafts, self._similarities(document, drafts) if wanted else {}))

    def supports(self, language: str | None) -> bool:
        """Whether any tag has a part in this language; where none is known all are tried."""
        return language is None or primary(language) in self._languages

    def _drafts(self, document: Document, language: str | None, floor: float | None) -> Iterator[_Draft]:
        found = self._lexicon.find(document)
        numbers = range(len(self._parts)) if floor is None else sorted({*found, *self._wordless})
        spoken = None if language is None else primary(language)
        for number in numbers:
            part = self._parts[number]
            if spoken is None or spoken in part.compiled.part.languages:
                least = part.least(floor or 0.0)
                scored = _by_words(part, found.get(number), document, least)
                if scored.score >= least:
                    yield _Draft(part, scored)

    def _similarities(self, document: Document, drafts: list[_Draft]) -> Mapping[str, Similarity]:
        if not self._vectors or not drafts:
            return {}
        return self._vectors.similarities(
            document, [(draft.part.compiled.source.id, draft.scored.passage) for draft in drafts]
        )

    def _scores(
        self, document: Document, drafts: list[_Draft], similarities: Mapping[str, Similarity]
    ) -> Iterator[TagScore]:
        counts = features(document) if any(draft.part.head for draft in drafts) else None
        for part, scored in drafts:
            similarity = similarities.get(part.compiled.source.id)
            trained = _trained(part, margin(part.head, counts)) if part.head and counts is not None else None
            yield self._tag_score(part, scored, similarity, trained)

    def _tag_score(self, part: _Part, scored: Scored, similarity: Similarity | None, trained: float | None) -> TagScore:
        tag, threshold = part.compiled.source, part.compiled.threshold
        value = _total(part, scored.score, similarity, trained)
        calibration = self.fitted.calibration.of(tag.id)
        probability = calibration.probability(value) if calibration else uncalibrated(value, threshold)
        probability = round(probability, PROBABILITY_DIGITS)
        return TagScore(tag, value, threshold, probability, calibration is not None, scored, similarity, trained)

    def _version(self) -> str:
        weights = [self.fitted.weights_digest, self._vectors.digest if self._vectors else WORDS_ONLY]
        parts = [self._meaning, digest(weights), self.fitted.calibration_digest]
        return f"{ENGINE_VERSION}+{'.'.join(parts if self._vectors else [*parts, WORDS_ONLY])}"


def _vectors(tags: tuple[TagSource, ...]) -> "TagVectors | None":
    if not tags:
        return None
    try:
        # Either line tells that something is missing: the first NumPy, the second the files of WordLlama.
        from copydesk_classifier.similarity import tag_vectors

        return tag_vectors(tags)
    except ImportError:
        return None


def _by_words(part: _Part, found: Found | None, document: Document, least: float) -> Scored:
    """What the words score; nothing if it is clear beforehand that it is not ``least``."""
    compiled = part.compiled
    if not found or not may_reach(least, compiled, found, document):
        return NOTHING
    return score(compiled, find_hits(compiled, found, document), document, least)


def _total(part: _Part, words: float, similarity: Similarity | None, trained: float | None) -> float:
    """The score: what the words say, and in bounds what similarity and the trained head add."""
    threshold, weights = part.compiled.threshold, part.similarity
    if not part.has_lexicon:
        if similarity is None and trained is None:
            return 0.0
        total = threshold
        total += weights.slope * (similarity.value - weights.cut) if similarity else 0.0
        return round(max(0.0, total + (trained or 0.0)), DIGITS)
    total = words
    if similarity and words >= CANDIDATE_SHARE * threshold:
        total += min(weights.limit * threshold, max(0.0, weights.gain * (similarity.value - weights.centre)))
    return round(max(0.0, total + (trained or 0.0)), DIGITS)


def _trained(part: _Part, distance: float) -> float | None:
    """What the trained head adds, in bounds where words speak too."""
    head = part.head
    if head is None:
        return None
    added = head.gain * (distance - head.cut)
    limit = head.limit * part.compiled.threshold if part.has_lexicon else inf
    return min(limit, max(-limit, added))


def _is_embedded(language: str) -> bool:
    return primary(language) == EMBEDDED_LANGUAGE


def primary(language: str) -> str:
    """The primary subtag: ``en`` of ``en-GB``."""
    return language.replace("_", "-").split("-")[0].lower()
