"""The ASGI app: routes, errors as problem details, headers and the OpenAPI document."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from pydantic import SecretStr
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute
from starlette.staticfiles import StaticFiles

from copydesk_api import routes
from copydesk_api.access import Access
from copydesk_api.admin import articles, feeds, keys, webhooks
from copydesk_api.admin.told import told
from copydesk_api.calls import dead_letters, pipeline, revisions, sources, websub
from copydesk_api.calls import webhooks as webhook_pages
from copydesk_api.conditional import CodedTags, Conditional, Standings
from copydesk_api.declared import complete
from copydesk_api.fixed import FixedAnswers
from copydesk_api.headers import ALWAYS, HeadAsGet, StandardHeaders, allowed_methods
from copydesk_api.intake import Intake, IntakeError
from copydesk_api.key_store import KeyStore
from copydesk_api.keyring import KeyRing
from copydesk_api.metrics import Counted
from copydesk_api.operating.freshness import Freshness
from copydesk_api.operating.parts import Operating
from copydesk_api.problems import (
    INVALID_BODY,
    RETRY_AFTER_SECONDS,
    UNAVAILABLE,
    Problem,
    ProblemDetails,
    invalid_parameters,
    plain_details,
    problem_response,
)
from copydesk_api.push.desk import Desk
from copydesk_api.rates import RateLimits, parse_rate
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from copydesk_api.streams import Waiting
from copydesk_api.submissions import Submissions
from copydesk_api.watching import Watch
from copydesk_api.web import sign_in
from copydesk_api.web.pages import STATIC, problem_page
from copydesk_shared.errors import Retryable

DESCRIPTION = """Articles, cleaned and tagged.

/v1/articles is a list, newest first; /v1/changes is the change feed, in which a poller that follows next gets \
every change once: new articles, later revisions and removals.

A list answers items and next. Cursors are opaque: take them from an answer and hand them back as they are. An unknown \
query parameter is an error, so that a mistyped filter never widens an answer; one that is empty counts as not given, \
since that is what a form sends."""
# What a script of another site may read besides the body.
EXPOSED = (
    "ETag", "Last-Modified", "Link", "Retry-After", "WWW-Authenticate", "RateLimit", "RateLimit-Policy", "Location",
)  # fmt: skip
ROUTERS = (
    routes.api, routes.pages, revisions.api, revisions.pages, sources.api, sources.pages, pipeline.api, pipeline.pages,
    dead_letters.api, dead_letters.pages, keys.api, feeds.api, articles.api, webhooks.api, webhook_pages.pages,
    websub.api,
)  # fmt: skip
LATER = {"Retry-After": str(RETRY_AFTER_SECONDS)}


def create_app(
    store: Store, settings: ApiSettings, stopping: asyncio.Event | None = None, operating: Operating | None = None
) -> FastAPI:
    """The app on an open store. Once ``stopping`` is set, those who wait for changes are let go.

    Without ``operating`` nothing is known of how feeds and stages go.
    """
    known = operating or Operating()
    app = FastAPI(title="Copydesk", version=version("copydesk-api"), description=DESCRIPTION, docs_url=None,
                  openapi_url=None, redoc_url=None, generate_unique_id_function=lambda route: route.name)  # fmt: skip
    app.state.store = store
    app.state.settings = settings
    standings = Standings(store.standing, store.glance)
    app.state.waiting = Waiting(settings, Watch(standings, stopping or asyncio.Event()), store)
    app.state.submissions = Submissions(store.engine)
    app.state.keys = KeyRing(KeyStore(store.engine), _revealed(settings.admin_key))
    app.state.desk = Desk(store.engine, settings)
    app.state.operating = known
    app.state.fixed = FixedAnswers()
    app.state.freshness = Freshness(store, lambda: known.feeds.table)
    for router in ROUTERS:
        app.include_router(router)
    app.router.routes.extend(sign_in.ROUTES)
    app.mount("/static", StaticFiles(directory=STATIC))
    # The last one is the outermost.
    app.add_middleware(Conditional, standings=standings, away=_unavailable, most_bytes=settings.answer_bytes)
    app.add_middleware(CodedTags)
    app.add_middleware(Intake, most=settings.body_bytes, refuse=_problem)
    limits = RateLimits(parse_rate(settings.rate_key), parse_rate(settings.rate_address))
    app.add_middleware(Access, keys=app.state.keys, limits=limits, refuse=_refuse,
                       reads_by_key=settings.read_access == "key", base_url=settings.base_url)  # fmt: skip
    app.add_middleware(HeadAsGet)
    app.add_middleware(StandardHeaders)
    if settings.cors_origins:
        app.add_middleware(CORSMiddleware, allow_origins=settings.cors_origins, allow_methods=_all_methods(),
                           allow_headers=["*"], expose_headers=EXPOSED)  # fmt: skip
    app.add_middleware(Counted, routes=[*_all_routes(), *app.routes])
    for kind, handler in HANDLERS.items():
        app.add_exception_handler(kind, handler)
    app.openapi = lambda: openapi_document(app)  # type: ignore[method-assign]
    return app


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _answer(request: Request, details: ProblemDetails, headers: dict[str, str] | None = None) -> Response:
    """A page where a browser asked for one, problem details everywhere else."""
    wants_page = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1")
    if wants_page and details.status == HTTPStatus.UNAUTHORIZED and request.method == "GET":
        return sign_in.first(request)
    if wants_page:
        return HTMLResponse(problem_page(details), details.status, headers)
    return problem_response(details, headers)


async def _problem(request: Request, error: Problem) -> Response:
    is_for_now = error.details.status == HTTPStatus.SERVICE_UNAVAILABLE
    return _answer(request, error.details, {**LATER, **error.headers} if is_for_now else error.headers)


async def _refuse(request: Request, error: Problem | Retryable) -> Response:
    return await (_problem(request, error) if isinstance(error, Problem) else _unavailable(request, error))


async def _invalid(request: Request, error: RequestValidationError) -> Response:
    return _answer(request, invalid_parameters(error.errors()).details)


async def _intake(request: Request, error: IntakeError) -> Response:
    return await _problem(request, error.problem)


async def _http(request: Request, error: HTTPException) -> Response:
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # What is mounted has moved the root of its paths.
        scope = {**request.scope, "root_path": request.scope.get("app_root_path", "")}
        headers["Allow"] = allowed_methods((*_all_routes(), *request.app.routes), scope)
        if request.method == "OPTIONS":
            return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)
    if error.status_code == HTTPStatus.BAD_REQUEST:
        return _answer(request, Problem(INVALID_BODY, _unreadable(request)).details, headers)
    return _answer(request, plain_details(error.status_code), headers)


def _unreadable(request: Request) -> str:
    """Why a body is refused that is not even broken JSON: the parser gave up, or it is none at all."""
    coding = request.headers.get("content-encoding")
    if coding is not None:
        return f"The body cannot be read: bodies are not decoded here, and this one is said to be {coding[:20]!r}."
    return "The body cannot be read: it is no text, is nested too deeply or holds a number of too many digits."


async def _unavailable(request: Request, _error: Retryable) -> Response:
    problem = Problem(UNAVAILABLE, UNAVAILABLE.meaning)
    return _answer(request, problem.details, LATER)


async def _bug(request: Request, _error: Exception) -> Response:
    # Starlette raises the error again after this answer, so the server's log has the traceback. The answer is made
    # outside of the middleware and brings the headers along.
    return _answer(request, plain_details(500, "Something went wrong here; it is in the log."), ALWAYS)


HANDLERS: dict[type[Exception], Callable[..., Awaitable[Response]]] = {
    Problem: _problem,
    RequestValidationError: _invalid,
    IntakeError: _intake,
    HTTPException: _http,
    Retryable: _unavailable,
    Exception: _bug,
}


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document; errors are declared as what they are."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes,
                               webhooks=told.routes)  # fmt: skip
        complete(document, _all_routes())
        app.openapi_schema = document
    return app.openapi_schema


def _all_methods() -> list[str]:
    routed = {method for route in _all_routes() for method in getattr(route, "methods", None) or ()}
    return sorted(routed | {"HEAD", "OPTIONS"})


def _all_routes() -> list[BaseRoute]:
    return [*sign_in.ROUTES, *(route for router in ROUTERS for route in router.routes)]
