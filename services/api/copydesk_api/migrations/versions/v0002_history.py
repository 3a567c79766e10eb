"""Earlier revisions of each article, why an article is gone, and an index for those that grow old."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add them."""
    op.create_table(
        "article_revisions",
        sa.Column("article_id", sa.String, primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.add_column("changes", sa.Column("reason", sa.String))
    op.create_index("articles_by_fetch", "articles", ["fetched_at"])


def downgrade() -> None:
    """Take them away; the earlier revisions are lost."""
    op.drop_index("articles_by_fetch", "articles")
    op.drop_column("changes", "reason")
    op.drop_table("article_revisions")
