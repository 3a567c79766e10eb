"""The feeds and hosts as the compacted topics have them: a table in memory that is read again at each start.

Every replica has its own and needs nothing of the database. Of the states only what is shown is kept: what a fetcher
remembers of a feed's entries may be long.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from copydesk_shared.feed_records import Definitions, Known
from copydesk_shared.identity import registrable_domain
from copydesk_shared.kafka import follow, see_topics
from copydesk_shared.log import Log, LogError, Record
from copydesk_shared.messages import Feed
from copydesk_shared.service import Service
from copydesk_shared.sessions import keep_session
from copydesk_shared.topics import FEEDS, FEEDS_STATE, HOSTS_STATE

NAME = "feeds"
TOPICS = (FEEDS.name, FEEDS_STATE.name, HOSTS_STATE.name)
BATCH = 500
POLL_SECONDS = 1.0

OpenFollower = Callable[[], AbstractAsyncContextManager[Log]]
M = TypeVar("M", bound=BaseModel)


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True)


class Polled(_Kept):
    """What of a :class:`copydesk_shared.messages.FeedState` is shown."""

    feed_id: str
    last_poll_at: AwareDatetime | None = None
    last_success_at: AwareDatetime | None = None
    next_poll_at: AwareDatetime | None = None
    failures: int = 0
    failure_kind: str | None = None
    failing_since: AwareDatetime | None = None
    last_error: str | None = None
    disabled: str | None = None
    warning: str | None = None
    entries_seen: int = 0
    interval_seconds: float | None = None


class Host(_Kept):
    """What of a :class:`copydesk_shared.messages.HostState` is shown."""

    domain: str
    held_until: AwareDatetime | None = None
    queued: int = 0
    last_status: int | None = None
    last_request_at: AwareDatetime | None = None


class FeedTable:
    """What the topics say now. It is known once it was read to its end."""

    def __init__(self) -> None:
        self.is_known = False
        self.version = 0
        self._definitions = Definitions()
        self._polled: dict[str, Polled] = {}
        self._hosts: dict[str, Host] = {}
        self._by_domain: dict[str, dict[str, Feed]] = defaultdict(dict)

    def take(self, record: Record) -> None:
        """Take in a record of one of the topics. What cannot be read says nothing."""
        self.version += 1
        key = (record.key or b"").decode("utf-8", "replace")
        if record.topic == FEEDS.name:
            self._define(key, record)
        elif record.topic == FEEDS_STATE.name:
            _put(self._polled, key, _read(Polled, record))
        else:
            _put(self._hosts, key, _read(Host, record))

    def _define(self, key: str, record: Record) -> None:
        former = self.feeds.get(key)
        self._definitions.take(record)
        known = self.feeds.get(key)
        if former is not None:
            self._by_domain[registrable_domain(former.feed.url)].pop(key, None)
        if known is not None:
            self._by_domain[registrable_domain(known.feed.url)][key] = known.feed

    @property
    def feeds(self) -> Mapping[str, Known]:
        """The feeds by id, and where they lie."""
        return self._definitions.feeds

    def polled(self, feed_id: str) -> Polled | None:
        """How polling a feed went; ``None`` before its first poll."""
        return self._polled.get(feed_id)

    def domains_after(self, domain: str) -> list[str]:
        """The domains that have feeds, in order, those that come after this one."""
        return sorted(each for each, feeds in self._by_domain.items() if feeds and each > domain)

    def of(self, domain: str) -> list[tuple[Feed, Polled | None]]:
        """The feeds of a domain by name, with how polling them went."""
        feeds = self._by_domain.get(domain, {}).values()
        ordered = sorted(feeds, key=lambda feed: (feed.name.casefold(), feed.feed_id))
        return [(feed, self._polled.get(feed.feed_id)) for feed in ordered]

    def host(self, domain: str) -> Host | None:
        """What is known of the host; ``None`` before its first request."""
        return self._hosts.get(domain)


def _read(model: type[M], record: Record) -> M | None:
    """``None`` also for a tombstone."""
    try:
        return model.model_validate_json(record.value) if record.value is not None else None
    except ValidationError:
        return None


def _put(table: dict[str, M], key: str, value: M | None) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value


class Feeds:
    """The newest table. While it is read anew, after the brokers were away, the former one is shown."""

    def __init__(self) -> None:
        self.table = FeedTable()
        self._news = asyncio.Event()

    async def until(self, holds: Callable[[FeedTable], bool], seconds: float) -> bool:
        """Wait until this holds for the table, for so long at most; whether it does."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not holds(self.table):
                    await self._news.wait()
                    self._news.clear()
        return holds(self.table)

    async def follow(self, service: Service, open_log: OpenFollower | None = None) -> None:
        """Read along until the service stops, with one session after another."""

        @asynccontextmanager
        async def with_brokers() -> AsyncIterator[Log]:
            brokers = service.settings.brokers
            # Whoever asks for the partitions of a topic that is not there may create it.
            if missing := sorted(set(TOPICS) - (await see_topics(brokers, TOPICS)).found.keys()):
                raise LogError(f"the brokers have no topic {', '.join(missing)}")
            async with follow(brokers, client_id="copydesk-api-feeds") as log:
                yield log

        async def session() -> None:
            async with (open_log or with_brokers)() as log:
                await self._session(service, log)

        await keep_session(service, NAME, session)

    async def _session(self, service: Service, log: Log) -> None:
        table = FeedTable()
        log.assign({(topic, number): 0 for topic in TOPICS for number in range(await log.count(topic))})
        service.health.ready(NAME, value=True)
        while not service.stopping.is_set():
            for record in await log.poll(BATCH, POLL_SECONDS):
                table.take(record)
            self._news.set()
            service.health.progressed(NAME)
            if not table.is_known and await _is_at_end(log):
                table.is_known = True
                self.table = table
                self._news.set()
        service.health.finished(NAME)


async def _is_at_end(log: Log) -> bool:
    return all(position >= end for position, end in (await log.positions()).values())
