"""How far topics have grown and groups have read, outside any group: what lag and throughput are made of."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from copydesk_shared.brokers import Brokers
from copydesk_shared.kafka.admin import see_topics
from copydesk_shared.kafka.clients import CONNECT_SECONDS, log_errors, open_admin, open_consumer
from copydesk_shared.kafka.connections import Consumer
from copydesk_shared.log import Partition

ANSWER_SECONDS = 15.0
NOTHING_COMMITTED = -1


@dataclass(frozen=True, slots=True)
class Offsets:
    """The first offset of each partition and its end, and the next offset that each group reads, where it has one."""

    starts: Mapping[Partition, int]
    ends: Mapping[Partition, int]
    committed: Mapping[str, Mapping[Partition, int]]

    def size(self, topic: str) -> int:
        """At most so many records lie in a topic."""
        return sum(end - self.starts[where] for where, end in self.ends.items() if where[0] == topic)

    def written(self, topic: str) -> int:
        """At most so many records were ever written to a topic."""
        return sum(end for where, end in self.ends.items() if where[0] == topic)

    def read(self, group: str, topic: str) -> int:
        """The offsets that a group has passed in a topic."""
        return sum(offset for where, offset in self.committed.get(group, {}).items() if where[0] == topic)

    def lag(self, group: str, topic: str) -> int | None:
        """At most so many records are before a group; ``None`` where it has never read the topic."""
        stands = {where: offset for where, offset in self.committed.get(group, {}).items() if where[0] == topic}
        if not stands:
            return None
        return sum(max(0, end - max(stands.get(where, 0), self.starts[where]))
                   for where, end in self.ends.items() if where[0] == topic)  # fmt: skip


class OffsetReader:
    """Asks for offsets again and again, by connections that stay open."""

    def __init__(self, brokers: Brokers, consumer: Consumer, admin: AIOKafkaAdminClient) -> None:
        self._brokers = brokers
        self._consumer = consumer
        self._admin = admin

    async def read(self, topics: Collection[str], groups: Collection[str]) -> Offsets:
        """The offsets now, without topics that are not there or that we may not see. Raises :class:`LogError`."""
        with log_errors():
            async with asyncio.timeout(ANSWER_SECONDS):
                found = (await see_topics(self._brokers, topics)).found
                places = [TopicPartition(name, number) for name, each in found.items() if each is not None
                          for number in range(each.partitions)]  # fmt: skip
                # Groups first, so that none is past an end.
                committed = {group: await self._committed(group) for group in groups}
                starts = await self._consumer.beginning_offsets(places) if places else {}
                ends = await self._consumer.end_offsets(places) if places else {}
        return Offsets(_plain(starts), _plain(ends), committed)

    async def _committed(self, group: str) -> dict[Partition, int]:
        found = await self._admin.list_consumer_group_offsets(group)
        return {(where.topic, where.partition): place.offset for where, place in found.items()
                if place.offset != NOTHING_COMMITTED}  # fmt: skip


def _plain(offsets: Mapping[TopicPartition, int]) -> dict[Partition, int]:
    return {(where.topic, where.partition): offset for where, offset in offsets.items()}


@asynccontextmanager
async def open_offsets(brokers: Brokers) -> AsyncIterator[OffsetReader]:
    """A reader of offsets. Raises :class:`LogError` when no broker answers."""
    async with open_consumer(brokers, "copydesk-offsets") as consumer, open_admin(brokers) as admin:
        with log_errors():
            async with asyncio.timeout(CONNECT_SECONDS):
                await consumer.start()
        yield OffsetReader(brokers, consumer, admin)
