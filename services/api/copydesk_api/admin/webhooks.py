"""The calls that make webhooks, change them, look at what was delivered, and deliver again."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, get_args

from fastapi import Depends, Path, Query
from pydantic import AwareDatetime, BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from copydesk_api import cursors
from copydesk_api.admin.router import MISSING, Admin, Body, router
from copydesk_api.cursors import CursorError
from copydesk_api.parameters import MAX_LIMIT, Parameters, WebhookFilters
from copydesk_api.problems import (
    FULL,
    GONE,
    INVALID_BODY,
    INVALID_CURSOR,
    NOT_FOUND,
    ParameterError,
    Problem,
    ProblemDetails,
)
from copydesk_api.push.courier import NoAnswer, Target
from copydesk_api.push.desk import Desk
from copydesk_api.push.records import Cause, Delivery, Event, Kind, Outcome, Receiver, State
from copydesk_api.push.signatures import new_secret
from copydesk_api.push.store import WELL
from copydesk_api.store import Standing, Store
from copydesk_api.values import CursorText, Id, WebUrl, Whole, Words
from copydesk_shared.telemetry import get_logger

api = router("webhooks")
DAY = 24 * 3600
LONGEST_OVERLAP = 90 * DAY
BEGINNING = "beginning"
OFF = "Webhooks are switched off here (COPYDESK_API_WEBHOOKS)."
LOST: dict[int | str, dict[str, Any]] = {
    410: {"model": ProblemDetails, "description": "What was delivered then is not kept any more."}
}

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
    next: int | None = Field(description="What to give as before for the next page.")


class DeliveriesParameters(Parameters):
    """A page of the log."""

    before: Annotated[int | None, Field(ge=1, le=cursors.MAX_VALUE, description="Only those with a lower number.")] = (
        None
    )
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="How many at most.")] = 50


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    if not desk.settings.webhooks:
        raise Problem(NOT_FOUND, OFF)
    return desk


def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


TheDesk = Annotated[Desk, Depends(_desk)]
TheStore = Annotated[Store, Depends(_store)]
NoParameters = Annotated[Parameters, Query()]


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


def _made(receiver: Receiver, standing: Standing) -> MadeWebhook:
    return MadeWebhook(**webhook_item(receiver, standing).model_dump(), secret=receiver.secret or "")


def delivery_item(delivery: Delivery) -> DeliveryItem:
    """The attempt as the calls show it."""
    at = None if delivery.position is None else cursors.encode_position(delivery.position, delivery.feed)
    return DeliveryItem(
        cursor=at, **{name: getattr(delivery, name) for name in DeliveryItem.model_fields if hasattr(delivery, name)}
    )


def _missing(webhook_id: str) -> Problem:
    return Problem(NOT_FOUND, f"There is no webhook {webhook_id!r}.")


def _found(desk: Desk, webhook_id: str) -> Receiver:
    receiver = desk.receivers.get(webhook_id)
    if receiver is None:
        raise _missing(webhook_id)
    return receiver


def _position(store: Store, after: str) -> int:
    if after == BEGINNING:
        return 0
    try:
        return cursors.decode_position(after, store.feed())
    except CursorError as error:
        raise Problem(
            INVALID_CURSOR, f"after: {error}", [ParameterError(parameter="after", detail=str(error))]
        ) from None


async def _where(desk: Desk, url: str) -> Mapping[str, str]:
    """Where a URL leads. Raises :class:`Problem` when that is nowhere to deliver to."""
    try:
        await desk.courier.look_up(url)
    except (ValueError, NoAnswer) as error:
        detail = str(error)
        raise Problem(INVALID_BODY, f"url: {detail}", [ParameterError(parameter="url", detail=detail)]) from None
    target = Target.of(url)
    return {"url": target.url, "host": target.host}


def _kept(filters: WebhookFilters) -> Mapping[str, Any]:
    return filters.model_dump(mode="json", exclude_defaults=True)


@api.get("/webhooks", summary="The webhooks")
def list_webhooks(_caller: Admin, _parameters: NoParameters, desk: TheDesk, store: TheStore) -> WebhookList:
    """Without their secrets. A webhook that is disabled stays until it is removed."""
    standing = store.standing()
    return WebhookList(items=[webhook_item(each, standing) for each in desk.receivers.all(Kind.WEBHOOK)])


@api.post(
    "/webhooks",
    summary="A new webhook",
    status_code=201,
    responses={409: {"model": ProblemDetails, "description": FULL.meaning}},
)
async def create_webhook(caller: Admin, wanted: NewWebhook, desk: TheDesk, store: TheStore) -> MadeWebhook:
    """It gets every change of the feed that its filters hold for, in order, by the scheme of Standard Webhooks.

    The answer holds its secret, this once. Where the URL leads is checked now, and again at each delivery.
    """
    where = await _where(desk, wanted.url)
    values = {"description": wanted.description, "events": list(wanted.events), "filters": _kept(wanted.filters),
              "secret": new_secret(), **where}  # fmt: skip

    def make() -> MadeWebhook:
        if desk.receivers.count(Kind.WEBHOOK) >= desk.settings.max_webhooks:
            raise Problem(FULL, f"There are {desk.settings.max_webhooks} webhooks, and no more may be made.")
        position = None if wanted.after is None else _position(store, wanted.after)
        return _made(desk.receivers.add(Kind.WEBHOOK, values, position), store.standing())

    made = await run_in_threadpool(make)
    get_logger().info("a webhook was made", webhook_id=made.webhook_id, host=where["host"], by=caller.key_id)
    return made


@api.get("/webhooks/{webhook_id}", summary="One webhook", responses=MISSING)
def get_webhook(
    _caller: Admin, webhook_id: WebhookId, _parameters: NoParameters, desk: TheDesk, store: TheStore
) -> WebhookItem:
    """How it is, and where it stands in the change feed."""
    return webhook_item(_found(desk, webhook_id), store.standing())


@api.patch("/webhooks/{webhook_id}", summary="Change a webhook", responses=MISSING)
async def change_webhook(
    caller: Admin, webhook_id: WebhookId, wanted: ChangedWebhook, desk: TheDesk, store: TheStore
) -> WebhookItem:
    """Pause it, let it go on, or have it tell something else; it stays where it stands in the change feed."""
    values: dict[str, Any] = wanted.model_dump(include={"description", "events"}, exclude_none=True)
    if wanted.url is not None:
        values |= {**AGAIN, **await _where(desk, wanted.url)}
    if wanted.filters is not None:
        values["filters"] = _kept(wanted.filters)
    if wanted.state == "active":
        values |= WELL
    elif wanted.state is not None:
        values["state"] = wanted.state
    receiver = await run_in_threadpool(desk.receivers.change, webhook_id, values)
    if receiver is None:
        raise _missing(webhook_id)
    get_logger().info("a webhook was changed", webhook_id=webhook_id, what=sorted(values), by=caller.key_id)
    return webhook_item(receiver, await run_in_threadpool(store.standing))


@api.delete("/webhooks/{webhook_id}", summary="Remove a webhook", status_code=204, responses=MISSING)
async def remove_webhook(caller: Admin, webhook_id: WebhookId, desk: TheDesk) -> None:
    """With its log. A delivery that is on its way arrives."""
    if not await run_in_threadpool(desk.receivers.remove, webhook_id):
        raise _missing(webhook_id)
    get_logger().info("a webhook was removed", webhook_id=webhook_id, by=caller.key_id)


@api.post("/webhooks/{webhook_id}/rotate", summary="A new secret for a webhook", responses=MISSING)
async def rotate_webhook(
    caller: Admin, webhook_id: WebhookId, desk: TheDesk, store: TheStore, rotation: WebhookRotation | None = None
) -> MadeWebhook:
    """The answer holds it, this once. For a while deliveries are signed with that of before as well."""
    overlap = timedelta(seconds=(rotation or WebhookRotation()).overlap_seconds)
    receiver = await run_in_threadpool(desk.receivers.rotate, webhook_id, overlap)
    if receiver is None:
        raise _missing(webhook_id)
    get_logger().info("the secret of a webhook was rotated", webhook_id=webhook_id, by=caller.key_id)
    return _made(receiver, await run_in_threadpool(store.standing))


@api.get("/webhooks/{webhook_id}/deliveries", summary="What was delivered to a webhook", responses=MISSING)
def list_deliveries(
    _caller: Admin, webhook_id: WebhookId, parameters: Annotated[DeliveriesParameters, Query()], desk: TheDesk
) -> DeliveryList:
    """Every attempt with what came of it, the newest first."""
    _found(desk, webhook_id)
    found = desk.receivers.log(webhook_id, parameters.limit + 1, parameters.before)
    items = [delivery_item(each) for each in found[: parameters.limit]]
    return DeliveryList(items=items, next=items[-1].number if len(found) > parameters.limit else None)


@api.post("/webhooks/{webhook_id}/replay", summary="Deliver again from a point of the feed", responses=MISSING)
async def replay_webhook(
    caller: Admin, webhook_id: WebhookId, wanted: WebhookReplay, desk: TheDesk, store: TheStore
) -> WebhookItem:
    """Everything that its filters hold for comes again, as it is now, under the ids of before.

    A point after the one where it stands skips what is between: the way past a change that the receiver never takes.
    """

    def move() -> Receiver | None:
        _found(desk, webhook_id)
        position = min(_position(store, wanted.after), store.standing().position)
        return desk.receivers.change(webhook_id, {**AGAIN, "position": position})

    receiver = await run_in_threadpool(move)
    if receiver is None:
        raise _missing(webhook_id)
    get_logger().info("a webhook is replayed", webhook_id=webhook_id, position=receiver.position, by=caller.key_id)
    return webhook_item(receiver, await run_in_threadpool(store.standing))


@api.post(
    "/webhooks/{webhook_id}/deliveries/{number}/replay",
    summary="Deliver one change again",
    responses={**MISSING, **LOST},
)
async def replay_delivery(_caller: Admin, webhook_id: WebhookId, number: Number, desk: TheDesk) -> DeliveryItem:
    """Now, once, as it was then and under the same id; the answer says what came of it. Nothing else is changed."""
    receiver = await run_in_threadpool(_found, desk, webhook_id)
    former = await run_in_threadpool(desk.receivers.delivery, webhook_id, number)
    if former is None:
        raise Problem(NOT_FOUND, f"The log of {webhook_id!r} has no delivery {number}.")
    try:
        delivery = await desk.again(receiver, former)
    except LookupError as error:
        raise Problem(GONE, f"{str(error).capitalize()}.") from None
    if delivery is None:
        raise _missing(webhook_id)
    return delivery_item(delivery)


@api.post("/webhooks/{webhook_id}/test", summary="Send a test to a webhook", responses=MISSING)
async def send_test(_caller: Admin, webhook_id: WebhookId, desk: TheDesk) -> DeliveryItem:
    """An event of the type webhook.test, now, once, also to one that is paused; the answer says what came of it."""
    delivery = await desk.test(await run_in_threadpool(_found, desk, webhook_id))
    if delivery is None:
        raise _missing(webhook_id)
    return delivery_item(delivery)


AGAIN = {name: value for name, value in WELL.items() if name not in ("state", "why")}
