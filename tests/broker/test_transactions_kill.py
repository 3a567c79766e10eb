"""What a kill leaves of transactions: open ones go on, decided ones are finished, epochs never go back."""

import asyncio
import random
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from copydesk_standalone.broker.batch import split
from copydesk_standalone.broker.broker import Broker, Options
from copydesk_standalone.broker.completion import recover, sweep
from copydesk_standalone.broker.errors import Code, KafkaError
from copydesk_standalone.broker.log import PartitionLog
from copydesk_standalone.broker.markers import Ending
from copydesk_standalone.broker.offsets import Committed
from copydesk_standalone.broker.transactions import EXPIRES_AFTER_MS, MAX_HELD, MAX_IDS, State, Transactions

from .batches import batch, read
from .client import WireClient
from .conftest import StartBroker
from .members import wait_until
from .transactor import Transactor, fetched


@pytest.mark.kafka
@pytest.mark.parametrize("policy", ["never", "always"])
def test_an_open_transaction_goes_on_after_a_kill(start_broker: StartBroker, policy: str) -> None:
    broker = start_broker("--fsync", policy)
    with WireClient(broker.address) as client:
        client.create_topic("t")
        producer = Transactor(client, "p").started()
        producer.put("t", b"before")
        producer.add_group("g")
        producer.commit_offset("g", "t", 7)
        broker.kill()
    with WireClient(start_broker("--fsync", policy).address) as client:
        producer.client = client
        assert fetched(client, "t")["last_stable_offset"] == 0
        assert producer.send("t", b"after")["base_offset"] == 1
        assert producer.end(commit=True) == Code.NONE
        assert read(fetched(client, "t")["records"])[:2] == [(0, b"before"), (1, b"after")]
        topics = [{"name": "t", "partitions": [0]}]
        answer = client.call("OffsetFetch", 7, group_id="g", topics=topics, require_stable=True)
        assert answer["topics"][0]["partitions"][0]["offset"] == 7


@pytest.mark.kafka
def test_an_open_transaction_nobody_goes_on_with_is_aborted_in_time(start_broker: StartBroker) -> None:
    broker = start_broker()
    with WireClient(broker.address) as client:
        client.create_topic("t")
        producer = Transactor(client, "p").started(timeout_ms=2_000)
        producer.put("t")
        broker.kill()
    with WireClient(start_broker().address) as client:
        wait_until(lambda: fetched(client, "t")["last_stable_offset"] == 2)
        assert fetched(client, "t")["aborted"] == [(producer.id, 0)]
        producer.client = client
        assert producer.end(commit=True) == Code.PRODUCER_FENCED


@pytest.mark.kafka
def test_endings_and_epochs_survive_kills(start_broker: StartBroker) -> None:
    broker = start_broker()
    epochs = []
    for number in range(4):
        with WireClient(broker.address) as client:
            client.create_topic("t")
            producer = Transactor(client, "p").started()
            epochs.append(producer.epoch)
            producer.put("t", b"%d" % number)
            assert producer.end(commit=number % 2 == 0) == Code.NONE
            broker.kill()
        broker = start_broker()
        with WireClient(broker.address) as client:
            producer.client = client
            # The answer may have been lost, so the client asks again.
            assert producer.end(commit=number % 2 == 0) == Code.NONE
            assert producer.end(commit=number % 2 == 1) == Code.INVALID_TXN_STATE
            answer = fetched(client, "t", 2 * number)
            assert answer["last_stable_offset"] == 2 * number + 2
            assert answer["aborted"] == [(producer.id, 2 * number)] * (number % 2)
    assert epochs == [0, 1, 2, 3]


# In process, where the moment of the kill can be chosen


def opened(folder: Path) -> Broker:
    broker = Broker(Options(folder))
    recover(broker)
    return broker


def begun(folder: Path) -> Broker:
    """A broker with one record and one offset in the open transaction of ``p``."""
    broker = opened(folder)
    broker.topics.create("t", 2, {})
    transaction = broker.transactions.init("p", 60_000, broker.producer_ids.allocate)
    broker.transactions.add(transaction, [("t", 0), ("t", 1)], ["g"])
    put(log_of(broker), transaction.producer_id)
    broker.transactions.hold_offsets(transaction, "g", {("t", 0): Committed(5)})
    return broker


def log_of(broker: Broker, partition: int = 0) -> PartitionLog:
    return broker.topics.find("t").log(partition)


def put(log: PartitionLog, producer_id: int, epoch: int = 0) -> None:
    log.append(split(memoryview(batch([b"x"], producer=(producer_id, epoch, 0), transactional=True)), 1 << 20))


@pytest.mark.parametrize("ending", list(Ending))
def test_what_was_decided_is_finished_at_the_start(tmp_path: Path, ending: Ending) -> None:
    with closing(begun(tmp_path)) as broker:
        transaction = broker.transactions.get("p")
        assert transaction is not None
        broker.transactions.prepare(transaction, ending)
    with closing(opened(tmp_path)) as broker:
        transaction = broker.transactions.get("p")
        assert transaction is not None
        assert transaction.state is (State.COMPLETE_COMMIT if ending is Ending.COMMIT else State.COMPLETE_ABORT)
        assert [log_of(broker, index).last_stable_offset for index in (0, 1)] == [2, 1]
        assert log_of(broker).isolation.aborted(0, 2) == ([] if ending is Ending.COMMIT else [(1, 0)])
        assert broker.offsets.of("g") == ({("t", 0): Committed(5)} if ending is Ending.COMMIT else {})


def test_a_decision_half_carried_out_is_carried_out_again(tmp_path: Path) -> None:
    with closing(begun(tmp_path)) as broker:
        transaction = broker.transactions.get("p")
        assert transaction is not None
        broker.transactions.prepare(transaction, Ending.COMMIT)
        log_of(broker).mark(transaction.producer_id, 0, Ending.COMMIT, 0)
        broker.offsets.commit("g", {("t", 0): Committed(5)})
    with closing(opened(tmp_path)) as broker:
        assert log_of(broker).isolation.aborted(0, 9) == []
        assert log_of(broker).last_stable_offset == log_of(broker).next_offset
        assert broker.offsets.of("g") == {("t", 0): Committed(5)}


def test_a_transaction_without_a_journal_is_aborted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    begun(tmp_path).close()
    (tmp_path / "transactions.journal").unlink()
    with closing(opened(tmp_path)) as broker:
        assert log_of(broker).last_stable_offset == 2
        assert log_of(broker).isolation.aborted(0, 9) == [(1, 0)]
    assert "t-0: aborted the transaction of producer 1 from offset 0 on" in caplog.text


@pytest.mark.parametrize("state", ["Empty", "Ongoing", "PrepareCommit", "CompleteAbort"])
def test_a_rewritten_journal_says_the_same(tmp_path: Path, state: str) -> None:
    path = tmp_path / "transactions.journal"
    with closing(Transactions(path, compact_above=1)) as transactions:
        transaction = transactions.init("p", 60_000, lambda: 9)
        transaction = transactions.init("p", 60_000, lambda: 10, (9, 0))
        if state != "Empty":
            transactions.add(transaction, [("t", 0), ("u", 3)], ["g"])
            transactions.hold_offsets(transaction, "g", {("t", 0): Committed(5, 1, "é")})
        if state.startswith("Prepare"):
            transactions.prepare(transaction, Ending.COMMIT)
        elif state.startswith("Complete"):
            transactions.fence(transaction)
            transactions.complete(transaction)
        assert transaction.state.value == state
    with closing(Transactions(path)) as again:
        found = again.get("p")
        assert found is not None
        found.changed_ms = transaction.changed_ms
        assert found == transaction
        assert bool(again.unfinished()) == (state in {"Ongoing", "PrepareCommit"})


def test_the_journal_does_not_grow_with_every_transaction(tmp_path: Path) -> None:
    path = tmp_path / "transactions.journal"
    with closing(Transactions(path, compact_above=10_000)) as transactions:
        transaction = transactions.init("p", 60_000, lambda: 9)
        for _ in range(500):
            transactions.add(transaction, [("t", 0)], ["g"])
            transactions.prepare(transaction, Ending.COMMIT)
            transactions.complete(transaction)
    assert path.stat().st_size < 11_000


def test_epochs_end_in_another_producer_id(tmp_path: Path) -> None:
    ids = iter(range(1, 10))
    with closing(Transactions(tmp_path / "transactions.journal")) as transactions:

        def init(expected: tuple[int, int] | None = None) -> tuple[int, int]:
            found = transactions.init("p", 60_000, lambda: next(ids), expected)
            return found.producer_id, found.epoch

        assert init() == (1, 0)
        known = transactions.get("p")
        assert known is not None
        known.epoch = 32_765
        assert init() == (1, 32_766)
        for epoch in (32_766, 32_767):
            transaction = transactions.find("p", 1, epoch)
            transactions.add(transaction, [("t", 0)])
            transactions.fence(transaction)
            assert transaction.epoch == 32_767
            transactions.complete(transaction)
        assert init() == (2, 0)
        known = transactions.get("p")
        assert known is not None
        known.epoch = 32_766
        assert init((2, 32_766)) == init((2, 32_766)) == (3, 0)
    with closing(Transactions(tmp_path / "transactions.journal")) as transactions:
        assert init((2, 32_766)) == (3, 0)
        assert init() == (3, 1)
        with pytest.raises(KafkaError) as raised:
            init((2, 32_766))
        assert raised.value.code is Code.PRODUCER_FENCED


def test_ids_that_nobody_uses_expire(tmp_path: Path) -> None:
    now = 1_000_000
    with closing(Transactions(tmp_path / "transactions.journal", clock=lambda: now)) as transactions:
        for number, name in enumerate(["open", "idle", "used"]):
            transactions.init(name, 60_000, partial(int, number))
        transactions.add(transactions.find("open", 0, 0), [("t", 0)])
        now += EXPIRES_AFTER_MS
        transactions.init("used", 60_000, lambda: 10)
        now += 1
        transactions.init("another", 60_000, lambda: 11)
        assert {transaction.id for transaction in transactions} == {"open", "used", "another"}
        with pytest.raises(KafkaError) as raised:
            transactions.find("idle", 1, 0)
        assert raised.value.code is Code.INVALID_PRODUCER_ID_MAPPING


def test_ids_are_bounded(tmp_path: Path) -> None:
    with closing(Transactions(tmp_path / "transactions.journal")) as transactions:
        for number in range(MAX_IDS):
            transactions.init(f"p{number}", 60_000, lambda: 1)
        with pytest.raises(KafkaError) as raised:
            transactions.init("one more", 60_000, lambda: 1)
        assert raised.value.code is Code.POLICY_VIOLATION
        assert transactions.init("p0", 60_000, lambda: 1).epoch == 1


def test_what_open_transactions_hold_is_bounded(tmp_path: Path) -> None:
    with closing(Transactions(tmp_path / "transactions.journal")) as transactions:
        first, second = (transactions.init(name, 60_000, lambda: 1) for name in ("p", "q"))
        transactions.add(first, [("t", number) for number in range(MAX_HELD - 3)], ["g"])
        transactions.add(second, [("t", 0)])
        transactions.hold_offsets(first, "g", {("t", 0): Committed(1)})
        transactions.hold_offsets(first, "g", {("t", 0): Committed(2)})
        with pytest.raises(KafkaError) as raised:
            transactions.hold_offsets(first, "g", {("t", 1): Committed(1)})
        assert raised.value.code is Code.INVALID_COMMIT_OFFSET_SIZE
        with pytest.raises(KafkaError) as raised:
            transactions.add(second, [("t", 1)])
        assert raised.value.code is Code.POLICY_VIOLATION
        transactions.prepare(first, Ending.ABORT)
        transactions.complete(first)
        transactions.add(second, [("t", 1)])


async def test_a_disk_that_refuses_a_marker_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(begun(tmp_path)) as broker:
        transaction = broker.transactions.get("p")
        assert transaction is not None
        broker.transactions.prepare(transaction, Ending.COMMIT)

        def full(*_: object) -> int:
            raise OSError(28, "no space left on device")

        monkeypatch.setattr(PartitionLog, "mark", full)
        await sweep(broker)
        assert transaction.is_prepared
        assert not transaction.ending_now
        monkeypatch.undo()
        await asyncio.gather(sweep(broker), sweep(broker))
        assert transaction.state is State.COMPLETE_COMMIT
        assert log_of(broker).next_offset == 2


@pytest.mark.kafka
def test_a_kill_at_any_moment_of_a_commit_leaves_all_or_nothing(start_broker: StartBroker) -> None:
    source = random.Random(5)
    broker = start_broker()
    acknowledged = set()
    with WireClient(broker.address) as client:
        client.create_topic("t", partitions=2)
    for number in range(8):
        value = b"%d" % number
        with WireClient(broker.address) as client:
            producer = Transactor(client, "p")
            while producer.init() == Code.CONCURRENT_TRANSACTIONS:
                pass
            for partition in (0, 1):
                producer.put("t", value, partition=partition)
            owner = {"transactional_id": "p", "producer_id": producer.id, "producer_epoch": producer.epoch}
            client.send("EndTxn", 3, {**owner, "committed": True})
            if number % 2:
                time.sleep(source.uniform(0, 0.002))
            elif client.receive("EndTxn", 3)["error_code"] == Code.NONE:
                acknowledged.add(value)
            broker.kill()
        broker = start_broker()
    with WireClient(broker.address) as client:
        producer = Transactor(client, "p")
        while producer.init() == Code.CONCURRENT_TRANSACTIONS:
            pass
    seen = asyncio.run(committed_values(broker.address, "t"))
    assert seen[0] == seen[1]
    assert acknowledged <= set(seen[0])
    assert len(set(seen[0])) == len(seen[0])


async def committed_values(address: str, topic: str) -> list[list[bytes]]:
    """What a reader of committed records finds in partitions 0 and 1."""
    places = [TopicPartition(topic, index) for index in (0, 1)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=address, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        found: dict[TopicPartition, list[bytes]] = {place: [] for place in places}
        while any([await consumer.position(place) < ends[place] for place in places]):
            for place, records in (await consumer.getmany(timeout_ms=100)).items():
                found[place] += [record.value for record in records]
    finally:
        await consumer.stop()
    return [found[place] for place in places]
