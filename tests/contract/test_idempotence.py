"""Idempotent producers: what is sent twice is stored once, and what does not follow is refused."""

from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer

from tests.broker.batches import batch, read
from tests.broker.client import WireClient
from tests.contract.both import Both, Site, code, insist, said

pytestmark = [pytest.mark.kafka, pytest.mark.apache]


def new_producer(client: WireClient, **message: Any) -> tuple[int, int]:
    """The id and epoch of a producer, once the broker has one to give."""
    asked = {"transactional_id": None, "transaction_timeout_ms": 60_000, **message}
    answer = insist(client, "InitProducerId", 4, **asked)
    assert answer["error_code"] == 0, code(answer["error_code"])
    return answer["producer_id"], answer["producer_epoch"]


async def test_what_is_sent_again_keeps_its_offset(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        with site.client() as client:
            producer, epoch = new_producer(client)
            batches = [batch([b"%d" % number, b"and"], producer=(producer, epoch, 2 * number)) for number in range(7)]
            first = [client.produce(topic, each) for each in batches]
            again = [client.produce(topic, each) for each in batches]
            end = client.offset_at(topic, -1)[0]
        return (
            epoch,
            *([(code(each["error_code"]), each["base_offset"]) for each in part] for part in (first, again)),
            end,
        )

    epoch, first, again, end = await both(scenario)
    assert (epoch, end) == (0, 14)
    assert first == [("NO_ERROR", 2 * number) for number in range(7)]
    # Five batches of a producer are remembered; what came before those is out of order.
    assert again == [("OUT_OF_ORDER_SEQUENCE_NUMBER", -1)] * 2 + first[2:]


SEQUENCES = {
    "a gap": (0, 5, "OUT_OF_ORDER_SEQUENCE_NUMBER"),
    "an older epoch": (-1, 1, "INVALID_PRODUCER_EPOCH"),
    "a newer epoch from zero": (1, 0, "NO_ERROR"),
    "a newer epoch in the middle": (1, 1, "OUT_OF_ORDER_SEQUENCE_NUMBER"),
    "what follows": (0, 1, "NO_ERROR"),
}


@pytest.mark.parametrize("case", SEQUENCES)
async def test_sequences_and_epochs(both: Both, case: str) -> None:
    step, sequence, expected = SEQUENCES[case]

    def scenario(site: Site) -> Any:
        topic = site.topic()
        with site.client() as client:
            producer, _ = new_producer(client)
            client.produce(topic, batch([b"a"], producer=(producer, 3, 0)))
            answer = client.produce(topic, batch([b"b"], producer=(producer, 3 + step, sequence)))
            stored = read(client.fetch(topic, 0)["records"])
        return code(answer["error_code"]), len(stored)

    assert await both(scenario) == (expected, 2 if expected == "NO_ERROR" else 1)


async def test_a_producer_nobody_knows_starts_where_it_likes(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        with site.client() as client:
            producer, epoch = new_producer(client)
            answers = [client.produce(topic, batch([b"x"], producer=(producer, epoch, at))) for at in (9, 10, 12)]
        return [code(each["error_code"]) for each in answers]

    assert await both(scenario) == ["NO_ERROR", "NO_ERROR", "OUT_OF_ORDER_SEQUENCE_NUMBER"]


async def test_ids_are_given_once_and_epochs_are_raised(both: Both) -> None:
    def scenario(site: Site) -> Any:
        with site.client() as client:
            producer, epoch = new_producer(client)
            other, _ = new_producer(client)
            raised = new_producer(client, producer_id=producer, producer_epoch=epoch)
        return producer != other, epoch, raised[0] in {producer, other}, raised[1]

    different, epoch, known, raised = await both(scenario)
    assert (different, epoch) == (True, 0)
    # Without a transactional id nothing is kept to raise: a new id is given.
    assert (known, raised) == (False, 0)


async def test_clients_are_idempotent(both: Both) -> None:
    async def scenario(site: Site) -> Any:
        site.topic()
        async with AIOKafkaProducer(bootstrap_servers=site.address, enable_idempotence=True) as ours:
            futures = [await ours.send(site.name, b"%d" % number) for number in range(50)]
            offsets = [(await future).offset for future in futures]
        theirs = Producer({"bootstrap.servers": site.address, "enable.idempotence": True, "linger.ms": 1})
        for number in range(50):
            theirs.produce(site.name, b"%d" % number)
        return offsets, theirs.flush(30), len(said(offsets))

    assert await both(scenario) == (list(range(50)), 0, 50)
