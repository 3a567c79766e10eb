"""The store: writes batches of classified articles, answers the queries of the feed.

Every method blocks and may be called from any thread. A database that is away, locked or full raises
:class:`Retryable`; a batch is then not written at all and can be written again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Self

from sqlalchemy import Connection, Engine, Select, select, union_all
from sqlalchemy.exc import DBAPIError

from copydesk_api import migrating
from copydesk_api.cursors import PageKey
from copydesk_api.database import EXCLUSIVE, check_folder, database_url, describe, first_line, make_engine, retryable
from copydesk_api.derived import Derived
from copydesk_api.filters import Filters
from copydesk_api.listing import listing
from copydesk_api.lookout import STANDING, Lookout
from copydesk_api.migrating import Schema
from copydesk_api.planning import Kind, Reason
from copydesk_api.records import FeedChange, History, Page, Revision, Standing, Stored, TagCount
from copydesk_api.rows import indexable
from copydesk_api.schema import article_revisions, articles, changes, positions, tag_counts
from copydesk_api.search import SEARCHES
from copydesk_api.writing import GROUP, Batch, Keep, Writer, offsets
from copydesk_shared.errors import SettingsError
from copydesk_shared.sink import Delivered

__all__ = [
    "GROUP",
    "Batch",
    "FeedChange",
    "History",
    "Keep",
    "Page",
    "Revision",
    "Standing",
    "Store",
    "Stored",
    "TagCount",
]

PAGE_BYTES = 8 * 1024 * 1024  # documents may be megabytes each; a page ends early rather than fill the memory
ROWS_AT_ONCE = 25
FOR_GOOD = Keep()


class Store:
    """Articles, changes and source offsets in one database."""

    def __init__(self, engine: Engine, keep: Keep = FOR_GOOD) -> None:
        self._engine = engine
        self._search = SEARCHES[engine.dialect.name]
        self._keep = keep
        self._lookout = Lookout(engine)

    @classmethod
    def open(cls, url: str, keep: Keep = FOR_GOOD, *, migrate: bool = True) -> Self:
        """Connect; migrate the schema unless somebody else does (``schema`` tells when it is done).

        Raises :class:`SettingsError`, in one line and without the password.
        """
        parsed = database_url(url)
        check_folder(parsed)
        engine = make_engine(parsed)
        store = cls(engine, keep)
        with ExitStack() as undo:
            undo.callback(engine.dispose)
            try:
                if migrate:
                    store.migrate()
                else:
                    engine.connect().close()
            except DBAPIError as error:
                raise SettingsError(f"the database {describe(parsed)} cannot be used: {first_line(error)}") from None
            undo.pop_all()
        return store

    def close(self) -> None:
        """Close all connections."""
        self._lookout.close()
        self._engine.dispose()

    @property
    def engine(self) -> Engine:
        """What connects to the database; for those who look after it as a whole."""
        return self._engine

    def migrate(self) -> bool:
        """Run the migrations that are missing; whether there were any. Raises :class:`SettingsError`."""
        try:
            with self._exclusive() as connection:
                return migrating.migrate(connection)
        except DBAPIError as error:
            place = describe(self._engine.url)
            raise SettingsError(f"the database {place} cannot be used: {first_line(error)}") from None

    def schema(self) -> Schema:
        """What the tables are to this program. Raises :class:`SettingsError` when only a newer one can use them."""
        with self._reading() as connection:
            return migrating.examine(connection)

    @contextmanager
    def _exclusive(self) -> Iterator[Connection]:
        """A transaction that writes; on SQLite it is the only one from its start."""
        with self._engine.connect().execution_options(**{EXCLUSIVE: True}) as connection, connection.begin():
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Writer]:
        with retryable(), self._exclusive() as connection:
            yield Writer(connection, self._search, self._keep)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with retryable(), self._engine.connect() as connection:
            yield connection

    # Writing

    def positions(self, partitions: Iterable[int] | None = None) -> Mapping[int, int]:
        """The next offset to read of those partitions (all of them, when none are named) that have one."""
        with self._reading() as connection:
            return offsets(connection, partitions)

    def write(self, batch: Batch, next_offsets: Mapping[int, int]) -> None:
        """Write the batch and the offsets in one transaction; ``None`` is a tombstone.

        What is already there is ignored, so a batch may come again. One that ends at the very offsets that are stored
        is the last one once more, after an answer of the database that got lost: its tombstones, which have no
        revision to go by, must not remove what came after them.
        """
        deliveries = (Delivered(*each) for each in batch)
        batch = [each._replace(key=indexable(each.key)) for each in deliveries]
        with self._writing() as writer:
            writer.write(batch, next_offsets)

    def expire(self, most: int) -> int:
        """Remove up to so many articles that are older than is kept, in one transaction; says how many there were.

        Pollers get a tombstone of each, and its row stays: an old message does not bring the article back.
        """
        since = self._keep.since()
        if since is None:
            return 0
        with self._writing() as writer:
            return writer.expire(since, most)

    def catch_up(self, most: int) -> int:
        """See to up to so many articles that a program of the release before has written; says how many there were.

        Until then they are in lists and in the change feed, but not found by all filters.
        """
        with self._reading() as connection:
            if not Derived(connection, self._search).is_behind():
                return 0
        with self._writing() as writer:
            return writer.catch_up(most)

    # Reading

    def feed(self) -> str:
        """The name of this change feed: it is another one when the database was built anew."""
        return self.standing().feed

    def standing(self) -> Standing:
        """Where the change feed stands, without a look at the articles."""
        seen = self._lookout.look()
        if seen is not None:
            return seen
        with self._reading() as connection:
            position, at, feed = connection.execute(STANDING).one()
            return Standing(feed, position, at)

    def glance(self) -> Standing | None:
        """The same without waiting, where that can be: on the event loop."""
        return self._lookout.glance()

    def articles(self, filters: Filters, after: PageKey | None, limit: int) -> Page:
        """Up to ``limit`` articles that come after the key, in the order of the filters."""
        rarest = self._rarest(filters.tags) if filters.tag_mode == "all" else None
        is_common = bool(filters.terms) and filters.order != "relevance" and self._is_common(filters.terms)
        page = listing(filters, self._search, after, limit + 1, rarest=rarest, is_common=is_common)
        rows, more = self._fill(page, limit)
        last = rows[-1] if more else None
        key_of_last = last and PageKey(last.sort_at, last.row_id, last.rank if filters.order == "relevance" else None)
        return Page(tuple(row.document for row in rows), key_of_last)

    def _is_common(self, terms: Sequence[str]) -> bool:
        with self._reading() as connection:
            newest = connection.execute(select(positions.c.newest)).scalar_one()
            return self._search.is_common(connection, terms, newest)

    def _rarest(self, tags: Sequence[str]) -> str | None:
        """The tag that the fewest articles have; ``None`` where one of them has none at all."""
        if len(tags) < 2:  # noqa: PLR2004 - nothing to choose from
            return tags[0] if tags else None
        counted = select(tag_counts.c.tag, tag_counts.c.count).where(tag_counts.c.tag.in_(tags))
        with self._reading() as connection:
            counts = {row.tag: row[1] for row in connection.execute(counted)}
        return min(tags, key=lambda tag: counts.get(tag, 0))

    def article(self, article_id: str) -> Stored | None:
        """What is known of the id; ``None`` when it was never there."""
        statement = (
            select(articles.c.document, changes.c.reason)
            .outerjoin(changes, changes.c.position == articles.c.position)
            .where(articles.c.article_id == indexable(article_id))
        )
        with self._reading() as connection:
            row = connection.execute(statement).one_or_none()
        return None if row is None else Stored(row.document, _reason(row.document, row.reason))

    def revisions(self, article_id: str, limit: int, before: int | None = None) -> History:
        """What an article is and was, the newest first, from below a position on; nothing of one that is gone."""
        now = (
            select(articles.c.position, changes.c.revision, changes.c.at, articles.c.document)
            .join(changes, changes.c.position == articles.c.position)
            .where(articles.c.article_id == indexable(article_id), articles.c.document.is_not(None))
        )
        earlier = select(*(article_revisions.c[name] for name in ("position", "revision", "at", "document"))).where(
            article_revisions.c.article_id == indexable(article_id)
        )
        both = union_all(now, earlier).subquery()
        statement = select(both).order_by(both.c.position.desc()).limit(limit + 1)
        if before is not None:
            statement = statement.where(both.c.position < before)
        rows, more = self._fill(statement, limit)
        found = tuple(Revision(row.position, row.revision, row.at, row.document) for row in rows)
        return History(found, found[-1].position if more else None)

    def has_history(self, article_id: str) -> bool:
        """Whether earlier revisions of the article are kept."""
        earlier = select(article_revisions.c.position).where(article_revisions.c.article_id == indexable(article_id))
        with self._reading() as connection:
            return connection.execute(earlier.limit(1)).first() is not None

    def changes(self, after: int, limit: int) -> tuple[FeedChange, ...]:
        """Up to ``limit`` changes with a higher position, oldest first.

        The feed is compacted: of an article that changed again only the last change is left, at its new position, so
        whoever follows the positions ends up with the newest of everything and gets nothing twice.
        """
        columns = (changes.c.position, changes.c.kind, changes.c.article_id, changes.c.revision, changes.c.at)
        statement = (
            select(*columns, articles.c.document, changes.c.reason)
            .join(articles, articles.c.position == changes.c.position)
            .where(articles.c.position > after)
            .order_by(articles.c.position)
            .limit(limit)
        )
        rows, _ = self._fill(statement, limit)
        return tuple(
            FeedChange(row.position, Kind(row.kind), row.article_id, row.revision, row.at, row.document,
                       _reason(row.document, row.reason))
            for row in rows
        )  # fmt: skip

    def tags(self) -> tuple[TagCount, ...]:
        """All tags that articles have now, the most frequent first. The counts are kept, not counted."""
        statement = (
            select(tag_counts).where(tag_counts.c.count > 0).order_by(tag_counts.c.count.desc(), tag_counts.c.tag)
        )
        with self._reading() as connection:
            return tuple(TagCount(row.tag, row.label, row[2]) for row in connection.execute(statement))

    def _fill(self, statement: Select[Any], limit: int) -> tuple[list[Any], bool]:
        """The rows of a page, and whether there are more. A page has one row at least and ends at its size in bytes."""
        rows: list[Any] = []
        size = 0
        with self._reading() as connection:
            result = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(statement)
            for row in result:
                size += len(row.document or "")
                if len(rows) == limit or (rows and size > PAGE_BYTES):
                    result.close()
                    return rows, True
                rows.append(row)
        return rows, False


def _reason(document: str | None, reason: str | None) -> Reason | None:
    """Why it is gone; tombstones of the first release do not say, and there was one reason only."""
    return None if document is not None else Reason(reason or Reason.DELETED)
