"""What another taxonomy would change in the tags of an article."""

from collections.abc import Iterator
from typing import NamedTuple

from copydesk_classifier.engine import CANDIDATE_SHARE, Taxonomy
from copydesk_shared.messages import Article


class Difference(NamedTuple):
    """A tag that one of the two taxonomies gives and the other does not; 0 where a tag is not there or has nothing."""

    tag: str
    is_gained: bool
    was: float
    now: float


def _scores(article: Article, taxonomy: Taxonomy) -> tuple[dict[str, float], set[str]]:
    """The scores by tag, and the tags that are given."""
    scores = taxonomy.score(article.title, article.text, article.language)[1]
    return {each.source.id: each.score for each in scores}, {
        each.source.id for each in scores if each.score >= each.threshold
    }


def given_tags(article: Article, taxonomy: Taxonomy) -> set[str]:
    """The ids of the tags that the article gets."""
    scores = taxonomy.score(article.title, article.text, article.language, floor=CANDIDATE_SHARE)[1]
    return {each.source.id for each in scores if each.score >= each.threshold}


def tags_and_differences(article: Article, old: Taxonomy, new: Taxonomy) -> tuple[set[str], list[Difference]]:
    """The tags that both give, and those that only one does, in the order of their names."""
    (were, had), (are, has) = _scores(article, old), _scores(article, new)
    return had & has, list(_differences(had ^ has, has, were, are))


def _differences(
    changed: set[str], has: set[str], were: dict[str, float], are: dict[str, float]
) -> Iterator[Difference]:
    for tag in sorted(changed):
        yield Difference(tag, tag in has, were.get(tag, 0.0), are.get(tag, 0.0))
