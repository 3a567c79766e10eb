"""What only one of the JavaScript clients can do or has to be told; the rest is in ``test_other_languages``."""

import asyncio
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from copydesk_standalone.broker.process import BrokerProcess
from tests import npm
from tests.clients import node

from .batches import batch
from .client import WireClient

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="session")
def packages() -> Path:
    return npm.install(node.SCRIPTS)


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
