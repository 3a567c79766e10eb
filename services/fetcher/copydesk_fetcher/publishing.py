"""What the poller writes: entries, states, feeds that move, and what is gone."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

from prometheus_client import Counter

from copydesk_fetcher.shares import Definition
from copydesk_shared.errors import Poison
from copydesk_shared.log import Log, Outgoing
from copydesk_shared.message import Message
from copydesk_shared.messages import Entry, FeedState, HostState
from copydesk_shared.telemetry import get_logger
from copydesk_shared.topics import DISCOVERED, FEEDS, FEEDS_STATE, HOSTS_STATE, Topic
from copydesk_shared.tracing import send_span
from copydesk_shared.wire import encode, tombstone

POLLER = "fetcher-poll"
POLL_VERSION = "1"
CHUNK = 50

ENTRIES = Counter("copydesk_entries_total", "Entries that are news, by what became of them.", ["outcome"])

M = TypeVar("M", bound=Message)


class Publisher:
    """Writes to the log of a session. Every method waits until it is stored, and raises :class:`LogError`."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def entries(self, entries: tuple[Entry, ...]) -> None:
        """Entries that are news. One that the log finds too large is given up: its feed's state says it was seen."""
        for start in range(0, len(entries), CHUNK):
            await asyncio.gather(*(self._entry(entry) for entry in entries[start : start + CHUNK]))

    async def _entry(self, entry: Entry) -> None:
        try:
            await self._store(DISCOVERED, entry)
        except Poison as error:
            get_logger().warning("an entry that cannot be stored", url=entry.url, error=str(error))
            ENTRIES.labels("refused").inc()
        else:
            ENTRIES.labels("new" if entry.revision == 1 else "changed").inc()

    def off_site(self, count: int) -> None:
        """So many entries were passed over because they lead elsewhere."""
        if count:
            ENTRIES.labels("off-site").inc(count)

    async def state(self, state: FeedState, number: int) -> None:
        """The state of a feed, beside the feed."""
        await self._store(FEEDS_STATE, state, number)

    async def feed(self, definition: Definition, number: int) -> None:
        """A definition, in the name of whoever gave it."""
        record = encode(FEEDS, definition.feed, stage=definition.writer, version=POLL_VERSION)
        await self.send([replace(record, partition=number)])

    async def gone(self, topic: Topic[Any], key: str, number: int) -> None:
        """What has this key is not in that partition any more."""
        await self.send([tombstone(topic, key, stage=POLLER, partition=number)])

    async def hosts(self, states: Iterable[HostState]) -> None:
        """What is kept of hosts."""
        await self.send([encode(HOSTS_STATE, each, stage=POLLER, version=POLL_VERSION) for each in states])

    async def send(self, records: Iterable[Outgoing]) -> None:
        """Any records."""
        for stored in [await self._log.send(record) for record in records]:
            await stored

    async def _store(self, topic: Topic[M], message: M, number: int | None = None) -> None:
        with send_span(POLLER, topic.name) as span:
            record = encode(topic, message, stage=POLLER, version=POLL_VERSION, trace=span.trace)
            await (await self._log.send(record if number is None else replace(record, partition=number)))
