"""Articles that are handed in: the last of each, and the keys that clients give their requests."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "submissions",
        sa.Column("article_id", sa.String, primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("is_stored", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_submissions_at", "submissions", ["at"])
    op.create_table(
        "submission_keys",
        sa.Column("caller", sa.String, primary_key=True),
        sa.Column("key_hash", sa.String, primary_key=True),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_submission_keys_at", "submission_keys", ["at"])


def downgrade() -> None:
    """Take them away; what is handed in again is a new revision."""
    for name in ("submission_keys", "submissions"):
        op.drop_table(name)
