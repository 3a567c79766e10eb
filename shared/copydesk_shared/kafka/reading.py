"""Reading a topic from its beginning to its end as it is now, outside any group."""

from collections.abc import Sequence

from aiokafka import TopicPartition

from copydesk_shared.brokers import Brokers
from copydesk_shared.kafka.clients import log_errors, open_consumer
from copydesk_shared.kafka.session import as_record
from copydesk_shared.log import Record


async def read_partitions(brokers: Brokers, topic: str, partitions: Sequence[int]) -> list[Record]:
    """Every record of these partitions from the beginning to the end as it is now. Raises :class:`LogError`."""
    if not partitions:
        return []
    async with open_consumer(brokers, "copydesk-read") as consumer:
        with log_errors():
            await consumer.start()
            where = [TopicPartition(topic, partition) for partition in partitions]
            consumer.assign(where)
            await consumer.seek_to_beginning(*where)
            ends = await consumer.end_offsets(where)
            records: list[Record] = []
            while any([await consumer.position(each) < ends[each] for each in where]):
                for batch in (await consumer.getmany(timeout_ms=500)).values():
                    records += [as_record(message) for message in batch]
            return records
