"""The poller over a log in memory: what it stores, in which order, and what a restart makes of it."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from copydesk_fetcher.entries import Outcome
from copydesk_fetcher.http import Client
from copydesk_fetcher.publishing import POLLER
from copydesk_fetcher.shares import Share
from copydesk_fetcher.visit import Visitor as FeedVisitor
from copydesk_shared.errors import Poison
from copydesk_shared.log import LogError, Outgoing, Record
from copydesk_shared.messages import Feed, FeedState
from copydesk_shared.topics import DISCOVERED, FEEDS, FEEDS_STATE
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
    with desk.refusing(FEEDS_STATE.name):
        desk.start()
        with pytest.raises(LogError):
            await desk.until(lambda: False)
    assert (len(desk.entries()), desk.state()) == (2, None)
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


async def test_what_leads_elsewhere_is_counted_once(site: Site, desk: Desk) -> None:
    def count() -> float:
        return REGISTRY.get_sample_value("copydesk_entries_total", {"outcome": "off-site"}) or 0.0

    before = count()
    site.pages["/feed"] = answer(rss([("One", "/1"), ("Buy", "https://shop.example/1"), ("Two", "/2")]))
    desk.add(feed_at(site, off_site="drop"))
    desk.start()
    await desk.until(lambda: site.count("/feed") >= 3)
    assert [entry.title for entry in desk.entries()] == ["Two", "One"]
    assert count() == before + 1


def test_long_states_are_packed_in_memory() -> None:
    share = Share()
    small, large = (feed_state().model_copy(update={"last_error": text}) for text in ("oh", "oh no, " * 1000))
    for state in (small, large):
        share.keep(state)
        assert share.state("news") == state
        share.note(Record("feeds.state", 0, 0, b"news", state.model_dump_json().encode(), (), 0))
        assert share.state("news") == state
        assert len(share.states["news"]) < 1024
    for strange in (b"", b" ", b"x", zlib.compress(b"{}"), b"{" * 2000):
        share.note(Record("feeds.state", 0, 0, b"news", strange, (), 0))
        assert share.state("news") is None
