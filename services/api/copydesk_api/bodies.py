"""The answers of ``/v1``: their models, and how they are put together from documents that are JSON already."""

import json
from collections.abc import Sequence
from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field

from copydesk_api.store import FeedChange
from copydesk_shared.messages import ClassifiedArticle


class ArticleList(BaseModel):
    """A page of articles; ``next`` is ``null`` on the last one."""

    items: list[ClassifiedArticle]
    next: str | None = Field(description="The cursor of the next page.")


class ChangeItem(BaseModel):
    """One change: the newest document of an article, or that the article is gone."""

    position: int
    kind: Literal["article", "tombstone"]
    article_id: str
    revision: int
    at: AwareDatetime
    article: ClassifiedArticle | None


class ChangeList(BaseModel):
    """A page of changes; ``next`` is always there and is what to come back with."""

    items: list[ChangeItem]
    next: str = Field(description="The cursor to give as after in the next call.")


class TagItem(BaseModel):
    """A tag and how many articles have it."""

    tag: str
    label: str
    count: int


class TagList(BaseModel):
    """All tags that articles have now."""

    items: list[TagItem]
    next: None = None


def _list(items: Sequence[str], cursor: str | None) -> bytes:
    return f'{{"items":[{",".join(items)}],"next":{json.dumps(cursor)}}}'.encode()


def article_list(documents: Sequence[str], cursor: str | None) -> bytes:
    """The JSON of an :class:`ArticleList`. The documents are not parsed: they were checked when they came in."""
    return _list(documents, cursor)


def change_list(changes: Sequence[FeedChange], cursor: str) -> bytes:
    """The JSON of a :class:`ChangeList`."""
    return _list([_change(change) for change in changes], cursor)


def _change(change: FeedChange) -> str:
    at = change.at.isoformat().replace("+00:00", "Z")
    fields = {
        "position": change.position,
        "kind": change.kind.value,
        "article_id": change.article_id,
        "revision": change.revision,
        "at": at,
    }
    head = json.dumps(fields, separators=(",", ":"))
    return f'{head[:-1]},"article":{change.document or "null"}}}'
