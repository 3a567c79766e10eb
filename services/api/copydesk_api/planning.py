"""What a batch of messages changes: pure, so that every rule about revisions stands and is tested in one place."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from copydesk_shared.identity import short_digest
from copydesk_shared.messages import ClassifiedArticle
from copydesk_shared.sink import Delivered

MAX_REVISION = 2**63 - 1


class Kind(StrEnum):
    """What a change says: here is the newest text, here it is with the tags of another classifier, or it is gone."""

    ARTICLE = "article"
    RETAG = "retag"
    TOMBSTONE = "tombstone"


class Reason(StrEnum):
    """Why an article is gone: its tombstone was on the topic, or it is older than articles are kept."""

    DELETED = "deleted"
    EXPIRED = "expired"


class Tagging(NamedTuple):
    """When a message was written, by which version of the classifier; of two with one revision the greater counts."""

    at: datetime
    version: str


@dataclass(frozen=True)
class Known:
    """What the store holds of an article; ``gone`` when a tombstone came last.

    ``tagging`` is ``None`` where it is not known: the first release did not take note of it.
    """

    revision: int
    fingerprint: str
    gone: bool = False
    tagging: Tagging | None = None


@dataclass(frozen=True)
class Change:
    """One entry of the change feed, without its position yet; ``article`` is what it brought."""

    article_id: str
    revision: int
    kind: Kind
    reason: Reason | None = None
    article: ClassifiedArticle | None = field(default=None, compare=False, repr=False)
    tagging: Tagging | None = field(default=None, compare=False, repr=False)


@dataclass
class Plan:
    """``changes`` in order, what is to be stored at last of each changed article, and what else to take note of."""

    changes: list[Change] = field(default_factory=list)
    final: dict[str, ClassifiedArticle | None] = field(default_factory=dict)
    noted: dict[str, int] = field(default_factory=dict)
    tagged: dict[str, Tagging] = field(default_factory=dict)

    def change(self, change: Change) -> None:
        """Whatever was to be noted of the article is in the change."""
        self.changes.append(change)
        self.final[change.article_id] = change.article
        self.noted.pop(change.article_id, None)
        self.tagged.pop(change.article_id, None)


def fingerprint(article: ClassifiedArticle) -> str:
    """Equal for two revisions that a reader would not tell apart: same text, same tags by the same classifier."""
    tags = [tag.model_dump(mode="json") for tag in article.tags]
    return short_digest(json.dumps([article.content_hash, article.classifier_version, tags]))


def revision_of(article: ClassifiedArticle) -> int:
    """The revision, held within what the databases can store."""
    return min(article.revision, MAX_REVISION)


def plan(
    known: Mapping[str, Known], batch: Iterable[Delivered[ClassifiedArticle] | tuple[str, ClassifiedArticle | None]]
) -> Plan:
    """The last writer wins by revision, not by arrival, so an article that comes again changes nothing.

    Of two messages with one revision and different versions of the classifier the one that was written later wins
    (see :class:`Tagging`), in whatever order they come. A tombstone takes the revision of what it removes: only a
    higher one brings the article back. One for an article that was never there says nothing to anybody and is ignored.
    """
    states = dict(known)
    result = Plan()
    for article_id, article, at in (Delivered(*each) for each in batch):
        if article is None:
            _remove(result, states, article_id)
        else:
            _put(result, states, article_id, article, Tagging(at, article.classifier_version))
    return result


def expiry(known: Mapping[str, Known]) -> Plan:
    """What removing these articles changes."""
    gone = [Change(each, state.revision, Kind.TOMBSTONE, Reason.EXPIRED) for each, state in known.items()]
    return Plan(changes=gone, final=dict.fromkeys(known))


def _remove(result: Plan, states: dict[str, Known], article_id: str) -> None:
    state = states.get(article_id)
    if state is None or state.gone:
        return
    states[article_id] = Known(state.revision, "", gone=True)
    result.change(Change(article_id, state.revision, Kind.TOMBSTONE, Reason.DELETED))


def _put(result: Plan, states: dict[str, Known], article_id: str, article: ClassifiedArticle, tagging: Tagging) -> None:
    state = states.get(article_id)
    new = Known(revision_of(article), fingerprint(article), tagging=tagging)
    if state is None or new.revision > state.revision:
        kind = Kind.ARTICLE
    elif state.gone or new.revision < state.revision or not _is_later(tagging, state.tagging):
        return
    else:
        kind = Kind.RETAG
    if state is not None and not state.gone and _is_same(state, new, kind):
        states[article_id] = replace(state, revision=new.revision, tagging=tagging)
        result.noted[article_id] = new.revision
        result.tagged[article_id] = tagging
        return
    states[article_id] = new
    result.change(Change(article_id, new.revision, kind, article=article, tagging=tagging))


def _is_later(tagging: Tagging, than: Tagging | None) -> bool:
    return than is None or tagging > than


def _is_same(state: Known, new: Known, kind: Kind) -> bool:
    """Whether readers have it already. What comes twice from one version may differ in more than its tags."""
    if kind is Kind.RETAG and state.tagging is not None and new.tagging is not None:
        return state.tagging.version == new.tagging.version
    return state.fingerprint == new.fingerprint
