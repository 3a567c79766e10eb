"""How far topics and groups are, on both brokers."""

import asyncio
from collections.abc import Mapping

import pytest

from copydesk_shared.brokers import Brokers
from copydesk_shared.kafka import connect, follow
from copydesk_shared.kafka.offsets import Offsets, open_offsets
from copydesk_shared.kafka.scanning import delete_records
from copydesk_shared.log import LogError, Outgoing, Partition
from tests.brokers import Broker, unique


async def _join(brokers: Brokers, group: str, topic: str, commit: Mapping[Partition, int] | None = None) -> None:
    async with connect(brokers, client_id="t", group=group, topics=[topic]) as log, asyncio.timeout(60):
        while not log.assigned():
            await log.poll(1, 0.1)
        assert await log.commit(commit or {(topic, 0): 0})


async def test_ends_starts_and_what_a_group_has_committed(any_broker: Broker) -> None:
    topic, group, brokers = unique(), unique(), Brokers(any_broker.bootstrap_servers)
    any_broker.create_topics(topic, partitions=2)
    async with follow(brokers, client_id="t") as log:
        for number in (0, 0, 0, 1):
            await (await log.send(Outgoing(topic, b"k", b"v", partition=number)))
    await _join(brokers, unique(), topic)  # brokers that never had a group have no coordinator at first
    async with open_offsets(brokers) as reader:
        before = await reader.read([topic, "not-there"], [group])
        assert before.ends == {(topic, 0): 3, (topic, 1): 1}
        assert (before.lag(group, topic), before.read(group, topic)) == (None, 0)
        await _join(brokers, group, topic, {(topic, 0): 2, (topic, 1): 1})
        await delete_records(brokers, topic, {0: 1})
        after = await reader.read([topic], [group])
    assert (after.lag(group, topic), after.read(group, topic)) == (1, 3)
    assert (after.size(topic), after.written(topic)) == (3, 4)


def test_what_was_deleted_before_it_was_read_is_no_lag() -> None:
    offsets = Offsets({("t", 0): 50, ("t", 1): 0}, {("t", 0): 60, ("t", 1): 5}, {"g": {("t", 0): 10}})
    assert offsets.lag("g", "t") == 15


async def test_brokers_that_are_away() -> None:
    with pytest.raises(LogError):
        async with open_offsets(Brokers("127.0.0.1:9")):
            pass
