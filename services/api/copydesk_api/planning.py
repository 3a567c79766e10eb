"""What a batch of messages changes: pure, so that every rule about revisions stands and is tested in one place."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from copydesk_shared.identity import short_digest
from copydesk_shared.messages import ClassifiedArticle

MAX_REVISION = 2**63 - 1


class Kind(StrEnum):
    """What a change says: here is the newest text, or it is gone."""

    ARTICLE = "article"
    TOMBSTONE = "tombstone"


@dataclass(frozen=True)
class Known:
    """What the store holds of an article; ``gone`` when a tombstone came last."""

    revision: int
    fingerprint: str
    gone: bool = False


@dataclass(frozen=True)
class Change:
    """One entry of the change feed, without its position yet."""

    article_id: str
    revision: int
    kind: Kind


@dataclass
class Plan:
    """``changes`` in order, what is to be stored at last of each changed article, and revisions to take note of."""

    changes: list[Change] = field(default_factory=list)
    final: dict[str, ClassifiedArticle | None] = field(default_factory=dict)
    noted: dict[str, int] = field(default_factory=dict)


def fingerprint(article: ClassifiedArticle) -> str:
    """Equal for two revisions that a reader would not tell apart: same text, same tags by the same classifier."""
    tags = [tag.model_dump(mode="json") for tag in article.tags]
    return short_digest(json.dumps([article.content_hash, article.classifier_version, tags]))


def revision_of(article: ClassifiedArticle) -> int:
    """The revision, held within what the databases can store."""
    return min(article.revision, MAX_REVISION)


def plan(known: Mapping[str, Known], batch: Iterable[tuple[str, ClassifiedArticle | None]]) -> Plan:
    """The last writer wins by revision, not by arrival, so an article that comes again changes nothing.

    A tombstone takes the revision of what it removes: only a higher one brings the article back. One for an article
    that was never there says nothing to anybody and is ignored.
    """
    states = dict(known)
    result = Plan()
    for article_id, article in batch:
        if article is None:
            _remove(result, states, article_id)
        else:
            _put(result, states, article_id, article)
    return result


def _remove(result: Plan, states: dict[str, Known], article_id: str) -> None:
    state = states.get(article_id)
    if state is None or state.gone:
        return
    states[article_id] = Known(state.revision, "", gone=True)
    result.changes.append(Change(article_id, state.revision, Kind.TOMBSTONE))
    result.final[article_id] = None


def _put(result: Plan, states: dict[str, Known], article_id: str, article: ClassifiedArticle) -> None:
    state, revision, print_ = states.get(article_id), revision_of(article), fingerprint(article)
    if state is not None and revision <= state.revision:
        return
    states[article_id] = Known(revision, print_)
    if state is not None and not state.gone and state.fingerprint == print_:
        result.noted[article_id] = revision
        return
    result.changes.append(Change(article_id, revision, Kind.ARTICLE))
    result.final[article_id] = article
