"""The store: writes batches of classified articles, answers the queries of the feed.

Every method blocks and may be called from any thread. A database that is away, locked or full raises
:class:`Retryable`; a batch is then not written at all and can be written again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Select,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import DBAPIError

from copydesk_api import schema
from copydesk_api.cursors import PageKey
from copydesk_api.database import EXCLUSIVE, check_folder, database_url, describe, first_line, make_engine, retryable
from copydesk_api.filters import Filters, conditions
from copydesk_api.planning import Change, Kind, Known, Plan, fingerprint, plan
from copydesk_api.schema import article_tags, articles, changes, positions, source_offsets
from copydesk_api.search import SEARCHES
from copydesk_shared.errors import SettingsError
from copydesk_shared.messages import ClassifiedArticle
from copydesk_shared.topics import CLASSIFIED

GROUP = "api"
PAGE_BYTES = 8 * 1024 * 1024  # documents may be megabytes each; a page ends early rather than fill the memory
ROWS_AT_ONCE = 25
MAX_INDEXED_VALUE = 500

Batch = Sequence[tuple[str, ClassifiedArticle | None]]


@dataclass(frozen=True)
class Page:
    """Documents as they are stored (JSON text), and the key of the last one when there are more."""

    documents: tuple[str, ...]
    next: PageKey | None


@dataclass(frozen=True)
class FeedChange:
    """A change as pollers see it; ``document`` is JSON text, ``None`` for a tombstone."""

    position: int
    kind: Kind
    article_id: str
    revision: int
    at: datetime
    document: str | None


@dataclass(frozen=True)
class Stored:
    """What is known of an id: a document, or ``None`` when the article is gone."""

    document: str | None


@dataclass(frozen=True)
class TagCount:
    """A tag and how many articles have it now."""

    tag: str
    label: str
    count: int


def _storable(value: str) -> str:
    """PostgreSQL's text holds no NUL."""
    return value.replace("\x00", "")


def _indexable(value: str) -> str:
    """An entry of an index of PostgreSQL has room for 2,704 bytes."""
    return _storable(value)[:MAX_INDEXED_VALUE]


class Store:
    """Articles, changes and source offsets in one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._search = SEARCHES[engine.dialect.name]

    @classmethod
    def open(cls, url: str) -> Self:
        """Connect and create what is missing. Raises :class:`SettingsError`, in one line and without the password."""
        parsed = database_url(url)
        check_folder(parsed)
        engine = make_engine(parsed)
        store = cls(engine)
        try:
            with store._exclusive() as connection:
                schema.create(connection)
        except DBAPIError as error:
            engine.dispose()
            raise SettingsError(f"the database {describe(parsed)} cannot be used: {first_line(error)}") from None
        except SettingsError:
            engine.dispose()
            raise
        return store

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _exclusive(self) -> Iterator[Connection]:
        """A transaction that writes; on SQLite it is the only one from its start."""
        with self._engine.connect().execution_options(**{EXCLUSIVE: True}) as connection, connection.begin():
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with retryable(), self._engine.connect() as connection:
            yield connection

    # Writing

    def positions(self, partitions: Iterable[int]) -> Mapping[int, int]:
        """The next offset to read of those partitions that have one."""
        with self._reading() as connection:
            return _offsets(connection, partitions)

    def write(self, batch: Batch, next_offsets: Mapping[int, int]) -> None:
        """Write the batch and the offsets in one transaction; ``None`` is a tombstone.

        What is already there is ignored, so a batch may come again. One that ends at the very offsets that are stored
        is the last one once more, after an answer of the database that got lost: its tombstones, which have no
        revision to go by, must not remove what came after them.

        The row of positions is locked first: whoever writes next sees this batch, and pollers see positions in order.
        """
        batch = [(_indexable(article_id), article) for article_id, article in batch]
        with retryable(), self._exclusive() as connection:
            newest = connection.execute(select(positions.c.newest).with_for_update()).scalar_one()
            if next_offsets and _offsets(connection, next_offsets) == next_offsets:
                return
            known, row_ids = _known(connection, {article_id for article_id, _ in batch})
            planned = plan(known, batch)
            if planned.changes:
                self._apply(connection, planned, newest, row_ids)
            _note(connection, planned.noted)
            _save_offsets(connection, next_offsets)

    def _apply(self, connection: Connection, planned: Plan, newest: int, row_ids: Mapping[str, int]) -> None:
        now = datetime.now(UTC)
        placed = list(enumerate(planned.changes, newest + 1))
        last = {change.article_id: (position, change) for position, change in placed}
        connection.execute(insert(changes), [_change_row(position, change, now) for position, change in placed])
        connection.execute(update(positions).values(newest=placed[-1][0]))
        rows = [
            _article_row(row_ids.get(article_id, last[article_id][0]), *last[article_id], now, article)
            for article_id, article in planned.final.items()
        ]
        new = [row for row in rows if row["article_id"] not in row_ids]
        old = [row for row in rows if row["article_id"] in row_ids]
        if old:
            key = articles.c.row_id == bindparam("key")
            connection.execute(update(articles).where(key), [{**row, "key": row["row_id"]} for row in old])
        if new:
            connection.execute(insert(articles), new)
        self._apply_details(connection, [row["row_id"] for row in old], rows, planned.final)

    def _apply_details(
        self,
        connection: Connection,
        stale: Sequence[int],
        rows: Sequence[Mapping[str, Any]],
        final: Mapping[str, ClassifiedArticle | None],
    ) -> None:
        present = [(row["row_id"], article) for row in rows if (article := final[row["article_id"]]) is not None]
        if stale:
            connection.execute(delete(article_tags).where(article_tags.c.row_id.in_(stale)))
        if tags := [tag for row_id, article in present for tag in _tag_rows(row_id, article)]:
            connection.execute(insert(article_tags), tags)
        self._search.replace(connection, stale, [_search_row(row_id, article) for row_id, article in present])

    # Reading

    def feed(self) -> str:
        """The name of this change feed: it is another one when the database was built anew."""
        with self._reading() as connection:
            return str(connection.execute(select(positions.c.feed)).scalar_one())

    def articles(self, filters: Filters, after: PageKey | None, limit: int) -> Page:
        """Up to ``limit`` articles, newest first, that come after the key."""
        statement = (
            select(articles.c.document, articles.c.sort_at, articles.c.row_id)
            .where(articles.c.document.is_not(None), *conditions(filters, self._search))
            .order_by(articles.c.sort_at.desc(), articles.c.row_id.desc())
            .limit(limit + 1)
        )
        if after is not None:
            # In a tuple the types of the columns do not reach the values.
            last = tuple_(literal(after.sort_at, schema.Moment), literal(after.row_id, BigInteger))
            statement = statement.where(tuple_(articles.c.sort_at, articles.c.row_id) < last)
        rows, more = self._fill(statement, limit)
        key_of_last = PageKey(rows[-1].sort_at, rows[-1].row_id) if more else None
        return Page(tuple(row.document for row in rows), key_of_last)

    def article(self, article_id: str) -> Stored | None:
        """What is known of the id; ``None`` when it was never there."""
        statement = select(articles.c.document).where(articles.c.article_id == _indexable(article_id))
        with self._reading() as connection:
            row = connection.execute(statement).one_or_none()
        return None if row is None else Stored(row.document)

    def changes(self, after: int, limit: int) -> tuple[FeedChange, ...]:
        """Up to ``limit`` changes with a higher position, oldest first.

        The feed is compacted: of an article that changed again only the last change is left, at its new position, so
        whoever follows the positions ends up with the newest of everything and gets nothing twice.
        """
        columns = (changes.c.position, changes.c.kind, changes.c.article_id, changes.c.revision, changes.c.at)
        statement = (
            select(*columns, articles.c.document)
            .join(articles, articles.c.position == changes.c.position)
            .where(articles.c.position > after)
            .order_by(articles.c.position)
            .limit(limit)
        )
        rows, _ = self._fill(statement, limit)
        return tuple(
            FeedChange(row.position, Kind(row.kind), row.article_id, row.revision, row.at, row.document) for row in rows
        )

    def tags(self) -> tuple[TagCount, ...]:
        """All tags that articles have now, the most frequent first."""
        count = func.count().label("count")
        statement = (
            select(article_tags.c.tag, func.max(article_tags.c.label).label("label"), count)
            .group_by(article_tags.c.tag)
            .order_by(count.desc(), article_tags.c.tag)
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


def _known(connection: Connection, ids: Iterable[str]) -> tuple[dict[str, Known], dict[str, int]]:
    columns = (articles.c.article_id, articles.c.row_id, articles.c.revision, articles.c.fingerprint)
    gone = articles.c.document.is_(None).label("gone")
    rows = connection.execute(select(*columns, gone).where(articles.c.article_id.in_(list(ids)))).all()
    known = {row.article_id: Known(row.revision, row.fingerprint, bool(row.gone)) for row in rows}
    return known, {row.article_id: row.row_id for row in rows}


def _note(connection: Connection, noted: Mapping[str, int]) -> None:
    # The document stays as pollers have seen it: nothing in it that matters has changed.
    if noted:
        statement = update(articles).where(articles.c.article_id == bindparam("key"))
        parameters = [{"key": article_id, "revision": revision} for article_id, revision in noted.items()]
        connection.execute(statement, parameters)


def _offsets(connection: Connection, partitions: Iterable[int]) -> dict[int, int]:
    statement = select(source_offsets.c.partition, source_offsets.c.next_offset).where(
        source_offsets.c.consumer_group == GROUP,
        source_offsets.c.topic == CLASSIFIED.name,
        source_offsets.c.partition.in_(list(partitions)),
    )
    return {row.partition: row.next_offset for row in connection.execute(statement)}


def _save_offsets(connection: Connection, next_offsets: Mapping[int, int]) -> None:
    """Offsets may go back: a topic that was made anew starts at 0, and what comes twice is ignored."""
    if not next_offsets:
        return
    ours = (source_offsets.c.consumer_group == GROUP, source_offsets.c.topic == CLASSIFIED.name)
    connection.execute(delete(source_offsets).where(*ours, source_offsets.c.partition.in_(list(next_offsets))))
    connection.execute(
        insert(source_offsets),
        [
            {"consumer_group": GROUP, "topic": CLASSIFIED.name, "partition": partition, "next_offset": offset}
            for partition, offset in next_offsets.items()
        ],
    )


def _change_row(position: int, change: Change, at: datetime) -> dict[str, Any]:
    return {"position": position, "article_id": change.article_id, "revision": change.revision,
            "kind": change.kind.value, "at": at}  # fmt: skip


def _article_row(
    row_id: int, position: int, change: Change, at: datetime, article: ClassifiedArticle | None
) -> dict[str, Any]:
    row = {"row_id": row_id, "article_id": change.article_id, "revision": change.revision, "position": position,
           "indexed_at": at}  # fmt: skip
    if article is None:
        nothing = dict.fromkeys(("published_at", "fetched_at", "source", "domain", "language", "document"))
        return {**row, **nothing, "content_hash": "", "fingerprint": "", "sort_at": at}
    return {
        **row,
        "content_hash": _storable(article.content_hash),
        "fingerprint": fingerprint(article),
        "sort_at": article.published_at or article.fetched_at,
        "published_at": article.published_at,
        "fetched_at": article.fetched_at,
        "source": _storable(article.source.name).casefold(),
        "domain": _indexable(article.source.domain).lower(),
        "language": _storable(article.language).lower() if article.language else None,
        "document": article.model_dump_json(),
    }


def _tag_rows(row_id: int, article: ClassifiedArticle) -> list[dict[str, Any]]:
    labels = {_indexable(tag.tag): _storable(tag.label) for tag in article.tags}
    return [{"row_id": row_id, "tag": tag, "label": label} for tag, label in labels.items()]


def _search_row(row_id: int, article: ClassifiedArticle) -> dict[str, Any]:
    return {"row_id": row_id, "title": _storable(article.title), "body": _storable(article.text)}
