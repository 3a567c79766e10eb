"""Signing in with an API key, for browsers: a form, and a session in a cookie that no script and no other site has."""

import re
from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from copydesk_api.access import REALM, SESSION_COOKIE, caller_of
from copydesk_api.keyring import KeyRing
from copydesk_api.settings import ApiSettings
from copydesk_api.web.forms import form_of
from copydesk_api.web.pages import sign_in_page

NO_STORE = {"Cache-Control": "no-store"}
# A path of this site; "//host" and "/\host" are places elsewhere.
LOCAL = re.compile(r"/(?![/\\])[\x21-\x7e]{0,2000}")
REFUSED = "This is no key, or it has expired or was removed."


def local(path: str | None) -> str:
    """The path to go on to: what was asked for, or the front page where that is no path of this site."""
    return path if path and LOCAL.fullmatch(path) else "/"


def first(request: Request) -> Response:
    """To the form, and back to what was asked for."""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/login?{urlencode({'next': asked})}", HTTPStatus.SEE_OTHER, NO_STORE)


async def show(request: Request) -> Response:
    """The form; for who is signed in, who that is."""
    page = sign_in_page(caller_of(request), local(request.query_params.get("next")))
    return HTMLResponse(page, headers=NO_STORE)


async def sign_in(request: Request) -> Response:
    """Take the key and open a session. Raises :class:`Problem` for what is no form."""
    form = await form_of(request)
    target = local(form.get("next"))
    keys: KeyRing = request.app.state.keys
    settings: ApiSettings = request.app.state.settings
    lasts = timedelta(hours=settings.session_hours)
    cookie = await keys.open_session(form.get("key", "").strip(), lasts)
    if cookie is None:
        headers = {**NO_STORE, "WWW-Authenticate": REALM}
        return HTMLResponse(sign_in_page(None, target, REFUSED), HTTPStatus.UNAUTHORIZED, headers)
    answer = RedirectResponse(target, HTTPStatus.SEE_OTHER, NO_STORE)
    answer.set_cookie(SESSION_COOKIE, cookie, int(lasts.total_seconds()), secure=_is_secure(request, settings),
                      httponly=True, samesite="strict")  # fmt: skip
    return answer


async def sign_out(request: Request) -> Response:
    """End the session, here and in the browser."""
    keys: KeyRing = request.app.state.keys
    cookie = request.cookies.get(SESSION_COOKIE)
    if cookie:
        await keys.close_session(cookie)
    answer = RedirectResponse("/", HTTPStatus.SEE_OTHER, NO_STORE)
    answer.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict")
    return answer


def _is_secure(request: Request, settings: ApiSettings) -> bool:
    """Whether browsers come by TLS; a cookie for TLS only would be lost on the way otherwise."""
    return (settings.base_url or str(request.url)).startswith("https://")


ROUTES: Sequence[Route] = (
    Route("/login", show, methods=["GET"]),
    Route("/login", sign_in, methods=["POST"]),
    Route("/logout", sign_out, methods=["POST"]),
)
