"""Reading a topic from its beginning to its end as it is now, outside any group."""

from collections.abc import Sequence

from copydesk_shared.brokers import Brokers
from copydesk_shared.kafka.scanning import open_scanner
from copydesk_shared.log import Record
from copydesk_shared.telemetry import get_logger


async def read_partitions(brokers: Brokers, topic: str, partitions: Sequence[int]) -> list[Record]:
    """Every record of these partitions from the beginning to the end as it is now, in order within each partition.

    Records that cannot be read at all are left out, with a line in the log. Raises :class:`LogError`.
    """
    if not partitions:
        return []

    def unreadable(where: str) -> None:
        get_logger().warning("a record that cannot be read is left out", topic=topic, where=where)

    async with open_scanner(brokers, topic, unreadable) as scanner:
        spans = await scanner.spans()
        return [record async for record in scanner.records({number: spans[number] for number in partitions})]
