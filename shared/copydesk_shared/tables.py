"""Compacted topics as tables that are rebuilt from the log: no disk is needed for what is kept in one."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Protocol

from copydesk_shared.log import Partition, Record


class Tables(Protocol):
    """Reads partitions of topics outside any group. Every method raises :class:`LogError`."""

    async def read(
        self, topics: Collection[str], numbers: Collection[int], each: Callable[[Record], None]
    ) -> dict[Partition, int]:
        """Hand over every record from the beginning of these partitions to their end as it is now.

        In order within each partition. The answer is where to go on reading each. Records that cannot be read at all
        are left out, with a line in the log.
        """

    async def since(self, topic: str, numbers: Collection[int], at: datetime) -> dict[Partition, int]:
        """The offset of the first record of each partition that is not older, or its end."""

    async def tail(self, starts: Mapping[Partition, int], each: Callable[[Record], None]) -> None:
        """Hand over what lies from these offsets to the end as it is now."""
