"""Where a group stands in a topic, and setting it back."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError

from copydesk_shared.brokers import Brokers
from copydesk_shared.errors import CopydeskError
from copydesk_shared.kafka.admin import see_topics
from copydesk_shared.kafka.clients import CONNECT_SECONDS, log_errors, open_consumer
from copydesk_shared.kafka.connections import Consumer
from copydesk_shared.log import LogError

ANSWER_SECONDS = 30.0


class MembersError(CopydeskError):
    """The group has members, which would go on from where they are: its offsets are not changed."""


@dataclass(frozen=True, slots=True)
class Rewind:
    """Of a partition: the next offset that the group reads, and the one from which it is to read again."""

    partition: int
    stands: int
    wanted: int

    @property
    def records(self) -> int:
        """At most so many come again."""
        return self.stands - self.wanted


async def rewind_group(
    brokers: Brokers, group: str, topic: str, at: datetime | None, *, dry_run: bool = False
) -> list[Rewind]:
    """Set a group back to the first records that are not older than ``at``, or to the beginning; never forward.

    Partitions stay as they are where the group has read nothing or stands before that already. Raises
    :class:`MembersError` where the group is in use, without having changed anything, and :class:`LogError`.
    """
    async with open_consumer(brokers, "copydesk-replay", group) as consumer:
        with log_errors():
            async with asyncio.timeout(CONNECT_SECONDS):
                await consumer.start()
        async with asyncio.timeout(ANSWER_SECONDS):
            places = await _places(brokers, topic)
            consumer.assign(places)
            stands = await _stands(consumer, places)
            wanted = await _wanted(consumer, places, at)
            if stands and not dry_run:
                await _commit(consumer, group, {where: min(stood, wanted[where]) for where, stood in stands.items()})
    return [Rewind(where.partition, stood, wanted[where]) for where, stood in stands.items() if wanted[where] < stood]


async def _places(brokers: Brokers, topic: str) -> list[TopicPartition]:
    found = (await see_topics(brokers, [topic])).found.get(topic)
    if found is None:
        raise LogError(f"there is no topic {topic} that we may read")
    return [TopicPartition(topic, number) for number in range(found.partitions)]


async def _stands(consumer: Consumer, places: list[TopicPartition]) -> dict[TopicPartition, int]:
    """The next offset that the group reads, where it has read anything."""
    with log_errors():
        found = {where: await consumer.committed(where) for where in places}
    return {where: offset for where, offset in found.items() if offset is not None}


async def _wanted(consumer: Consumer, places: list[TopicPartition], at: datetime | None) -> dict[TopicPartition, int]:
    """The offsets to read from."""
    with log_errors():
        if at is None:
            return dict(await consumer.beginning_offsets(places))
        end = await consumer.end_offsets(places)
        found = await consumer.offsets_for_times(dict.fromkeys(places, max(0, int(at.timestamp() * 1000))))
    return {where: found[where].offset if found.get(where) else end[where] for where in places}


async def _commit(consumer: Consumer, group: str, offsets: dict[TopicPartition, int]) -> None:
    """The brokers take offsets from somebody who is no member only as long as there are none."""
    with log_errors():
        try:
            await consumer.commit(offsets)
        except CommitFailedError:
            raise MembersError(f"the group {group} has members") from None
