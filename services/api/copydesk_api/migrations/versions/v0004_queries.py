"""What lists are narrowed by, in an order in which no page has to look at more than it shows; counts of tags; stories.

What follows from a document is made anew by the program, a batch at a time (``derived_position`` says for which
change it was made last), so the rows that programs of the release before write meanwhile are seen to as well. On
PostgreSQL their search goes on to work; on SQLite the words are kept in another way, and there is one program only.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

STALE = sa.text("derived_position IS NULL OR derived_position <> position")
COLUMNS = (
    ("primary_language", sa.String),
    ("access", sa.String),
    ("simhash", sa.String),
    ("follows", sa.BigInteger),
    ("derived_position", sa.BigInteger),
)
LONGEST = 500
PENDING_KB = 256
FIRST_TOKENIZER = "unicode61 remove_diacritics 2"


def upgrade() -> None:
    """Add columns, indexes and tables, and fill what a statement can fill."""
    for name, kind in COLUMNS:
        op.add_column("articles", sa.Column(name, kind))
    op.add_column("article_tags", sa.Column("sort_at", sa.BigInteger))
    _tables()
    _fill()
    _indexes()
    if op.get_context().dialect.name == "sqlite":
        _words("ascii")
    else:
        # Words that are not in the index yet are looked through by every search.
        op.execute(f"ALTER INDEX article_search_words SET (gin_pending_list_limit = {PENDING_KB})")


def downgrade() -> None:
    """Take them away; the words on SQLite are made from the documents again."""
    if op.get_context().dialect.name == "sqlite":
        _words(FIRST_TOKENIZER)
        op.execute(
            "INSERT INTO article_search (rowid, title, body) SELECT row_id, json_extract(document, '$.title'), "
            "json_extract(document, '$.text') FROM articles WHERE document IS NOT NULL"
        )
    else:
        op.execute("ALTER INDEX article_search_words RESET (gin_pending_list_limit)")
    op.drop_table("article_bands")
    op.drop_table("tag_counts")
    op.drop_index("article_tags_by_time", "article_tags")
    op.drop_column("article_tags", "sort_at")
    for name in ("stale", "by_follows", "by_access", "by_language", "by_source"):
        op.drop_index(f"articles_{name}", "articles")
    for name, _ in reversed(COLUMNS):
        op.drop_column("articles", name)


def _tables() -> None:
    op.create_table(
        "tag_counts",
        sa.Column("tag", sa.String, primary_key=True),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "article_bands",
        sa.Column("band", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("row_id", sa.BigInteger, primary_key=True, autoincrement=False),
    )


def _fill() -> None:
    op.execute(f"UPDATE articles SET source = substr(source, 1, {LONGEST}) WHERE length(source) > {LONGEST}")  # noqa: S608 - a number
    op.execute(
        "UPDATE article_tags SET sort_at = (SELECT sort_at FROM articles WHERE articles.row_id = article_tags.row_id)"
    )
    op.execute("INSERT INTO tag_counts SELECT tag, max(label), count(*) FROM article_tags GROUP BY tag")


def _indexes() -> None:
    for name, column in (("source", "source"), ("language", "primary_language"), ("access", "access")):
        op.create_index(f"articles_by_{name}", "articles", [column, "sort_at", "row_id"])
    op.create_index("articles_by_follows", "articles", ["follows"])
    op.create_index("articles_stale", "articles", ["row_id"], sqlite_where=STALE, postgresql_where=STALE)
    op.create_index("article_bands_by_row", "article_bands", ["row_id"])
    op.create_index("article_tags_by_time", "article_tags", ["tag", "sort_at", "row_id"])


def _words(tokenizer: str) -> None:
    op.execute("DROP TABLE article_search")
    op.execute(f"CREATE VIRTUAL TABLE article_search USING fts5(title, body, tokenize = '{tokenizer}')")
