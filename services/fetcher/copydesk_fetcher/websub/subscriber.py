"""Asking hubs to push, and what is remembered of it: one :class:`HubState` for each feed that has a hub.

Everything a hub says is hostile input: its URL is asked through the guarded client, its leases and reasons are bounded,
and what it does not do costs no more than a request now and then, because the feed is polled all the same.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from prometheus_client import Counter

from copydesk_fetcher.responses import Fetched, FetchError, Held
from copydesk_fetcher.settings import FetcherSettings
from copydesk_fetcher.websub.links import Offer
from copydesk_fetcher.websub.tokens import Tokens, callback_url
from copydesk_shared.identity import short_digest
from copydesk_shared.messages import Feed, HubState, Push
from copydesk_shared.telemetry import get_logger

RENEW_AT = 2 / 3
SHORTEST_WAIT_SECONDS = 300.0
LONGEST_WAIT_SECONDS = 86_400.0
# Hubs confirm in their own time; one that has not done so by then probably never will.
UNCONFIRMED_SECONDS = 3600.0
UNCONFIRMED = "not confirmed by the hub yet"
DOUBLINGS = 20
ERROR_CHARACTERS = 300

REQUESTS = Counter("copydesk_websub_requests_total", "Requests to hubs, by what came of them.", ["outcome"])


class Poster(Protocol):
    """What is needed of the client."""

    async def post(self, url: str, data: Mapping[str, str]) -> Fetched:
        """See :meth:`copydesk_fetcher.http.Client.post`."""


def _now() -> datetime:
    return datetime.now(UTC)


class Subscriber:
    """Subscribes to hubs. Raises :class:`SettingsError` for settings that cannot be used."""

    def __init__(self, client: Poster, settings: FetcherSettings, *, clock: Callable[[], datetime] = _now) -> None:
        self._client = client
        self._tokens = Tokens.of(settings)
        self._url = settings.websub_url
        self._lease_seconds = settings.websub_lease_seconds
        self._clock = clock

    def callback(self, feed: Feed, topic: str) -> str:
        """Where a hub is to push this topic to: an address that nobody can guess, one for each subscription."""
        return callback_url(self._url, feed.feed_id, self._tokens.token(feed, topic))

    def due(self, feed: Feed, state: HubState | None, hub_wanted: Offer | None, now: datetime) -> bool:
        """Whether the hub is to be asked now.

        So it is for a new hub, topic or callback address, at two thirds of a lease, and when it is time to try again
        what failed.
        """
        if hub_wanted is None or not feed.websub or feed.paused:
            return False
        if state is None:
            return True
        if self.is_other(feed, state, hub_wanted):
            return now >= state.requested_at + timedelta(seconds=SHORTEST_WAIT_SECONDS)
        return state.next_request_at is None or now >= state.next_request_at

    def is_other(self, feed: Feed, state: HubState, offer: Offer) -> bool:
        """Whether the subscription that we know of is another one than that to this offer."""
        known = (state.hub, state.topic, state.callback_id)
        return known != (offer.hub, offer.topic, short_digest(self.callback(feed, offer.topic)))

    async def subscribe(self, feed: Feed, hub: str, topic: str, state: HubState | None) -> HubState:
        """Ask the hub to push. What came of it is in the answer; nothing is raised for what hubs do.

        The hub confirms later, at our endpoint: see :func:`apply`.
        """
        now = self._clock()
        asked = requested(state, Offer(hub, topic), short_digest(self.callback(feed, topic)), now)
        secret = {"hub.secret": self._tokens.secret(feed, topic), "hub.lease_seconds": str(self._lease_seconds)}
        try:
            fetched = await self._ask(feed, hub, topic, "subscribe", secret)
        except FetchError as error:
            return self._failed(feed, asked, str(error), now, error.seconds if isinstance(error, Held) else None)
        if not _is_success(fetched):
            return self._failed(feed, asked, _refusal(fetched), now, fetched.retry_after(now))
        REQUESTS.labels("accepted").inc()
        return asked

    async def unsubscribe(self, feed: Feed, state: HubState) -> bool:
        """Ask the hub to push no more, as a courtesy; whether it took that."""
        try:
            fetched = await self._ask(feed, state.hub, state.topic, "unsubscribe", {})
        except FetchError:
            REQUESTS.labels("failed").inc()
            return False
        REQUESTS.labels("accepted" if _is_success(fetched) else "failed").inc()
        return _is_success(fetched)

    async def _ask(self, feed: Feed, hub: str, topic: str, mode: str, more: Mapping[str, str]) -> Fetched:
        # hub.verify: hubs older than the Recommendation want it, others ignore it
        form = {"hub.mode": mode, "hub.topic": topic, "hub.callback": self.callback(feed, topic), "hub.verify": "async"}
        return await self._client.post(hub, {**form, **more})

    def _failed(self, feed: Feed, asked: HubState, why: str, now: datetime, wait: float | None) -> HubState:
        REQUESTS.labels("failed").inc()
        after = failed(asked, why, now, wait)
        get_logger().warning("a hub was asked in vain", feed=feed.feed_id, hub=asked.hub[:300], error=after.last_error)
        return after


def requested(state: HubState | None, offer: Offer, callback_id: str, now: datetime) -> HubState:
    """The state while a request is on its way and then waits for its confirmation.

    The lease that a renewal is for goes on. A request before that was never confirmed counts as a failure.
    """
    fresh = HubState(hub=offer.hub, topic=offer.topic, requested_at=now, callback_id=callback_id)
    if state is None or (state.hub, state.topic, state.callback_id) != (offer.hub, offer.topic, callback_id):
        state = fresh
    failures = state.failures + (state.last_error == UNCONFIRMED)
    wait = timedelta(seconds=max(UNCONFIRMED_SECONDS, backoff(failures)))
    told = {"requested_at": now, "next_request_at": now + wait, "failures": failures, "last_error": UNCONFIRMED}
    return state.model_copy(update=told)


def failed(state: HubState, why: str, now: datetime, wait: float | None = None) -> HubState:
    """The state after a request that came to nothing, or a denial; tried again later and later, at least daily."""
    failures = state.failures + 1
    seconds = min(max(backoff(failures), wait or 0.0), LONGEST_WAIT_SECONDS)
    told = {"failures": failures, "last_error": why[:ERROR_CHARACTERS]}
    return state.model_copy(update={**told, "next_request_at": now + timedelta(seconds=seconds)})


def apply(push: Push, state: HubState | None) -> HubState | None:
    """The state after what a hub said; of another topic than ours it says nothing."""
    if state is None or not is_of(push, state):
        return state
    if push.kind == "denied":
        over = state.model_copy(update={"verified_at": None, "lease_until": None})
        return failed(over, f"denied: {push.reason}" if push.reason else "denied", push.received_at)
    if push.kind == "content":
        return state.model_copy(update={"pushed_at": push.received_at})
    lease = float(push.lease_seconds or 0)
    renewal = max(lease * RENEW_AT, SHORTEST_WAIT_SECONDS)
    return state.model_copy(
        update={
            "verified_at": push.received_at,
            "lease_until": push.received_at + timedelta(seconds=lease),
            "next_request_at": push.received_at + timedelta(seconds=renewal),
            "failures": 0,
            "last_error": None,
        }
    )


def is_of(push: Push, state: HubState) -> bool:
    """Whether a push is of this subscription; a hub that does not say the topic of content means the one it knows."""
    return push.topic == state.topic or (push.kind == "content" and not push.topic)


def backoff(failures: int) -> float:
    """Seconds until the next try: five minutes, doubled with each failure, a day at most."""
    return min(SHORTEST_WAIT_SECONDS * 2.0 ** min(max(failures - 1, 0), DOUBLINGS), LONGEST_WAIT_SECONDS)


def _is_success(fetched: Fetched) -> bool:
    """202 by the Recommendation; hubs older than it say 204 after confirming at once."""
    return 200 <= fetched.status < 300  # noqa: PLR2004 - RFC 9110 section 15.3


def _refusal(fetched: Fetched) -> str:
    said = fetched.body.decode("utf-8", "replace") if fetched.media_type == "text/plain" else ""
    plain = "".join(each if each.isprintable() else " " for each in said).strip()
    return f"the hub answered {fetched.status}" + (f": {plain}" if plain else "")
