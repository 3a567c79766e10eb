"""Entity tags, 304 and compression (RFC 9110 sections 8.8, 12.5.3 and 13).

A tag is a digest of what is answered, so it is the same on every replica and after a restart. What was answered is
remembered together with where the change feed stood (:mod:`copydesk_api.answers`): as long as it stands there, a
question that brings its tag back is answered 304 from one row, and no article is read.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import blake2b
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette_compress import CompressMiddleware, add_compress_type, remove_compress_type

from copydesk_api.access import CALLER
from copydesk_api.answers import Answers, Key, Known, again
from copydesk_api.database import answered
from copydesk_api.formats.json_feed import JSON_FEED_TYPE
from copydesk_api.formats.ninjs import NINJS_TYPE
from copydesk_api.headers import EVENT_STREAM, NDJSON, given, waits
from copydesk_api.keys import Caller
from copydesk_api.store import Standing
from copydesk_shared.errors import Retryable

VOLATILE = "volatile"
KEPT_HEADERS = frozenset((b"etag", b"last-modified", b"vary", b"link"))
# What depends on nothing but what an answer is known by; a page may hold what its reader alone is shown.
SHARED = ("/v1/articles", "/v1/changes", "/v1/feed.", "/v1/tags")
CODINGS = ("gzip", "br", "zstd")
for each in (JSON_FEED_TYPE, NDJSON, NINJS_TYPE):
    add_compress_type(each)
# Each stream would hold a compressor of two megabytes for as long as it lasts, and hundreds last all day.
remove_compress_type(EVENT_STREAM)
# A time tells seconds: one of which some have not passed yet would stand for answers that differ.
SETTLED = timedelta(seconds=5)

# What is answered while the database is away.
Away = Callable[[Request, Retryable], Awaitable[Response]]


def _heard(asking: "asyncio.Task[Standing]") -> None:
    """Those who asked may have gone; what is wrong was told to them."""
    if not asking.cancelled():
        asking.exception()


class Standings:
    """Where the change feed stands. Those who ask while the database is being asked share the next answer."""

    def __init__(self, read: Callable[[], Standing], glance: Callable[[], Standing | None]) -> None:
        self._read = read
        self._glance = glance
        self._asking = asyncio.Lock()
        self._next: asyncio.Task[Standing] | None = None

    async def get(self) -> Standing:
        """As it is at some moment after this call. Raises :class:`Retryable` while the database is away."""
        seen = self._glance()
        if seen is not None:
            return seen
        if self._next is None:
            self._next = asyncio.create_task(self._ask())
            self._next.add_done_callback(_heard)
        return await answered(asyncio.shield(self._next))

    async def _ask(self) -> Standing:
        async with self._asking:
            self._next = None
            return await asyncio.to_thread(self._read)


class Conditional:
    """ASGI middleware for the answers to GET that are made of articles.

    It leaves alone what is streamed, what has a tag of its own, what is not to be stored, and errors. A route whose
    answer depends on the time of day sets ``request.state.volatile``: it has a tag, and is made anew each time.
    """

    def __init__(self, app: ASGIApp, standings: Standings, away: Away, most_bytes: int) -> None:
        self._app = app
        self._away = away
        self._standings = standings
        self._answers = Answers(most_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless the asker has the answer."""
        if scope["type"] != "http" or scope["method"] != "GET" or not _is_of_articles(scope):
            await self._app(scope, receive, send)
            return
        try:
            standing = await self._standings.get()
        except Retryable as error:
            await (await self._away(Request(scope), error))(scope, receive, send)
            return
        caller: Caller | None = scope["state"].get(CALLER)
        key = (scope["scheme"], *given(scope, b"host"), scope["path"], scope["query_string"], *given(scope, b"accept"),
               caller.scope if caller else None)  # fmt: skip
        known = self._answers.get(standing, key)
        if known is not None and _is_current(scope, known.tag, standing.at):
            await known.unchanged(send)
        elif known is not None and (whole := self._answers.again(known)) is not None:
            await again(whole, send)
        else:
            await self._app(scope, receive, _Answer(self._answers, key, standing, scope, send).send)


@dataclass
class _Answer:
    """One answer on its way out: held back until its tag is known."""

    answers: Answers
    key: Key
    standing: Standing
    scope: Scope
    pass_on: Send
    start: Message | None = None
    body: bytes = b""

    async def send(self, message: Message) -> None:
        """Take what the app sends."""
        if message["type"] == "http.response.start" and _is_taggable(message):
            self.start = message
        elif self.start is None:
            await self.pass_on(message)
        else:
            self.body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._finish(self.start)

    async def _finish(self, start: Message) -> None:
        headers = MutableHeaders(raw=start["headers"])
        tag = f'"{blake2b(self.body, digest_size=16).hexdigest()}"'
        headers["ETag"] = tag
        is_volatile = self.scope.get("state", {}).get(VOLATILE, False)
        at = None if is_volatile else self.standing.at
        if at is not None and datetime.now(UTC) - at > SETTLED:
            headers["Last-Modified"] = format_datetime(at, usegmt=True)
        known = Known(tag, tuple(pair for pair in headers.raw if pair[0] in KEPT_HEADERS))
        if not is_volatile:
            whole = (tuple(headers.raw), self.body) if self.scope["path"].startswith(SHARED) else None
            self.answers.keep(self.standing, self.key, known, whole)
        if _is_current(self.scope, tag, at):
            await known.unchanged(self.pass_on)
            return
        await self.pass_on(start)
        await self.pass_on({"type": "http.response.body", "body": self.body})


def _is_of_articles(scope: Scope) -> bool:
    path = scope["path"]
    is_of_articles = path == "/" or path.startswith(("/v1/", "/articles/", "/sources"))
    # Who waits for what comes next has the answer of now, and does not want to hear so.
    return is_of_articles and not waits(scope)


def _is_taggable(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    is_whole = "content-length" in headers and "etag" not in headers
    return bool(start["status"] == HTTPStatus.OK and is_whole and "no-store" not in headers.get("cache-control", ""))


def _is_current(scope: Scope, tag: str, at: datetime | None) -> bool:
    """Whether the asker has this answer: by its tag, or where it brings none by the time (section 13.2.2)."""
    tags = given(scope, b"if-none-match")
    if tags:
        return any(each in ("*", tag) for each in _tags(tags))
    since = given(scope, b"if-modified-since")
    if not since or at is None:
        return False
    try:
        known = parsedate_to_datetime(since[0])
    except (ValueError, OverflowError):
        return False
    return known.tzinfo is not None and at.replace(microsecond=0) <= known


def _tags(values: list[str]) -> list[str]:
    """The comparison is the weak one (section 8.8.3.2)."""
    return [each.strip().removeprefix("W/") for value in values for each in value.split(",")]


class CodedTags:
    """ASGI middleware: another coding of an answer has another tag (section 8.8.3.3), which is known again here."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = CompressMiddleware(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on without the endings of its tags."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        tags = _tags(given(scope, b"if-none-match"))
        if tags:
            others = [pair for pair in scope["headers"] if pair[0] != b"if-none-match"]
            plain = ", ".join(_plain(tag) for tag in tags)
            scope = {**scope, "headers": [*others, (b"if-none-match", plain.encode("latin-1", "replace"))]}

        async def send_with_ending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                tag = headers.get("etag", "")
                coding = headers.get("content-encoding")
                if coding is not None and tag.endswith('"') and not tag.startswith("W/"):
                    headers["ETag"] = f'{tag[:-1]}-{coding}"'
                elif message["status"] == HTTPStatus.NOT_MODIFIED:
                    headers["ETag"] = next((each for each in tags if _plain(each) == tag), tag)
            await send(message)

        await self._app(scope, receive, send_with_ending)


def _plain(tag: str) -> str:
    for coding in CODINGS:
        tag = tag.removesuffix(f'-{coding}"') + '"' if tag.endswith(f'-{coding}"') else tag
    return tag
