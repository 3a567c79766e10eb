"""Answers that were given, as long as the change feed stands where it stood.

A question that brings the tag of such an answer back is answered 304. One that does not is given the answer once more,
for a second: so many pollers with one question cost no more than one. After that second it is made anew, as some
things change what filters find and are no change of the feed (rows that a release before has written).
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from starlette.types import Send

from copydesk_api.keys import Scope
from copydesk_api.records import Standing

REMEMBERED = 10_000
SECONDS = 1.0

# What an answer depends on besides the articles: how and under which name the service is asked, path, query, the
# formats that are asked for, and what one may do.
Key = tuple[str | bytes | Scope | None, ...]
Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Whole:
    """An answer to give once more, until a time of the clock."""

    headers: Headers
    body: bytes
    until: float


@dataclass(frozen=True, slots=True)
class Known:
    """What a 304 says of an answer that was given, and the answer itself while it may be given again."""

    tag: str
    headers: Headers
    whole: Whole | None = None

    async def unchanged(self, send: Send) -> None:
        """Say that nothing has changed."""
        await send({"type": "http.response.start", "status": HTTPStatus.NOT_MODIFIED.value, "headers": [*self.headers]})
        await send({"type": "http.response.body", "body": b""})


async def again(whole: Whole, send: Send) -> None:
    """Give the answer once more."""
    await send({"type": "http.response.start", "status": HTTPStatus.OK.value, "headers": [*whole.headers]})
    await send({"type": "http.response.body", "body": whole.body})


class Answers:
    """Those of the newest standing, at most ``REMEMBERED`` of them, with at most ``most_bytes`` of bodies."""

    def __init__(self, most_bytes: int, now: Callable[[], float] = time.monotonic) -> None:
        self._most_bytes = most_bytes
        self._now = now
        self._at: Standing | None = None
        self._known: OrderedDict[Key, Known] = OrderedDict()
        self._bytes = 0

    def get(self, standing: Standing, key: Key) -> Known | None:
        """What is known of the answer to this question."""
        return self._known.get(key) if self._at == standing else None

    def again(self, known: Known) -> Whole | None:
        """The answer itself, if it may be given once more."""
        whole = known.whole
        return whole if whole is not None and self._now() < whole.until else None

    def keep(self, standing: Standing, key: Key, known: Known, whole: tuple[Headers, bytes] | None) -> None:
        """Remember it. What was answered of another standing is forgotten: no question is about that any more.

        Of two standings that come by turns, as two requests may see them, neither is kept for long.
        """
        if self._at != standing:
            self._at = standing
            self._known.clear()
            self._bytes = 0
        self._drop(key)
        if whole is not None and len(whole[1]) <= self._most_bytes:
            known = Known(known.tag, known.headers, Whole(*whole, self._now() + SECONDS))
            self._bytes += len(whole[1])
        self._known[key] = known
        while self._bytes > self._most_bytes or len(self._known) > REMEMBERED:
            self._drop(next(iter(self._known)))

    def _drop(self, key: Key) -> None:
        former = self._known.pop(key, None)
        if former is not None and former.whole is not None:
            self._bytes -= len(former.whole.body)
