"""The broker refuses the producer for good: it is renewed, and what was not stored is sent again.

The refusals are real: somebody else writes to the sink with the producer's own id. With the next epoch he fences it,
and the broker takes nothing of the old epoch there. With its own epoch and its next sequence numbers he puts it out of
step, and the broker answers OUT_OF_ORDER_SEQUENCE_NUMBER to whatever it sends next. No record is acknowledged that is
not stored, so all that is lost is lost by the stage. A broker that has forgotten a producer takes any sequence from it
(KIP-360), so the recreation of a topic brings no refusal: see ``test_brokers_topics``.
"""

import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from copydesk_shared.log import Record
from copydesk_shared.topics import CLEANED
from copydesk_standalone.broker.errors import Code
from tests.broker.client import WireClient
from tests.faults.broker_faults import metric, mostly_embedded, moving, running
from tests.faults.cluster import Cluster
from tests.faults.pods import Pod, until

pytestmark = pytest.mark.timeout(300)
RENEWED = "copydesk_producers_renewed_total"
LATEST = -1
LAST_DELTA_AT = 23  # where a batch says how many records it has
PRODUCER_AT = 43  # where the producer's id, its epoch and the first sequence number lie in a batch
# More records than a stage has in flight: a batch of the producer's that had the same sequence numbers to its end would
# be taken for one that is sent again.
TAKEN_SEQUENCES = 100
TRIES = 50


class _Writer(NamedTuple):
    """Who wrote to a partition last, and the sequence number that it goes on with."""

    partition: int
    producer: int
    epoch: int
    next_sequence: int


def _last_writer(wire: WireClient, partition: int) -> _Writer:
    end, _ = wire.offset_at(CLEANED.name, LATEST, partition)
    batch = bytes(wire.fetch(CLEANED.name, end - 1, partition)["records"])
    (delta,) = struct.unpack_from(">i", batch, LAST_DELTA_AT)
    producer, epoch, sequence = struct.unpack_from(">qhi", batch, PRODUCER_AT)
    return _Writer(partition, producer, epoch, sequence + delta + 1)


def _again(record: Record, times: int, producer: int, epoch: int, sequence: int) -> bytes:
    """A batch with a record of before, so many times: what comes of it is not visible."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, producer, epoch, sequence, 1 << 20)
    for at in range(times):
        assert builder.append(at, record.timestamp_ms, record.key, record.value, list(record.headers))
    return bytes(builder.build())


def _fence(wire: WireClient, last: Record) -> None:
    """Write as the producer's next epoch."""
    writer = _last_writer(wire, last.partition)
    batch = _again(last, 1, writer.producer, writer.epoch + 1, 0)
    assert wire.produce(CLEANED.name, batch, writer.partition)["error_code"] == Code.NONE


def _put_out_of_step(wire: WireClient, last: Record) -> None:
    """Write as the producer, before it does: whoever comes too late is told so, and tries again."""
    for _ in range(TRIES):
        writer = _last_writer(wire, last.partition)
        batch = _again(last, TAKEN_SEQUENCES, writer.producer, writer.epoch, writer.next_sequence)
        code = wire.produce(CLEANED.name, batch, writer.partition)["error_code"]
        if code == Code.NONE:
            return
        assert code == Code.OUT_OF_ORDER_SEQUENCE
    pytest.fail("the producer is always faster")


def _is_renewed(cluster: Cluster, pod: Pod, turn: int, harm: Callable[[Record], None]) -> Callable[[], bool]:
    """Do harm to who wrote last, until it is who writes now."""

    def is_renewed() -> bool:
        if metric(pod, RENEWED, "cleaner") >= turn:
            return True
        harm(max(cluster.records(CLEANED.name), key=lambda each: each.timestamp_ms))
        return False

    return is_renewed


@mostly_embedded
@pytest.mark.parametrize(
    ("harm", "error"),
    [(_fence, "ProducerFenced"), (_put_out_of_step, "OutOfOrderSequenceNumber")],
    ids=["fenced", "out-of-step"],
)
def test_a_producer_that_is_refused_is_renewed(
    cluster: Cluster, tmp_path: Path, harm: Callable[[WireClient, Record], None], error: str
) -> None:
    with running(cluster, tmp_path) as (chain, feed), WireClient(cluster.servers) as wire:
        pod = chain.start_all()
        for turn in range(1, 4):
            moving(chain)
            until(_is_renewed(cluster, pod, turn, partial(harm, wire)), "the producer is renewed")
        moving(chain)
        assert pod.is_ready()
        chain.account(feed).check()
        assert error in pod.log()
        assert "never retrieved" not in pod.log()
