"""Earlier revisions of articles: kept when a change replaces them, a bounded number of each, none of what is gone."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, delete, insert, select

from copydesk_api.planning import Change, Kind
from copydesk_api.rows import Row, revision_row
from copydesk_api.schema import article_revisions, articles, changes

Placed = Sequence[tuple[int, Change]]


def keep_history(connection: Connection, placed: Placed, known: Collection[str], at: datetime, most: int) -> None:
    """Take note of what these changes replace, before they do; ``known`` are the ids that have a row."""
    gone = {change.article_id for _, change in placed if change.kind is Kind.TOMBSTONE}
    if gone:
        connection.execute(delete(article_revisions).where(article_revisions.c.article_id.in_(sorted(gone))))
    if most == 0:
        return
    replaced = {change.article_id for _, change in placed if change.article_id in known} - gone
    if replaced:
        _keep_stored(connection, sorted(replaced))
    passed = _passed(placed, at)
    if passed:
        connection.execute(insert(article_revisions), passed)
    if touched := replaced | {row["article_id"] for row in passed}:
        _trim(connection, touched, most)


def _keep_stored(connection: Connection, ids: Collection[str]) -> None:
    # The revision in the row may be one that was only noted; that of the change is the document's.
    stored = (
        select(articles.c.article_id, articles.c.position, changes.c.revision, changes.c.at, articles.c.document)
        .join(changes, changes.c.position == articles.c.position)
        .where(articles.c.article_id.in_(ids), articles.c.document.is_not(None))
    )
    names = ["article_id", "position", "revision", "at", "document"]
    connection.execute(insert(article_revisions).from_select(names, stored))


def _passed(placed: Placed, at: datetime) -> list[Row]:
    """What came and was replaced in one batch, unless it was removed in between."""
    passed: list[Row] = []
    later: set[str] = set()
    closed: set[str] = set()
    for position, change in reversed(placed):
        if change.article is None:
            closed.add(change.article_id)
        elif change.article_id in later - closed:
            passed.append(revision_row(position, change, at, change.article))
        later.add(change.article_id)
    return passed


def _trim(connection: Connection, ids: Collection[str], most: int) -> None:
    same = article_revisions.c.article_id == bindparam("key")
    newest = (
        select(article_revisions.c.position)
        .where(same)
        .order_by(article_revisions.c.position.desc())
        .offset(most)
        .limit(1)
    )
    beyond = and_(same, article_revisions.c.position <= newest.scalar_subquery())
    connection.execute(delete(article_revisions).where(beyond), [{"key": article_id} for article_id in sorted(ids)])
