"""What is counted of requests: by route, never by path, of which there may be any number."""

import re
import time
from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client import Counter, Gauge, Histogram
from starlette.routing import BaseRoute, Mount, compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from copydesk_api.headers import waits

REQUESTS = Counter(
    "copydesk_api_requests_total", "Requests answered, by route, method and class of the status.",
    ["route", "method", "status"],
)  # fmt: skip
REQUEST_SECONDS = Histogram(
    "copydesk_api_request_seconds", "Until the answer begins, of requests that do not ask to wait.", ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)  # fmt: skip
IN_FLIGHT = Gauge("copydesk_api_requests_in_flight", "Requests that are not answered whole; streams are among them.")

NO_ROUTE = "none"
OTHER = "other"
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


class Templates:
    """The route of a path: what has no parameters by its name, and the others by their first two steps."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._plain: dict[str, str] = {}
        self._patterns: dict[str, list[tuple[re.Pattern[str], str]]] = {}
        for template in _templates(routes):
            if "{" not in template:
                self._plain[template] = template
                continue
            pattern, _, _ = compile_path(template)
            self._patterns.setdefault(_start(template), []).append((pattern, template))

    def of(self, path: str) -> str:
        """The template; ``none`` where there is no route."""
        plain = self._plain.get(path)
        if plain is not None:
            return plain
        for pattern, template in self._patterns.get(_start(path), ()):
            if pattern.match(path):
                return template
        return NO_ROUTE


def _templates(routes: Iterable[BaseRoute]) -> Iterator[str]:
    for route in routes:
        if isinstance(route, Mount):
            yield f"{route.path}/{{path:path}}"
        else:
            yield str(getattr(route, "path", NO_ROUTE))


def _start(path: str) -> str:
    """Up to where parameters begin at the earliest: ``/v1/articles``, and ``/articles``."""
    parts = path.split("/", 3)
    return "/".join(parts[:3]) if parts[1:2] == ["v1"] else "/".join(parts[:2])


class Counted:
    """ASGI middleware that counts requests. It is the outermost, so that those which are refused count as well."""

    def __init__(self, app: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        self._app = app
        self._templates = Templates(routes)
        # The registry looks children up under a lock.
        self._counts: dict[tuple[str, str, int], Any] = {}
        self._times: dict[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        template, since, answered = self._templates.of(scope["path"]), time.perf_counter(), False

        async def noting(message: Message) -> None:
            nonlocal answered
            if not answered:
                answered = True
                self._note(scope, template, message["status"], time.perf_counter() - since)
            await send(message)

        IN_FLIGHT.inc()
        try:
            await self._app(scope, receive, noting)
        finally:
            IN_FLIGHT.dec()
            if not answered:  # the server says that something went wrong
                self._note(scope, template, 500, time.perf_counter() - since)

    def _note(self, scope: Scope, template: str, status: int, seconds: float) -> None:
        key = (template, scope["method"], status // 100)
        count = self._counts.get(key)
        if count is None:
            method = key[1] if key[1] in METHODS else OTHER
            count = REQUESTS.labels(template, method, f"{key[2]}xx").inc
            if method != OTHER:
                self._counts[key] = count
        count()
        if not waits(scope):
            observe = self._times.get(template)
            if observe is None:
                observe = self._times[template] = REQUEST_SECONDS.labels(template).observe
            observe(seconds)
