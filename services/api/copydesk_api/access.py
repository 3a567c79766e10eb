"""Who may do what: keys as bearer tokens (RFC 6750), or the cookie of a browser that was signed in with one.

A route that changes something says so: ``caller: Annotated[Caller, Depends(requires(Scope.ADMIN))]``.
"""

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as AsgiScope

from copydesk_api.headers import given
from copydesk_api.keyring import KeyRing
from copydesk_api.keys import Caller, Scope
from copydesk_api.problems import CROSS_SITE, FORBIDDEN, UNAUTHORIZED, Problem
from copydesk_api.rates import RateLimits
from copydesk_shared.errors import Retryable

SESSION_COOKIE = "copydesk_session"
CALLER = "caller"
REALM = 'Bearer realm="copydesk"'
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
# What holds no articles, and what one needs to be let in.
FREE = frozenset(("/login", "/logout", "/docs", "/openapi.json"))
FREE_BELOW = "/static/"
OF_OUR_OWN = ("same-origin", "none")

Refuse = Callable[[Request, Problem | Retryable], Awaitable[Response]]


def unauthorized(error: str = "") -> Problem:
    """The problem of who brings no key, or one that is not good."""
    if not error:
        return Problem(UNAUTHORIZED, UNAUTHORIZED.meaning, headers={"WWW-Authenticate": REALM})
    told = f'{REALM}, error="invalid_token", error_description="{error}"'
    return Problem(UNAUTHORIZED, f"{error}.", headers={"WWW-Authenticate": told})


def caller_of(request: Request) -> Caller | None:
    """Who calls; ``None`` for who has not said."""
    caller: Caller | None = getattr(request.state, CALLER, None)
    return caller


class Requires:
    """A dependency: the caller, who has a key of this scope at least. Raises :class:`Problem`."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(self, request: Request) -> Caller:
        """Check it."""
        caller = caller_of(request)
        if caller is None:
            raise unauthorized()
        if not caller.scope.covers(self.scope):
            told = f'{REALM}, error="insufficient_scope", scope="{self.scope}"'
            said = f"This needs a key with the scope {self.scope}; {caller.name!r} has {caller.scope}."
            raise Problem(FORBIDDEN, said, headers={"WWW-Authenticate": told})
        return caller


def requires(scope: Scope) -> Requires:
    """For ``Depends``: only who has a key of this scope at least is let in, by cookie as well."""
    return Requires(scope)


class Access:
    """ASGI middleware that finds out who calls, and lets nobody read without a key where that is the setting.

    A key that is not good is refused on open reads too, so that it is noticed. Another scheme than Bearer is none of
    ours: it may be that of a proxy. What changes something is refused when a browser sends it for another site. Every
    request counts, those that are refused with the address that they come from.
    """

    def __init__(
        self, app: ASGIApp, keys: KeyRing, limits: RateLimits, refuse: Refuse, *, reads_by_key: bool,
        base_url: str | None,
    ) -> None:  # fmt: skip
        self._app = app
        self._keys = keys
        self._limits = limits
        self._refuse = refuse
        self._reads_by_key = reads_by_key
        self._base_url = base_url

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Pass the request on with its caller, or answer that it cannot be."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        caller, refused = await self._judged(request)
        if not scope["path"].startswith(FREE_BELOW):
            client = scope["client"]
            taken = self._limits.take(caller.key_id if caller else None, client[0] if client else "")
            if taken is not None:
                send = _telling(send, taken.headers())
                refused = taken.problem() if taken.wait else refused
        if refused is not None:
            await (await self._refuse(request, refused))(scope, receive, send)
            return
        scope = {**scope, "state": {**scope.get("state", {}), CALLER: caller}}
        is_private = caller is not None or (self._reads_by_key and not _is_free(request))
        await self._app(scope, receive, _private(send) if is_private else send)

    async def _judged(self, request: Request) -> tuple[Caller | None, Problem | Retryable | None]:
        """Who calls, or why that cannot be."""
        try:
            return await self._admitted(request), None
        except (Problem, Retryable) as error:
            return None, error

    async def _admitted(self, request: Request) -> Caller | None:
        caller = await self._caller(request)
        if request.method not in SAFE_METHODS and (caller is None or caller.by_cookie):
            self._check_site(request, is_known=caller is not None)
        if caller is None and self._reads_by_key and not _is_free(request):
            raise unauthorized()
        return caller

    async def _caller(self, request: Request) -> Caller | None:
        for value in given(request.scope, b"authorization")[:1]:
            scheme, _, token = value.partition(" ")
            if scheme.lower() != "bearer":
                break
            caller = await self._keys.of_token(token.strip())
            if caller is None:
                raise unauthorized("The key is unknown, has expired or was removed")
            return caller
        if not given(request.scope, b"cookie"):
            return None
        cookie = request.cookies.get(SESSION_COOKIE)
        return await self._keys.of_session(cookie) if cookie else None

    def _check_site(self, request: Request, *, is_known: bool) -> None:
        """Raises :class:`Problem` for a request that another site has made a browser send.

        https://www.w3.org/TR/fetch-metadata/ and RFC 6454. Browsers say at least one of the two.
        """
        site = request.headers.get("sec-fetch-site")
        origin = request.headers.get("origin")
        if site is not None:
            is_ours = site in OF_OUR_OWN
        elif origin is not None:
            hosts = {request.headers.get("host"), urlsplit(self._base_url or "").netloc or None}
            is_ours = urlsplit(origin).netloc in hosts
        else:
            is_ours = not is_known
        if not is_ours:
            raise Problem(CROSS_SITE, CROSS_SITE.meaning)


def _is_free(request: Request) -> bool:
    path = request.scope["path"]
    return path in FREE or path.startswith(FREE_BELOW) or request.method == "OPTIONS"


def _telling(send: Send, told: Mapping[str, str]) -> Send:
    async def send_told(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(told)
        await send(message)

    return send_told


def _private(send: Send) -> Send:
    """Nothing on the way may hand the answer to somebody else."""

    async def send_private(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Cache-Control", "private, no-cache")
            headers.add_vary_header("Authorization, Cookie")
        await send(message)

    return send_private
