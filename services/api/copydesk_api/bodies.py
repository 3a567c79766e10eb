"""The answers of ``/v1``: their models, and how they are put together from documents that are JSON already."""

import json
from collections.abc import Sequence
from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field

from copydesk_api.snippets import marked, snippet
from copydesk_api.store import FeedChange
from copydesk_shared.messages import ClassifiedArticle


class Highlight(BaseModel):
    """Where the words stand, as HTML: everything is escaped but ``<mark>``."""

    title: str
    text: str = Field(description="A piece of the text.")


class ArticleList(BaseModel):
    """A page of articles; ``next`` is ``null`` on the last one."""

    items: list[ClassifiedArticle]
    next: str | None = Field(description="The cursor of the next page.")
    highlights: dict[str, Highlight] | None = Field(
        default=None, description="By article_id; only with highlight=true and q."
    )


class ChangeItem(BaseModel):
    """One change: the newest document of an article, or that the article is gone."""

    position: int
    kind: Literal["article", "retag", "tombstone"] = Field(
        description="A new article or revision; the same revision with the tags of another version of the classifier; "
        "or gone. The first two bring the whole article."
    )
    article_id: str
    revision: int
    at: AwareDatetime
    reason: Literal["deleted", "expired"] | None = Field(
        description="Why it is gone: removed from the stream, or older than articles are kept here."
    )
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


def _list(items: Sequence[str], cursor: str | None, more: str = "") -> bytes:
    return f'{{"items":[{",".join(items)}],"next":{json.dumps(cursor)}{more}}}'.encode()


def _highlights(documents: Sequence[str], terms: Sequence[str]) -> str:
    read = map(json.loads, documents)
    found = {each["article_id"]: {"title": marked(each["title"], terms), "text": snippet(each["text"], terms)}
             for each in read}  # fmt: skip
    return f',"highlights":{json.dumps(found, ensure_ascii=False)}'


def article_list(documents: Sequence[str], cursor: str | None, terms: Sequence[str] = ()) -> bytes:
    """The JSON of an :class:`ArticleList`, with the terms highlighted if there are any.

    The documents are not checked: they were when they came in.
    """
    return _list(documents, cursor, _highlights(documents, terms) if terms else "")


def change_list(changes: Sequence[FeedChange], cursor: str) -> bytes:
    """The JSON of a :class:`ChangeList`."""
    return _list([change_item(change) for change in changes], cursor)


def change_item(change: FeedChange) -> str:
    """The JSON of a :class:`ChangeItem`, in one line."""
    at = change.at.isoformat().replace("+00:00", "Z")
    fields = {
        "position": change.position,
        "kind": change.kind.value,
        "article_id": change.article_id,
        "revision": change.revision,
        "at": at,
        "reason": change.reason and change.reason.value,
    }
    head = json.dumps(fields, separators=(",", ":"))
    return f'{head[:-1]},"article":{change.document or "null"}}}'
