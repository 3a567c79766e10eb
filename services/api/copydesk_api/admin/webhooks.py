"""The calls that make webhooks, change them, look at what was delivered, and deliver again."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from copydesk_api import cursors
from copydesk_api.admin.router import MISSING, Admin, router
from copydesk_api.admin.webhook_bodies import (
    ChangedWebhook,
    DeliveriesParameters,
    DeliveryItem,
    DeliveryList,
    MadeWebhook,
    NewWebhook,
    Number,
    WebhookId,
    WebhookItem,
    WebhookList,
    WebhookReplay,
    WebhookRotation,
    delivery_item,
    made_webhook,
    webhook_item,
)
from copydesk_api.cursors import CursorError
from copydesk_api.keys import Caller
from copydesk_api.parameters import DEFAULT_LIMIT, Parameters, WebhookFilters
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
from copydesk_api.push.records import Delivery, Kind, Receiver
from copydesk_api.push.signatures import new_secret
from copydesk_api.push.store import WELL
from copydesk_api.routes import TheStore, invalid_cursor, link
from copydesk_api.store import Store
from copydesk_shared.telemetry import get_logger

api = router("webhooks")
BEGINNING = "beginning"
OFF = "Webhooks are switched off here (COPYDESK_API_WEBHOOKS)."
LOST: dict[int | str, dict[str, Any]] = {
    410: {"model": ProblemDetails, "description": "What was delivered then is not kept any more."}
}
# As new: whatever it failed with before is no reason to wait.
AGAIN = {name: value for name, value in WELL.items() if name not in ("state", "why")}


async def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    if not desk.settings.webhooks:
        raise Problem(NOT_FOUND, OFF)
    return desk


TheDesk = Annotated[Desk, Depends(_desk)]
NoParameters = Annotated[Parameters, Query()]


def missing(webhook_id: str) -> Problem:
    """What is answered for a webhook that is not there."""
    return Problem(NOT_FOUND, f"There is no webhook {webhook_id!r}.")


def found(desk: Desk, webhook_id: str) -> Receiver:
    """The webhook. Raises :class:`Problem` where there is none."""
    receiver = desk.receivers.get(webhook_id)
    if receiver is None:
        raise missing(webhook_id)
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
    if "@" in urlsplit(url).netloc:
        detail = "no user name and password: deliveries are signed, and nothing else is sent along"
        raise Problem(INVALID_BODY, f"url: {detail}", [ParameterError(parameter="url", detail=detail)])
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
        return made_webhook(desk.receivers.add(Kind.WEBHOOK, values, position), store.standing())

    made = await run_in_threadpool(make)
    get_logger().info("a webhook was made", webhook_id=made.webhook_id, host=where["host"], by=caller.key_id)
    return made


@api.get("/webhooks/{webhook_id}", summary="One webhook", responses=MISSING)
def get_webhook(
    _caller: Admin, webhook_id: WebhookId, _parameters: NoParameters, desk: TheDesk, store: TheStore
) -> WebhookItem:
    """How it is, and where it stands in the change feed."""
    return webhook_item(found(desk, webhook_id), store.standing())


def in_state(state: Literal["active", "paused"]) -> Mapping[str, Any]:
    """What of a webhook is another then."""
    return WELL if state == "active" else {"state": state}


async def changed(desk: Desk, webhook_id: str, values: Mapping[str, Any], caller: Caller) -> Receiver:
    """The webhook with these values. Raises :class:`Problem` where there is none."""
    receiver = await run_in_threadpool(desk.receivers.change, webhook_id, values)
    if receiver is None:
        raise missing(webhook_id)
    get_logger().info("a webhook was changed", webhook_id=webhook_id, what=sorted(values), by=caller.key_id)
    return receiver


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
    if wanted.state is not None:
        values |= in_state(wanted.state)
    receiver = await changed(desk, webhook_id, values, caller)
    return webhook_item(receiver, await run_in_threadpool(store.standing))


@api.delete("/webhooks/{webhook_id}", summary="Remove a webhook", status_code=204, responses=MISSING)
async def remove_webhook(caller: Admin, webhook_id: WebhookId, desk: TheDesk) -> None:
    """With its log. A delivery that is on its way arrives."""
    if not await run_in_threadpool(desk.receivers.remove, webhook_id):
        raise missing(webhook_id)
    get_logger().info("a webhook was removed", webhook_id=webhook_id, by=caller.key_id)


@api.post("/webhooks/{webhook_id}/rotate", summary="A new secret for a webhook", responses=MISSING)
async def rotate_webhook(
    caller: Admin, webhook_id: WebhookId, desk: TheDesk, store: TheStore, rotation: WebhookRotation | None = None
) -> MadeWebhook:
    """The answer holds it, this once. For a while deliveries are signed with that of before as well."""
    overlap = timedelta(seconds=(rotation or WebhookRotation()).overlap_seconds)
    receiver = await run_in_threadpool(desk.receivers.rotate, webhook_id, overlap)
    if receiver is None:
        raise missing(webhook_id)
    get_logger().info("the secret of a webhook was rotated", webhook_id=webhook_id, by=caller.key_id)
    return made_webhook(receiver, await run_in_threadpool(store.standing))


def log_page(desk: Desk, webhook_id: str, cursor: str | None, limit: int) -> tuple[Sequence[Delivery], str | None]:
    """A page of the log and the cursor of the next one. Raises :class:`Problem`."""
    try:
        before = cursors.decode_delivery(cursor, webhook_id) if cursor else None
    except CursorError as error:
        raise invalid_cursor("cursor", error) from None
    read = desk.receivers.log(webhook_id, limit + 1, before)
    page = read[:limit]
    return page, cursors.encode_delivery(page[-1].number, webhook_id) if len(read) > limit else None


@api.get("/webhooks/{webhook_id}/deliveries", summary="What was delivered to a webhook", responses=MISSING)
def list_deliveries(
    _caller: Admin,
    webhook_id: WebhookId,
    parameters: Annotated[DeliveriesParameters, Query()],
    desk: TheDesk,
    response: Response,
) -> DeliveryList:
    """Every attempt with what came of it, the newest first. Pages do not shift while more is delivered."""
    found(desk, webhook_id)
    page, cursor = log_page(desk, webhook_id, parameters.cursor, parameters.limit)
    if cursor is not None:
        limit = [("limit", str(parameters.limit))] if parameters.limit != DEFAULT_LIMIT else []
        response.headers.update(link(f"/v1/webhooks/{webhook_id}/deliveries", [*limit, ("cursor", cursor)]))
    return DeliveryList(items=[delivery_item(each) for each in page], next=cursor)


async def replayed(desk: Desk, store: Store, webhook_id: str, after: str, caller: Caller) -> Receiver:
    """The webhook, which goes on after this cursor. Raises :class:`Problem`."""

    def move() -> Receiver | None:
        found(desk, webhook_id)
        position = min(_position(store, after), store.standing().position)
        return desk.receivers.change(webhook_id, {**AGAIN, "position": position})

    receiver = await run_in_threadpool(move)
    if receiver is None:
        raise missing(webhook_id)
    get_logger().info("a webhook is replayed", webhook_id=webhook_id, position=receiver.position, by=caller.key_id)
    return receiver


@api.post("/webhooks/{webhook_id}/replay", summary="Deliver again from a point of the feed", responses=MISSING)
async def replay_webhook(
    caller: Admin, webhook_id: WebhookId, wanted: WebhookReplay, desk: TheDesk, store: TheStore
) -> WebhookItem:
    """Everything that its filters hold for comes again, as it is now, under the ids of before.

    A point after the one where it stands skips what is between: the way past a change that the receiver never takes.
    """
    receiver = await replayed(desk, store, webhook_id, wanted.after, caller)
    return webhook_item(receiver, await run_in_threadpool(store.standing))


async def delivered_again(desk: Desk, webhook_id: str, number: int) -> Delivery:
    """What came of delivering it once more. Raises :class:`Problem` when it is not there, or not kept."""
    receiver = await run_in_threadpool(found, desk, webhook_id)
    former = await run_in_threadpool(desk.receivers.delivery, webhook_id, number)
    if former is None:
        raise Problem(NOT_FOUND, f"The log of {webhook_id!r} has no delivery {number}.")
    try:
        delivery = await desk.again(receiver, former)
    except LookupError as error:
        raise Problem(GONE, f"{str(error).capitalize()}.") from None
    if delivery is None:
        raise missing(webhook_id)
    return delivery


async def tested(desk: Desk, webhook_id: str) -> Delivery:
    """What came of a test. Raises :class:`Problem` where there is no such webhook."""
    delivery = await desk.test(await run_in_threadpool(found, desk, webhook_id))
    if delivery is None:
        raise missing(webhook_id)
    return delivery


@api.post(
    "/webhooks/{webhook_id}/deliveries/{number}/replay",
    summary="Deliver one change again",
    responses={**MISSING, **LOST},
)
async def replay_delivery(_caller: Admin, webhook_id: WebhookId, number: Number, desk: TheDesk) -> DeliveryItem:
    """Now, once, as it was then and under the same id; the answer says what came of it. Nothing else is changed."""
    return delivery_item(await delivered_again(desk, webhook_id, number))


@api.post("/webhooks/{webhook_id}/test", summary="Send a test to a webhook", responses=MISSING)
async def send_test(_caller: Admin, webhook_id: WebhookId, desk: TheDesk) -> DeliveryItem:
    """An event of the type webhook.test, now, once, also to one that is paused; the answer says what came of it."""
    return delivery_item(await tested(desk, webhook_id))
