"""API keys, their secrets, and the sessions of browsers that were opened with them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("scope", sa.String, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("last_used_at", sa.BigInteger),
    )
    key = sa.ForeignKey("api_keys.key_id", ondelete="CASCADE")
    op.create_table(
        "api_key_secrets",
        sa.Column("prefix", sa.String, primary_key=True),
        sa.Column("key_id", sa.String, key, nullable=False),
        sa.Column("secret_hash", sa.String, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("valid_until", sa.BigInteger),
    )
    op.create_index("ix_api_key_secrets_key_id", "api_key_secrets", ["key_id"])
    op.create_table(
        "api_sessions",
        sa.Column("session_hash", sa.String, primary_key=True),
        sa.Column("prefix", sa.String, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Take them away; the keys are lost."""
    for name in ("api_sessions", "api_key_secrets", "api_keys"):
        op.drop_table(name)
