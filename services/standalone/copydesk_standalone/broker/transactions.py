"""Transactional producers: who owns each transactional id and what its transaction holds, kept in a journal.

EMPTY -> ONGOING -> PREPARE_COMMIT or PREPARE_ABORT -> COMPLETE_COMMIT or COMPLETE_ABORT -> ONGOING ...
Each change is an entry that is journalled before it acts; a restart replays them. What a prepared transaction still
has to write is the work of ``completion``.
Source: KIP-98, KIP-360 (epochs) and kafka's TransactionCoordinator.
"""

import json
import time
from collections import OrderedDict
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from .batch import Batch
from .errors import Code, KafkaError
from .files import Journal
from .markers import Ending
from .offsets import COMPACT_ABOVE, COMPACT_RATIO, Committed, Partition, row

MAX_TIMEOUT_MS = 15 * 60_000
EXPIRES_AFTER_MS = 7 * 24 * 3_600_000
MAX_IDS = 10_000
MAX_ID_BYTES = 1_000
MAX_GROUPS = 100
# Partitions, groups and offsets in all open transactions together.
MAX_HELD = 20_000
# One epoch is kept back to fence the last producer of an id with.
_LAST_EPOCH = (1 << 15) - 2
_NONE = -1

Entry = dict[str, Any]


class State(Enum):
    """States of a transactional id, by the names that DescribeTransactions reports."""

    EMPTY = "Empty"
    ONGOING = "Ongoing"
    PREPARE_COMMIT = "PrepareCommit"
    PREPARE_ABORT = "PrepareAbort"
    COMPLETE_COMMIT = "CompleteCommit"
    COMPLETE_ABORT = "CompleteAbort"


_PREPARED = {Ending.COMMIT: State.PREPARE_COMMIT, Ending.ABORT: State.PREPARE_ABORT}
_COMPLETE = {Ending.COMMIT: State.COMPLETE_COMMIT, Ending.ABORT: State.COMPLETE_ABORT}
_ENDINGS = {state: ending for states in (_PREPARED, _COMPLETE) for ending, state in states.items()}


@dataclass(slots=True)
class Transaction:
    """A transactional id, the producer that owns it, and its current or last transaction.

    ``last_epoch`` and ``last_producer_id`` are those before the last bump, by which a repeated request is told from
    a fenced one. Times are in ms since the epoch; ``ending_now`` says that a completion is under way.
    """

    id: str
    producer_id: int
    epoch: int
    timeout_ms: int
    last_epoch: int = _NONE
    last_producer_id: int = _NONE
    state: State = State.EMPTY
    partitions: set[Partition] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    offsets: dict[str, dict[Partition, Committed]] = field(default_factory=dict)
    started_ms: int = _NONE
    changed_ms: int = _NONE
    ending_now: bool = False

    @property
    def ending(self) -> Ending | None:
        """How it ended or is about to; None while it is open."""
        return _ENDINGS.get(self.state)

    @property
    def is_prepared(self) -> bool:
        return self.state in _PREPARED.values()

    @property
    def is_open(self) -> bool:
        return self.state is State.ONGOING

    @property
    def weight(self) -> int:
        """How much it holds: partitions, groups and offsets."""
        return len(self.partitions) + len(self.groups) + sum(map(len, self.offsets.values()))

    def clear(self) -> None:
        self.partitions, self.groups, self.offsets = set(), set(), {}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Transactions:
    """Every transactional id there is. Methods raise KafkaError, and OSError when the disk refuses a change."""

    def __init__(self, path: Path, compact_above: int = COMPACT_ABOVE, clock: Callable[[], int] = now_ms) -> None:
        # The one that changed longest ago comes first.
        self._by_id: OrderedDict[str, Transaction] = OrderedDict()
        self._unfinished: dict[str, Transaction] = {}
        self._compact_above = compact_above
        self._clock = clock
        self._journal = Journal(path)
        for entry in self._journal.replay():
            self._apply(json.loads(entry))
        self._expire()

    # The journal

    def _record(self, transactional_id: str, **change: Any) -> None:
        entry = {"id": transactional_id, "at": self._clock(), **change}
        self._journal.append(_encode(entry))
        self._apply(entry)
        if self._journal.size > self._compact_above:
            self._journal.rewrite(_encode(entry) for kept in self._by_id.values() for entry in _entries(kept))
            self._compact_above = max(self._compact_above, COMPACT_RATIO * self._journal.size)

    def _apply(self, entry: Entry) -> None:
        transactional_id = entry["id"]
        transaction = self._by_id.get(transactional_id)
        if "producer" in entry:
            transaction = self._by_id[transactional_id] = Transaction(transactional_id, *entry["producer"])
        if transaction is None:
            # Its first entry was lost with a damaged part of the journal.
            return
        _change(transaction, entry)
        self._by_id.move_to_end(transactional_id)
        if transaction.is_open or transaction.is_prepared:
            self._unfinished[transactional_id] = transaction
        else:
            self._unfinished.pop(transactional_id, None)

    def _expire(self) -> None:
        """Forget the ids that nobody used for long; a producer that comes back gets another producer id."""
        oldest_kept = self._clock() - EXPIRES_AFTER_MS
        while self._by_id:
            oldest = next(iter(self._by_id.values()))
            if oldest.changed_ms >= oldest_kept or oldest.id in self._unfinished:
                break
            del self._by_id[oldest.id]

    # What producers ask for

    def init(
        self,
        transactional_id: str,
        timeout_ms: int,
        allocate: Callable[[], int],
        expected: tuple[int, int] | None = None,
    ) -> Transaction:
        """Give the id to a producer: the older one is fenced by a higher epoch.

        ``expected`` is the producer id and epoch of a producer that goes on after an error (KIP-360). When a
        transaction is open it is prepared to be aborted, and CONCURRENT_TRANSACTIONS asks to come again.
        """
        _check_id(transactional_id)
        if not 0 < timeout_ms <= MAX_TIMEOUT_MS:
            raise KafkaError(Code.INVALID_TRANSACTION_TIMEOUT, f"a time-out is 1 to {MAX_TIMEOUT_MS} ms")
        self._expire()
        known = self._by_id.get(transactional_id)
        if known is None:
            if len(self._by_id) >= MAX_IDS:
                raise KafkaError(Code.POLICY_VIOLATION, f"there are {MAX_IDS} transactional ids already")
            owner: tuple[int, ...] = (allocate(), 0, timeout_ms)
        else:
            _check_expected(known, expected)
            if known.is_open:
                self.fence(known)
            if known.is_prepared:
                raise KafkaError(Code.CONCURRENT_TRANSACTIONS, f"{transactional_id} still ends a transaction")
            owner = _next_owner(known, timeout_ms, allocate, expected)
        self._record(transactional_id, producer=owner)
        return self._by_id[transactional_id]

    def find(self, transactional_id: str, producer_id: int, epoch: int) -> Transaction:
        """The transaction, if this producer owns it."""
        _check_id(transactional_id)
        known = self._by_id.get(transactional_id)
        if known is None or known.producer_id != producer_id:
            raise KafkaError(
                Code.INVALID_PRODUCER_ID_MAPPING, f"{transactional_id} does not belong to producer {producer_id}"
            )
        if known.epoch != epoch:
            raise KafkaError(Code.PRODUCER_FENCED, f"epoch {epoch} of {transactional_id} is not epoch {known.epoch}")
        return known

    def add(self, transaction: Transaction, partitions: Iterable[Partition] = (), groups: Iterable[str] = ()) -> None:
        """Take partitions, or groups whose offsets will be committed, into the transaction, which may begin with it."""
        if transaction.is_prepared:
            raise KafkaError(Code.CONCURRENT_TRANSACTIONS, f"{transaction.id} still ends a transaction")
        held = transaction if transaction.is_open else None
        more_partitions = set(partitions) - (held.partitions if held else set())
        more_groups = set(groups) - (held.groups if held else set())
        if len(more_groups) + (len(held.groups) if held else 0) > MAX_GROUPS:
            raise KafkaError(Code.POLICY_VIOLATION, f"a transaction has {MAX_GROUPS} groups at most")
        self._check_room(len(more_partitions) + len(more_groups), Code.POLICY_VIOLATION)
        if more_partitions or more_groups:
            self._record(transaction.id, partitions=sorted(more_partitions), groups=sorted(more_groups))

    def _check_room(self, more: int, code: Code) -> None:
        if more and sum(transaction.weight for transaction in self._unfinished.values()) + more > MAX_HELD:
            raise KafkaError(code, f"the open transactions hold {MAX_HELD} partitions, groups and offsets at most")

    def check_batch(
        self, transactional_id: str | None, batch: Batch, partition: Partition, begun: Container[int]
    ) -> None:
        """Whether the batch belongs to an open transaction that the partition was added to, or to none.

        ``begun`` are the producers with an open transaction in the partition.
        """
        if not batch.is_transactional:
            if batch.producer_id in begun:
                raise KafkaError(Code.INVALID_TXN_STATE, "a plain batch in the middle of a transaction")
            return
        if transactional_id is None:
            raise KafkaError(Code.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, "a transactional batch without its id")
        transaction = self.member(transactional_id, batch.producer_id, batch.producer_epoch)
        if transaction.is_prepared:
            # Clients of every age wait and send again after this error.
            raise KafkaError(Code.NOT_ENOUGH_REPLICAS, f"{transactional_id} still ends a transaction")
        if not transaction.is_open or partition not in transaction.partitions:
            raise KafkaError(Code.INVALID_TXN_STATE, f"{partition[0]}-{partition[1]} was not added to the transaction")

    def member(self, transactional_id: str, producer_id: int, epoch: int) -> Transaction:
        """``find`` for requests whose clients know INVALID_PRODUCER_EPOCH but not PRODUCER_FENCED."""
        try:
            return self.find(transactional_id, producer_id, epoch)
        except KafkaError as error:
            fenced = error.code is Code.PRODUCER_FENCED
            raise KafkaError(Code.INVALID_PRODUCER_EPOCH if fenced else error.code, str(error)) from error

    def hold_offsets(self, transaction: Transaction, group: str, offsets: dict[Partition, Committed]) -> None:
        """Keep offsets to be committed with the transaction. The group must have been added to it."""
        if transaction.is_prepared:
            raise KafkaError(Code.COORDINATOR_NOT_AVAILABLE, f"{transaction.id} still ends a transaction")
        if not transaction.is_open or group not in transaction.groups:
            raise KafkaError(Code.INVALID_TXN_STATE, f"group {group} was not added to the transaction")
        more = offsets.keys() - transaction.offsets.get(group, {}).keys()
        self._check_room(len(more), Code.INVALID_COMMIT_OFFSET_SIZE)
        if offsets:
            self._record(transaction.id, group=group, offsets=[row(key, value) for key, value in offsets.items()])

    def prepare(self, transaction: Transaction, ending: Ending) -> bool:
        """Decide the ending. False when it has ended in the same way already."""
        if transaction.ending_now:
            raise KafkaError(Code.CONCURRENT_TRANSACTIONS, f"{transaction.id} still ends a transaction")
        if transaction.state in (_COMPLETE[ending], _PREPARED[ending]):
            return transaction.is_prepared
        if not transaction.is_open:
            raise KafkaError(Code.INVALID_TXN_STATE, f"{transaction.id} is in state {transaction.state.value}")
        self._record(transaction.id, ending=ending, epoch=transaction.epoch)
        return True

    def fence(self, transaction: Transaction) -> None:
        """Decide to abort an open transaction, and lock out its producer."""
        self._record(transaction.id, ending=Ending.ABORT, epoch=min(transaction.epoch + 1, _LAST_EPOCH + 1))

    # What the broker asks for

    def complete(self, transaction: Transaction) -> None:
        """Everything a prepared transaction had to write is written."""
        self._record(transaction.id, ended=True)

    def get(self, transactional_id: str) -> Transaction | None:
        return self._by_id.get(transactional_id)

    def __iter__(self) -> Iterator[Transaction]:
        return iter(self._by_id.values())

    def unfinished(self) -> list[Transaction]:
        """The open and the prepared ones."""
        return list(self._unfinished.values())

    def overdue(self) -> list[Transaction]:
        """Those that have been open for longer than their producer allowed."""
        now = self._clock()
        return [open_ for open_ in self.unfinished() if open_.is_open and now > open_.started_ms + open_.timeout_ms]

    def unstable(self, group: str) -> set[Partition]:
        """The partitions for which an unfinished transaction holds an offset of the group (KIP-447)."""
        return {partition for held in self._unfinished.values() for partition in held.offsets.get(group, ())}

    def pending(self) -> Callable[[], None]:
        """What forces the journal to the disk. See ``disk.GroupSync``."""
        return self._journal.pending()

    def sync(self) -> None:
        self._journal.sync()

    def close(self) -> None:
        self._journal.close()


def _check_id(transactional_id: str) -> None:
    if not 0 < len(transactional_id.encode()) <= MAX_ID_BYTES:
        raise KafkaError(Code.INVALID_REQUEST, f"a transactional id has 1 to {MAX_ID_BYTES} bytes")


def _check_expected(known: Transaction, expected: tuple[int, int] | None) -> None:
    """A producer that goes on after an error must be the owner, or repeat what it asked as the owner before."""
    if expected is None:
        return
    producer_id, epoch = expected
    repeated = producer_id == known.last_producer_id and epoch >= _LAST_EPOCH
    if producer_id != known.producer_id and not repeated:
        raise KafkaError(Code.PRODUCER_FENCED, f"{known.id} belongs to another producer")


def _next_owner(
    known: Transaction, timeout_ms: int, allocate: Callable[[], int], expected: tuple[int, int] | None
) -> tuple[int, ...]:
    """The fields of the Transaction that follows ``known``: a higher epoch, after the last another producer id."""
    last_epoch = _NONE if expected is None else known.epoch
    if known.epoch >= _LAST_EPOCH and (expected is None or expected[1] == known.epoch):
        return allocate(), 0, timeout_ms, last_epoch, known.producer_id
    if expected is None or expected[1] == known.epoch:
        return known.producer_id, known.epoch + 1, timeout_ms, last_epoch, known.last_producer_id
    if expected[1] == known.last_epoch:
        return known.producer_id, known.epoch, timeout_ms, known.last_epoch, known.last_producer_id
    raise KafkaError(Code.PRODUCER_FENCED, f"epoch {expected[1]} of {known.id} is not epoch {known.epoch}")


def _change(transaction: Transaction, entry: Entry) -> None:
    """Let an entry act on its transaction."""
    transaction.changed_ms = entry["at"]
    if "partitions" in entry:
        if not transaction.is_open:
            transaction.clear()
            transaction.state, transaction.started_ms = State.ONGOING, entry["at"]
        transaction.partitions.update((topic, index) for topic, index in entry["partitions"])
        transaction.groups.update(entry["groups"])
    elif "offsets" in entry:
        held = transaction.offsets.setdefault(entry["group"], {})
        for topic, index, *committed in entry["offsets"]:
            held[topic, index] = Committed(*committed)
    elif "ending" in entry:
        transaction.state = _PREPARED[Ending(entry["ending"])]
        if entry["epoch"] != transaction.epoch:
            # The producer that was locked out may still ask for its next epoch, unless another one was first (KIP-588).
            transaction.epoch, transaction.last_epoch = entry["epoch"], transaction.epoch
    elif "ended" in entry and transaction.ending is not None:
        transaction.state = _COMPLETE[transaction.ending]
        transaction.clear()


def _entries(kept: Transaction) -> Iterator[Entry]:
    """The entries that lead to the transaction as it is."""
    common = {"id": kept.id, "at": kept.changed_ms}
    owner = (kept.producer_id, kept.epoch, kept.timeout_ms, kept.last_epoch, kept.last_producer_id)
    yield {**common, "producer": owner}
    if kept.started_ms != _NONE:
        began = {**common, "at": kept.started_ms}
        yield {**began, "partitions": sorted(kept.partitions), "groups": sorted(kept.groups)}
        for group, offsets in kept.offsets.items():
            yield {**began, "group": group, "offsets": [row(key, value) for key, value in offsets.items()]}
    if kept.ending is not None:
        yield {**common, "ending": kept.ending, "epoch": kept.epoch}
        if not kept.is_prepared:
            yield {**common, "ended": True}


def _encode(entry: Entry) -> bytes:
    return json.dumps(entry, separators=(",", ":")).encode()
