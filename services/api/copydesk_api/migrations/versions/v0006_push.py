"""Those who are pushed to: webhooks and subscriptions of the WebSub hub, with the log of what was delivered to them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "receivers",
        sa.Column("receiver_id", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("events", sa.Text, nullable=False),
        sa.Column("filters", sa.Text, nullable=False),
        sa.Column("topic", sa.Text),
        sa.Column("secret", sa.Text),
        sa.Column("former_secret", sa.Text),
        sa.Column("former_until", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("why", sa.Text),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("feed", sa.String, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failing_since", sa.BigInteger),
        sa.Column("last_error", sa.Text),
        sa.Column("last_success_at", sa.BigInteger),
        sa.Column("next_at", sa.BigInteger),
        sa.Column("delivered", sa.BigInteger, nullable=False),
        sa.Column("lease_owner", sa.String),
        sa.Column("lease_until", sa.BigInteger),
    )
    op.create_index("receivers_by_host", "receivers", ["kind", "host"])
    _deliveries()
    _hub_requests()


def downgrade() -> None:
    """Take them away; webhooks, subscriptions and the log are lost."""
    for name in ("hub_requests", "deliveries", "receivers"):
        op.drop_table(name)


def _deliveries() -> None:
    receiver = sa.ForeignKey("receivers.receiver_id", ondelete="CASCADE")
    op.create_table(
        "deliveries",
        sa.Column("receiver_id", sa.String, receiver, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("cause", sa.String, nullable=False),
        sa.Column("event_id", sa.String, nullable=False),
        sa.Column("event", sa.String, nullable=False),
        sa.Column("article_id", sa.String),
        sa.Column("feed", sa.String, nullable=False),
        sa.Column("position", sa.BigInteger),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("milliseconds", sa.BigInteger, nullable=False),
        sa.Column("detail", sa.Text),
    )
    op.create_index("deliveries_by_time", "deliveries", ["at"])


def _hub_requests() -> None:
    op.create_table(
        "hub_requests",
        sa.Column("request_id", sa.String, primary_key=True),
        sa.Column("mode", sa.String, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("callback", sa.Text, nullable=False),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("secret", sa.Text),
        sa.Column("lease_seconds", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("lease_owner", sa.String),
        sa.Column("lease_until", sa.BigInteger),
    )
    op.create_index("hub_requests_by_time", "hub_requests", ["at"])
