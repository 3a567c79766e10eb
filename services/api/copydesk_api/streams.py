"""The calls that wait or do not end: the change feed as Server-Sent Events, long polls, and the whole as ndjson.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from fastapi.sse import format_sse_event
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from copydesk_api import cursors
from copydesk_api.bodies import change_item
from copydesk_api.cursors import CursorError, PageKey
from copydesk_api.filters import Filters, holds
from copydesk_api.headers import EVENT_STREAM, NDJSON, is_head
from copydesk_api.seats import Seats
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Page, Standing, Store
from copydesk_api.watching import SharedReader, Told, Watch, follow
from copydesk_shared.errors import Retryable
from copydesk_shared.telemetry import get_logger

# A client that takes nothing for so long is cut off; it comes back with what it has seen last.
SEND_SECONDS = 30.0
RECONNECT_MS = 3000
EXPORT_ROWS = 200
RESET = json.dumps({"detail": "The feed was built anew: read /v1/changes from its beginning for a full copy."})
UNBUFFERED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Waiting:
    """Those who wait, of whom there may be so many."""

    def __init__(self, settings: ApiSettings, watch: Watch, store: Store) -> None:
        self.watch = watch
        self.reader = SharedReader(store.changes)
        self.heartbeat_seconds = settings.heartbeat_seconds
        self.seats = Seats(settings)

    async def beyond(self, request: Request, feed: str, position: int, seconds: float) -> None:
        """Until the feed is past the position, or for so long, or until the client has gone: nobody waits for it then.

        Raises :class:`~copydesk_api.problems.Problem` when too many wait already.
        """
        with self.seats.taken(request):
            ends = (self.watch.beyond(feed, position, seconds), _gone(request))
            waits = [asyncio.create_task(each) for each in ends]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in waits:
                    each.cancel()
                await asyncio.gather(*waits, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class Unhurried(StreamingResponse):
    """A stream that is cut off when the client takes nothing for long, or when the database goes away.

    Without its last chunk the client sees that something is missing.
    """

    meanwhile: AbstractContextManager[None] = nullcontext()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        with self.meanwhile:
            await super().__call__(scope, receive, send)

    async def stream_response(self, send: Send) -> None:
        """Send its parts."""

        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(SEND_SECONDS):
                await send(message)

        try:
            await super().stream_response(send_in_time)
        except (TimeoutError, Retryable) as error:
            get_logger().warning("an answer is cut off", error=str(error) or "the client takes nothing")


async def start_of(waiting: Waiting, after: str | None) -> Standing:
    """Where the stream begins: after the cursor, or now. Raises :class:`CursorError` and :class:`Retryable`."""
    standing = await waiting.watch.standing()
    if after is None:
        return standing
    return Standing(standing.feed, cursors.decode_position(after, standing.feed), None)


async def events(request: Request, waiting: Waiting, filters: Filters, after: str | None) -> Response:
    """The stream from ``after`` on, or from ``Last-Event-ID``, which the client knows better."""
    last_seen = request.headers.get("last-event-id") or None
    is_former = False
    try:
        start = await start_of(waiting, last_seen or after)
    except CursorError:
        if last_seen is None:
            raise
        # A browser would never come back after an error, and a feed that was built anew is none of its faults.
        start, is_former = await start_of(waiting, None), True
    if is_head(request):
        return _headers_alone(EVENT_STREAM, UNBUFFERED)
    waiting.seats.check(request)
    stream = Unhurried(_told(waiting, filters, start, is_former=is_former), headers=UNBUFFERED, media_type=EVENT_STREAM)
    stream.meanwhile = waiting.seats.taken(request)
    return stream


async def _told(waiting: Waiting, filters: Filters, start: Standing, *, is_former: bool) -> AsyncIterator[bytes]:
    yield format_sse_event(retry=RECONNECT_MS, comment="the change feed")
    if is_former:
        yield _event("reset", RESET, start)
    feed = start.feed
    following = follow(waiting.watch, waiting.reader, feed, start.position, waiting.heartbeat_seconds)
    async for standing, page in following:
        if standing.feed != feed:
            feed = standing.feed
            yield _event("reset", RESET, standing)
        elif page:
            yield _page(filters, standing, page)
        else:
            yield format_sse_event(comment="heartbeat")


def _event(kind: str, data: str, standing: Standing) -> bytes:
    return format_sse_event(event=kind, data_str=data, id=cursors.encode_position(standing.position, standing.feed))


def _page(filters: Filters, standing: Standing, page: Sequence[Told]) -> bytes:
    """The events of those that the filters hold for. The last id is told in any case, so nothing is read twice."""
    told = [
        _event(each.change.kind.value, change_item(each.change), Standing(standing.feed, each.change.position, None))
        for each in page
        if each.article is None or holds(filters, each.article)
    ]
    # An event without data is not seen by scripts, and its id is kept.
    return b"".join(told) or format_sse_event(id=cursors.encode_position(standing.position, standing.feed))


def _headers_alone(media_type: str, headers: Mapping[str, str] | None = None) -> Response:
    """As those of the stream: a length, or a tag of nothing, would be told of a body that is another one.

    Nobody sends the line; without it nothing would be compressed, and the headers would be others.
    """
    return StreamingResponse(iter((b"\n",)), headers=headers, media_type=media_type)


def export(request: Request, store: Store, filters: Filters) -> Response:
    """All articles that the filters find, one a line, newest first, in as much memory as a page takes.

    A failure on the way cuts the answer off without its last chunk, so it cannot be taken for a whole one.
    """
    if is_head(request):
        return _headers_alone(NDJSON)
    first = store.articles(filters, None, EXPORT_ROWS)
    return Unhurried(_lines(store, filters, first), media_type=NDJSON)


def _lines(store: Store, filters: Filters, page: Page) -> Iterator[bytes]:
    key: PageKey | None = page.next
    yield _as_lines(page)
    while key is not None:
        page = store.articles(filters, key, EXPORT_ROWS)
        key = page.next
        yield _as_lines(page)


def _as_lines(page: Page) -> bytes:
    return "".join(f"{document}\n" for document in page.documents).encode()
