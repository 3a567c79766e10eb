"""Clients of other languages on the broker process, each as its registry has it: Java's, and the two of JavaScript."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from copydesk_standalone.broker.errors import Code
from copydesk_standalone.broker.process import BrokerProcess
from tests import npm
from tests.clients import java, node

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


@pytest.fixture(params=["java", "kafkajs", "platformatic"])
def run(request: pytest.FixtureRequest, broker: BrokerProcess) -> Run:
    """Runs a task with one of the clients."""
    if request.param == "java":
        class_path = java.class_path()
        return lambda task, **arguments: java.run(class_path, task, bootstrap=broker.address, **arguments)
    packages = npm.install(node.SCRIPTS)
    return lambda task, **arguments: node.run(packages, request.param, task, bootstrap=broker.address, **arguments)


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
