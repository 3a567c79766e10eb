"""The tables of the first release: articles, their tags and words, the change feed, source offsets."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TABLES = ("source_offsets", "changes", "article_search", "article_tags", "articles", "positions", "schema_version")


def upgrade() -> None:
    """Create all of them."""
    _articles()
    _feed()
    if op.get_context().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE article_search USING fts5(title, body, tokenize = 'unicode61 remove_diacritics 2')"
        )
    else:
        _words_on_postgres()
    op.execute("INSERT INTO schema_version (version) VALUES (1)")
    feed = sa.table("positions", sa.column("newest"), sa.column("feed"))
    op.execute(feed.insert().values(newest=0, feed=secrets.token_hex(4)))


def downgrade() -> None:
    """Leave nothing."""
    for name in TABLES:
        op.drop_table(name)


def _articles() -> None:
    op.create_table(
        "articles",
        sa.Column("row_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("article_id", sa.String, nullable=False, unique=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("content_hash", sa.String, nullable=False),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False, unique=True),
        sa.Column("sort_at", sa.BigInteger, nullable=False),
        sa.Column("published_at", sa.BigInteger),
        sa.Column("fetched_at", sa.BigInteger),
        sa.Column("indexed_at", sa.BigInteger, nullable=False),
        sa.Column("source", sa.String),
        sa.Column("domain", sa.String),
        sa.Column("language", sa.String),
        sa.Column("document", sa.Text),
    )
    op.create_index("articles_by_time", "articles", ["sort_at", "row_id"])
    op.create_index("articles_by_domain", "articles", ["domain", "sort_at", "row_id"])
    row = sa.ForeignKey("articles.row_id", ondelete="CASCADE")
    op.create_table(
        "article_tags",
        sa.Column("row_id", sa.BigInteger, row, primary_key=True),
        sa.Column("tag", sa.String, primary_key=True),
        sa.Column("label", sa.String, nullable=False),
    )
    op.create_index("article_tags_by_tag", "article_tags", ["tag", "row_id"])


def _feed() -> None:
    op.create_table("schema_version", sa.Column("version", sa.Integer, nullable=False))
    op.create_table(
        "positions", sa.Column("newest", sa.BigInteger, nullable=False), sa.Column("feed", sa.String, nullable=False)
    )
    op.create_table(
        "changes",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("article_id", sa.String, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_changes_article_id", "changes", ["article_id"])
    op.create_table(
        "source_offsets",
        sa.Column("consumer_group", sa.String, primary_key=True),
        sa.Column("topic", sa.String, primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True),
        sa.Column("next_offset", sa.BigInteger, nullable=False),
    )


def _words_on_postgres() -> None:
    op.execute(
        """CREATE TABLE article_search
           (row_id bigint PRIMARY KEY REFERENCES articles ON DELETE CASCADE, words tsvector NOT NULL)"""
    )
    # Kept in the row as long as it fits: the planner takes no account of a column that is stored elsewhere and would
    # read the whole table instead of the index.
    op.execute("ALTER TABLE article_search ALTER COLUMN words SET STORAGE MAIN")
    op.execute("CREATE INDEX article_search_words ON article_search USING gin (words)")
