"""The poller over a log in memory: what it stores, in which order, and what a restart makes of it."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from copydesk_fetcher.entries import Outcome
from copydesk_fetcher.http import Client
from copydesk_fetcher.ownership import Ownership
from copydesk_fetcher.poll import PollRun
from copydesk_fetcher.publishing import POLLER
from copydesk_fetcher.robots import Robots
from copydesk_fetcher.visit import Visitor as FeedVisitor
from copydesk_fetcher.visits import Visitor
from copydesk_shared.errors import Poison
from copydesk_shared.kafka import partition_of
from copydesk_shared.log import LogError, Outgoing, Record
from copydesk_shared.messages import Entry, Feed, FeedState, HostState, KnownPage, Push
from copydesk_shared.service import Service
from copydesk_shared.settings import ServiceSettings
from copydesk_shared.testing import MemoryBroker, MemoryTables
from copydesk_shared.topics import DISCOVERED, FEEDS, FEEDS_PUSHED, FEEDS_STATE, HOSTS_STATE, PAGES_KNOWN
from copydesk_shared.wire import encode, tombstone

from .conftest import Settings
from .samples import rss
from .site import Site, answer
from .test_visit import InlineParser


class Pages:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.restored: list[KnownPage] = []

    def restore(self, pages: Iterable[KnownPage]) -> None:
        self.restored += pages

    def forget(self) -> None:
        self.restored = []


class Desk:
    """A poller on a log in memory that can be started, stopped and killed. It owns all partitions."""

    def __init__(self, client: Client, visitor: Visitor, partitions: int = 1) -> None:
        self.broker = MemoryBroker(partitions)
        self.tables = MemoryTables(self.broker)
        self.client = client
        self.visitor = visitor
        self.hub: Any = None
        self.service = Service("fetcher", ServiceSettings())
        self.ownership = Ownership(self.tables, client.hosts, Pages())
        self.task: asyncio.Task[None] | None = None
        self.run: PollRun | None = None

    def start(self, *, numbers: Sequence[int] | None = None) -> None:
        self.service = Service("fetcher", ServiceSettings())
        self.ownership = Ownership(self.tables, self.client.hosts, Pages())
        self.task = asyncio.create_task(self._run(range(self.broker.partitions) if numbers is None else numbers))

    async def _run(self, numbers: Sequence[int]) -> None:
        async with self.broker.follow() as log:
            self.run = PollRun(
                log, self.broker.partitions, self.service, self.ownership, self.visitor, self.tables,
                self.client.hosts, concurrency=4, hub=self.hub,
            )  # fmt: skip
            await self.ownership.on_assigned(frozenset(numbers))
            await self.run.run()

    async def kill(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)

    async def stop(self) -> None:
        self.service.stopping.set()
        self.ownership.on_closing()
        await self.ownership.on_revoked()
        if self.task is not None:
            await self.task

    def add(self, feed: Feed, partition: int | None = None) -> None:
        record = encode(FEEDS, feed, stage="test", version="1")
        self.broker.append(Outgoing(record.topic, record.key, record.value, record.headers, record.place, partition))

    def entries(self) -> list[Entry]:
        return [Entry.model_validate_json(record.value or b"") for record in self.broker.topics[DISCOVERED.name]]

    def last(self, topic: str, key: str = "news") -> Record | None:
        found = [record for record in self.broker.topics[topic] if record.key == key.encode()]
        return found[-1] if found else None

    def state(self, feed_id: str = "news") -> FeedState | None:
        record = self.last(FEEDS_STATE.name, feed_id)
        return FeedState.model_validate_json(record.value) if record and record.value else None

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                if self.task is not None and self.task.done():
                    self.task.result()
                await asyncio.sleep(0.01)


def visitor_of(client: Client, settings_with: Settings, kind: type[FeedVisitor] = FeedVisitor) -> FeedVisitor:
    settings = settings_with(feed_bytes=100_000)
    return kind(client, InlineParser(5, 100), settings, Robots(client.get, client.hosts, settings))


@pytest.fixture
async def desk(client: Client, settings_with: Settings) -> AsyncIterator[Desk]:
    made = Desk(client, visitor_of(client, settings_with))
    yield made
    await made.kill()


def feed_at(site: Site, path: str = "/feed", **more: object) -> Feed:
    given = {"feed_id": "news", "url": site.url(path), "name": "News", "interval_seconds": 1, **more}
    return Feed.model_validate(given)


async def test_entries_are_stored_before_the_state_that_remembers_them(site: Site, desk: Desk) -> None:
    site.pages["/feed"] = answer(rss([("One", "/1"), ("Two", "/2")]))
    order: list[str] = []
    append = desk.broker.append

    def noted(record: Outgoing) -> Record:
        order.append(record.topic)
        return append(record)

    desk.add(feed_at(site))
    desk.broker.append = noted  # type: ignore[method-assign]
    desk.start()
    await desk.until(lambda: desk.state() is not None)
    assert order[:3] == [DISCOVERED.name, DISCOVERED.name, FEEDS_STATE.name]
    assert [entry.title for entry in desk.entries()] == ["Two", "One"]
    record = desk.broker.topics[DISCOVERED.name][0]
    assert record.key == b"127.0.0.1"
    assert record.header("ce_type") == "copydesk.Entry.v1"


async def test_a_feed_is_polled_again_and_again_and_only_news_is_stored(site: Site, desk: Desk) -> None:
    site.pages["/feed"] = answer(rss([("One", "/1")]))
    desk.add(feed_at(site))
    desk.start()
    await desk.until(lambda: site.count("/feed") >= 2)
    site.pages["/feed"] = answer(rss([("Two", "/2"), ("One, corrected", "/1")]))
    await desk.until(lambda: len(desk.entries()) == 3)
    assert [(entry.title, entry.revision) for entry in desk.entries()] == [
        ("One", 1),
        ("One, corrected", 2),
        ("Two", 1),
    ]


async def test_after_a_restart_nothing_comes_twice_and_nothing_is_missed(site: Site, desk: Desk) -> None:
    site.pages["/feed"] = answer(rss([("One", "/1")]), etag='"v1"')
    desk.add(feed_at(site))
    desk.start()
    await desk.until(lambda: desk.state() is not None)
    await desk.kill()
    site.pages["/feed"] = answer(rss([("Two", "/2"), ("One", "/1")]))
    before = len(site.requests)
    desk.start()
    await desk.until(lambda: len(desk.entries()) == 2)
    assert [entry.title for entry in desk.entries()] == ["One", "Two"]
    assert site.requests[before].headers["if-none-match"] == '"v1"'


async def test_a_kill_between_entries_and_state_repeats_and_loses_nothing(site: Site, desk: Desk) -> None:
    site.pages["/feed"] = answer(rss([("One", "/1"), ("Two", "/2")]))
    desk.add(feed_at(site))
    append = desk.broker.append

    def broken(record: Outgoing) -> Record:
        if record.topic == FEEDS_STATE.name:
            raise LogError("the broker is away")
        return append(record)

    desk.broker.append = broken  # type: ignore[method-assign]
    desk.start()
    with pytest.raises(LogError):
        await desk.until(lambda: False)
    assert (len(desk.entries()), desk.state()) == (2, None)
    desk.broker.append = append  # type: ignore[method-assign]
    desk.start()
    await desk.until(lambda: desk.state() is not None)
    assert [entry.title for entry in desk.entries()] == ["Two", "One"] * 2
    ids = [record.header("ce_id") for record in desk.broker.topics[DISCOVERED.name]]
    assert {entry.revision for entry in desk.entries()} == {1}
    assert len(ids) == 4


async def test_a_poll_that_is_not_due_waits_over_a_restart(site: Site, desk: Desk) -> None:
    site.pages["/feed"] = answer(rss([("One", "/1")]))
    desk.add(feed_at(site, interval_seconds=3600))
    desk.start()
    await desk.until(lambda: desk.state() is not None)
    await desk.stop()
    desk.add(feed_at(site, "/other", feed_id="other"))
    desk.start()
    await desk.until(lambda: site.count("/other") >= 1)
    assert site.count("/feed") == 1


async def test_a_removed_feed_is_polled_no_more_and_a_new_one_is(site: Site, desk: Desk) -> None:
    site.pages["/feed"] = site.pages["/new"] = answer(rss([]))
    desk.add(feed_at(site))
    desk.start()
    await desk.until(lambda: site.count("/feed") >= 1)
    desk.broker.append(tombstone(FEEDS, "news", stage="test"))
    desk.add(feed_at(site, "/new", feed_id="new"))
    await desk.until(lambda: site.count("/new") >= 1)
    polled = site.count("/feed")
    await desk.until(lambda: site.count("/new") >= 2)
    assert site.count("/feed") == polled


async def test_a_changed_feed_is_polled_at_once_and_without_the_old_validators(site: Site, desk: Desk) -> None:
    site.pages["/feed"] = answer(rss([("One", "/1")]), etag='"old"')
    site.pages["/moved"] = answer(rss([("Two", "/2")]))
    desk.add(feed_at(site, interval_seconds=3600))
    desk.start()
    await desk.until(lambda: desk.state() is not None)
    desk.add(feed_at(site, "/moved", interval_seconds=3600))
    await desk.until(lambda: len(desk.entries()) == 2)
    moved = next(request for request in site.requests if request.path == "/moved")
    assert "if-none-match" not in moved.headers


async def test_a_feed_that_was_removed_before_the_start_is_never_polled(site: Site, desk: Desk) -> None:
    desk.add(feed_at(site))
    desk.broker.append(tombstone(FEEDS, "news", stage="test"))
    desk.add(feed_at(site, "/new", feed_id="new"))
    desk.start()
    await desk.until(lambda: site.count("/new") >= 1)
    assert site.count("/feed") == 0


async def test_records_that_cannot_be_read_harm_nobody(site: Site, desk: Desk) -> None:
    site.pages["/feed"] = answer(rss([("One", "/1")]))
    for key, value in ((b"broken", b"{"), (None, b"{}"), (b"\xff", b"[]")):
        desk.broker.append(Outgoing(FEEDS.name, key, value))
    desk.broker.append(Outgoing(FEEDS_STATE.name, b"news", b"not json"))
    desk.add(feed_at(site))
    desk.start()
    await desk.until(lambda: len(desk.entries()) == 1)
    desk.broker.append(Outgoing(FEEDS.name, b"later", b"{"))
    desk.add(feed_at(site, "/other", feed_id="other"))
    await desk.until(lambda: site.count("/other"))


async def test_a_slow_feed_holds_up_neither_the_others_nor_the_log(site: Site, desk: Desk) -> None:
    async def never(*_: object) -> None:
        await asyncio.sleep(60)

    site.pages["/slow"] = never
    site.pages["/feed"] = answer(rss([]))
    desk.add(feed_at(site, "/slow", feed_id="slow"))
    desk.add(feed_at(site))
    desk.start()
    await desk.until(lambda: site.count("/slow") == 1 and site.count("/feed") >= 2)
    assert desk.service.health.live_report()[0]
    await desk.kill()


class Faulty(FeedVisitor):
    """A visitor with a bug for one feed."""

    async def visit(self, feed: Feed, state: FeedState | None) -> Outcome:
        if feed.feed_id == "bug":
            raise ZeroDivisionError("a bug")
        return await super().visit(feed, state)


async def test_a_bug_in_one_visit_is_that_feeds_failure(site: Site, client: Client, settings_with: Settings) -> None:
    desk = Desk(client, visitor_of(client, settings_with, Faulty))
    site.pages["/feed"] = answer(rss([]))
    desk.add(feed_at(site, "/bug", feed_id="bug"))
    desk.add(feed_at(site))
    desk.start()
    await desk.until(lambda: site.count("/feed") >= 2)
    assert desk.task is not None
    assert not desk.task.done()
    await desk.kill()


async def test_an_entry_too_large_for_the_log_is_given_up_alone(site: Site, desk: Desk) -> None:
    site.pages["/feed"] = answer(rss([("One", "/1"), ("Huge", "/2")]))
    desk.add(feed_at(site))
    append = desk.broker.append

    def small(record: Outgoing) -> Record:
        if b'"title":"Huge"' in (record.value or b""):
            raise Poison("too large")
        return append(record)

    desk.broker.append = small  # type: ignore[method-assign]
    desk.start()
    await desk.until(lambda: desk.state() is not None)
    assert [entry.title for entry in desk.entries()] == ["One"]
    assert len((desk.state() or feed_state()).seen) == 2


def feed_state() -> FeedState:
    return FeedState(feed_id="news", next_poll_at=datetime.now(UTC))


async def test_a_rebuild_that_fails_ends_the_session(site: Site, desk: Desk) -> None:
    desk.add(feed_at(site))
    desk.start()
    await desk.until(lambda: desk.service.health.is_ready(POLLER))
    desk.broker.fail_polls = 100
    await desk.ownership.on_revoked()
    with pytest.raises(LogError):
        await desk.until(lambda: False)


async def test_a_state_of_another_time_is_taken_over(site: Site, desk: Desk) -> None:
    due = datetime.now(UTC) + timedelta(hours=1)
    state = FeedState(feed_id="news", next_poll_at=due, failures=2, last_error="bad")
    desk.broker.append(encode(FEEDS_STATE, state, stage="test", version="1"))
    desk.add(feed_at(site))
    desk.add(feed_at(site, "/other", feed_id="other"))
    desk.start()
    await desk.until(lambda: site.count("/other") >= 1)
    assert site.count("/feed") == 0


async def test_a_partition_that_goes_takes_its_feeds_and_their_visits_along(site: Site, desk: Desk) -> None:
    async def never(*_: object) -> None:
        await asyncio.sleep(60)

    site.pages["/slow"] = never
    site.pages["/feed"] = answer(rss([]))
    desk.add(feed_at(site, "/slow", feed_id="slow"))
    desk.add(feed_at(site))
    desk.start()
    await desk.until(lambda: site.count("/slow") == 1 and site.count("/feed") >= 1)
    desk.ownership.on_closing()
    await desk.ownership.on_revoked()
    await desk.until(lambda: desk.run is not None and not len(desk.run._visits))
    polled = len(site.requests)
    desk.add(feed_at(site, "/new", feed_id="new"))
    await asyncio.sleep(1.2)
    assert len(site.requests) == polled, "nothing of ours asks these hosts any more"
    await desk.ownership.on_assigned(frozenset({0}))
    await desk.until(lambda: site.count("/new") == 1 and site.count("/slow") == 2)


def elsewhere(site: Site, path: str) -> str:
    """The same site by a name that is another place."""
    return f"http://localhost:{site.port}{path}"


@pytest.fixture
async def wide(client: Client, settings_with: Settings) -> AsyncIterator[Desk]:
    """A desk on so many partitions that two names of a site have different places."""
    made = Desk(client, visitor_of(client, settings_with), partitions=6)
    assert partition_of("localhost", 6) != partition_of("127.0.0.1", 6)
    yield made
    await made.kill()


async def test_a_feed_that_moves_takes_its_state_along_to_its_new_place(site: Site, wide: Desk) -> None:
    old, new = partition_of("127.0.0.1", 6), partition_of("localhost", 6)
    site.pages["/feed"] = answer("", 301, location=elsewhere(site, "/moved"))
    site.pages["/moved"] = answer(rss([("One", "/1")]), etag='"v1"')
    wide.add(feed_at(site))
    wide.start(numbers=[old])
    await wide.until(lambda: wide.broker.records((FEEDS_STATE.name, old)))
    await wide.until(lambda: wide.broker.records((FEEDS_STATE.name, old))[-1].value is None)
    order = [record.topic for record in wide.broker.topics[FEEDS_STATE.name] if record.partition == new]
    assert order == [FEEDS_STATE.name]
    written = Feed.model_validate_json(wide.broker.records((FEEDS.name, new))[0].value or b"")
    assert (written.url, written.moved_from) == (elsewhere(site, "/moved"), site.url("/feed"))
    assert wide.broker.records((FEEDS.name, new))[0].header("ce_source") == "/copydesk/test"
    assert wide.broker.records((FEEDS.name, old))[-1].value is None
    asked = len(site.requests)
    await wide.kill()
    wide.start(numbers=[new])
    await wide.until(lambda: len(site.requests) > asked)
    assert site.requests[-1].headers["if-none-match"] == '"v1"'
    assert len(wide.entries()) == 1


async def test_a_feed_that_moves_to_a_partition_of_ours_goes_on_there(site: Site, wide: Desk) -> None:
    site.pages["/feed"] = answer("", 308, location=elsewhere(site, "/moved"))
    site.pages["/moved"] = answer(rss([("One", "/1")]))
    wide.add(feed_at(site))
    wide.start()
    await wide.until(lambda: site.count("/moved") >= 3)
    assert (site.count("/feed"), len(wide.entries())) == (1, 1)


async def test_a_feed_in_another_partition_than_its_place_is_moved_before_it_is_polled(site: Site, wide: Desk) -> None:
    place = partition_of("127.0.0.1", 6)
    wrong = (place + 1) % 6
    site.pages["/feed"] = answer(rss([("One", "/1")]))
    wide.add(feed_at(site), partition=wrong)
    wide.start(numbers=[wrong])
    await wide.until(lambda: wide.broker.records((FEEDS.name, wrong))[-1].value is None)
    assert site.requests == []
    await wide.kill()
    wide.start(numbers=[place])
    await wide.until(lambda: wide.broker.records((FEEDS_STATE.name, place))[-1:])
    await wide.until(lambda: site.count("/feed") == 1)


async def test_of_a_feed_in_two_partitions_the_one_at_its_place_is_left(site: Site, wide: Desk) -> None:
    place = partition_of("127.0.0.1", 6)
    site.pages["/feed"] = answer(rss([("One", "/1")]))
    for partition in (place, (place + 1) % 6):
        wide.add(feed_at(site, interval_seconds=600), partition=partition)
    wide.start()
    await wide.until(lambda: wide.broker.records((FEEDS.name, (place + 1) % 6))[-1].value is None)
    await wide.until(lambda: site.count("/feed") == 1)
    assert wide.broker.records((FEEDS.name, place))[-1].value is not None


async def test_paused_and_disabled_feeds_are_not_polled_until_their_definition_says_otherwise(
    site: Site, desk: Desk
) -> None:
    site.pages["/gone"] = answer("", 410)
    site.pages["/feed"] = site.pages["/other"] = answer(rss([]))
    desk.add(feed_at(site, paused=True))
    desk.add(feed_at(site, "/gone", feed_id="gone"))
    desk.add(feed_at(site, "/other", feed_id="other"))
    desk.start()
    await desk.until(lambda: site.count("/other") >= 3)
    assert (site.count("/feed"), site.count("/gone")) == (0, 1)
    assert (desk.state("gone") or feed_state()).disabled
    site.pages["/gone"] = answer(rss([("Back", "/1")]))
    desk.add(feed_at(site))
    desk.add(feed_at(site, "/gone", feed_id="gone", name="Another name"))
    await desk.until(lambda: site.count("/feed") >= 1 and len(desk.entries()) == 1)
    desk.add(feed_at(site, paused=True))
    polled = site.count("/other")
    await desk.until(lambda: site.count("/other") >= polled + 1)
    paused = site.count("/feed")
    await desk.until(lambda: site.count("/other") >= polled + 4)
    assert site.count("/feed") == paused


async def test_a_definition_that_comes_again_lifts_what_disabled_the_feed_and_does_nothing_else(
    site: Site, desk: Desk
) -> None:
    site.pages["/gone"] = answer("", 410)
    site.pages["/feed"] = site.pages["/other"] = answer(rss([]))
    gone, healthy = feed_at(site, "/gone", feed_id="gone"), feed_at(site, interval_seconds=3600)
    for feed in (gone, healthy, feed_at(site, "/other", feed_id="other")):
        desk.add(feed)
    desk.start()
    await desk.until(lambda: (state := desk.state("gone")) and state.disabled and desk.state())
    site.pages["/gone"] = answer(rss([("Back", "/1")]))
    desk.add(gone)
    desk.add(healthy)
    await desk.until(lambda: len(desk.entries()) == 1 and site.count("/gone") >= 3)
    state = desk.state("gone") or feed_state()
    assert (state.disabled, state.failures, state.last_error) == (None, 0, None)
    assert site.count("/feed") == 1


async def test_a_definition_that_changed_while_nobody_looked_lifts_what_disabled_the_feed(
    site: Site, desk: Desk
) -> None:
    site.pages["/feed"] = answer(rss([("One", "/1")]))
    state = FeedState(feed_id="news", next_poll_at=datetime.now(UTC) + timedelta(days=7), disabled="gone", etag='"x"')
    desk.broker.append(encode(FEEDS_STATE, state, stage="test", version="1"))
    await asyncio.sleep(0.002)
    desk.add(feed_at(site))
    desk.start()
    await desk.until(desk.entries)
    assert "if-none-match" not in site.requests[0].headers


async def test_removing_a_feed_ends_the_visit_that_runs_and_its_state_goes(site: Site, desk: Desk) -> None:
    reading = asyncio.Event()

    async def slow(*_: object) -> None:
        reading.set()
        await asyncio.sleep(60)

    site.pages["/feed"] = answer(rss([("One", "/1")]))
    desk.add(feed_at(site))
    desk.start()
    await desk.until(desk.state)
    site.pages["/feed"] = slow
    await desk.until(reading.is_set)
    desk.broker.append(tombstone(FEEDS, "news", stage="test"))
    await desk.until(lambda: desk.run is not None and not len(desk.run._visits))
    await desk.until(lambda: (desk.last(FEEDS_STATE.name) or Record("", 0, 0, None, b"")).value is None)
    assert len(desk.entries()) == 1


async def test_the_state_of_a_feed_that_was_removed_while_nobody_looked_goes(site: Site, desk: Desk) -> None:
    old = encode(FEEDS_STATE, FeedState(feed_id="old", next_poll_at=datetime.now(UTC)), stage="test", version="1")
    desk.broker.append(old)
    hour_ago = int(datetime.now(UTC).timestamp() * 1000) - 3_600_000
    log = desk.broker.topics[FEEDS_STATE.name]
    log[0] = Record(log[0].topic, 0, 0, log[0].key, log[0].value, log[0].headers, hour_ago)
    fresh = FeedState(feed_id="ahead", next_poll_at=datetime.now(UTC))
    desk.broker.append(encode(FEEDS_STATE, fresh, stage="test", version="1"))
    desk.start()
    await desk.until(lambda: len(log) == 3)
    assert (log[2].key, log[2].value) == (b"old", None)


async def test_hosts_and_pages_are_restored_before_anything_is_asked(site: Site, desk: Desk) -> None:
    now = datetime.now(UTC)
    held = HostState(domain="127.0.0.1", held_until=now + timedelta(hours=1))
    page = KnownPage(page_id="p", url=site.url("/1"), revision=1, fetched_at=now, feeds={"news": 1})
    desk.broker.append(encode(HOSTS_STATE, held.model_copy(update={"held_until": None}), stage="test", version="1"))
    desk.broker.append(encode(HOSTS_STATE, held, stage="test", version="1"))
    desk.broker.append(Outgoing(HOSTS_STATE.name, b"broken", b"{"))
    desk.broker.append(encode(PAGES_KNOWN, page, stage="test", version="1"))
    site.pages["/feed"] = answer(rss([]))
    desk.add(feed_at(site))
    desk.start()
    await desk.until(desk.state)
    assert site.requests == []
    assert desk.ownership.is_assigned


async def test_what_is_learnt_of_hosts_is_written_and_only_where_it_is_ours(
    site: Site, wide: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("copydesk_fetcher.poll.HOSTS_SECONDS", 0.05)
    site.pages["/feed"] = answer("", 429, retry_after="3600")
    site.pages["/other"] = answer("", 302, location=elsewhere(site, "/away"))
    site.pages["/away"] = answer("", 429, retry_after="3600")
    wide.add(feed_at(site, "/other", feed_id="other"))
    wide.start(numbers=[partition_of("127.0.0.1", 6)])
    await wide.until(lambda: site.count("/away"))
    wide.add(feed_at(site))
    await wide.until(lambda: site.count("/feed"))
    await wide.until(lambda: wide.broker.topics[HOSTS_STATE.name])
    await wide.stop()
    told = [HostState.model_validate_json(record.value or b"") for record in wide.broker.topics[HOSTS_STATE.name]]
    assert {state.domain for state in told} == {"127.0.0.1"}
    assert told[-1].held_until is not None


class Hub:
    """Stands in for the subscriptions: takes every push, and wants none."""

    def wanted(self, *_: object) -> None:
        return None

    def leave(self, *_: object) -> None:
        return None

    def apply(self, _: Push, state: FeedState) -> FeedState:
        return state

    def takes(self, push: Push, *_: object) -> bool:
        return push.kind == "content"


def pushed(site: Site, title: str) -> Outgoing:
    body = base64.b64encode(rss([(title, f"/{title}")]).encode())
    push = Push(
        feed_id="news", kind="content", topic=site.url("/feed"), received_at=datetime.now(UTC),
        content_type="application/rss+xml", body=body,
    )  # fmt: skip
    return encode(FEEDS_PUSHED, push, stage="test", version="1")


async def test_what_a_hub_pushes_is_read_at_once(site: Site, desk: Desk) -> None:
    desk.hub = Hub()
    site.pages["/feed"] = answer(rss([("One", "/1")]))
    desk.add(feed_at(site, interval_seconds=3600))
    desk.broker.append(pushed(site, "Early"))
    desk.start()
    await desk.until(lambda: len(desk.entries()) == 2)
    desk.broker.append(Outgoing(FEEDS_PUSHED.name, b"news", b"{"))
    desk.broker.append(pushed(site, "Pushed"))
    await desk.until(lambda: len(desk.entries()) == 3)
    assert {entry.title for entry in desk.entries()} == {"Early", "One", "Pushed"}
    assert site.count("/feed") == 1
