"""The classifier as a stage: an article in, the same article with its tags out."""

from dataclasses import dataclass

from copydesk_classifier.scoring import DIGITS, Scored, Weighed
from copydesk_classifier.tag_file import TagFile
from copydesk_classifier.taxonomy import Taxonomy
from copydesk_classifier.tokens import Document
from copydesk_shared.messages import Article, ClassifiedArticle, Evidence, Tag
from copydesk_shared.stage import Drop, Emit, Stage
from copydesk_shared.topics import CLASSIFIED, CLEANED

MAX_EVIDENCE = 10
MAX_EVIDENCE_CHARACTERS = 400
CANDIDATE_SHARE = 0.5


def _evidence(weighed: Weighed, document: Document) -> Evidence:
    hit, in_title = weighed.hit, weighed.hit.start < document.title_words
    source = document.title if in_title else document.text
    start, end = document.starts[hit.start], document.ends[hit.end - 1]
    end = min(end, start + MAX_EVIDENCE_CHARACTERS)
    return Evidence(
        rule=hit.rule,
        text=source[start:end],
        field="title" if in_title else "text",
        start=start,
        end=end,
        weight=round(weighed.added, DIGITS),
    )


def _tag(tag: TagFile, scored: Scored, document: Document) -> Tag:
    best = sorted(scored.weighed, key=lambda each: (-each.added, each.hit))[:MAX_EVIDENCE]
    return Tag(
        tag=tag.id,
        label=tag.label,
        score=scored.score,
        threshold=tag.threshold,
        iptc=tag.iptc,
        evidence=tuple(_evidence(each, document) for each in best),
    )


def classify(article: Article, taxonomy: Taxonomy) -> ClassifiedArticle:
    """The article with its tags and candidates, best first.

    Pure: the same article and taxonomy give the same bytes. An article that comes with tags loses them.
    """
    document, scores = taxonomy.score(article.title, article.text, article.language)
    ranked = sorted(scores, key=lambda pair: (-pair[1].score, pair[0].id))
    tags = [(tag, scored) for tag, scored in ranked if scored.score >= tag.threshold]
    near = [(tag, scored) for tag, scored in ranked if CANDIDATE_SHARE * tag.threshold <= scored.score < tag.threshold]
    return ClassifiedArticle(
        **{name: getattr(article, name) for name in Article.model_fields},
        tags=tuple(_tag(*pair, document) for pair in tags),
        candidates=tuple(_tag(*pair, document) for pair in near),
        classifier_version=taxonomy.version,
    )


@dataclass(frozen=True)
class Classifier:
    """What the runner's worker processes call. Pickles with its taxonomy."""

    taxonomy: Taxonomy

    def __call__(self, article: Article) -> Emit[ClassifiedArticle] | Drop:
        return Emit(classify(article, self.taxonomy))


def stage(taxonomy: Taxonomy) -> Stage[Article, ClassifiedArticle]:
    """Cleaned articles in, classified articles out."""
    return Stage("classifier", taxonomy.version, CLEANED, CLASSIFIED, Classifier(taxonomy))
