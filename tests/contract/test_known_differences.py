"""Where the embedded broker is known to answer otherwise. docs/embedded-broker.md lists each by its name here."""

from typing import Any

import pytest
from confluent_kafka import Consumer

from tests.broker.batches import batch
from tests.broker.client import fetch_message
from tests.contract.both import Both, Site, code
from tests.contract.test_topics import create, describe
from tests.contract.test_versions import offered

pytestmark = [pytest.mark.kafka, pytest.mark.apache]


async def test_fetch_sessions(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        with site.client() as client:
            message = fetch_message(topic, 0) | {"session_id": 0, "session_epoch": 0}
            answer = client.call("Fetch", 11, **message)
        return code(answer["error_code"]), answer["session_id"] != 0

    assert await both.each(scenario) == (("NO_ERROR", False), ("NO_ERROR", True))


async def test_the_group_protocol_of_kip_848(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        with site.client() as client:
            client.produce(topic, batch([b"value"]))
        options = {"bootstrap.servers": site.address, "group.id": site.name, "auto.offset.reset": "earliest"}
        reader = Consumer({**options, "group.protocol": "consumer"})
        reader.subscribe([topic])
        message: Any = reader.poll(30)
        reader.close()
        return message.error().name() if message.error() else message.value()

    assert await both.each(scenario) == ("_FATAL", b"value")


async def test_small_segments(both: Both) -> None:
    def scenario(site: Site) -> Any:
        small = create(site, {"configs": [{"name": "segment.bytes", "value": "1024"}]})["error_code"]
        site.broker.create_topics(f"{site.name}-default")
        return small, describe(site, ["segment.bytes"], f"{site.name}-default")["segment.bytes"][0]

    assert await both.each(scenario) == (("NO_ERROR", str(64 << 20)), ("INVALID_CONFIG", str(1 << 30)))


async def test_fetches_that_do_not_fit(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        with site.client() as client:
            for _ in range(3):
                client.produce(topic, batch([bytes(5000)]))
            return len(client.fetch(topic, 0, partition_max_bytes=11_000)["records"])

    whole = 2 * len(batch([bytes(5000)]))
    assert await both.each(scenario) == (whole, 11_000)


async def test_calls_that_are_missing(both: Both) -> None:
    def scenario(site: Site) -> Any:
        with site.client() as client:
            return set(offered(client))

    embedded, apache = await both.each(scenario)
    assert apache - embedded == {key for keys in MISSING.values() for key in keys}


# What for, and the keys of the calls.
MISSING = {
    "authentication": (17, 36, 50, 51),
    "access lists": (29, 30, 31),
    "delegation tokens": (38, 39, 40, 41),
    "quotas": (48, 49),
    "log folders": (34, 35),
    "markers of transactions, among brokers": (27,),
    "leaders, replicas and the quorum": (43, 45, 46, 55, 57, 64, 80, 81),
    "the group protocol of KIP-848": (69,),
    "resources with settings and topics in pages": (74, 75),
    "share groups": (76, 77, 78, 79, 83, 84, 85, 86, 87, 90, 91, 92),
    "streams groups": (88, 89),
}
