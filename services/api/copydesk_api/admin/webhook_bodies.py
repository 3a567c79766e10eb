"""What the calls of webhooks take and answer."""

from typing import Annotated, Any, Literal, get_args

from fastapi import Path
from pydantic import AwareDatetime, BaseModel, Field

from copydesk_api import cursors
from copydesk_api.admin.router import Body
from copydesk_api.parameters import DEFAULT_LIMIT, MAX_LIMIT, Parameters, WebhookFilters
from copydesk_api.push.records import Cause, Delivery, Event, Outcome, Receiver, State
from copydesk_api.store import Standing
from copydesk_api.values import CursorText, Id, WebUrl, Whole, Words

DAY = 24 * 3600
LONGEST_OVERLAP = 90 * DAY
ChosenEvent = Literal["article.published", "article.revised", "article.retagged", "article.removed"]
ALL_EVENTS: tuple[ChosenEvent, ...] = get_args(ChosenEvent)
Url = Annotated[WebUrl, Field(description="Where to deliver to: an http or https URL.")]
Description = Annotated[Words, Field(description="What it is for.")]
Events = Annotated[
    tuple[ChosenEvent, ...],
    Field(min_length=1, max_length=len(ALL_EVENTS), description="What it tells; all of them, where it is left out."),
]


Filters = Annotated[WebhookFilters, Field(description="Those of /v1/articles. Removals come whatever they are.")]
After = Annotated[CursorText, Field(description="A cursor of the change feed, or beginning: all that comes after it.")]
WebhookId = Annotated[Id, Path(description="The id of a webhook.")]
Number = Annotated[int, Path(ge=1, le=cursors.MAX_VALUE, description="The number of a delivery.")]


class NewWebhook(Body):
    """A webhook that is wanted."""

    url: Url
    description: Description = ""
    events: Events = ALL_EVENTS
    filters: Filters = WebhookFilters()
    after: After | None = Field(default=None, description="Where to begin; left out: with what comes from now on.")


class ChangedWebhook(Body):
    """What is to be another; what is left out stays as it is."""

    url: Url | None = None
    description: Description | None = None
    events: Events | None = None
    filters: Filters | None = None
    state: Literal["active", "paused"] | None = Field(
        default=None, description="active begins again where it was, also one that was disabled, and at once."
    )


class WebhookRotation(Body):
    """How a secret is rotated."""

    overlap_seconds: Whole = Field(
        default=DAY, ge=0, le=LONGEST_OVERLAP, description="How long it is signed with the secret of before as well."
    )


class WebhookReplay(Body):
    """From where to deliver again; a later point than now skips what is between."""

    after: After


class WebhookItem(BaseModel):
    """A webhook."""

    webhook_id: str
    url: str
    description: str
    events: list[Event]
    filters: dict[str, Any]
    state: State = Field(description="active; paused by a person; disabled, since it is gone or has failed for days.")
    why: str | None = Field(description="It is disabled.")
    created_at: AwareDatetime
    cursor: str = Field(description="Where it stands in the change feed; what /v1/changes takes as after.")
    behind: int = Field(description="How many positions of the feed it has not been brought to yet.")
    failures: int = Field(description="Attempts that have failed since the last one that did not.")
    failing_since: AwareDatetime | None
    last_error: str | None
    last_success_at: AwareDatetime | None
    next_attempt_at: AwareDatetime | None = Field(description="Not before, because it has failed.")
    former_secret_until: AwareDatetime | None = Field(description="How long two secrets are signed with.")


class MadeWebhook(WebhookItem):
    """A webhook with its secret."""

    secret: str = Field(description="What deliveries are signed with. It is shown this once.")


class WebhookList(BaseModel):
    """All webhooks, the oldest first."""

    items: list[WebhookItem]
    next: None = None


class DeliveryItem(BaseModel):
    """An attempt to deliver."""

    number: int
    at: AwareDatetime
    cause: Cause = Field(description="The change feed, a replay of one delivery, or a test.")
    event_id: str = Field(description="What went as webhook-id: the same each time that it is sent.")
    event: Event
    article_id: str | None
    cursor: str | None = Field(description="The point after it in the change feed; to replay from there skips it.")
    attempt: int = Field(description="The how manieth it is to deliver this.")
    outcome: Outcome
    status: int | None = Field(description="That of the answer; null where there was none.")
    milliseconds: int
    detail: str | None = Field(description="What was wrong.")


class DeliveryList(BaseModel):
    """Attempts, the newest first; a bounded number of them is kept, for some days."""

    items: list[DeliveryItem]
    next: str | None = Field(description="The cursor of the next page.")


class DeliveriesParameters(Parameters):
    """A page of the log."""

    cursor: Annotated[CursorText | None, Field(description="Where to go on: next of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="How many at most.")] = DEFAULT_LIMIT


def webhook_item(receiver: Receiver, standing: Standing) -> WebhookItem:
    """The webhook as the calls show it."""
    return WebhookItem(
        webhook_id=receiver.receiver_id,
        cursor=cursors.encode_position(receiver.position, standing.feed),
        behind=max(standing.position - receiver.position, 0),
        next_attempt_at=receiver.next_at,
        former_secret_until=receiver.former_until if receiver.former_secret else None,
        **{name: getattr(receiver, name) for name in WebhookItem.model_fields if hasattr(receiver, name)},
    )


def made_webhook(receiver: Receiver, standing: Standing) -> MadeWebhook:
    """The webhook with its secret, as it is shown once."""
    return MadeWebhook(**webhook_item(receiver, standing).model_dump(), secret=receiver.secret or "")


def delivery_item(delivery: Delivery) -> DeliveryItem:
    """The attempt as the calls show it."""
    at = None if delivery.position is None else cursors.encode_position(delivery.position, delivery.feed)
    return DeliveryItem(
        cursor=at, **{name: getattr(delivery, name) for name in DeliveryItem.model_fields if hasattr(delivery, name)}
    )
