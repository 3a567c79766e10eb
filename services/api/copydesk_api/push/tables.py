"""The tables of those who are pushed to; the migrations make them, and a rebuild leaves them as they are."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from copydesk_api.schema import Moment, metadata

# Webhooks, and the subscriptions of the WebSub hub.
receivers = Table(
    "receivers",
    metadata,
    Column("receiver_id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("url", Text, nullable=False),
    Column("host", String, nullable=False),
    Column("description", Text, nullable=False),
    Column("events", Text, nullable=False),  # JSON
    Column("filters", Text, nullable=False),  # JSON
    Column("topic", Text),  # of WebSub: the URL of the feed
    Column("secret", Text),
    Column("former_secret", Text),
    Column("former_until", Moment),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("state", String, nullable=False),
    Column("why", Text),  # it is disabled
    # Where it stands in the change feed as it is now, and the name of the feed that it was last told.
    Column("position", BigInteger, nullable=False),
    Column("feed", String, nullable=False),
    Column("failures", Integer, nullable=False),  # in a row
    Column("failing_since", Moment),
    Column("last_error", Text),
    Column("last_success_at", Moment),
    Column("next_at", Moment),  # not to be asked before
    Column("delivered", BigInteger, nullable=False),  # attempts so far, which are numbered
    # Which replica delivers to it, and until when nobody else may.
    Column("lease_owner", String),
    Column("lease_until", Moment),
    Index("receivers_by_host", "kind", "host"),
)

# One row for each attempt; a bounded number of them is kept.
deliveries = Table(
    "deliveries",
    metadata,
    Column("receiver_id", String, ForeignKey("receivers.receiver_id", ondelete="CASCADE"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("cause", String, nullable=False),
    Column("event_id", String, nullable=False),
    Column("event", String, nullable=False),
    Column("article_id", String),
    Column("feed", String, nullable=False),
    Column("position", BigInteger),
    Column("attempt", Integer, nullable=False),
    Column("outcome", String, nullable=False),
    Column("status", Integer),
    Column("milliseconds", BigInteger, nullable=False),
    Column("detail", Text),
    Index("deliveries_by_time", "at"),
)

# What was asked of the WebSub hub, until the subscriber has confirmed it.
hub_requests = Table(
    "hub_requests",
    metadata,
    Column("request_id", String, primary_key=True),
    Column("mode", String, nullable=False),
    Column("topic", Text, nullable=False),
    Column("callback", Text, nullable=False),
    Column("host", String, nullable=False),
    Column("secret", Text),
    Column("lease_seconds", BigInteger, nullable=False),
    Column("at", Moment, nullable=False),
    Column("lease_owner", String),
    Column("lease_until", Moment),
    Index("hub_requests_by_time", "at"),
)
