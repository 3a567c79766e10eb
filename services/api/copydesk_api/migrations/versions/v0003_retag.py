"""Which version of the classifier tagged an article, and when: of two messages with one revision the later counts."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add both; they are empty for articles of before."""
    op.add_column("articles", sa.Column("tagged_at", sa.BigInteger))
    op.add_column("articles", sa.Column("classifier_version", sa.String))


def downgrade() -> None:
    """Take them away."""
    op.drop_column("articles", "classifier_version")
    op.drop_column("articles", "tagged_at")
