"""The classifier as a stage: an article in, the same article with its tags out."""

from collections.abc import Sequence
from dataclasses import dataclass

from copydesk_classifier.engine import CANDIDATE_SHARE, TagScore
from copydesk_classifier.scoring import DIGITS, Weighed
from copydesk_classifier.taxonomy import Taxonomy
from copydesk_classifier.tokens import Document
from copydesk_shared.messages import Article, ClassifiedArticle
from copydesk_shared.stage import Drop, Emit, Stage
from copydesk_shared.tags import Evidence, Tag
from copydesk_shared.topics import CLASSIFIED, CLEANED

__all__ = ["CANDIDATE_SHARE", "Classifier", "classify", "stage"]

MAX_EVIDENCE = 10
MAX_AGAINST = 3
MAX_EVIDENCE_CHARACTERS = 400


def _evidence(weighed: Weighed, document: Document) -> Evidence:
    hit = weighed.hit
    in_title, start, end = document.span(hit.start, hit.end)
    end = min(end, start + MAX_EVIDENCE_CHARACTERS)
    return Evidence(
        rule=hit.rule,
        text=(document.title if in_title else document.text)[start:end],
        field="title" if in_title else "text",
        start=start,
        end=end,
        weight=round(weighed.added, DIGITS),
    )


def _heaviest(weighed: Sequence[Weighed]) -> list[Weighed]:
    """What is shown, the heaviest first: at most ten, of which up to three speak against the tag."""
    ranked = sorted(weighed, key=lambda each: (-each.added, each.hit))
    against = [each for each in ranked if each.added < 0][-MAX_AGAINST:]
    return [each for each in ranked if each.added >= 0][: MAX_EVIDENCE - len(against)] + against


def _tag(each: TagScore, document: Document) -> Tag:
    best = _heaviest(each.scored.weighed)
    return Tag(
        tag=each.source.id,
        label=each.source.file.label,
        score=each.score,
        probability=each.probability,
        calibrated=each.calibrated,
        threshold=each.threshold,
        iptc=each.source.file.iptc,
        evidence=tuple(_evidence(weighed, document) for weighed in best),
        similarity=each.similarity,
    )


def classify(article: Article, taxonomy: Taxonomy) -> ClassifiedArticle:
    """The article with its tags and candidates, best first.

    Pure: the same article and taxonomy give the same bytes. An article that comes with tags loses them.
    """
    document, scores = taxonomy.score(article.title, article.text, article.language, floor=CANDIDATE_SHARE)
    ranked = sorted(scores, key=lambda each: (-each.score, each.source.id))
    tags = [each for each in ranked if each.score >= each.threshold]
    near = [each for each in ranked if each.is_near]
    return ClassifiedArticle(
        **{name: getattr(article, name) for name in Article.model_fields},
        tags=tuple(_tag(each, document) for each in tags),
        candidates=tuple(_tag(each, document) for each in near),
        unsupported_language=not taxonomy.supports(article.language),
        classifier_version=taxonomy.version,
    )


@dataclass(frozen=True)
class Classifier:
    """What the runner's worker processes call. Pickles with its taxonomy."""

    taxonomy: Taxonomy

    def __call__(self, article: Article) -> Emit[ClassifiedArticle] | Drop:
        return Emit(classify(article, self.taxonomy))


def stage(taxonomy: Taxonomy) -> Stage[Article, ClassifiedArticle]:
    """Cleaned articles in, classified articles out. Says so where similarity is not installed."""
    if not taxonomy.has_similarity:
        # Worker processes import this module too and have no use for what the logger needs.
        from copydesk_shared.telemetry import get_logger

        get_logger().warning(
            "similarity is not installed, so words alone count", extra="copydesk-classifier[similarity]"
        )
    return Stage("classifier", taxonomy.version, CLEANED, CLASSIFIED, Classifier(taxonomy))
