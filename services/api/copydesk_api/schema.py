"""The tables, the same for SQLite and PostgreSQL; :mod:`copydesk_api.migrations` makes them.

The words for search are not here: they are kept in another way on each database (:mod:`copydesk_api.search`).
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Moment(TypeDecorator[datetime]):
    """A time in UTC as microseconds since 1970: exact, sortable and the same in both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> int | None:
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: Any | None, _dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + timedelta(microseconds=value)


metadata = MetaData()
STALE = text("derived_position IS NULL OR derived_position <> position")

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
    Column("primary_language", String),
    Column("access", String),
    Column("simhash", String),
    # The row of the article that told the same story first; empty for those that lead, and for those that stand alone.
    Column("follows", BigInteger),
    # Of the change for which tags, words and stories were made last; another one than in "position" when a program of
    # the release before has written the row.
    Column("derived_position", BigInteger),
    # Of the document, as its message said: which of two with the same revision is the later.
    Column("tagged_at", Moment),
    Column("classifier_version", String),
    Index("articles_by_time", "sort_at", "row_id"),
    Index("articles_by_domain", "domain", "sort_at", "row_id"),
    Index("articles_by_fetch", "fetched_at"),
    Index("articles_by_source", "source", "sort_at", "row_id"),
    Index("articles_by_language", "primary_language", "sort_at", "row_id"),
    Index("articles_by_access", "access", "sort_at", "row_id"),
    Index("articles_by_follows", "follows"),
    Index("articles_stale", "row_id", sqlite_where=STALE, postgresql_where=STALE),
)

# What an article was before, by the position of the change that had brought it. A bounded number of each article.
article_revisions = Table(
    "article_revisions",
    metadata,
    Column("article_id", String, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
    Column("at", Moment, nullable=False),
    Column("document", Text, nullable=False),
)

article_tags = Table(
    "article_tags",
    metadata,
    Column("row_id", BigInteger, ForeignKey("articles.row_id", ondelete="CASCADE"), primary_key=True),
    Column("tag", String, primary_key=True),
    Column("label", String, nullable=False),
    Column("sort_at", Moment),
    Index("article_tags_by_tag", "tag", "row_id"),
    Index("article_tags_by_time", "tag", "sort_at", "row_id"),
)

tag_counts = Table(
    "tag_counts",
    metadata,
    Column("tag", String, primary_key=True),
    Column("label", String, nullable=False),
    Column("count", BigInteger, nullable=False),
)

# Pieces of the similarity hashes: articles that are nearly the same share one.
article_bands = Table(
    "article_bands",
    metadata,
    Column("band", Integer, primary_key=True, autoincrement=False),
    Column("row_id", BigInteger, primary_key=True, autoincrement=False),
    Index("article_bands_by_row", "row_id"),
)

changes = Table(
    "changes",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("article_id", String, nullable=False, index=True),
    Column("revision", BigInteger, nullable=False),
    Column("kind", String, nullable=False),
    Column("at", Moment, nullable=False),
    Column("reason", String),  # of a tombstone
)

source_offsets = Table(
    "source_offsets",
    metadata,
    Column("consumer_group", String, primary_key=True),
    Column("topic", String, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("next_offset", BigInteger, nullable=False),
)

# Those who may call. A key has one secret, and for a while two when it was rotated; of a secret SHA-256 is kept.
api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("scope", String, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("last_used_at", Moment),
)

api_key_secrets = Table(
    "api_key_secrets",
    metadata,
    Column("prefix", String, primary_key=True),
    Column("key_id", String, ForeignKey("api_keys.key_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("secret_hash", String, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("valid_until", Moment),
)

# Of browsers, by the secret that they were opened with; one whose secret is over is over.
api_sessions = Table(
    "api_sessions",
    metadata,
    Column("session_hash", String, primary_key=True),
    Column("prefix", String, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

# The last that was handed in of each article, and whether it has reached the topic.
submissions = Table(
    "submissions",
    metadata,
    Column("article_id", String, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("digest", String, nullable=False),
    Column("is_stored", Integer, nullable=False),
    Column("at", Moment, nullable=False, index=True),
)

# What clients called their requests, so that one that comes again is known.
submission_keys = Table(
    "submission_keys",
    metadata,
    Column("caller", String, primary_key=True),
    Column("key_hash", String, primary_key=True),
    Column("digest", String, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("at", Moment, nullable=False, index=True),
)

# What is made from the topic, in an order in which rows can be put in. Not the versions, nor what others keep here.
INDEX_TABLES: tuple[Table, ...] = (
    positions, articles, article_tags, tag_counts, article_bands, article_revisions, changes, source_offsets,
)  # fmt: skip
