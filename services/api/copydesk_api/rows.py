"""Messages as rows of the tables."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from copydesk_api.planning import Change, Tagging, fingerprint
from copydesk_shared.messages import ClassifiedArticle

MAX_INDEXED_VALUE = 500

Row = Mapping[str, Any]
EMPTY_WHEN_GONE = (
    "published_at", "fetched_at", "source", "domain", "language", "primary_language", "access", "simhash", "follows",
    "document",
)  # fmt: skip


def storable(value: str) -> str:
    """PostgreSQL's text holds no NUL."""
    return value.replace("\x00", "")


def indexable(value: str) -> str:
    """An entry of an index of PostgreSQL has room for 2,704 bytes."""
    return storable(value)[:MAX_INDEXED_VALUE]


def change_row(position: int, change: Change, at: datetime) -> Row:
    """An entry of the change feed."""
    return {"position": position, "article_id": change.article_id, "revision": change.revision,
            "kind": change.kind.value, "reason": change.reason and change.reason.value, "at": at}  # fmt: skip


def tagging_columns(tagging: Tagging | None) -> Row:
    """When and by what an article was tagged."""
    if tagging is None:
        return {"tagged_at": None, "classifier_version": None}
    return {"tagged_at": tagging.at, "classifier_version": storable(tagging.version)}


def article_row(row_id: int, position: int, change: Change, at: datetime, article: ClassifiedArticle | None) -> Row:
    """An article, or what is left of one that is gone."""
    row = {"row_id": row_id, "article_id": change.article_id, "revision": change.revision, "position": position,
           "derived_position": position, "indexed_at": at, **tagging_columns(change.tagging)}  # fmt: skip
    if article is None:
        nothing = dict.fromkeys(EMPTY_WHEN_GONE)
        return {**row, **nothing, "content_hash": "", "fingerprint": "", "sort_at": at}
    return {
        **row,
        "content_hash": storable(article.content_hash),
        "fingerprint": fingerprint(article),
        "sort_at": sort_time(article),
        "published_at": article.published_at,
        "fetched_at": article.fetched_at,
        "source": indexable(article.source.name.casefold()),
        "domain": indexable(article.source.domain).lower(),
        "document": article.model_dump_json(),
        **derived_columns(article),
    }


def derived_columns(article: ClassifiedArticle) -> Row:
    """What lists are narrowed by."""
    language = indexable(article.language).lower() if article.language else None
    return {
        "language": language,
        "primary_language": language and language.partition("-")[0],
        "access": article.access,
        "simhash": storable(article.simhash),
    }


def sort_time(article: ClassifiedArticle) -> datetime:
    """Where it stands in a list."""
    return article.published_at or article.fetched_at


def tag_rows(row_id: int, article: ClassifiedArticle) -> list[Row]:
    """A row for each tag."""
    labels = {indexable(tag.tag): storable(tag.label) for tag in article.tags}
    at = sort_time(article)
    return [{"row_id": row_id, "tag": tag, "label": label, "sort_at": at} for tag, label in labels.items()]


def search_row(row_id: int, article: ClassifiedArticle) -> Row:
    """What search indexes."""
    return {"row_id": row_id, "title": storable(article.title), "body": storable(article.text)}


def revision_row(position: int, change: Change, at: datetime, article: ClassifiedArticle) -> Row:
    """An article that was replaced by the same batch that brought it."""
    return {"article_id": change.article_id, "position": position, "revision": change.revision, "at": at,
            "document": article.model_dump_json()}  # fmt: skip
