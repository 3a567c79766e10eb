"""What the runner needs of a log of records: Apache Kafka, the embedded broker and the in-memory log all give it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from copydesk_shared.errors import CopydeskError

Partition = tuple[str, int]
Headers = tuple[tuple[str, bytes], ...]


class LogError(CopydeskError):
    """The log cannot be used at the moment. The session is given up and a new one starts at the committed offsets."""


class ProducerLostError(LogError):
    """The brokers take nothing from this producer any more; with a new one, what is not committed is sent again."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it lies in a partition; ``value`` is ``None`` for a tombstone.

    ``fault`` says why the record cannot be read at all, where that is so; it has no key, value and headers then.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp_ms: int = 0
    fault: str = ""

    @property
    def is_tombstone(self) -> bool:
        """Whether it says that what has its key is gone."""
        return self.value is None and not self.fault

    @property
    def where(self) -> Partition:
        """The partition it lies in."""
        return self.topic, self.partition

    def header(self, name: str) -> str | None:
        """The last header of that name, as text; ``None`` where there is none."""
        values = [value for key, value in self.headers if key == name]
        return (values[-1] or b"").decode("utf-8", "replace") if values else None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record on its way to a topic.

    ``place`` chooses the partition, as keys do, where that is not the key's; ``partition`` is its number where the
    record has to lie beside another, wherever that lies.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    place: str | None = None
    partition: int | None = None


class Log(Protocol):
    """A session with the log. Every method raises :class:`LogError` when the log cannot be used."""

    async def poll(self, max_records: int, timeout_seconds: float) -> list[Record]:
        """Up to that many records of the assigned partitions that are not paused, in offset order per partition."""

    def hold(self, partitions: AbstractSet[Partition]) -> None:
        """Exactly these partitions give nothing until told otherwise; membership is kept as long as one polls."""

    def rewind(self, where: Partition, offset: int) -> None:
        """Read this partition from that offset on, if it is still ours."""

    async def positions(self) -> Mapping[Partition, tuple[int, int]]:
        """The next offset to be handed out and the end of each assigned partition."""

    async def send(self, record: Outgoing) -> Awaitable[None]:
        """Hand a record over; the answer resolves when it is stored. Raises :class:`Poison` when it is too large."""

    async def renew_producer(self) -> None:
        """Go on with a new producer after a :class:`ProducerLostError`; what the old one had not stored is lost."""

    async def commit(self, next_offsets: Mapping[Partition, int]) -> bool:
        """Store the next offset to read of each partition; ``False`` when the group has moved on meanwhile."""

    def assigned(self) -> frozenset[Partition]:
        """The partitions this member owns now."""

    def assign(self, starts: Mapping[Partition, int]) -> None:
        """Read exactly these partitions, from these offsets on. For sessions that follow without a group."""

    async def count(self, topic: str) -> int:
        """How many partitions a topic has."""


async def all_of(deliveries: Iterable[Awaitable[None]]) -> None:
    """Resolves when all of these are stored."""
    for delivery in deliveries:
        await delivery


async def stay(log: Log) -> None:
    """Take nothing and stay in the group: members that do not poll are put out of it."""
    log.hold(log.assigned())
    for record in await log.poll(1, 0):  # of a partition that was assigned this very moment
        log.rewind(record.where, record.offset)


class RebalanceListener(Protocol):
    """What is told when partitions come and go."""

    async def on_assigned(self, partitions: frozenset[Partition]) -> Mapping[Partition, int]:
        """Where to start reading each of them; those left out start at the committed offset."""

    async def on_revoked(self, partitions: frozenset[Partition]) -> None:
        """The last moment to finish and commit."""


OpenLog = Callable[[RebalanceListener], AbstractAsyncContextManager[Log]]
