"""What the poll loop needs of WebSub.

The loop owns the feeds' states; nothing here changes one by itself. Subscribing is a request to a host, so it is a task
of its own, and what the hub says while it runs is kept for the state that the task returns.
"""

from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from copydesk_fetcher.settings import FetcherSettings
from copydesk_fetcher.websub.links import Offer
from copydesk_fetcher.websub.server import Send, WebSubServer
from copydesk_fetcher.websub.serving import listening
from copydesk_fetcher.websub.subscriber import Subscriber, apply, is_of
from copydesk_fetcher.websub.tokens import is_enabled
from copydesk_shared.identity import registrable_domain
from copydesk_shared.log import Outgoing
from copydesk_shared.messages import Feed, FeedState, HubState, Push
from copydesk_shared.telemetry import get_logger
from copydesk_shared.topics import FEEDS_PUSHED
from copydesk_shared.wire import encode

_PUSHED = replace(FEEDS_PUSHED, place=lambda push: push.place or registrable_domain(push.topic))


class WebSub:
    """The subscriptions of the feeds that this process polls; one for the life of the process."""

    def __init__(self, subscriber: Subscriber) -> None:
        self._subscriber = subscriber
        self._told: dict[str, list[Push]] = {}

    def wanted(
        self, wanted: Offer | None, feed: Feed, state: FeedState, now: datetime
    ) -> Coroutine[Any, Any, HubState] | None:
        """What is to run now, if anything: it asks the hub, and its result is the feed's new ``state.hub``.

        It raises nothing for what hubs do. ``wanted`` is the hub that a visit has found, ``state`` the one after it.
        """
        offer = None if state.disabled else wanted or _offer(state.hub)
        if offer is None or feed.feed_id in self._told or not self._subscriber.due(feed, state.hub, offer, now):
            return None
        return self._subscribe(feed, offer, state.hub)

    async def _subscribe(self, feed: Feed, offer: Offer, before: HubState | None) -> HubState:
        told = self._told[feed.feed_id] = []
        try:
            if before is not None and before.lease_until is not None and _is_elsewhere(before, offer):
                await self._subscriber.unsubscribe(feed, before)
            after = await self._subscriber.subscribe(feed, offer.hub, offer.topic, before)
        finally:
            del self._told[feed.feed_id]
        for push in told:
            after = apply(push, after) or after
        return after

    def leave(self, feed: Feed, state: FeedState | None) -> Coroutine[Any, Any, bool] | None:
        """What is to run, if anything, when a feed is removed, paused or to be polled only: it asks the hub to stop."""
        hub = state.hub if state else None
        return self._subscriber.unsubscribe(feed, hub) if hub is not None and hub.lease_until is not None else None

    def apply(self, push: Push, state: FeedState) -> FeedState:
        """The state after what a hub said of the subscription, to be stored where it differs."""
        if push.feed_id in self._told:
            self._told[push.feed_id].append(push)
        hub = apply(push, state.hub)
        return state if hub is state.hub else state.model_copy(update={"hub": hub})

    def takes(self, push: Push, feed: Feed, state: FeedState) -> bool:
        """Whether the body of a push is to be read: it is content of the subscription that the feed has."""
        if push.kind != "content" or not feed.websub or feed.paused or state.disabled is not None:
            return False
        return is_of(push, state.hub) if state.hub is not None else push.feed_id in self._told


def _offer(hub: HubState | None) -> Offer | None:
    """The subscription that there is: a feed that did not change says nothing of its hub."""
    return Offer(hub.hub, hub.topic) if hub is not None else None


def _is_elsewhere(before: HubState, offer: Offer) -> bool:
    return (before.hub, before.topic) != (offer.hub, offer.topic)


def outgoing(push: Push, *, stage: str, version: str) -> Outgoing:
    """The record of a push, placed beside its feed even when the topic lies at another domain."""
    return encode(_PUSHED, push, stage=stage, version=version)


@asynccontextmanager
async def serving(settings: FetcherSettings, send: Send) -> AsyncIterator[int | None]:
    """Listen for hubs while the context lasts; the value is the port, ``None`` where WebSub is switched off.

    Raises :class:`SettingsError` for settings that cannot be used and for a port that is taken.
    """
    if not is_enabled(settings):
        yield None
        return
    server = WebSubServer(settings, send)
    async with listening(server, settings.websub_host, settings.websub_port) as port:
        get_logger().info("listening for hubs", host=settings.websub_host, port=port, url=settings.websub_url)
        if not settings.websub_url.lower().startswith("https:"):
            get_logger().warning("hubs are given an http address; with https nobody else can read what is pushed")
        yield port
