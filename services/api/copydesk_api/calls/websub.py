"""The call of the WebSub hub."""

from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from copydesk_api.problems import (
    FULL,
    INVALID_BODY,
    NOT_FOUND,
    UNAVAILABLE,
    ParameterError,
    Problem,
    ProblemDetails,
)
from copydesk_api.push.desk import Desk
from copydesk_api.push.hub import MODES, SECRET_BYTES, FullError, Hub, HubError
from copydesk_api.push.topics import HUB_PATH
from copydesk_api.values import WEB_URL
from copydesk_shared.urls import URL_LIMIT

FORM = "application/x-www-form-urlencoded"
MOST_BYTES = 16 * 1024
MOST_FIELDS = 50
OFF = "There is no hub here (COPYDESK_API_WEBSUB_HUB)."
ANSWERS: dict[int | str, dict[str, Any]] = {
    400: {"model": ProblemDetails, "description": INVALID_BODY.meaning},
    404: {"model": ProblemDetails, "description": "The hub is switched off."},
    409: {"model": ProblemDetails, "description": FULL.meaning},
    503: {"model": ProblemDetails, "description": UNAVAILABLE.meaning},
}
TEXT = {"type": "string"}
URL = {**TEXT, **WEB_URL, "maxLength": URL_LIMIT}
FIELDS = {
    "hub.mode": {"type": "string", "enum": list(MODES)},
    "hub.topic": {**URL, "description": "The URL of a feed of this service, with its filters."},
    "hub.callback": {**URL, "description": "Where to push to."},
    "hub.secret": {
        **TEXT, "maxLength": SECRET_BYTES, "pattern": r"^[^\x00]*$",
        "description": "What X-Hub-Signature is made with; less than 200 bytes.",
    },
    "hub.lease_seconds": {"type": "integer", "minimum": 0, "description": "How long the subscription is to last."},
}  # fmt: skip
SCHEMA = {"type": "object", "required": ["hub.mode", "hub.topic", "hub.callback"], "properties": FIELDS}

api = APIRouter(tags=["feeds"])


async def _hub(request: Request) -> Hub:
    desk: Desk = request.app.state.desk
    if desk.hub is None:
        raise Problem(NOT_FOUND, OFF)
    return desk.hub


def _form(body: bytes) -> dict[str, str]:
    if len(body) > MOST_BYTES:
        raise _wrong("body", f"it has {MOST_BYTES} bytes at most")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        raise _wrong("body", f"it cannot be read as {FORM}") from None
    known = [pair for pair in pairs if pair[0] in FIELDS]
    if len(dict(known)) < len(known) or "\x00" in "".join(value for _, value in known):
        raise _wrong("body", "a field is given twice, or holds a zero byte")
    return dict(known)


def _wrong(field: str, detail: str) -> Problem:
    return Problem(INVALID_BODY, f"{field}: {detail}", [ParameterError(parameter=field, detail=detail)])


@api.post(
    HUB_PATH,
    summary="Subscribe to a feed, by WebSub",
    status_code=202,
    response_class=Response,
    responses=ANSWERS,
    openapi_extra={"requestBody": {"required": True, "content": {FORM: {"schema": SCHEMA}}}},
)
async def ask_hub(request: Request, hub: Annotated[Hub, Depends(_hub)]) -> Response:
    """The hub of all feeds (https://www.w3.org/TR/websub/). The subscriber is asked back before anything counts.

    What is new of the feed is pushed as a feed of that format with the new entries alone.
    """
    try:
        await hub.ask(_form(await request.body()))
    except HubError as error:
        raise _wrong(error.field, str(error)) from None
    except FullError:
        raise Problem(FULL, "There are as many subscriptions as there may be, at all or at this host.") from None
    return Response(status_code=202)
