"""The pages of the webhooks, for admins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from copydesk_api.admin.webhook_bodies import DeliveryItem, WebhookItem
from copydesk_api.push.records import Outcome, State
from copydesk_api.web.pages import render

DELIVERIES_SHOWN = 30
FAILING = "failing"


def state_of(webhook: WebhookItem) -> str:
    """Its state; of those that are delivered to, whether that fails."""
    return FAILING if webhook.state is State.ACTIVE and webhook.failures else webhook.state.value


@dataclass(frozen=True)
class WebhookPage:
    """What the page of a webhook shows; ``sent`` is the delivery that was just asked for."""

    webhook: WebhookItem
    deliveries: Sequence[DeliveryItem]
    cursor: str | None
    sent: DeliveryItem | None
    first: bool


def webhooks_page(webhooks: Sequence[WebhookItem]) -> str:
    """The page at ``/webhooks``."""
    return render("webhooks.html", webhooks=webhooks, state_of=state_of, now=datetime.now(UTC))


def webhook_page(page: WebhookPage) -> str:
    """The page of one webhook, with its log."""
    here = f"/webhooks/{page.webhook.webhook_id}"
    return render(
        "webhook.html",
        page=page,
        webhook=page.webhook,
        state=state_of(page.webhook),
        delivered=Outcome.DELIVERED,
        here=here,
        older_href=f"{here}?{urlencode({'cursor': page.cursor})}" if page.cursor else None,
        now=datetime.now(UTC),
    )
