"""What lives beside a stage on the partitions that the stage owns.

The partitions of a group are handed out once; whatever else belongs to their numbers (tables, loops of its own) follows
the stage's session instead of being in a group of its own, which might be handed others.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Protocol

from copydesk_shared.log import Partition


class Companion(Protocol):
    """Follows the partitions of a stage's source."""

    async def on_assigned(self, numbers: frozenset[int]) -> None:
        """These partitions are ours now. No record is handled before this is done. Raises :class:`LogError`.

        It is cancelled when they are taken away meanwhile.
        """

    def on_closing(self) -> None:
        """All partitions are about to go: what only waits may give up, what runs has some seconds to finish."""

    async def on_revoked(self) -> None:
        """All partitions go. No handler of the stage runs any more; what this leaves running, runs beside an owner."""


class Escort:
    """Tells a companion, if there is one, of the partitions that come and go.

    What the companion does on assignment goes on beside the session: a member that takes long over an assignment sends
    no heartbeats and is put out of the group.
    """

    def __init__(self, companion: Companion | None, topic: str) -> None:
        self._companion = companion
        self._topic = topic
        self._settling: asyncio.Task[None] | None = None

    @property
    def is_there(self) -> bool:
        """Whether there is a companion."""
        return self._companion is not None

    def assigned(self, partitions: Iterable[Partition]) -> None:
        """These partitions came."""
        if self._companion is not None:
            numbers = frozenset(number for topic, number in partitions if topic == self._topic)
            self._settling = asyncio.create_task(self._companion.on_assigned(numbers))

    def is_busy(self) -> bool:
        """Whether the companion is not ready for records yet. Raises what it has raised."""
        settling = self._settling
        if settling is None:
            return False
        if not settling.done():
            return True
        self._settling = None
        settling.result()
        return False

    def closing(self) -> None:
        """All partitions are about to go."""
        if self._companion is not None:
            self._companion.on_closing()

    async def revoked(self) -> None:
        """All partitions go."""
        if self._companion is None:
            return
        settling, self._settling = self._settling, None
        if settling is not None:
            settling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([settling])
        await self._companion.on_revoked()
