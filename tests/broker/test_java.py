"""What only Kafka's own client, in Java, can do or has to be told; the rest is in ``test_other_languages``."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from copydesk_standalone.broker.process import BrokerProcess
from tests.clients import java

from .batches import batch
from .client import WireClient
from .test_clients import reading, take

pytestmark = pytest.mark.kafka

Run = Callable[..., Any]


@pytest.fixture(scope="session")
def class_path() -> str:
    return java.class_path()


@pytest.fixture
def run(class_path: str, broker: BrokerProcess) -> Run:
    """Runs a task with the Java client."""

    def begin(task: str, **arguments: Any) -> Any:
        return java.run(class_path, task, bootstrap=broker.address, **arguments)

    return begin


@pytest.mark.parametrize("codec", ["snappy", "lz4", "zstd"])
async def test_others_read_what_it_compressed(broker: BrokerProcess, topic: str, run: Run, codec: str) -> None:
    messages = [{"key": "k", "value": "three" * 1_000, "headers": {}}]
    assert await asyncio.to_thread(run, "produce", topic=topic, codec=codec, messages=messages) == [0]
    async with reading(broker, topic) as consumer:
        records = await take(consumer, 1)
    assert [record.value.decode() for record in records] == ["three" * 1_000]


def test_the_new_group_protocol_is_refused_at_once(client: WireClient, topic: str, run: Run) -> None:
    client.produce(topic, batch([b"x"]))
    with pytest.raises(java.JavaError, match=r"group\.protocol=classic"):
        run("consume", topic=topic, group=topic, count=1, protocol="consumer")
