"""Pushing as a whole: what the calls of the API and the loop of the service have in common."""

from asyncio import gather, to_thread
from collections.abc import Mapping
from importlib.metadata import version

from sqlalchemy import Engine

from copydesk_api.push.attempts import attempt
from copydesk_api.push.courier import Courier
from copydesk_api.push.engine import Deliverer, Pace, Voice
from copydesk_api.push.hub import Hub
from copydesk_api.push.messages import WebhookVoice, change_message, plain_message
from copydesk_api.push.pending import Feed
from copydesk_api.push.records import Cause, Delivery, Event, Kind, Message, Receiver
from copydesk_api.push.settings import ALLOW_SETTING
from copydesk_api.push.store import Receivers, new_id
from copydesk_api.push.subscriptions import Bounds, Subscriptions
from copydesk_api.push.topics import HubVoice
from copydesk_api.settings import ApiSettings
from copydesk_shared.guard import Guard, Resolve, Resolver
from copydesk_shared.service import Service

RESOLVER_THREADS = 4
TEST = {"detail": "This is a test. Nothing has happened."}
AGENT = f"copydesk/{version('copydesk-api')}"


class Desk:
    """Receivers, and the way to them."""

    def __init__(self, engine: Engine, settings: ApiSettings, resolve: Resolve | None = None) -> None:
        guard = Guard(resolve or Resolver(RESOLVER_THREADS), settings.push_allow_networks, ALLOW_SETTING)
        self.settings = settings
        self.receivers = Receivers(engine, settings.push_log_kept)
        self.feed = Feed(engine)
        self.courier = Courier(guard, settings.push_timeout_seconds, AGENT)
        self.webhooks = WebhookVoice()
        self.hub = self._made_hub(engine) if settings.websub_hub else None

    def _made_hub(self, engine: Engine) -> Hub:
        settings = self.settings
        bounds = Bounds(settings.websub_subscriptions, settings.websub_subscriptions_per_host)
        subscriptions = Subscriptions(engine, bounds)
        seconds = settings.push_timeout_seconds
        return Hub(settings.base_url or "", settings.websub_lease_seconds, subscriptions, self.courier, seconds)

    @property
    def voices(self) -> Mapping[Kind, Voice]:
        """What is sent to receivers of each kind that is switched on."""
        of_webhooks: dict[Kind, Voice] = {Kind.WEBHOOK: self.webhooks} if self.settings.webhooks else {}
        return of_webhooks if self.hub is None else {**of_webhooks, Kind.WEBSUB: HubVoice(self.hub.base_url)}

    async def run(self, service: Service, pace: Pace | None = None) -> None:
        """Deliver and confirm until the service stops."""
        if not self.voices:
            await service.stopping.wait()
            return
        pace = pace or self.settings.pace
        await gather(self.deliverer(pace).run(service), *([self.hub.run(service, pace.look)] if self.hub else ()))

    def deliverer(self, pace: Pace) -> Deliverer:
        """What delivers."""
        return Deliverer(self.receivers, self.feed, self.courier, self.voices, pace)

    async def send(self, receiver: Receiver, message: Message, cause: Cause) -> Delivery | None:
        """Deliver it now, once, whatever the receiver is waiting for; ``None`` when it was removed meanwhile."""
        async with self.courier.line(receiver.url) as line:
            made = await attempt(line, receiver.kind, self.webhooks.headers(receiver, message), message)
        return await to_thread(self.receivers.note, receiver.receiver_id, message, made, cause)

    async def test(self, receiver: Receiver) -> Delivery | None:
        """Send a test."""
        return await self.send(receiver, plain_message(new_id("msg"), Event.TEST, TEST), Cause.TEST)

    async def again(self, receiver: Receiver, former: Delivery) -> Delivery | None:
        """Send a change once more, under the id that it had. Raises ``LookupError`` when it is not kept."""
        found = None if former.position is None else await to_thread(self.feed.at, former.position)
        standing = await to_thread(self.feed.name)
        if found is None or former.feed != standing:
            raise LookupError("what was delivered then is not kept any more")
        message = change_message(former.event_id, former.feed, *found)
        return await self.send(receiver, message, Cause.REPLAY)
