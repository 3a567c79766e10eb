"""The broker refuses the producer for good: it is renewed, and what was not stored is sent again.

The refusal is real: a batch with the producer's own id and its next epoch is written to the sink, as somebody would who
took the id over, and the broker then takes nothing of the old epoch there. A broker that has forgotten a producer takes
any sequence from it (KIP-360), so the recreation of a topic brings no refusal: see ``test_brokers_topics``.
"""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from copydesk_shared.topics import CLEANED
from tests.broker.client import WireClient
from tests.faults.broker_faults import metric, mostly_embedded, moving, running
from tests.faults.cluster import Cluster
from tests.faults.pods import Pod, until

pytestmark = pytest.mark.timeout(300)
RENEWED = "copydesk_producers_renewed_total"
PRODUCER_AT = 43  # where the producer's id and epoch lie in a batch


class _Writer(NamedTuple):
    """Who wrote to a partition last."""

    partition: int
    producer: int
    epoch: int


def _last_writer(cluster: Cluster, wire: WireClient) -> _Writer:
    record = max(cluster.records(CLEANED.name), key=lambda each: each.timestamp_ms)
    partition = wire.fetch(CLEANED.name, record.offset, record.partition)
    return _Writer(record.partition, *struct.unpack_from(">qh", bytes(partition["records"]), PRODUCER_AT))


def _fence(cluster: Cluster, wire: WireClient, writer: _Writer) -> None:
    """Write a record of the partition once more, as the producer's next epoch."""
    record = next(each for each in cluster.records(CLEANED.name) if each.partition == writer.partition)
    builder = DefaultRecordBatchBuilder(2, 0, 0, writer.producer, writer.epoch + 1, 0, 1 << 20)
    builder.append(0, record.timestamp_ms, record.key, record.value, list(record.headers))
    answer = wire.produce(CLEANED.name, bytes(builder.build()), writer.partition)
    assert answer["error_code"] == 0, answer


def _is_renewed(cluster: Cluster, wire: WireClient, pod: Pod, turn: int) -> Callable[[], bool]:
    """Fence who wrote last, until it is who writes now."""

    def is_renewed() -> bool:
        if metric(pod, RENEWED, "cleaner") >= turn:
            return True
        _fence(cluster, wire, _last_writer(cluster, wire))
        return False

    return is_renewed


@mostly_embedded
def test_a_producer_that_is_fenced_is_renewed(cluster: Cluster, tmp_path: Path) -> None:
    with running(cluster, tmp_path) as (chain, feed), WireClient(cluster.servers) as wire:
        pod = chain.start_all()
        for turn in range(1, 4):
            moving(chain)
            until(_is_renewed(cluster, wire, pod, turn), "the producer is renewed")
        moving(chain)
        assert pod.is_ready()
        chain.account(feed).check()
        assert "never retrieved" not in pod.log()
