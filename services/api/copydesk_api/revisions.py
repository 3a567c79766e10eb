"""The history of an article as it is told: each revision, and what it changed of the one before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field

from copydesk_api.differences import Difference, Op, differences
from copydesk_api.records import Revision
from copydesk_api.store import Store
from copydesk_shared.messages import ClassifiedArticle
from copydesk_shared.tags import Tag


@dataclass(frozen=True)
class Told:
    """A revision and, unless it is the first that is known, the one before."""

    position: int
    revision: int
    at: datetime
    article: ClassifiedArticle
    former: ClassifiedArticle | None

    @property
    def differences(self) -> tuple[Difference, ...] | None:
        """What changed in title and text; ``None`` where there is nothing to compare with."""
        return None if self.former is None else differences(self.former, self.article)

    @property
    def tags_added(self) -> list[Tag]:
        """Tags that the one before had not."""
        return [] if self.former is None else _without(self.article.tags, self.former.tags)

    @property
    def tags_removed(self) -> list[Tag]:
        """Tags that only the one before had."""
        return [] if self.former is None else _without(self.former.tags, self.article.tags)


def _without(tags: Sequence[Tag], others: Sequence[Tag]) -> list[Tag]:
    known = {tag.tag for tag in others}
    return [tag for tag in tags if tag.tag not in known]


def read_revisions(store: Store, article_id: str, limit: int, before: int | None) -> tuple[list[Told], int | None]:
    """A page of the history, the newest first, and the position to go on before. Raises :class:`Retryable`."""
    page = store.revisions(article_id, limit, before)
    # What the last of the page is compared with is on the next one.
    beyond = store.revisions(article_id, 1, page.next).revisions if page.next is not None else ()
    read = [(each, ClassifiedArticle.model_validate_json(each.document)) for each in (*page.revisions, *beyond)]
    told = [_told(each, article, former) for (each, article), (_, former) in pairwise(read)]
    if read and not beyond:
        told.append(_told(*read[-1], None))
    return told, page.next


def _told(revision: Revision, article: ClassifiedArticle, former: ClassifiedArticle | None) -> Told:
    return Told(revision.position, revision.revision, revision.at, article, former)


class DiffPiece(BaseModel):
    """A stretch of text that both revisions have, only the earlier one, or only the later one."""

    op: Op
    text: str


class Diff(BaseModel):
    """A stretch that changed. ``removed`` and ``same`` together are what stood there, ``added`` and ``same`` what does.

    The numbers count paragraphs from 0, each end is the one after the last; a title is one paragraph.
    """

    field: Literal["title", "text"]
    before_start: int
    before_end: int
    after_start: int
    after_end: int
    pieces: list[DiffPiece]


class RevisionItem(BaseModel):
    """An article as it was from ``at`` on, until the revision above it took its place."""

    position: int
    revision: int
    at: AwareDatetime
    title: str
    word_count: int
    modified_at: AwareDatetime | None = Field(description="As the page said.")
    content_hash: str
    classifier_version: str
    tags: list[str]
    tags_added: list[str]
    tags_removed: list[str]
    diff: list[Diff] | None = Field(
        description="What it changed in title and text: nothing where only tags changed; null for the first one known."
    )
    article: ClassifiedArticle | None = Field(default=None, description="Only with full=true.")


class RevisionList(BaseModel):
    """A page of the revisions of an article, the newest first; ``next`` is ``null`` on the last one."""

    items: list[RevisionItem]
    next: str | None = Field(description="The cursor of the next page.")


def _diff(each: Difference) -> Diff:
    return Diff(
        field=each.field,
        before_start=each.before.start,
        before_end=each.before.end,
        after_start=each.after.start,
        after_end=each.after.end,
        pieces=[DiffPiece(op=piece.op, text=piece.text) for piece in each.pieces],
    )


def _item(told: Told, *, full: bool) -> RevisionItem:
    article, found = told.article, told.differences
    return RevisionItem(
        position=told.position,
        revision=told.revision,
        at=told.at,
        title=article.title,
        word_count=article.word_count,
        modified_at=article.modified_at,
        content_hash=article.content_hash,
        classifier_version=article.classifier_version,
        tags=[tag.tag for tag in article.tags],
        tags_added=[tag.tag for tag in told.tags_added],
        tags_removed=[tag.tag for tag in told.tags_removed],
        diff=None if found is None else [_diff(each) for each in found],
        article=article if full else None,
    )


def revision_list(told: Sequence[Told], cursor: str | None, *, full: bool) -> bytes:
    """The JSON of a :class:`RevisionList`."""
    listed = RevisionList(items=[_item(each, full=full) for each in told], next=cursor)
    left_out = {"items": {"__all__": {"article"}}} if not full else None
    return listed.model_dump_json(exclude=left_out).encode()
