"""Webhooks for admins, as pages: how each is, what was delivered to it, and sending again.

What a form has done is told by the page that the browser is led to, so that to load it anew sends nothing twice.
"""

from http import HTTPStatus
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from copydesk_api.admin.router import KEPT_NOWHERE, Admin
from copydesk_api.admin.webhook_bodies import Number, WebhookId, delivery_item, webhook_item
from copydesk_api.admin.webhooks import TheDesk, changed, delivered_again, found, in_state, log_page, replayed, tested
from copydesk_api.parameters import Parameters, WebhookPageParameters
from copydesk_api.problems import INVALID_BODY, Problem
from copydesk_api.push.records import Kind
from copydesk_api.routes import FIRST, TheStore
from copydesk_api.web import webhooks as web
from copydesk_api.web.forms import form_of

pages = APIRouter(include_in_schema=False, dependencies=FIRST)
NoParameters = Annotated[Parameters, Query()]
STATES: dict[str, Literal["active", "paused"]] = {"active": "active", "paused": "paused"}


@pages.get("/webhooks")
def webhooks_page(_admin: Admin, _parameters: NoParameters, desk: TheDesk, store: TheStore) -> HTMLResponse:
    standing = store.standing()
    shown = [webhook_item(each, standing) for each in desk.receivers.all(Kind.WEBHOOK)]
    return HTMLResponse(web.webhooks_page(shown), headers=KEPT_NOWHERE)


@pages.get("/webhooks/{webhook_id}")
def webhook_page(
    _admin: Admin,
    webhook_id: WebhookId,
    parameters: Annotated[WebhookPageParameters, Query()],
    desk: TheDesk,
    store: TheStore,
) -> HTMLResponse:
    item = webhook_item(found(desk, webhook_id), store.standing())
    log, cursor = log_page(desk, webhook_id, parameters.cursor, web.DELIVERIES_SHOWN)
    sent = desk.receivers.delivery(webhook_id, parameters.sent) if parameters.sent else None
    shown = web.WebhookPage(
        item,
        [delivery_item(each) for each in log],
        cursor,
        sent=None if sent is None else delivery_item(sent),
        first=parameters.cursor is None,
    )
    return HTMLResponse(web.webhook_page(shown), headers=KEPT_NOWHERE)


@pages.post("/webhooks/{webhook_id}/test")
async def sent_test_page(_admin: Admin, webhook_id: WebhookId, desk: TheDesk) -> RedirectResponse:
    return _back(webhook_id, (await tested(desk, webhook_id)).number)


@pages.post("/webhooks/{webhook_id}/deliveries/{number}/replay")
async def delivery_page(_admin: Admin, webhook_id: WebhookId, number: Number, desk: TheDesk) -> RedirectResponse:
    return _back(webhook_id, (await delivered_again(desk, webhook_id, number)).number)


@pages.post("/webhooks/{webhook_id}/replay")
async def replay_page(
    request: Request, caller: Admin, webhook_id: WebhookId, desk: TheDesk, store: TheStore
) -> RedirectResponse:
    await replayed(desk, store, webhook_id, (await form_of(request)).get("after", ""), caller)
    return _back(webhook_id)


@pages.post("/webhooks/{webhook_id}/state")
async def state_page(request: Request, caller: Admin, webhook_id: WebhookId, desk: TheDesk) -> RedirectResponse:
    state = STATES.get((await form_of(request)).get("state", ""))
    if state is None:
        raise Problem(INVALID_BODY, "state: active or paused")
    await run_in_threadpool(found, desk, webhook_id)
    await changed(desk, webhook_id, in_state(state), caller)
    return _back(webhook_id)


def _back(webhook_id: str, sent: int | None = None) -> RedirectResponse:
    told = "" if sent is None else f"?sent={sent}"
    return RedirectResponse(f"/webhooks/{quote(webhook_id, safe='')}{told}", HTTPStatus.SEE_OTHER, KEPT_NOWHERE)
