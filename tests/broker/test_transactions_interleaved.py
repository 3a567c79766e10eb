"""Whatever three producers do in whatever order, readers of committed data see exactly that, in order."""

import asyncio
import shutil
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED, PartitionRecords
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from copydesk_standalone.broker.batch import split
from copydesk_standalone.broker.broker import Broker, Options
from copydesk_standalone.broker.completion import finish, recover
from copydesk_standalone.broker.errors import Code, KafkaError
from copydesk_standalone.broker.log import PartitionLog
from copydesk_standalone.broker.markers import Ending
from copydesk_standalone.broker.transactions import Transaction

from .batches import batch

TOPIC, PARTITIONS = "t", 2
SMALL_SEGMENT = "1024"

partitions = st.integers(0, PARTITIONS - 1)
producers = st.sampled_from(["a", "b", "c"])
counts = st.integers(1, 4)


@dataclass
class Sent:
    """What a transaction is expected to come to; ``fate`` is open, committed or aborted."""

    fate: str = "open"


@dataclass
class Stored:
    offset: int
    value: bytes
    of: Sent


@dataclass
class Sender:
    """A producer of the model and where its sequences are."""

    transaction: Transaction
    current: Sent = field(default_factory=Sent)
    sequences: dict[int, int] = field(default_factory=dict)


class Interleaved(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        self.senders: dict[str, Sender] = {}
        self.expected: list[list[Stored]] = [[] for _ in range(PARTITIONS)]
        self.numbers = iter(range(1 << 30))
        self.plain = Sent("committed")
        self.broker = Broker(Options(self.folder))

    @initialize()
    def prepare(self) -> None:
        self.broker.topics.create(TOPIC, PARTITIONS, {"segment.bytes": SMALL_SEGMENT})

    def teardown(self) -> None:
        self.broker.close()
        self.runner.close()
        shutil.rmtree(self.folder)

    def log(self, partition: int) -> PartitionLog:
        return self.broker.topics.find(TOPIC).log(partition)

    def values(self, count: int) -> list[bytes]:
        return [b"%06d" % next(self.numbers) for _ in range(count)]

    def keep(self, partition: int, offset: int, values: list[bytes], of: Sent) -> None:
        self.expected[partition] += [Stored(offset + number, value, of) for number, value in enumerate(values)]

    def end(self, sender: Sender, ending: Ending) -> None:
        if self.broker.transactions.prepare(sender.transaction, ending):
            self.runner.run(finish(self.broker, sender.transaction))

    @rule(name=producers)
    def start_producer(self, name: str) -> None:
        """A first producer, or one that takes over from a zombie and so aborts what that had open."""
        before = self.senders.get(name)
        init = partial(self.broker.transactions.init, name, 60_000, self.broker.producer_ids.allocate)
        if before is not None and before.transaction.is_open:
            with pytest.raises(KafkaError) as raised:
                init()
            assert raised.value.code is Code.CONCURRENT_TRANSACTIONS
            before.current.fate = "aborted"
            self.runner.run(finish(self.broker, before.transaction))
        found = init()
        assert before is None or found.epoch > before.transaction.epoch
        self.senders[name] = Sender(found)

    @precondition(lambda self: self.senders)
    @rule(data=st.data(), partition=partitions, count=counts)
    def send(self, data: st.DataObject, partition: int, count: int) -> None:
        sender = self.senders[data.draw(st.sampled_from(sorted(self.senders)))]
        if not sender.transaction.is_open:
            sender.current = Sent()
        self.broker.transactions.add(sender.transaction, [(TOPIC, partition)])
        sequence = sender.sequences.get(partition, 0)
        identity = (sender.transaction.producer_id, sender.transaction.epoch, sequence)
        values = self.values(count)
        ((found, body),) = split(memoryview(batch(values, producer=identity, transactional=True)), 1 << 20)
        log = self.log(partition)
        self.broker.transactions.check_batch(sender.transaction.id, found, (TOPIC, partition), log.isolation.open)
        offset = log.append([(found, body)])
        assert log.append([(found, body)]) == offset, "sent again it is stored once"
        sender.sequences[partition] = sequence + count
        self.keep(partition, offset, values, sender.current)

    @precondition(lambda self: any(sender.transaction.is_open for sender in self.senders.values()))
    @rule(data=st.data(), ending=st.sampled_from(Ending))
    def finish(self, data: st.DataObject, ending: Ending) -> None:
        names = [name for name, sender in self.senders.items() if sender.transaction.is_open]
        sender = self.senders[data.draw(st.sampled_from(sorted(names)))]
        self.end(sender, ending)
        sender.current.fate = "committed" if ending is Ending.COMMIT else "aborted"

    @rule(partition=partitions, count=counts)
    def send_plain(self, partition: int, count: int) -> None:
        values = self.values(count)
        offset = self.log(partition).append(split(memoryview(batch(values)), 1 << 20))
        self.keep(partition, offset, values, self.plain)

    @rule(decided=st.sampled_from([None, *Ending]))
    def restart(self, decided: Ending | None) -> None:
        """The process ends, also between the decision about every open transaction and its markers."""
        opened = [sender for sender in self.senders.values() if sender.transaction.is_open]
        if decided is not None:
            for sender in opened:
                self.broker.transactions.prepare(sender.transaction, decided)
                sender.current.fate = "committed" if decided is Ending.COMMIT else "aborted"
        self.broker.close()
        self.broker = Broker(Options(self.folder))
        recover(self.broker)
        for name, sender in self.senders.items():
            found = self.broker.transactions.get(name)
            assert found is not None
            before = sender.transaction
            assert (found.producer_id, found.epoch) == (before.producer_id, before.epoch)
            sender.transaction = found

    @precondition(lambda self: any(self.expected))
    @rule(data=st.data())
    def delete_records(self, data: st.DataObject) -> None:
        """The log of a partition starts later, also in the middle of a transaction."""
        partition = data.draw(st.sampled_from([index for index, stored in enumerate(self.expected) if stored]))
        start = data.draw(st.sampled_from(self.expected[partition])).offset

        async def delete() -> None:
            async with self.log(partition).changing:
                await self.log(partition).start_at(start)

        self.runner.run(delete())
        self.expected[partition] = [stored for stored in self.expected[partition] if stored.offset >= start]

    @invariant()
    def readers_see_what_was_committed(self) -> None:
        for partition in range(PARTITIONS):
            stored, log = self.expected[partition], self.log(partition)
            start, stable = log.start_offset, log.last_stable_offset
            # An open transaction of which everything was deleted may hold readers back, until a restart forgets it.
            assert stable in {start, min((s.offset for s in stored if s.of.fate == "open"), default=log.next_offset)}
            assert stable != start or not stored or stored[0].of.fate == "open" or log.isolation.open
            visible = [(s.offset, s.value) for s in stored if s.of.fate == "committed" and s.offset < stable]
            for room in (1, 200, 1 << 20):
                assert self.read(partition, start, room, READ_COMMITTED) == visible
            for offset in {s.offset for s in stored[::3]}:
                assert self.read(partition, offset, 1 << 20, READ_COMMITTED) == [v for v in visible if v[0] >= offset]
            assert self.read(partition, start, 200, READ_UNCOMMITTED) == [(s.offset, s.value) for s in stored]

    def read(self, partition: int, offset: int, room: int, level: int) -> list[tuple[int, bytes]]:
        """Fetches of about ``room`` bytes, read by aiokafka's own code."""
        log, found = self.log(partition), []
        committed = level == READ_COMMITTED
        while data := log.read(offset, room, committed=committed):
            assert log.available(offset, committed=committed) >= len(data)
            aborted = log.aborted(offset, data) if committed else None
            place = TopicPartition(TOPIC, partition)
            records = PartitionRecords(place, MemoryRecords(data), aborted, offset, None, None, True, level)
            found += [(record.offset, record.value) for record in records]
            assert records.next_fetch_offset > offset
            offset = records.next_fetch_offset
        return found


Interleaved.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestInterleaved = Interleaved.TestCase
