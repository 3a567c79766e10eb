"""A candidate taxonomy beside the live one: a stage on trial that tells how the tags differ.

It takes the same articles in a group of its own, gives them the tags of the candidate on a topic of their own, and
counts what the live taxonomy would have given. The live stage does not wait for it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple, Self

from copydesk_classifier.differences import given_tags
from copydesk_classifier.engine import Taxonomy
from copydesk_classifier.stage import classify
from copydesk_shared.messages import Article, ClassifiedArticle
from copydesk_shared.stage import Emit, Stage
from copydesk_shared.topics import CLASSIFIED_SHADOW, CLEANED

NAME = "classifier-shadow"
ADDED, REMOVED, SAME, OTHER = "added", "removed", "same", "other"


class Pair(NamedTuple):
    """The tags in use and those on trial."""

    live: Taxonomy
    candidate: Taxonomy


@dataclass(frozen=True)
class Told:
    """The tags of an article by who gives them: called in the service once the article is stored, it counts them."""

    added: frozenset[str]
    removed: frozenset[str]
    same: frozenset[str]

    @classmethod
    def of(cls, had: Collection[str], has: Collection[str]) -> Self:
        """The difference between the tags of the live taxonomy and those of the candidate."""
        live, candidate = frozenset(had), frozenset(has)
        return cls(candidate - live, live - candidate, live & candidate)

    def __call__(self) -> tuple[()]:
        # Worker processes import this module too and have no use for the metrics.
        from copydesk_shared.telemetry import SHADOW_ARTICLES, SHADOW_TAGS

        for difference, tags in ((ADDED, self.added), (REMOVED, self.removed), (SAME, self.same)):
            for tag in tags:
                SHADOW_TAGS.labels(tag, difference).inc()
        SHADOW_ARTICLES.labels(OTHER if self.added or self.removed else SAME).inc()
        return ()


@dataclass(frozen=True)
class Shadow:
    """What the runner's worker processes call. Pickles with both taxonomies."""

    pair: Pair

    def __call__(self, article: Article) -> Emit[ClassifiedArticle]:
        classified = classify(article, self.pair.candidate)
        told = Told.of(given_tags(article, self.pair.live), {tag.tag for tag in classified.tags})
        return Emit(classified, told)


def shadow_stage(pair: Pair) -> Stage[Article, ClassifiedArticle]:
    """Cleaned articles in; out, beside the live ones, the same with the candidate's tags."""
    return Stage(NAME, pair.candidate.version, CLEANED, CLASSIFIED_SHADOW, Shadow(pair), is_trial=True)
