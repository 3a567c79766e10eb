"""The WebSub hub: takes requests of subscribers and asks them whether they meant it (https://www.w3.org/TR/websub/).

Whoever can reach the service can ask it to send a request to an address, so addresses are checked as those of webhooks
are, there are only so many subscriptions and requests of one host, and nothing is pushed that was not confirmed.
"""

import asyncio
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from prometheus_client import Counter

from copydesk_api.push.courier import BODY_SECONDS, Courier, NoAnswer, Target
from copydesk_api.push.subscriptions import SUBSCRIBE, HubRequest, Subscriptions, subscription_id
from copydesk_api.push.topics import topic_of
from copydesk_shared.errors import Retryable
from copydesk_shared.service import Service
from copydesk_shared.telemetry import get_logger

MODES = (SUBSCRIBE, "unsubscribe")
SHORTEST_LEASE = 300
SECRET_BYTES = 199  # section 5.1: less than 200
CHALLENGE_BYTES = 24
AT_ONCE = 32
AWAY_SECONDS = 5.0
REQUESTS = Counter("copydesk_websub_hub_total", "Requests of subscribers, by what came of them.", ["outcome"])


class HubError(ValueError):
    """A request that cannot be taken; ``field`` is what is wrong with it."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


class FullError(Exception):
    """There is no room for one more."""


@dataclass(frozen=True)
class Hub:
    """What it is told by the settings; ``longest_lease`` in seconds is also what is given where none is asked for."""

    base_url: str
    longest_lease: int
    subscriptions: Subscriptions
    courier: Courier
    seconds: float

    async def ask(self, form: Mapping[str, str]) -> None:
        """Take a request, to confirm it later. Raises :class:`HubError`, :class:`FullError` and :class:`Retryable`."""
        try:
            request = self._request(form)
            await self._look_up(request.callback)
        except HubError:
            REQUESTS.labels("refused").inc()
            raise
        if not await asyncio.to_thread(self.subscriptions.ask, request):
            REQUESTS.labels("full").inc()
            raise FullError
        REQUESTS.labels("taken").inc()

    def _request(self, form: Mapping[str, str]) -> HubRequest:
        mode, topic, callback = (form.get(f"hub.{name}", "") for name in ("mode", "topic", "callback"))
        if mode not in MODES:
            raise HubError("hub.mode", f"it is {' or '.join(MODES)}")
        try:
            topic_of(topic, self.base_url)
        except ValueError as error:
            raise HubError("hub.topic", str(error)) from None
        try:
            target = Target.of(callback)
        except ValueError as error:
            raise HubError("hub.callback", str(error)) from None
        secret = form.get("hub.secret") or None
        if secret is not None and len(secret.encode()) > SECRET_BYTES:
            raise HubError("hub.secret", f"it has {SECRET_BYTES} bytes at most")
        lease = self._lease(form.get("hub.lease_seconds", ""))
        key = subscription_id(target.url, topic)
        return HubRequest(key, mode, topic, target.url, target.host, secret, lease, datetime.now(UTC))

    def _lease(self, asked: str) -> int:
        if not asked:
            return self.longest_lease
        if not (asked.isascii() and asked.isdigit()):
            raise HubError("hub.lease_seconds", "it is a number of seconds")
        return min(max(int(asked[:12]), SHORTEST_LEASE), self.longest_lease)

    async def _look_up(self, callback: str) -> None:
        try:
            await self.courier.look_up(callback)
        except NoAnswer as error:
            raise HubError("hub.callback", str(error)) from None

    async def run(self, service: Service, look: float) -> None:
        """Ask subscribers back until the service stops; ``look`` is seconds between two looks for requests."""
        asking: set[asyncio.Task[None]] = set()
        try:
            while not service.stopping.is_set():
                for task in [each for each in asking if each.done()]:
                    asking.remove(task)
                    task.result()
                await service.pause(look if await self._begin(asking) else AWAY_SECONDS)
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)

    async def _begin(self, asking: set[asyncio.Task[None]]) -> bool:
        """Who does not answer holds up nobody else. Whether the database is there."""
        # More than an answer can take, with all that comes after it.
        lease = 2 * (self.seconds + BODY_SECONDS)
        try:
            claimed = await asyncio.to_thread(self.subscriptions.claim, AT_ONCE - len(asking), lease)
        except Retryable as error:
            get_logger().warning("the hub has to wait", error=str(error), again_in_seconds=AWAY_SECONDS)
            return False
        asking.update(asyncio.create_task(self._settle(each)) for each in claimed)
        return True

    async def _settle(self, request: HubRequest) -> None:
        filters, why = await self._confirmed(request)
        try:
            await asyncio.to_thread(self.subscriptions.settle, request, filters)
        except Retryable as error:
            get_logger().warning("the hub has to wait", error=str(error))
            return
        REQUESTS.labels("not-confirmed" if why else "confirmed").inc()
        get_logger().info("a subscriber was asked", mode=request.mode, host=request.host, not_confirmed=why)

    async def _confirmed(self, request: HubRequest) -> tuple[Mapping[str, Any] | None, str | None]:
        """The filters of the topic, or why the request does not count."""
        try:
            filters = topic_of(request.topic, self.base_url).filters
            return (filters, None) if await self._is_meant(request) else (None, "another answer than the challenge")
        except (ValueError, NoAnswer) as error:
            return None, str(error)

    async def _is_meant(self, request: HubRequest) -> bool:
        """Section 5.3. Raises :class:`NoAnswer`."""
        challenge = secrets.token_urlsafe(CHALLENGE_BYTES)
        pairs = [("hub.mode", request.mode), ("hub.topic", request.topic), ("hub.challenge", challenge)]
        if request.mode == SUBSCRIBE:
            pairs.append(("hub.lease_seconds", str(request.lease_seconds)))
        async with self.courier.line(_with(request.callback, pairs)) as line:
            answer = await line.get({})
        is_success = HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES
        return is_success and hmac.compare_digest(answer.body, challenge.encode())


def _with(url: str, pairs: Sequence[tuple[str, str]]) -> str:
    """The URL with more parameters; its own stay as they are."""
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode(pairs))))
    return urlunsplit(parts._replace(query=query))
