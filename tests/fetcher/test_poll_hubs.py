"""The poller when a hub that was relied on pushes no more: polling is the fallback, at once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from copydesk_fetcher import poll
from copydesk_fetcher.http import Client
from copydesk_shared.log import Outgoing
from copydesk_shared.messages import FeedState, HubState, Push
from copydesk_shared.topics import FEEDS_PUSHED, FEEDS_STATE
from copydesk_shared.wire import encode

from .conftest import Settings
from .desk import Desk, feed_at, visitor_of
from .samples import rss
from .site import Site, answer
from .test_poll_places import Hub

WEEK = timedelta(days=7)


@pytest.fixture
async def desk(client: Client, settings_with: Settings, site: Site) -> AsyncIterator[Desk]:
    made = Desk(client, visitor_of(client, settings_with))
    made.hub = Hub()
    site.pages["/feed"] = answer(rss([("One", "/1")]))
    yield made
    await made.kill()


def relied_on(desk: Desk, site: Site, **given: object) -> HubState:
    """A feed with an interval of 10 minutes that was polled 11 minutes ago, and next in 6 hours because it is pushed."""
    now = datetime.now(UTC)
    usual = {"hub": site.url("/hub"), "topic": site.url("/feed"), "requested_at": now, "verified_at": now}
    lease = {"lease_until": now + WEEK, "next_request_at": now + WEEK * 2 / 3, "pushed_at": now}
    hub = HubState.model_validate({**usual, **lease, **given})
    state = FeedState(
        feed_id="news", hub=hub, interval_seconds=600, last_poll_at=now - timedelta(minutes=11),
        next_poll_at=now + timedelta(hours=6), last_success_at=now - timedelta(minutes=11),
    )  # fmt: skip
    desk.add(feed_at(site, interval_seconds=600))
    desk.broker.append(encode(FEEDS_STATE, state, stage="test", version="1"))
    return hub


def said(site: Site, kind: str, **more: object) -> Outgoing:
    given = {"feed_id": "news", "kind": kind, "topic": site.url("/feed"), "received_at": datetime.now(UTC), **more}
    return encode(FEEDS_PUSHED, Push.model_validate(given), stage="test", version="1")


async def test_a_feed_whose_hub_denies_is_polled_as_if_there_were_none(site: Site, desk: Desk) -> None:
    relied_on(desk, site)
    desk.start()
    await desk.until(lambda: desk.run is not None and desk.run._feeds.numbers)
    desk.broker.append(said(site, "denied"))
    await desk.until(lambda: site.count("/feed") and (state := desk.state()) and state.last_error is None)
    await desk.until(lambda: (state := desk.state()) and state.next_poll_at > datetime.now(UTC))
    state = desk.state()
    assert state is not None
    assert state.next_poll_at <= datetime.now(UTC) + timedelta(minutes=10)
    assert state.hub is not None
    assert state.hub.lease_until is None


async def test_a_feed_whose_lease_cannot_be_renewed_is_polled_as_if_there_were_no_hub(
    site: Site, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poll, "LOOK_SECONDS", 0.0)
    now = datetime.now(UTC)
    hub = relied_on(desk, site, next_request_at=now)
    desk.hub.answer = hub.model_copy(update={"failures": 1, "next_request_at": now + timedelta(minutes=5)})
    desk.start()
    await desk.until(lambda: site.count("/feed"))


async def test_a_feed_is_polled_by_the_end_of_a_lease_that_became_shorter(site: Site, desk: Desk) -> None:
    relied_on(desk, site)
    desk.start()
    await desk.until(lambda: desk.run is not None and desk.run._feeds.numbers)
    desk.broker.append(said(site, "verified", lease_seconds=3600))
    await desk.until(lambda: (state := desk.state()) and state.next_poll_at < datetime.now(UTC) + timedelta(hours=1))
    assert site.count("/feed") == 0


async def test_a_poll_that_finds_what_was_not_pushed_is_remembered(site: Site, desk: Desk) -> None:
    relied_on(desk, site)
    desk.start()
    await desk.until(lambda: desk.run is not None and desk.run._feeds.numbers)
    assert desk.run is not None
    desk.run._feeds.again("news", datetime.now(UTC))
    await desk.until(lambda: desk.entries() and (state := desk.state()) and state.hub and not state.hub.pushed_at)
    state = desk.state()
    assert state is not None
    assert state.next_poll_at <= datetime.now(UTC) + timedelta(minutes=10)
