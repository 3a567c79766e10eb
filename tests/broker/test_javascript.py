"""The two JavaScript clients that people use, as npm has them, on the broker process."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from copydesk_standalone.broker.errors import Code
from copydesk_standalone.broker.process import BrokerProcess
from tests import npm
from tests.clients import node

from .batches import batch
from .client import WireClient
from .test_clients import reading, take

pytestmark = pytest.mark.kafka

Run = Callable[..., Any]

MESSAGES = [
    {"key": "k", "value": "one", "headers": {"a": "1", "b": "é"}},
    {"key": "k", "value": "two", "headers": {}},
    {"key": "k", "value": "three" * 1_000, "headers": {"a": ""}},
]
READ = [{**message, "offset": offset} for offset, message in enumerate(MESSAGES)]


@pytest.fixture(scope="session")
def packages() -> Path:
    return npm.install(node.SCRIPTS)


@pytest.fixture(params=["kafkajs", "platformatic"])
def run(request: pytest.FixtureRequest, packages: Path, broker: BrokerProcess) -> Run:
    """Runs a task with one of the clients."""

    def begin(task: str, **arguments: Any) -> Any:
        return node.run(packages, request.param, task, bootstrap=broker.address, **arguments)

    return begin


@pytest.mark.parametrize("codec", ["none", "gzip"])
async def test_others_read_what_it_wrote(broker: BrokerProcess, topic: str, run: Run, codec: str) -> None:
    for _ in range(2):
        await asyncio.to_thread(run, "produce", topic=topic, codec=codec, messages=MESSAGES)
    async with reading(broker, topic) as consumer:
        records = await take(consumer, 6)
    assert [record.value.decode() for record in records] == 2 * [message["value"] for message in MESSAGES]
    assert {record.key for record in records} == {b"k"}
    assert dict(records[0].headers) == {"a": b"1", "b": "é".encode()}


def test_it_resumes_where_it_committed(topic: str, run: Run) -> None:
    run("produce", topic=topic, codec="gzip", messages=MESSAGES)
    assert run("consume", topic=topic, group=topic, count=3, commit=2) == READ
    assert run("consume", topic=topic, group=topic, count=1, commit=1) == READ[2:]


def test_it_administers(client: WireClient, name: str, topic: str, run: Run) -> None:
    partitions = [{"index": 0, "offset": 0, "metadata": ""}]
    topics = [{"name": topic, "partitions": partitions}]
    client.call("OffsetCommit", 8, group_id=f"{name}-group", generation_id=-1, member_id="", topics=topics)
    answer = run("administer", topic=f"{name}.made")
    assert f"{name}-group" in answer.pop("groups")
    assert answer == {"made": True, "partitions": 3, "policy": "compact", "offsets": 3, "gone": True}


async def test_only_what_it_committed_is_read(broker: BrokerProcess, topic: str, run: Run) -> None:
    asked = {"topic": topic, "id": f"{topic}-id", "group": topic, "offset": 1}
    assert await asyncio.to_thread(run, "transact", **asked) == "done"
    async with reading(broker, topic, isolation_level="read_committed") as consumer:
        assert [record.value for record in await take(consumer, 1)] == [b"commit"]
    async with reading(broker, topic) as consumer:
        assert [record.value for record in await take(consumer, 2)] == [b"abort", b"commit"]


def test_it_deletes_records(client: WireClient, topic: str, run: Run) -> None:
    for _ in range(3):
        client.produce(topic, batch([b"x"]))
    assert run("deleteRecords", topic=topic, offset=2) == {"low": 2, "high": 3}
    assert client.fetch(topic, 1)["error_code"] == Code.OFFSET_OUT_OF_RANGE


async def test_offsets_that_kafkajs_commits_in_a_transaction(
    broker: BrokerProcess, client: WireClient, topic: str, packages: Path
) -> None:
    asked = {"bootstrap": broker.address, "topic": topic, "id": f"{topic}-id", "group": topic, "offset": 7}
    await asyncio.to_thread(node.run, packages, "kafkajs", "transact", **asked)
    wanted = [{"group_id": topic, "topics": [{"name": topic, "partitions": [0]}]}]
    (group,) = client.call("OffsetFetch", 8, groups=wanted)["groups"]
    assert group["topics"][0]["partitions"][0]["offset"] == 7


async def test_kafkajs_reads_zstd_with_a_codec(broker: BrokerProcess, topic: str, packages: Path) -> None:
    async with AIOKafkaProducer(bootstrap_servers=broker.address, compression_type="zstd") as producer:
        await producer.send_and_wait(topic, b"x" * 5_000, headers=[("a", b"1")])
    asked = {"bootstrap": broker.address, "topic": topic, "group": topic, "count": 1, "commit": 1}
    (message,) = await asyncio.to_thread(node.run, packages, "kafkajs", "consume", **asked)
    assert message == {"offset": 0, "key": None, "value": "x" * 5_000, "headers": {"a": "1"}}


def test_the_new_group_protocol_is_refused_at_once(
    broker: BrokerProcess, client: WireClient, topic: str, packages: Path
) -> None:
    """Only this one: kafkajs does not know the protocol."""
    client.produce(topic, batch([b"x"]))
    asked = {"bootstrap": broker.address, "topic": topic, "group": topic, "count": 1, "protocol": "consumer"}
    with pytest.raises(node.NodeError, match="UNSUPPORTED_VERSION"):
        node.run(packages, "platformatic", "consume", **asked)
