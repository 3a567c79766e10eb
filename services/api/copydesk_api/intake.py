"""How much a request may bring, and how long that may take."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from copydesk_api.access import caller_of, unauthorized
from copydesk_api.headers import given
from copydesk_api.problems import SLOW, TOO_LARGE, Problem

KIB = 1024
SMALL = 256 * KIB
# The calls that are handed documents.
LARGE = frozenset(("/v1/articles", "/v1/feeds/import"))
BODY_SECONDS = 30.0
DRAINED = 64 * 1024 * KIB
DRAIN_SECONDS = 5.0

Refuse = Callable[[Request, Problem], Awaitable[Response]]


class IntakeError(HTTPException):
    """The body is too large or too slow; ``problem`` says so. FastAPI passes errors of this kind on."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.details.status)
        self.problem = problem


class Intake:
    """ASGI middleware that holds bodies to a size, by what is declared and by what comes, and to a time."""

    def __init__(self, app: ASGIApp, most: int, refuse: Refuse) -> None:
        self._app = app
        self._most = most
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_large = scope["path"] in LARGE
        is_stranger = is_large and caller_of(Request(scope)) is None
        most = self._most if is_large and not is_stranger else min(SMALL, self._most)
        declared = next(iter(given(scope, b"content-length")), "")
        if declared.isdecimal() and int(declared[:20]) > most:
            problem = unauthorized() if is_stranger else _too_large(most)
            await _drain(receive)
            await (await self._refuse(Request(scope), problem))(scope, receive, send)
            return
        await self._app(scope, _Counted(receive, most).receive, send)


class _Counted:
    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._most = most
        self._had = 0
        self._until: float | None = None
        self._is_whole = False

    async def receive(self) -> Message:
        """What comes next. Raises :class:`IntakeError`. What comes after the body is that the client goes away."""
        if self._is_whole:
            return await self._receive()
        self._until = self._until or asyncio.get_running_loop().time() + BODY_SECONDS
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise IntakeError(Problem(SLOW, SLOW.meaning)) from None
        self._is_whole = message["type"] != "http.request" or not message.get("more_body", False)
        self._had += len(message.get("body", b""))
        if self._had > self._most:
            if not self._is_whole:
                await _drain(self._receive)
            raise IntakeError(_too_large(self._most))
        return message


async def _drain(receive: Receive) -> None:
    """Take and forget some of what is still coming: a client that is cut off while it sends reads no answer."""
    had, more = 0, True
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while more and had < DRAINED:
                message = await receive()
                had += len(message.get("body", b""))
                more = message["type"] == "http.request" and message.get("more_body", False)


def _too_large(most: int) -> Problem:
    return Problem(TOO_LARGE, f"A body has at most {most} bytes here.", headers={"Connection": "close"})
