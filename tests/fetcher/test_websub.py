"""The subscriber with the real client, a real hub and the real endpoint, from the first request to the last push."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from copydesk_fetcher.http import Client
from copydesk_fetcher.settings import FetcherSettings
from copydesk_fetcher.websub.glue import WebSub
from copydesk_fetcher.websub.links import Offer
from copydesk_fetcher.websub.subscriber import Subscriber, apply
from copydesk_shared.messages import FeedState, HubState

from .conftest import Settings
from .hub import Hub, serve_hub
from .samples import rss
from .websub_parts import FEED, TOPIC, Endpoint, endpoint, websub

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BODY = rss([("One", "https://news.example/1")]).encode()
DAY = 86_400


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with serve_hub() as running:
        yield running


@dataclass
class Parts:
    subscriber: Subscriber
    endpoint: Endpoint
    settings: FetcherSettings
    clock: Clock


@pytest.fixture
async def parts(settings_with: Settings) -> AsyncIterator[Parts]:
    async with endpoint(settings_with(**websub())) as running:
        settings = settings_with(**websub(websub_url=running.url + "/behind/a/path/"))
        clock = Clock()
        async with Client(settings) as client:
            yield Parts(Subscriber(client, settings, clock=clock), running, settings, clock)


def heard(parts: Parts, state: HubState | None) -> HubState:
    """The state after all that came, as if it had come by the test's clock."""
    for push in parts.endpoint.pushes:
        state = apply(push.model_copy(update={"received_at": parts.clock.now}), state)
    parts.endpoint.pushes.clear()
    assert state is not None
    return state


async def subscribed(parts: Parts, hub: Hub) -> HubState:
    state = await parts.subscriber.subscribe(FEED, hub.url(), TOPIC, None)
    await hub.idle()
    return heard(parts, state)


async def test_from_the_first_request_to_the_last_push(parts: Parts, hub: Hub) -> None:
    offer = Offer(hub.url(), TOPIC)
    assert parts.subscriber.due(FEED, None, offer, START)
    asked = await parts.subscriber.subscribe(FEED, hub.url(), TOPIC, None)
    assert (asked.requested_at, asked.verified_at, asked.failures) == (START, None, 0)
    await hub.idle()
    form = hub.asked[0]
    assert form["hub.callback"] == parts.subscriber.callback(FEED, TOPIC)
    assert form["hub.callback"].startswith(f"{parts.endpoint.url}/behind/a/path/websub/news/")
    assert (form["hub.mode"], form["hub.topic"], form["hub.lease_seconds"]) == ("subscribe", TOPIC, "604800")
    assert len(form["hub.secret"]) == 64
    assert hub.confirmations == [200]

    (verified,) = parts.endpoint.pushes
    assert (verified.kind, verified.feed_id, verified.topic, verified.place) == (
        "verified",
        "news",
        TOPIC,
        "news.example",
    )
    state = heard(parts, asked)
    assert state.verified_at == START
    assert state.lease_until == START + timedelta(days=7)
    assert not parts.subscriber.due(FEED, state, offer, START)

    assert await hub.publish(TOPIC, BODY) == [202]
    (push,) = parts.endpoint.pushes
    assert (push.kind, push.feed_id, push.place, push.topic) == ("content", "news", "news.example", TOPIC)
    assert (push.body, push.content_type) == (BODY, "application/rss+xml")
    state = heard(parts, state)
    assert state.pushed_at == START

    parts.clock.pass_by(7 * DAY * 2 / 3 - 1)
    assert not parts.subscriber.due(FEED, state, offer, parts.clock())
    parts.clock.pass_by(1)
    assert parts.subscriber.due(FEED, state, offer, parts.clock())
    renewed = await parts.subscriber.subscribe(FEED, *offer, state)
    assert renewed.lease_until == state.lease_until
    await hub.idle()
    renewed = heard(parts, renewed)
    assert renewed.lease_until == parts.clock.now + timedelta(days=7)
    assert renewed.pushed_at == START
    assert len({(each["hub.callback"], each["hub.secret"]) for each in hub.asked}) == 1


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
async def test_content_is_taken_with_each_algorithm(parts: Parts, hub: Hub, algorithm: str) -> None:
    state = await subscribed(parts, hub)
    hub.algorithm = algorithm
    hub.names_topic = False
    assert await hub.publish(TOPIC, BODY) == [202]
    (push,) = parts.endpoint.pushes
    assert (push.body, push.topic) == (BODY, "")
    assert heard(parts, state).pushed_at == START


async def test_what_was_stored_is_not_stored_again(parts: Parts, hub: Hub) -> None:
    await subscribed(parts, hub)
    other = rss([("Two", "https://news.example/2")]).encode()
    for body in (BODY, BODY, other, BODY):
        assert await hub.publish(TOPIC, body) == [202]
    assert [push.body for push in parts.endpoint.pushes] == [BODY, other, BODY]


async def test_a_hub_that_dies_is_asked_again_later_and_later(parts: Parts) -> None:
    async with serve_hub() as hub:
        offer = Offer(hub.url(), TOPIC)
        state = await subscribed(parts, hub)
    parts.clock.pass_by(7 * DAY * 2 / 3)
    waits = []
    for failures in range(1, 13):
        assert parts.subscriber.due(FEED, state, offer, parts.clock())
        state = await parts.subscriber.subscribe(FEED, *offer, state)
        assert state.failures == failures
        assert state.last_error
        assert state.next_request_at is not None
        waits.append((state.next_request_at - parts.clock()).total_seconds())
        assert not parts.subscriber.due(FEED, state, offer, parts.clock())
        parts.clock.now = state.next_request_at
    assert waits == [300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 76800, DAY, DAY, DAY]


async def test_a_hub_that_never_confirms_is_asked_again_later_and_later(parts: Parts, hub: Hub) -> None:
    hub.verify = "never"
    offer, state = Offer(hub.url(), TOPIC), None
    waits = []
    for failures in range(8):
        state = await parts.subscriber.subscribe(FEED, *offer, state)
        assert state.failures == failures
        assert state.next_request_at is not None
        waits.append((state.next_request_at - parts.clock()).total_seconds())
        parts.clock.now = state.next_request_at
        assert parts.subscriber.due(FEED, state, offer, parts.clock())
    assert waits == [3600, 3600, 3600, 3600, 3600, 4800, 9600, 19200]
    hub.verify = "after"
    state = await parts.subscriber.subscribe(FEED, *offer, state)
    await hub.idle()
    state = heard(parts, state)
    assert (state.failures, state.last_error) == (0, None)


async def test_a_denial_ends_the_lease_and_is_told_with_its_reason(parts: Parts, hub: Hub) -> None:
    await subscribed(parts, hub)
    hub.denies = "not\r\nfor \x1b[31myou"
    state = await subscribed(parts, hub)
    assert (state.verified_at, state.lease_until, state.failures) == (None, None, 1)
    assert state.last_error == "denied: not  for  [31myou"
    assert not parts.subscriber.due(FEED, state, Offer(hub.url(), TOPIC), parts.clock())


async def test_a_refusal_is_told_with_what_the_hub_said(parts: Parts, hub: Hub) -> None:
    hub.status, hub.says = 404, "no such\ntopic"
    state = await parts.subscriber.subscribe(FEED, hub.url(), TOPIC, None)
    assert (state.failures, state.last_error) == (1, "the hub answered 404: no such topic")


async def test_a_hub_may_have_moved(parts: Parts, hub: Hub) -> None:
    hub.location = hub.url("/new")
    await parts.subscriber.subscribe(FEED, hub.url("/old"), TOPIC, None)
    await hub.idle()
    assert hub.confirmations == [200]
    assert len(hub.asked) == 1


@pytest.mark.parametrize(
    ("lease", "days"), [("", 7.0), ("nonsense", 7.0), ("-5", 7.0), ("86400", 1.0), ("9" * 30, 30.0), ("0", 7.0)]
)
async def test_a_lease_is_the_word_of_the_hub_within_reason(parts: Parts, hub: Hub, lease: str, days: float) -> None:
    hub.lease = lease
    state = await subscribed(parts, hub)
    assert state.lease_until == START + timedelta(days=days)


async def test_a_short_lease_does_not_make_us_ask_all_the_time(parts: Parts, hub: Hub) -> None:
    hub.lease = "1"
    state = await subscribed(parts, hub)
    offer = Offer(hub.url(), TOPIC)
    assert not parts.subscriber.due(FEED, state, offer, START + timedelta(seconds=299))
    assert parts.subscriber.due(FEED, state, offer, START + timedelta(seconds=300))


async def test_a_hub_that_verifies_another_topic_is_told_no(parts: Parts, hub: Hub) -> None:
    hub.other_topic = "https://news.example/never-asked.xml"
    await parts.subscriber.subscribe(FEED, hub.url(), TOPIC, None)
    await hub.idle()
    assert hub.confirmations == [404]
    assert parts.endpoint.pushes == []
    assert hub.subscriptions == {}


async def test_unsubscribing_is_confirmed_and_ends_the_pushes(parts: Parts, hub: Hub) -> None:
    state = await subscribed(parts, hub)
    assert await parts.subscriber.unsubscribe(FEED, state)
    await hub.idle()
    assert hub.confirmations == [200, 200]
    assert hub.subscriptions == {}
    assert await hub.publish(TOPIC, BODY) == []


@pytest.mark.parametrize(
    "hub_url",
    [
        "http://169.254.169.254/",
        "http://10.0.0.1/",
        "http://[::1]/",
        "file:///etc/passwd",
        "http://0x7f.1:1/",
        "nonsense",
    ],
)
async def test_the_address_of_a_hub_is_hostile_input(settings_with: Settings, hub_url: str) -> None:
    settings = settings_with(**websub(allow_networks=""))
    async with Client(settings) as client:
        state = await Subscriber(client, settings).subscribe(FEED, hub_url, TOPIC, None)
    assert state.failures == 1
    assert state.last_error


async def test_a_subscription_is_asked_for_anew_when_it_would_be_another(parts: Parts, hub: Hub) -> None:
    state = await subscribed(parts, hub)
    later = START + timedelta(seconds=300)
    offer = Offer(hub.url(), TOPIC)
    moved = FEED.model_copy(update={"url": "https://elsewhere.example/feed"})
    others = [(FEED, Offer(hub.url("/other"), TOPIC)), (FEED, Offer(hub.url(), TOPIC + "2")), (moved, offer)]
    assert not parts.subscriber.due(FEED, state, offer, later)
    for feed, other in others:
        assert parts.subscriber.due(feed, state, other, later)
        assert not parts.subscriber.due(feed, state, other, later - timedelta(seconds=1))
    new_secret = FetcherSettings(
        **websub(websub_url=parts.settings.websub_url, websub_secret="another secret entirely")
    )
    async with Client(new_secret) as client:
        assert Subscriber(client, new_secret).due(FEED, state, offer, later)


async def test_who_does_not_want_pushes_does_not_ask_for_them(parts: Parts, hub: Hub) -> None:
    offer = Offer(hub.url(), TOPIC)
    for change in ({"websub": False}, {"paused": True}):
        assert not parts.subscriber.due(FEED.model_copy(update=change), None, offer, START)
    assert not parts.subscriber.due(FEED, None, None, START)


async def test_what_a_hub_says_before_it_answers_is_kept(parts: Parts, hub: Hub) -> None:
    hub.verify, hub.status = "before", 204
    hub.answers.clear()
    glue = WebSub(parts.subscriber)
    state = FeedState(feed_id="news", next_poll_at=START)
    wanted = Offer(hub.url(), TOPIC)
    asking = glue.wanted(wanted, FEED, state, START)
    assert asking is not None
    task = asyncio.create_task(asking)
    while not parts.endpoint.pushes:
        await asyncio.sleep(0.01)
    assert glue.wanted(wanted, FEED, state, START) is None
    state = glue.apply(parts.endpoint.pushes[0], state)
    assert state.hub is None
    hub.answers.set()
    hub_state = await task
    assert hub_state.lease_until is not None
    assert hub_state.failures == 0


async def test_a_subscription_goes_on_while_the_feed_says_nothing_of_its_hub(parts: Parts, hub: Hub) -> None:
    glue = WebSub(parts.subscriber)
    state = FeedState(feed_id="news", next_poll_at=START, hub=await subscribed(parts, hub))
    assert glue.wanted(None, FEED, state, START) is None
    later = START + timedelta(days=6)
    for disabled, is_asked in (("gone", False), (None, True)):
        asking = glue.wanted(None, FEED, state.model_copy(update={"disabled": disabled}), later)
        assert (asking is not None) == is_asked
        if asking is not None:
            await asking
    await hub.idle()
    assert [form["hub.mode"] for form in hub.asked] == ["subscribe", "subscribe"]


async def test_a_hub_that_the_feed_has_left_is_told_so(parts: Parts, hub: Hub) -> None:
    glue = WebSub(parts.subscriber)
    state = FeedState(feed_id="news", next_poll_at=START, hub=await subscribed(parts, hub))
    async with serve_hub() as other:
        asking = glue.wanted(Offer(other.url(), TOPIC), FEED, state, START + timedelta(days=1))
        assert asking is not None
        after = await asking
        await other.idle()
        await hub.idle()
        assert (after.hub, after.lease_until) == (other.url(), None)
        assert list(other.subscriptions) == [(TOPIC, parts.subscriber.callback(FEED, TOPIC))]
    assert hub.subscriptions == {}
    leaving = glue.leave(FEED, state.model_copy(update={"hub": after}))
    assert leaving is None
