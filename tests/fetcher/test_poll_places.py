"""The poller and its partitions: feeds that come, go and move, what is kept of hosts, and what hubs push."""

import asyncio
import base64
import inspect
from collections.abc import AsyncIterator, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog

from copydesk_fetcher import ownership, poll
from copydesk_fetcher.http import Client
from copydesk_fetcher.websub.subscriber import apply
from copydesk_shared.kafka import partition_of
from copydesk_shared.log import LogError, Outgoing, Record
from copydesk_shared.messages import Feed, FeedState, HostState, HubState, KnownPage, Push
from copydesk_shared.topics import DISCOVERED, FEEDS, FEEDS_PUSHED, FEEDS_STATE, HOSTS_STATE, PAGES_KNOWN
from copydesk_shared.wire import encode, tombstone

from .conftest import Settings
from .desk import Desk, feed_at, feed_state, visitor_of
from .samples import rss
from .site import Site, answer


@pytest.fixture
async def desk(client: Client, settings_with: Settings) -> AsyncIterator[Desk]:
    made = Desk(client, visitor_of(client, settings_with))
    yield made
    await made.kill()


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


@pytest.mark.parametrize("is_far", [False, True])
async def test_a_feed_that_moves_to_the_url_of_another_is_told_of_once(site: Site, wide: Desk, is_far: bool) -> None:
    url = elsewhere(site, "/there") if is_far else site.url("/there")
    site.pages["/feed"] = answer("", 301, location=url)
    site.pages["/there"] = answer(rss([("One", "/1")]))
    wide.add(feed_at(site, feed_id="there", url=url))
    with structlog.testing.capture_logs() as said:
        wide.start()
        await wide.until(lambda: site.count("/there") >= 1)
        wide.add(feed_at(site))
        await wide.until(lambda: any(each["event"] == "two feeds have one URL" for each in said))
        before = site.count("/there")
        await wide.until(lambda: site.count("/there") >= before + 3)
    told = [each for each in said if each["event"] == "two feeds have one URL"]
    assert [(each["feed"], each["other"], each["url"]) for each in told] == [("news", "there", url)]


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
    await wide.until(wide.state)
    await wide.stop()
    told = [HostState.model_validate_json(record.value or b"") for record in wide.broker.topics[HOSTS_STATE.name]]
    assert {state.domain for state in told} == {"127.0.0.1"}
    assert told[-1].held_until is not None


async def test_what_is_kept_of_hosts_that_nobody_asks_goes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "STALE_SECONDS", 0.0)
    held = datetime.now(UTC) + timedelta(hours=1)
    for state in (HostState(domain="old.example"), HostState(domain="held.example", held_until=held)):
        desk.broker.append(encode(HOSTS_STATE, state, stage="test", version="1"))
    desk.start()
    await desk.until(lambda: (record := desk.last(HOSTS_STATE.name, "old.example")) and record.is_tombstone)
    await desk.kill()
    desk.start()
    await desk.until(lambda: desk.run is not None and desk.run._feeds.numbers)
    assert desk.ownership.stale == ()
    record = desk.last(HOSTS_STATE.name, "held.example")
    assert record is not None
    assert not record.is_tombstone


class Hub:
    """Stands in for the subscriptions: takes every push, and asks no hub unless there is an ``answer``."""

    def __init__(self, answer: HubState | None = None) -> None:
        self.answer = answer
        self.asking: Coroutine[Any, Any, HubState] | None = None

    def wanted(self, _: object, __: Feed, state: FeedState, now: datetime) -> Coroutine[Any, Any, HubState] | None:
        if self.answer is None or state.hub is None or (state.hub.next_request_at or now) > now:
            return None
        self.asking = self._ask(self.answer)
        return self.asking

    async def _ask(self, answer: HubState) -> HubState:
        return answer

    def leave(self, *_: object) -> None:
        return None

    def apply(self, push: Push, state: FeedState) -> FeedState:
        return state.model_copy(update={"hub": apply(push, state.hub)})

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


def subscribed(desk: Desk, site: Site) -> HubState:
    """A feed that is not due for long, with a subscription that is."""
    now = datetime.now(UTC)
    hub = HubState(hub=site.url("/hub"), topic=site.url("/feed"), requested_at=now, next_request_at=now)
    state = FeedState(feed_id="news", next_poll_at=now + timedelta(hours=1), hub=hub)
    desk.add(feed_at(site, interval_seconds=3600))
    desk.broker.append(encode(FEEDS_STATE, state, stage="test", version="1"))
    return hub


async def test_a_push_comes_again_until_what_was_in_it_is_stored(site: Site, desk: Desk) -> None:
    desk.hub = Hub()
    subscribed(desk, site)
    desk.broker.append(pushed(site, "Pushed"))
    with desk.refusing(DISCOVERED.name):
        desk.start()
        with pytest.raises(LogError):
            await desk.until(lambda: False)
    desk.start()
    await desk.until(lambda: (state := desk.state()) is not None and state.hub and state.hub.pushed_at)
    assert [entry.title for entry in desk.entries()] == ["Pushed"]
    assert site.count("/feed") == 0


async def test_a_lease_is_renewed_though_the_feed_is_not_polled(
    site: Site, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poll, "LOOK_SECONDS", 0.0)
    hub = subscribed(desk, site)
    later = hub.model_copy(update={"next_request_at": datetime.now(UTC) + timedelta(days=1)})
    desk.hub = Hub(later)
    desk.start()
    await desk.until(lambda: (state := desk.state()) is not None and state.hub == later)
    assert site.count("/feed") == 0


async def test_asking_a_hub_may_end_before_it_begins(site: Site, desk: Desk) -> None:
    hub = subscribed(desk, site)
    desk.hub = Hub(hub)
    desk.start()
    await desk.until(lambda: desk.run is not None and desk.run._feeds.numbers)
    assert desk.run is not None
    desk.run._subscribe(feed_at(site))
    await desk.run._end(0)
    assert desk.hub.asking is not None
    assert inspect.getcoroutinestate(desk.hub.asking) == inspect.CORO_CLOSED
