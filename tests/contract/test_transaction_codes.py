"""The codes, epochs and bytes of transactions, call by call."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from copydesk_standalone.broker.batch import read_header
from tests.broker.client import WireClient
from tests.broker.transactor import Transactor, fetched
from tests.contract.both import BUSY, Both, Site, code

pytestmark = [pytest.mark.kafka, pytest.mark.apache]


def again(call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """What a call says once the coordinator has time for it, by the names of the codes."""
    while BUSY.intersection(_codes(answer := call(*arguments, **options))):
        time.sleep(0.02)
    return [code(each) for each in answer] if isinstance(answer, list) else code(answer)


def _codes(answer: Any) -> list[int]:
    return answer if isinstance(answer, list) else [answer]


def started(client: WireClient, name: str, **options: Any) -> Transactor:
    producer = Transactor(client, name)
    assert again(producer.init, **options) == "NO_ERROR"
    return producer


def sent(producer: Transactor, topic: str, **options: Any) -> tuple[str, int]:
    answer = producer.send(topic, **options)
    return code(answer["error_code"]), answer["base_offset"]


def stable(client: WireClient, topic: str, end: int) -> None:
    """Wait for the marker: Apache Kafka writes it after it has answered."""
    while fetched(client, topic)["last_stable_offset"] != end:
        time.sleep(0.02)


async def test_what_init_refuses(both: Both) -> None:
    def scenario(site: Site) -> Any:
        with site.client() as client:
            producer = Transactor(client, site.name)
            return [
                again(Transactor(client, "").init),
                [again(producer.init, timeout_ms=timeout) for timeout in (0, -1, 900_001)],
                [again(producer.init, expected=given) for given in ((1, -1), (-1, 1))],
                [again(producer.init, timeout_ms=900_000), producer.epoch],
            ]

    await both(scenario)


async def test_epochs(both: Both) -> None:
    """KIP-360: a producer goes on with the next epoch; repeats are told apart from producers that were fenced."""

    def scenario(site: Site) -> Any:
        with site.client() as client:
            producer = started(client, site.name)
            owner = producer.id
            asked = ((owner, 0), (owner, 0), (owner, 1), (owner, 0), (owner + 7, 2), (-1, -1), (owner, 1))
            steps = [(again(producer.init, expected=expected), producer.epoch) for expected in asked]
            old = again(producer.init, version=3, expected=(owner, 0))
            other = started(client, f"{site.name}-other", expected=(owner, 3))
            return steps, old, other.epoch, other.id == owner

    await both(scenario)


async def test_who_may_do_what(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic(2)
        with site.client() as client:
            producer = started(client, site.name)
            steps: list[Any] = [
                again(producer.end, commit=True),
                sent(producer, topic),
                sorted(again(producer.add, topic, 0, 9)),
                again(producer.add, topic),
                again(producer.add, topic),
                sent(producer, topic, partition=1),
                sent(producer, topic),
                sent(producer, topic, transactional=False),
                code(client.produce(topic, producer.batch(topic))["error_code"]),
            ]
            for change in ({"epoch": 1}, {"id": producer.id + 99}, {"name": "nobody"}):
                other = Transactor(client, producer.name)
                other.id, other.epoch = producer.id, producer.epoch
                for key, value in change.items():
                    setattr(other, key, value)
                steps += [again(other.add, topic, version=v) for v in (1, 3)]
                steps += [again(other.end, commit=True, version=v) for v in (1, 3)]
                steps.append(again(other.add_group, "g"))
                # Apache Kafka does not ask for the id when the producer has a record in the partition already.
                steps.append(sent(other, topic, partition="name" in change))
            for commit in (True, False):
                steps.append([again(producer.end, commit=c) for c in (commit, commit, not commit)])
                steps.append(again(producer.add, topic))
            return steps

    await both(scenario)


async def test_what_readers_are_told(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic(segment_ms="9000000000000")
        with site.client() as client:
            producer = started(client, site.name)
            seen: list[Any] = []
            for end, commit in ((2, True), (4, False), (6, False), (8, True)):
                again(producer.add, topic)
                seen.append(sent(producer, topic))
                seen += [_fetched(client, topic, offset, producer.id) for offset in (0, end - 2)]
                seen += [_offset(client, topic, at, level) for at in (-1, -2, -3, 1) for level in (0, 1)]
                seen.append(again(producer.end, commit=commit))
                stable(client, topic, end)
                seen += [_fetched(client, topic, offset, producer.id) for offset in range(end)]
            return seen

    await both(scenario)


def _fetched(client: WireClient, topic: str, offset: int, producer: int) -> Any:
    """What a reader at ``offset`` gets, with the bytes of markers but for their time and producer."""
    answers = []
    for committed in (True, False):
        answer = fetched(client, topic, offset, committed=committed)
        told = answer["aborted"] and [(owner == producer, first) for owner, first in answer["aborted"]]
        data, markers = answer["records"] or b"", []
        position = 0
        while position < len(data):
            found = read_header(data, position)
            body = bytes(data[position : position + found.size])
            markers.append((found.base_offset, body[:17], body[21:27], body[51:]) if found.is_control else None)
            position += found.size
        answers.append((answer["high_watermark"], answer["last_stable_offset"], told, len(data), markers))
    return answers


def _offset(client: WireClient, topic: str, timestamp: int, isolation: int) -> Any:
    topics = [{"name": topic, "partitions": [{"index": 0, "timestamp": timestamp}]}]
    answer = client.call("ListOffsets", 7, replica_id=-1, isolation_level=isolation, topics=topics)
    found = answer["topics"][0]["partitions"][0]
    return code(found["error_code"]), found["offset"]


async def test_taking_over_and_coming_back(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        with site.client() as client:
            old = started(client, site.name)
            owner = old.id, old.epoch
            again(old.add, topic)
            steps: list[Any] = [sent(old, topic)]
            new = Transactor(client, site.name)
            steps += [code(new.init()), again(new.init), new.epoch, new.id == old.id]
            stable(client, topic, 2)
            steps += [again(old.add, topic, version=v) for v in (0, 3)]
            steps += [again(old.end, commit=True, version=v) for v in (0, 3)]
            steps += [sent(old, topic), again(old.init, expected=owner)]
            # A producer whose open transaction was aborted may ask for its next epoch, while nobody else has.
            owner = new.id, new.epoch
            again(new.add, topic)
            steps += [code(new.init(expected=owner)), again(new.init, expected=owner), new.epoch]
            return steps, again(new.add, topic), sent(new, topic)

    await both(scenario)


async def test_a_time_out(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic = site.topic()
        with site.client() as client:
            slow = started(client, site.name, timeout_ms=1)
            owner = slow.id, slow.epoch
            again(slow.add, topic)
            while slow.described()["state"] != "CompleteAbort":
                time.sleep(0.05)
            steps = [again(slow.end, commit=True), again(slow.add, topic), sent(slow, topic)]
            return steps, slow.described()["producer_epoch"], again(slow.init, expected=owner), slow.epoch

    await both(scenario)


async def test_offsets_of_groups(both: Both) -> None:
    def scenario(site: Site) -> Any:
        topic, group = site.topic(), site.name
        with site.client() as client:
            producer = started(client, site.name)

            def held(offset: int, **options: Any) -> Any:
                return again(producer.commit_offset, group, topic, offset, **options)

            def seen() -> Any:
                topics = [{"name": topic, "partitions": [0]}]
                answers = []
                for wait in (False, True):
                    answer = client.call("OffsetFetch", 7, group_id=group, topics=topics, require_stable=wait)
                    found = answer["topics"][0]["partitions"][0]
                    answers.append((code(found["error_code"]), found["offset"], found["metadata"]))
                return answers

            steps = [held(3), again(producer.add_group, group), held(3), held(4, version=0), seen()]
            steps += [held(5, generation_id=2, member_id="m"), held(5, generation_id=-1, member_id="m")]
            steps.append(again(producer.commit_offset, group, f"{topic}-none", 1))
            for commit, offset in ((True, 6), (False, 7)):
                steps += [again(producer.add_group, group), held(offset)]
                steps.append(again(producer.end, commit=commit))
                while seen()[1][0] != "NO_ERROR":
                    time.sleep(0.02)
                steps.append(seen())
            return steps

    await both(scenario)
