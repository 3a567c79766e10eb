"""The ASGI app: routes, errors as problem details, headers and the OpenAPI document."""

from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from copydesk_api import routes
from copydesk_api.headers import ALWAYS, HeadAsGet, StandardHeaders
from copydesk_api.problems import (
    MEDIA_TYPE,
    RETRY_AFTER_SECONDS,
    UNAVAILABLE,
    Problem,
    ProblemDetails,
    invalid_parameters,
    plain_details,
    problem_response,
)
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from copydesk_api.web.pages import STATIC, problem_page
from copydesk_shared.errors import Retryable

DESCRIPTION = """Articles, cleaned and tagged.

/v1/articles is a list, newest first; /v1/changes is the change feed, in which a poller that follows next gets \
every change once: new articles, later revisions and removals.

A list answers items and next. Cursors are opaque: take them from an answer and hand them back as they are. An unknown \
query parameter is an error, so that a mistyped filter never widens an answer."""
VALIDATION_SCHEMAS = ("HTTPValidationError", "ValidationError")


def create_app(store: Store, settings: ApiSettings) -> FastAPI:
    """The app on an open store."""
    app = FastAPI(title="Copydesk", version=version("copydesk-api"), description=DESCRIPTION, docs_url=None,
                  redoc_url=None, generate_unique_id_function=lambda route: route.name)  # fmt: skip
    app.state.store = store
    app.state.settings = settings
    app.include_router(routes.api)
    app.include_router(routes.pages)
    app.mount("/static", StaticFiles(directory=STATIC))
    app.add_middleware(HeadAsGet)
    app.add_middleware(StandardHeaders)
    for kind, handler in HANDLERS.items():
        app.add_exception_handler(kind, handler)
    app.openapi = lambda: openapi_document(app)  # type: ignore[method-assign]
    return app


def _answer(request: Request, details: ProblemDetails, headers: dict[str, str] | None = None) -> Response:
    """A page where a browser asked for one, problem details everywhere else."""
    wants_page = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1")
    if wants_page:
        return HTMLResponse(problem_page(details), details.status, headers)
    return problem_response(details, headers)


async def _problem(request: Request, error: Problem) -> Response:
    return _answer(request, error.details)


async def _invalid(request: Request, error: RequestValidationError) -> Response:
    return _answer(request, invalid_parameters(error.errors()).details)


async def _http(request: Request, error: HTTPException) -> Response:
    return _answer(request, plain_details(error.status_code), dict(error.headers or {}))


async def _unavailable(request: Request, _error: Retryable) -> Response:
    problem = Problem(UNAVAILABLE, UNAVAILABLE.meaning)
    return _answer(request, problem.details, {"Retry-After": str(RETRY_AFTER_SECONDS)})


async def _bug(request: Request, _error: Exception) -> Response:
    # Starlette raises the error again after this answer, so the server's log has the traceback. The answer is made
    # outside of the middleware and brings the headers along.
    return _answer(request, plain_details(500, "Something went wrong here; it is in the log."), ALWAYS)


HANDLERS: dict[type[Exception], Callable[..., Awaitable[Response]]] = {
    Problem: _problem,
    RequestValidationError: _invalid,
    HTTPException: _http,
    Retryable: _unavailable,
    Exception: _bug,
}


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document; errors are declared as what they are."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        for calls in document["paths"].values():
            for call in calls.values():
                _declare_problems(call["responses"])
        for name in VALIDATION_SCHEMAS:
            document["components"]["schemas"].pop(name, None)
        app.openapi_schema = document
    return app.openapi_schema


def _declare_problems(responses: dict[str, Any]) -> None:
    responses.pop("422", None)  # FastAPI's own form of what is a 400 here
    for status, response in responses.items():
        content = response.get("content", {})
        if not status.startswith("2") and "application/json" in content:
            content[MEDIA_TYPE] = content.pop("application/json")
