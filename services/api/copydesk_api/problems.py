"""Errors as RFC 9457 problem details, and as a page for a browser."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from copydesk_api.parameters import MAX_NAME, UNKNOWN
from copydesk_shared.errors import CopydeskError

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class ProblemType:
    """A kind of problem that a program may want to tell from others; documented at ``/docs``."""

    name: str
    status: HTTPStatus
    meaning: str

    @property
    def uri(self) -> str:
        """The reference that identifies it."""
        return f"/docs#{self.name}"


INVALID_PARAMETER = ProblemType(
    "invalid-parameter", HTTPStatus.BAD_REQUEST, "A query parameter is unknown or its value cannot be used."
)
INVALID_CURSOR = ProblemType(
    "invalid-cursor",
    HTTPStatus.BAD_REQUEST,
    "The cursor is damaged or of another list. Start again without it.",
)
INVALID_BODY = ProblemType(
    "invalid-body", HTTPStatus.BAD_REQUEST, "The body cannot be read, or something in it is missing or cannot be used."
)
UNAUTHORIZED = ProblemType(
    "unauthorized",
    HTTPStatus.UNAUTHORIZED,
    "This needs an API key, as Authorization: Bearer; a browser is signed in at /login.",
)
FORBIDDEN = ProblemType("forbidden", HTTPStatus.FORBIDDEN, "The key has not the scope that this needs.")
CROSS_SITE = ProblemType(
    "cross-site", HTTPStatus.FORBIDDEN, "The page of another site has sent this; only pages of this one may."
)
TOO_MANY = ProblemType(
    "too-many-requests",
    HTTPStatus.TOO_MANY_REQUESTS,
    "More requests than the rate in RateLimit-Policy. Try again later.",
)
TOO_MANY_WAITING = ProblemType(
    "too-many-waiting",
    HTTPStatus.TOO_MANY_REQUESTS,
    "As many clients with this key, or from this address, wait for changes as may. Let one go, or poll.",
)
TOO_LARGE = ProblemType("too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is larger than is taken here.")
SLOW = ProblemType("slow", HTTPStatus.REQUEST_TIMEOUT, "The body took too long to come.")
CONFLICT = ProblemType("conflict", HTTPStatus.CONFLICT, "What is to be made is there already.")
FULL = ProblemType("full", HTTPStatus.CONFLICT, "There are as many of these as there may be.")
NOT_FOUND = ProblemType("not-found", HTTPStatus.NOT_FOUND, "There is nothing with this id.")
KEY_REUSED = ProblemType(
    "key-reused", HTTPStatus.UNPROCESSABLE_ENTITY, "The same Idempotency-Key came with something else before."
)
GONE = ProblemType("gone", HTTPStatus.GONE, "The article was there and has been removed.")
UNAVAILABLE = ProblemType(
    "unavailable",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "The database or the brokers cannot be used at the moment. Try again.",
)
BUSY = ProblemType(
    "busy", HTTPStatus.SERVICE_UNAVAILABLE, "Too many clients wait for changes at the moment. Try again, or poll."
)
PROBLEM_TYPES = (
    INVALID_PARAMETER, INVALID_CURSOR, INVALID_BODY, UNAUTHORIZED, FORBIDDEN, CROSS_SITE, NOT_FOUND, CONFLICT, FULL,
    KEY_REUSED,     GONE, SLOW, TOO_LARGE, TOO_MANY, TOO_MANY_WAITING, UNAVAILABLE, BUSY,
)  # fmt: skip
RETRY_AFTER_SECONDS = 5
# What pydantic calls it.
NO_JSON = "json_invalid"
NO_OBJECT = "model_attributes_type"
OBJECT_WANTED = "this is an object of JSON, sent as Content-Type: application/json"


class ParameterError(BaseModel):
    """What is wrong with one parameter, or one field of the body."""

    parameter: str
    detail: str


class ProblemDetails(BaseModel):
    """RFC 9457 problem details."""

    type: str = Field(default="about:blank", description="Tells kinds of problems apart.")
    title: str
    status: int
    detail: str
    errors: list[ParameterError] | None = Field(default=None, description="One for each parameter that is wrong.")


class Problem(CopydeskError):
    """The request cannot be answered; says why. ``headers`` go along with the answer."""

    def __init__(
        self,
        kind: ProblemType,
        detail: str,
        errors: Sequence[ParameterError] = (),
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.headers = dict(headers or {})
        self.details = ProblemDetails(
            type=kind.uri,
            title=kind.status.phrase,
            status=kind.status,
            detail=detail,
            errors=list(errors) or None,
        )


def plain_details(status: int, detail: str = "") -> ProblemDetails:
    """A problem that its status tells all about."""
    phrase = HTTPStatus(status).phrase
    return ProblemDetails(title=phrase, status=status, detail=detail or f"{HTTPStatus(status).description or phrase}.")


def problem_response(details: ProblemDetails, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The problem as an answer."""
    body: dict[str, Any] = details.model_dump(exclude_none=True)
    return JSONResponse(body, details.status, dict(headers or {}), MEDIA_TYPE)


def invalid_parameters(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """The problem for what pydantic found wrong with the query, or with the body."""
    found = [each for error in errors for each in _parameter_errors(error)]
    kind = INVALID_BODY if any(error["loc"][:1] == ("body",) for error in errors) else INVALID_PARAMETER
    return Problem(kind, "; ".join(f"{each.parameter}: {each.detail}" for each in found), found)


def _parameter_errors(error: Mapping[str, Any]) -> list[ParameterError]:
    unknown: Mapping[str, str] = error.get("ctx", {}).get(UNKNOWN, {})
    if unknown:
        return [ParameterError(parameter=name[:MAX_NAME], detail=detail) for name, detail in unknown.items()]
    if error["type"] == NO_JSON:
        said = str(error.get("ctx", {}).get("error", "")).lower()
        return [ParameterError(parameter="body", detail=f"this is no JSON: {said}, at character {error['loc'][-1]}")]
    if error["type"] == NO_OBJECT and error["loc"] == ("body",):
        return [ParameterError(parameter="body", detail=OBJECT_WANTED)]
    # The first step is where it was given; one after the second is the place in a list.
    place = ".".join(str(step) for step in error["loc"][1:2]) or "body"
    return [ParameterError(parameter=place, detail=_detail(error))]


def _detail(error: Mapping[str, Any]) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]
