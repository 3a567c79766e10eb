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
from copydesk_shared.kafka.groups import MembersError, Rewind, rewind_group
from copydesk_shared.kafka.places import partition_of
from copydesk_shared.kafka.reading import KafkaTables, read_partitions
from copydesk_shared.kafka.session import connect, follow

__all__ = [
    "Applied",
    "KafkaTables",
    "MembersError",
    "Rewind",
    "Seen",
    "apply_topics",
    "connect",
    "count_offsets",
    "ensure_topics",
    "follow",
    "partition_of",
    "read_partitions",
    "rewind_group",
    "see_topics",
]
