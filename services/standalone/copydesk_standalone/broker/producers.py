"""Idempotent producers: what each one stored last in a partition, so that a resent batch is stored once.

Nothing here is saved: the state is rebuilt from the batch headers when a log is opened.
Source: KIP-98, and KIP-360 for producers this partition does not know.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from .batch import Batch
from .errors import Code, KafkaError

REMEMBERED_BATCHES = 5
MAX_PRODUCERS = 2_000
_SEQUENCES = 1 << 31


@dataclass(frozen=True, slots=True)
class Stored:
    first_sequence: int
    last_sequence: int
    base_offset: int


@dataclass(slots=True)
class Producer:
    """What is known of one producer; ``newest`` is the timestamp (ms) of its last batch."""

    epoch: int
    newest: int = -1
    batches: deque[Stored] = field(default_factory=lambda: deque(maxlen=REMEMBERED_BATCHES))


class Producers:
    """The producers of one partition; the one unheard of for longest is forgotten first."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, Producer] = OrderedDict()

    def check(self, batch: Batch) -> int | None:
        """The offset the batch already has, or None when it is new.

        Raises KafkaError when the epoch is old or the sequence leaves a gap.
        """
        known = self._known.get(batch.producer_id)
        if not batch.is_idempotent or known is None:
            # A producer that is not known may start anywhere: its batches may have been deleted (KIP-360).
            return None
        if batch.producer_epoch < known.epoch:
            raise KafkaError(Code.INVALID_PRODUCER_EPOCH, f"epoch {batch.producer_epoch} was superseded")
        if batch.producer_epoch > known.epoch or not known.batches:
            _expect(batch, 0)
            return None
        for stored in known.batches:
            if (stored.first_sequence, stored.last_sequence) == (batch.base_sequence, last_sequence(batch)):
                return stored.base_offset
        _expect(batch, (known.batches[-1].last_sequence + 1) % _SEQUENCES)
        return None

    def remember(self, batch: Batch, base_offset: int) -> None:
        if not batch.is_idempotent:
            return
        known = self._in_epoch(batch)
        known.batches.append(Stored(batch.base_sequence, last_sequence(batch), base_offset))
        known.newest = batch.max_timestamp

    def ended(self, marker: Batch) -> None:
        """A transaction ended. A marker has no place in the sequence; one of a newer epoch fences the older one."""
        known = self._known.get(marker.producer_id)
        if known is not None and known.epoch < marker.producer_epoch:
            self._known[marker.producer_id] = Producer(marker.producer_epoch, known.newest)

    def _in_epoch(self, batch: Batch) -> Producer:
        """The producer of ``batch``, which starts over when the epoch is a new one."""
        known = self._known.get(batch.producer_id)
        if known is None or known.epoch != batch.producer_epoch:
            known = self._known[batch.producer_id] = Producer(batch.producer_epoch)
        self._known.move_to_end(batch.producer_id)
        if len(self._known) > MAX_PRODUCERS:
            self._known.popitem(last=False)
        return known

    def newest_batches(self, since_ms: int) -> frozenset[int]:
        """The offset of the last batch of each producer that was heard of since then (ms since the epoch)."""
        return frozenset(p.batches[-1].base_offset for p in self._known.values() if p.batches and p.newest >= since_ms)

    def __iter__(self) -> Iterator[tuple[int, Producer]]:
        return iter(self._known.items())


def last_sequence(batch: Batch) -> int:
    return (batch.base_sequence + batch.last_offset_delta) % _SEQUENCES


def _expect(batch: Batch, sequence: int) -> None:
    if batch.base_sequence != sequence:
        raise KafkaError(
            Code.OUT_OF_ORDER_SEQUENCE,
            f"producer {batch.producer_id} sent sequence {batch.base_sequence}, expected {sequence}",
        )
