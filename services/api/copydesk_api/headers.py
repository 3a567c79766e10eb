"""The headers that every answer has."""

from collections.abc import Iterable
from http import HTTPStatus

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.routing import BaseRoute, Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# No script but our files, nothing from another site. The texts of articles are escaped; this is the second lock.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # No page of another site holds a handle on ours, nor loads what is here as a part of itself; CORS is by setting.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-cache",
}
RAW = tuple((name.lower().encode(), value.encode()) for name, value in ALWAYS.items())
# What was said with the answer that a 304 confirms still holds (RFC 9110 section 15.4.5).
RAW_UNCHANGED = tuple(each for each in RAW if each[0] == b"cache-control")
IS_HEAD = "is_head"
EVENT_STREAM = "text/event-stream"
NDJSON = "application/x-ndjson"


def given(scope: Scope, name: bytes) -> list[str]:
    """The values of a header of the request; its name in lower case. For what is asked of every request."""
    return [value.decode("latin-1") for each, value in scope["headers"] if each == name]


def waits(scope: Scope) -> bool:
    """Whether the answer is to wait for what comes next, however that is written."""
    query: bytes = scope["query_string"]
    return b"wait=" in query or (b"%" in query and "wait" in QueryParams(query))


def is_head(request: Request) -> bool:
    """Whether nobody wants the body."""
    return bool(getattr(request.state, IS_HEAD, False))


class HeadAsGet:
    """ASGI middleware that answers HEAD as GET (RFC 9110 section 9.3.2); the server leaves the body out.

    What has no end asks :func:`is_head` and has no beginning either.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET", "state": {**scope.get("state", {}), IS_HEAD: True}}
        await self._app(scope, receive, send)


class StandardHeaders:
    """ASGI middleware that adds them where the answer has not set them itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                wanted = RAW_UNCHANGED if message["status"] == HTTPStatus.NOT_MODIFIED else RAW
                set_already = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(each for each in wanted if each[0] not in set_already)]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def allowed_methods(routes: Iterable[BaseRoute], scope: Scope) -> str:
    """The value of Allow for what is asked (RFC 9110 section 10.2.1); empty where there is nothing at that place."""
    found: set[str] = set()
    for route in routes:
        if route.matches(scope)[0] is not Match.NONE:
            found |= {"GET"} if isinstance(route, Mount) else getattr(route, "methods", None) or set()
    return ", ".join(sorted(found | {"HEAD", "OPTIONS"} if "GET" in found else found | {"OPTIONS"})) if found else ""
