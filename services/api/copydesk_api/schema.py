"""The tables, the same for SQLite and PostgreSQL, and their creation."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    func,
    insert,
    inspect,
    select,
    text,
)

from copydesk_api.search import SEARCHES
from copydesk_shared.errors import SettingsError

VERSION = 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# Any number will do; two programs that create the schema at once must use the same.
SCHEMA_LOCK = 4_846_213_907


class Moment(TypeDecorator[datetime]):
    """A time in UTC as microseconds since 1970: exact, sortable and the same in both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> int | None:
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: Any | None, _dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + timedelta(microseconds=value)


metadata = MetaData()

schema_version = Table("schema_version", metadata, Column("version", Integer, nullable=False))

# One row. Whoever writes locks it, so positions become visible in the order in which they are given.
positions = Table(
    "positions",
    metadata,
    Column("newest", BigInteger, nullable=False),
    # Names this feed; positions of a database that was built anew mean something else.
    Column("feed", String, nullable=False),
)

# A row without a document is what is left of an article that is gone: its id and revision, so that an old message
# that comes again does not bring it back.
articles = Table(
    "articles",
    metadata,
    Column("row_id", BigInteger, primary_key=True, autoincrement=False),
    Column("article_id", String, nullable=False, unique=True),
    Column("revision", BigInteger, nullable=False),
    Column("content_hash", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("position", BigInteger, nullable=False, unique=True),
    Column("sort_at", Moment, nullable=False),
    Column("published_at", Moment),
    Column("fetched_at", Moment),
    Column("indexed_at", Moment, nullable=False),
    Column("source", String),
    Column("domain", String),
    Column("language", String),
    Column("document", Text),
    Index("articles_by_time", "sort_at", "row_id"),
    Index("articles_by_domain", "domain", "sort_at", "row_id"),
)

article_tags = Table(
    "article_tags",
    metadata,
    Column("row_id", BigInteger, ForeignKey("articles.row_id", ondelete="CASCADE"), primary_key=True),
    Column("tag", String, primary_key=True),
    Column("label", String, nullable=False),
    Index("article_tags_by_tag", "tag", "row_id"),
)

changes = Table(
    "changes",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("article_id", String, nullable=False, index=True),
    Column("revision", BigInteger, nullable=False),
    Column("kind", String, nullable=False),
    Column("at", Moment, nullable=False),
)

source_offsets = Table(
    "source_offsets",
    metadata,
    Column("consumer_group", String, primary_key=True),
    Column("topic", String, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("next_offset", BigInteger, nullable=False),
)


def create(connection: Connection) -> None:
    """Create what is missing. The transaction must be exclusive on SQLite; on PostgreSQL a lock is taken here.

    Raises :class:`SettingsError` when the tables were made by a newer version of the program.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(SCHEMA_LOCK)))
    if inspect(connection).has_table(schema_version.name):
        _check_version(connection)
        return
    metadata.create_all(connection)
    for statement in SEARCHES[connection.dialect.name].ddl:
        connection.execute(text(statement))
    connection.execute(insert(schema_version).values(version=VERSION))
    connection.execute(insert(positions).values(newest=0, feed=secrets.token_hex(4)))


def _check_version(connection: Connection) -> None:
    found = connection.execute(select(func.max(schema_version.c.version))).scalar()
    if found != VERSION:
        raise SettingsError(f"the database has schema version {found}, this program works with {VERSION}")
