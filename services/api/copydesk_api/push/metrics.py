"""What is counted of pushing. No URLs: there may be many."""

from prometheus_client import Counter, Gauge

DELIVERIES = Counter(
    "copydesk_push_deliveries_total", "Requests to receivers, by what came of them.", ["kind", "outcome"]
)
RECEIVERS = Gauge("copydesk_push_receivers", "Webhooks and subscriptions, by how they are.", ["kind", "state"])
LAG_SECONDS = Gauge(
    "copydesk_push_lag_seconds", "Age of the oldest change that a receiver which is not paused has not got.", ["kind"]
)
