"""What a receiver has not got yet: the change feed from its position on, narrowed by its filters and events.

The feed is compacted, as it is for pollers: of an article that changed again only the newest change is left. Its first
change is told all the same, at its place, with the article as it is now: who asked for new articles only misses none.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    and_,
    case,
    exists,
    literal,
    not_,
    or_,
    select,
    union_all,
)

from copydesk_api.database import retryable
from copydesk_api.filters import Filters
from copydesk_api.listing import holding
from copydesk_api.planning import Kind, Reason
from copydesk_api.push.records import Event, Pending
from copydesk_api.records import FeedChange
from copydesk_api.schema import STALE, article_revisions, articles, changes, positions
from copydesk_api.search import SEARCHES

WINDOW = 500  # positions that are looked at in one go, whatever the filters find in them
ROWS_AT_ONCE = 5
BYTES = 4 * 1024 * 1024
MOST = 20
UNSEEN = 10_000

_before = changes.alias()
IS_FIRST = not_(exists().where(_before.c.article_id == changes.c.article_id, _before.c.position < changes.c.position))
IS_NEWEST = changes.c.position == articles.c.position
IS_GONE = articles.c.document.is_(None)
TELLS: Mapping[Event, ColumnElement[bool]] = {
    Event.PUBLISHED: and_(changes.c.kind == Kind.ARTICLE.value, IS_FIRST, not_(IS_GONE)),
    Event.REVISED: and_(changes.c.kind == Kind.ARTICLE.value, IS_NEWEST, not_(IS_FIRST)),
    Event.RETAGGED: and_(changes.c.kind == Kind.RETAG.value, IS_NEWEST),
    Event.REMOVED: and_(changes.c.kind == Kind.TOMBSTONE.value, IS_NEWEST),
}
COLUMNS = (changes.c.position, changes.c.kind, changes.c.article_id, articles.c.revision, changes.c.at,
           articles.c.document, changes.c.reason)  # fmt: skip


class Feed:
    """Reads the change feed for receivers. Every method blocks; a database that is away raises :class:`Retryable`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._search = SEARCHES[engine.dialect.name]

    def after(self, position: int, filters: Filters, events: Sequence[Event], most: int = MOST) -> Pending:
        """Up to ``most`` changes that follow, and how far the feed was looked through for them.

        Tombstones are told whatever the filters are: what is gone has nothing left that they could hold for.
        """
        with retryable(), self._engine.connect() as connection:
            feed, newest = _settled(connection, position)
            edge = min(newest, position + WINDOW)
            if edge <= position:
                return Pending(feed, (), position)
            statement = self._told(filters, events).where(changes.c.position > position, changes.c.position <= edge)
            found = list(_page(connection, statement.order_by(changes.c.position).limit(most + 1), most))
        if len(found) > most or (found and found[-1] is None):
            told = [each for each in found[:most] if each is not None]
            return Pending(feed, tuple(told), told[-1][1].position)
        return Pending(feed, tuple(each for each in found if each is not None), edge)

    def name(self) -> str:
        """The name of the feed."""
        with retryable(), self._engine.connect() as connection:
            found: str = connection.execute(select(positions.c.feed)).scalar_one()
        return found

    def at(self, position: int) -> tuple[Event, FeedChange] | None:
        """The change that had this position, with its article as it was then; ``None`` when that is not kept."""
        event = case(
            (changes.c.kind == Kind.TOMBSTONE.value, literal(Event.REMOVED.value)),
            (changes.c.kind == Kind.RETAG.value, literal(Event.RETAGGED.value)),
            (IS_FIRST, literal(Event.PUBLISHED.value)),
            else_=literal(Event.REVISED.value),
        ).label("event")
        now = select(articles.c.position, articles.c.document).where(articles.c.position == position)
        then = select(article_revisions.c.position, article_revisions.c.document).where(
            article_revisions.c.position == position
        )
        kept = union_all(now, then).subquery()
        statement = (
            select(changes.c.position, changes.c.kind, changes.c.article_id, changes.c.revision, changes.c.at,
                   kept.c.document, changes.c.reason, event)
            .outerjoin(kept, kept.c.position == changes.c.position)
            .where(changes.c.position == position)
        )  # fmt: skip
        with retryable(), self._engine.connect() as connection:
            row = connection.execute(statement).first()
        if row is None or (row.document is None and row.kind != Kind.TOMBSTONE.value):
            return None
        return Event(row.event), _change(row)

    def _told(self, filters: Filters, events: Sequence[Event]) -> Select[Any]:
        event = case(*((TELLS[each], literal(each.value)) for each in events)).label("event")
        return (
            select(*COLUMNS, event)
            .join(articles, articles.c.article_id == changes.c.article_id)
            .where(or_(*(TELLS[each] for each in events)))
            .where(or_(IS_GONE, and_(*holding(filters, self._search))))
        )


def _settled(connection: Connection, position: int) -> tuple[str, int]:
    """The feed, and up to where filters find everything in it: what older programs wrote is seen to first.

    That is looked for by the index of such rows, in its own order: by positions it would be all articles.
    """
    feed, newest = connection.execute(select(positions.c.feed, positions.c.newest)).one()
    unseen = select(articles.c.position).where(STALE).order_by(articles.c.row_id).limit(UNSEEN)
    found = connection.scalars(unseen).all()
    if len(found) == UNSEEN:
        return feed, position
    return feed, min([newest, *(each - 1 for each in found if each > position)])


def _page(connection: Connection, statement: Select[Any], most: int) -> Iterator[tuple[Event, FeedChange] | None]:
    """The rows, and ``None`` where it ends before its time because of its size."""
    size = 0
    result = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(statement)
    for number, row in enumerate(result):
        size += len(row.document or "")
        if number and size > BYTES and number < most:
            result.close()
            yield None
            return
        yield Event(row.event), _change(row)


def _change(row: Any) -> FeedChange:
    reason = None if row.document is not None else Reason(row.reason or Reason.DELETED)
    return FeedChange(row.position, Kind(row.kind), row.article_id, row.revision, row.at, row.document, reason)
