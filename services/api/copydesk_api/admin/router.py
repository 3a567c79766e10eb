"""What the calls that change something have in common."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request

from copydesk_api.access import requires
from copydesk_api.keyring import KeyRing
from copydesk_api.keys import Caller, Scope
from copydesk_api.parameters import MAX_NAME, MAX_NAMES
from copydesk_api.problems import (
    FORBIDDEN,
    INVALID_BODY,
    INVALID_PARAMETER,
    NOT_FOUND,
    UNAUTHORIZED,
    ParameterError,
    Problem,
    ProblemDetails,
)
from copydesk_api.routes import refuse_repeated
from copydesk_api.settings import ApiSettings

KEPT_NOWHERE = {"Cache-Control": "no-store"}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"model": ProblemDetails, "description": INVALID_BODY.meaning},
    401: {"model": ProblemDetails, "description": UNAUTHORIZED.meaning},
    403: {"model": ProblemDetails, "description": FORBIDDEN.meaning},
    503: {"model": ProblemDetails, "description": "What it needs cannot be used at the moment."},
}
MISSING: dict[int | str, dict[str, Any]] = {404: {"model": ProblemDetails, "description": NOT_FOUND.meaning}}


class Body(BaseModel):
    """Base of what is sent; an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


async def _not_kept(response: Response) -> None:
    response.headers.update(KEPT_NOWHERE)


async def _refuse_unknown(request: Request) -> None:
    """For calls that take no query; those that take one check it by their :class:`Parameters`."""
    if not request.scope["route"].dependant.query_params:
        names = sorted(set(request.query_params))[:MAX_NAMES]
        errors = [ParameterError(parameter=name[:MAX_NAME], detail="there is no such parameter") for name in names]
        if errors:
            raise Problem(INVALID_PARAMETER, "; ".join(f"{each.parameter}: {each.detail}" for each in errors), errors)


FIRST = [Depends(_not_kept), Depends(refuse_repeated), Depends(_refuse_unknown)]


async def _keys(request: Request) -> KeyRing:
    keys: KeyRing = request.app.state.keys
    return keys


async def _settings(request: Request) -> ApiSettings:
    settings: ApiSettings = request.app.state.settings
    return settings


TheKeys = Annotated[KeyRing, Depends(_keys)]
TheSettings = Annotated[ApiSettings, Depends(_settings)]
Admin = Annotated[Caller, Depends(requires(Scope.ADMIN))]
Writer = Annotated[Caller, Depends(requires(Scope.WRITE))]


def router(tag: str) -> APIRouter:
    """For calls under ``/v1``; what they answer is kept by nobody."""
    return APIRouter(prefix="/v1", tags=[tag], dependencies=FIRST, responses=PROBLEMS)
