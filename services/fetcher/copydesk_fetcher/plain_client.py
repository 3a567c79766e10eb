"""httpx's client without what no crawler needs: cookies, and a body where there is none."""

from typing import Self

import httpx


class _NoBody(httpx.AsyncByteStream):
    """What goes with most requests. httpx's own sends one piece without a byte in it."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        raise StopAsyncIteration


class _NoCookies(httpx.Cookies):
    """Stays empty, and looks at no answer: httpx makes a request of the standard library's of each for that."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Take none."""


NO_BODY = _NoBody()


class PlainClient(httpx.AsyncClient):
    """httpx's client without cookies."""

    none = _NoCookies()

    @property
    def cookies(self) -> httpx.Cookies:
        """None, ever."""
        return self.none

    @cookies.setter
    def cookies(self, cookies: object) -> None:
        raise AttributeError(f"no cookies are kept: {cookies!r}")
