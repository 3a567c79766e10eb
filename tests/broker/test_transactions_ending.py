"""While the ending of a transaction waits for the disk, nobody else touches it."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from copydesk_standalone.broker import handlers_data
from copydesk_standalone.broker import handlers_transactions as handlers
from copydesk_standalone.broker.broker import Broker, Options
from copydesk_standalone.broker.completion import sweep
from copydesk_standalone.broker.errors import Code
from copydesk_standalone.broker.protocol import BY_KEY, Request
from copydesk_standalone.broker.schema import Message
from copydesk_standalone.broker.transactions import State, Transaction

from .batches import batch
from .client import KEYS

OWNER = {"transactional_id": "p", "producer_id": 1, "producer_epoch": 0}


class SlowDisk:
    """Lets a test decide when a forced write is done."""

    def __init__(self) -> None:
        self.may_go_on = asyncio.Event()
        self.waiting = asyncio.Event()

    async def force(self, *_: object) -> None:
        self.waiting.set()
        await self.may_go_on.wait()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """With one record in the open transaction of ``p``."""
    with closing(Broker(Options(tmp_path, fsync="always"))) as opened:
        opened.topics.create("t", 1, {})
        transaction = opened.transactions.init("p", 60_000, opened.producer_ids.allocate)
        opened.transactions.add(transaction, [("t", 0)], ["g"])
        yield opened


@pytest.fixture
def disk(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> SlowDisk:
    slow = SlowDisk()
    monkeypatch.setattr(broker.disk, "force", slow.force)
    return slow


def request(name: str, **message: object) -> Request:
    api = BY_KEY[KEYS[name]]
    return Request(api, api.last, 0, "test", {**OWNER, **message})


def of(broker: Broker) -> Transaction:
    found = broker.transactions.get("p")
    assert found is not None
    return found


async def ending(broker: Broker, disk: SlowDisk) -> asyncio.Task[Message]:
    """A commit that waits for the disk."""
    task = asyncio.create_task(handlers.end(broker, request("EndTxn", committed=True)))
    await disk.waiting.wait()
    assert of(broker).state is State.PREPARE_COMMIT
    return task


async def test_others_are_told_to_come_again(broker: Broker, disk: SlowDisk) -> None:
    task = await ending(broker, disk)
    for committed in (True, False):
        again = await handlers.end(broker, request("EndTxn", committed=committed))
        assert again["error_code"] == Code.CONCURRENT_TRANSACTIONS
    topics = [{"name": "t", "partitions": [0]}]
    added = await handlers.add_partitions(broker, request("AddPartitionsToTxn", topics=topics))
    assert added["topics"][0]["partitions"][0]["error_code"] == Code.CONCURRENT_TRANSACTIONS
    group = await handlers.add_offsets(broker, request("AddOffsetsToTxn", group_id="g"))
    assert group["error_code"] == Code.CONCURRENT_TRANSACTIONS
    heir = request("InitProducerId", transaction_timeout_ms=1, producer_id=-1)
    heir.message["producer_epoch"] = -1
    assert (await handlers.init_producer_id(broker, heir))["error_code"] == Code.CONCURRENT_TRANSACTIONS
    offsets = [{"name": "t", "partitions": [{"index": 0, "offset": 1, "leader_epoch": -1, "metadata": ""}]}]
    member = {"generation_id": -1, "member_id": "", "instance_id": None}
    held = request("TxnOffsetCommit", group_id="g", topics=offsets, **member)
    disk.may_go_on.set()
    assert (await task)["error_code"] == Code.NONE
    assert of(broker).state is State.COMPLETE_COMMIT
    told = await handlers.commit_offsets(broker, held)
    assert told["topics"][0]["partitions"][0]["error_code"] == Code.INVALID_TXN_STATE


async def test_a_record_is_not_taken_in_between(broker: Broker, disk: SlowDisk) -> None:
    task = await ending(broker, disk)
    records = memoryview(batch([b"x"], producer=(1, 0, 0), transactional=True))
    topics = [{"name": "t", "partitions": [{"index": 0, "records": records}]}]
    disk.waiting.clear()
    producing = asyncio.create_task(handlers_data.produce(broker, request("Produce", acks=1, topics=topics)))
    # It too waits for the disk before it answers.
    await disk.waiting.wait()
    assert of(broker).is_prepared
    disk.may_go_on.set()
    answer = await producing
    assert answer is not None
    assert answer["topics"][0]["partitions"][0]["error_code"] == Code.NOT_ENOUGH_REPLICAS
    assert (await task)["error_code"] == Code.NONE


async def test_a_client_that_hangs_up_does_not_stop_it(broker: Broker, disk: SlowDisk) -> None:
    task = await ending(broker, disk)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert of(broker).is_prepared
    disk.may_go_on.set()
    await sweep(broker)
    assert of(broker).state is State.COMPLETE_COMMIT
    assert broker.topics.find("t").log(0).next_offset == 1
