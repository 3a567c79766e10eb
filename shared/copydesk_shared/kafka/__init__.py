"""The log as Kafka gives it. The only package that imports aiokafka.

Never auto-commits; the producer is idempotent with acks from all; whatever goes wrong with the brokers becomes
:class:`LogError`, so that the runner has one thing to react to: give the session up and start another.
"""

from copydesk_shared.kafka.admin import (
    Applied,
    Seen,
    apply_topics,
    count_offsets,
    ensure_topics,
    see_topics,
)
from copydesk_shared.kafka.reading import read_partitions
from copydesk_shared.kafka.session import connect

__all__ = [
    "Applied",
    "Seen",
    "apply_topics",
    "connect",
    "count_offsets",
    "ensure_topics",
    "read_partitions",
    "see_topics",
]
