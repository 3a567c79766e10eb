"""The statement behind a page of a list: it reads about as many rows as the page has, wherever in the list that is.

A list is walked along one index that has its order: the times of a tag, of a publisher, of everything. Lists of several
tags are walked once for each tag, and merged. Only words are different: what has them is found first, then ordered,
unless so many articles have them that the list can be walked as any other.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Double,
    Select,
    and_,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    union,
)

from copydesk_api.cursors import PageKey
from copydesk_api.filters import Filters, conditions
from copydesk_api.schema import Moment, article_tags, articles
from copydesk_api.search import Search


def listing(
    filters: Filters, search: Search, after: PageKey | None, count: int, *, rarest: str | None, is_common: bool
) -> Select[Any]:
    """Up to ``count`` rows with ``document``, ``sort_at``, ``row_id``, and ``rank`` in a list by relevance.

    ``rarest`` is the tag to start from where all tags have to be there; with ``is_common`` terms the list is walked.
    """
    if filters.terms and not is_common:
        return _found(filters, search, after, count)
    if not filters.tags:
        walked = _walk(filters, articles.c.sort_at, articles.c.row_id, after, count)
        return walked.where(*_narrowed(filters, search))
    if filters.tag_mode == "all" or len(filters.tags) == 1:
        first = rarest or filters.tags[0]
        return _tagged(filters, search, first, after, count).where(
            *_has_tags(filters, [t for t in filters.tags if t != first])
        )
    pages = [_tagged(filters, search, tag, after, count).subquery() for tag in filters.tags]
    merged = union(*(select(page.c.row_id, page.c.sort_at) for page in pages)).subquery()
    whole = select(articles.c.document, merged.c.sort_at, merged.c.row_id)
    whole = whole.join(articles, articles.c.row_id == merged.c.row_id)
    return _in_order(filters, whole, merged.c.sort_at, merged.c.row_id).limit(count)


def holding(filters: Filters, search: Search) -> Iterator[ColumnElement[bool]]:
    """What has to hold of the row of an article that the filters find, whatever list it stands in."""
    yield from _narrowed(filters, search)
    yield from _has_tags(filters, list(filters.tags))
    yield from _between(filters, articles.c.sort_at)


def _narrowed(filters: Filters, search: Search) -> Iterator[ColumnElement[bool]]:
    yield from conditions(filters)
    if filters.terms:
        yield search.has(filters.terms, articles.c.row_id)


def _tagged(filters: Filters, search: Search, tag: str, after: PageKey | None, count: int) -> Select[Any]:
    walked = _walk(filters, article_tags.c.sort_at, article_tags.c.row_id, after, count)
    return walked.join(articles, articles.c.row_id == article_tags.c.row_id).where(
        article_tags.c.tag == tag, article_tags.c.sort_at.is_not(None), *_narrowed(filters, search)
    )


def _has_tags(filters: Filters, tags: list[str]) -> Iterator[ColumnElement[bool]]:
    other = article_tags.alias()
    if filters.tag_mode == "any" and tags:
        yield exists().where(other.c.row_id == articles.c.row_id, other.c.tag.in_(tags))
    else:
        yield from (exists().where(other.c.row_id == articles.c.row_id, other.c.tag == tag) for tag in tags)


def _walk(filters: Filters, sort_at: Any, row_id: Any, after: PageKey | None, count: int) -> Select[Any]:
    """Along an index that has these two columns."""
    statement = select(articles.c.document, sort_at, row_id).where(*_between(filters, sort_at))
    if after is not None:
        # In a tuple the types of the columns do not reach the values.
        here, last = tuple_(sort_at, row_id), tuple_(literal(after.sort_at, Moment), literal(after.row_id, BigInteger))
        statement = statement.where(here > last if filters.order == "oldest" else here < last)
    return _in_order(filters, statement, sort_at, row_id).limit(count)


def _between(filters: Filters, sort_at: Any) -> Iterator[ColumnElement[bool]]:
    if filters.published_from is not None:
        yield sort_at >= filters.published_from.at
    if filters.published_to is not None:
        yield sort_at <= filters.published_to.at


def _in_order(filters: Filters, statement: Select[Any], sort_at: Any, row_id: Any) -> Select[Any]:
    if filters.order == "oldest":
        return statement.order_by(sort_at, row_id)
    return statement.order_by(sort_at.desc(), row_id.desc())


def _found(filters: Filters, search: Search, after: PageKey | None, count: int) -> Select[Any]:
    """What has the words."""
    ranked = filters.order == "relevance"
    found = search.matches(filters.terms, ranked=ranked).subquery()
    narrowed = (*conditions(filters), *_has_tags(filters, list(filters.tags)))
    if not ranked:
        walked = _walk(filters, articles.c.sort_at, articles.c.row_id, after, count)
        return walked.join(found, found.c.row_id == articles.c.row_id).where(*narrowed)
    statement = (
        select(articles.c.document, articles.c.sort_at, articles.c.row_id, found.c.rank)
        .join(found, found.c.row_id == articles.c.row_id)
        .where(*narrowed, *_between(filters, articles.c.sort_at))
        .order_by(found.c.rank.desc(), articles.c.row_id.desc())
        .limit(count)
    )
    return statement if after is None else statement.where(_ranks_after(filters, search, found.c.rank, after))


def _ranks_after(filters: Filters, search: Search, rank: Any, after: PageKey) -> ColumnElement[bool]:
    """Ranks change with everything that arrives, all of them alike: the last article is asked for its rank of now."""
    again = search.matches(filters.terms, ranked=True).subquery()
    now = select(again.c.rank).where(again.c.row_id == after.row_id).scalar_subquery()
    last = func.coalesce(now, literal(after.rank or 0.0, Double))
    return or_(rank < last, and_(rank == last, articles.c.row_id < after.row_id))
