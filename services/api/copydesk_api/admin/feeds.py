"""The calls that administer feeds. They write the ``feeds`` topic, as ``copydesk feeds`` does."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import Depends, Path, Query
from starlette.concurrency import run_in_threadpool
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response

from copydesk_api import cursors
from copydesk_api.admin.feed_bodies import (
    CALLS,
    FeedChange,
    FeedItem,
    FeedList,
    FeedsParameters,
    ImportedFeeds,
    ImportParameters,
    NewFeed,
    feed_item,
    is_failing,
)
from copydesk_api.admin.router import MISSING, Admin, router
from copydesk_api.cursors import CursorError
from copydesk_api.operating.feed_table import FeedTable
from copydesk_api.operating.parts import Operating
from copydesk_api.parameters import Parameters
from copydesk_api.problems import (
    CONFLICT,
    INVALID_BODY,
    NOT_FOUND,
    UNAVAILABLE,
    ParameterError,
    Problem,
    ProblemDetails,
)
from copydesk_api.routes import invalid_cursor, link
from copydesk_shared.errors import InputError
from copydesk_shared.feed_records import Known, address, addresses, changed, new, taken_away
from copydesk_shared.feeds import FIELDS, FieldError, feed_of
from copydesk_shared.log import Outgoing
from copydesk_shared.messages import Feed
from copydesk_shared.opml import export_opml, for_a_file, import_opml
from copydesk_shared.telemetry import get_logger

WRITER = "feeds-api"
OPML = "text/x-opml"
FILE_NAME = "feeds.opml"
# What is written is seen as soon as it has come back from the brokers.
SEEN_SECONDS = 3.0
LONGEST_WORDS = 300


class _IdConvertor(StringConvertor):
    """A segment of a path that is no call."""

    regex = rf"(?!(?:{'|'.join(CALLS)})(?:/|$))[^/]+"


register_url_convertor("feed_id", _IdConvertor())
api = router("feeds")


async def _operating(request: Request) -> Operating:
    operating: Operating = request.app.state.operating
    return operating


async def _table(operating: Annotated[Operating, Depends(_operating)]) -> FeedTable:
    """The feeds. Raises :class:`Problem` as long as they are not known."""
    if not operating.feeds.table.is_known:
        raise Problem(UNAVAILABLE, "The feeds have not been read from the brokers yet. Try again.")
    return operating.feeds.table


TheOperating = Annotated[Operating, Depends(_operating)]
TheTable = Annotated[FeedTable, Depends(_table)]
FeedId = Annotated[str, Path(max_length=100, description="The id of a feed.")]
TAKEN: dict[int | str, dict[str, Any]] = {409: {"model": ProblemDetails, "description": CONFLICT.meaning}}


def _item(table: FeedTable, known: Known) -> FeedItem:
    return feed_item(known, table.polled(known.feed.feed_id))


def _known(table: FeedTable, feed_id: str) -> Known:
    known = table.feeds.get(feed_id)
    if known is None:
        raise Problem(NOT_FOUND, f"There is no feed {feed_id!r}.")
    return known


def _invalid(error: FieldError) -> Problem:
    told = ParameterError(parameter=error.key, detail=error.problem[:LONGEST_WORDS])
    return Problem(INVALID_BODY, f"{told.parameter}: {told.detail}", [told])


async def _written(operating: Operating, records: Sequence[Outgoing], seen: Callable[[FeedTable], bool]) -> FeedTable:
    """Write them, and wait a moment for the table to know."""
    await operating.outlet.write(records)
    if not await operating.feeds.until(seen, SEEN_SECONDS):
        get_logger().warning("what was written to the feeds has not come back yet", records=len(records))
    return operating.feeds.table


@api.get("/feeds", summary="The feeds, and how polling them goes")
async def list_feeds(
    _caller: Admin, parameters: Annotated[FeedsParameters, Query()], table: TheTable, response: Response
) -> FeedList:
    """By id."""
    try:
        after = cursors.decode_feed(parameters.cursor) if parameters.cursor else ""
    except CursorError as error:
        raise invalid_cursor("cursor", error) from None
    wanted = [key for key in table.feeds if key > after and (not parameters.failing or is_failing(table.polled(key)))]
    page = sorted(wanted)[: parameters.limit]
    following = cursors.encode_feed(page[-1]) if len(wanted) > len(page) else None
    if following is not None:
        given = parameters.model_dump(exclude_defaults=True, exclude={"cursor"}).items()
        pairs = [(name, str(value).lower()) for name, value in given]
        response.headers.update(link("/v1/feeds", [*pairs, ("cursor", following)]))
    return FeedList(items=[_item(table, table.feeds[key]) for key in page], next=following)


@api.post("/feeds", summary="Add a feed", status_code=201, responses=TAKEN)
async def add_feed(
    caller: Admin, wanted: NewFeed, operating: TheOperating, table: TheTable, response: Response
) -> FeedItem:
    """It is polled within seconds. Whether the URL leads to a feed is found out then."""
    try:
        feed = feed_of(wanted.told())
    except FieldError as error:
        raise _invalid(error) from None
    why = _refusal(table, feed)
    if why is not None:
        raise Problem(CONFLICT, why)
    known = Known(feed, from_file=False)
    table = await _written(operating, [new(feed, WRITER)], lambda now: feed.feed_id in now.feeds)
    get_logger().info("a feed was added", feed_id=feed.feed_id, by=caller.key_id)
    response.headers["Location"] = f"/v1/feeds/{feed.feed_id}"
    return _item(table, table.feeds.get(feed.feed_id, known))


def _refusal(table: FeedTable, feed: Feed) -> str | None:
    """Why this feed cannot be added: its URL or its id is taken."""
    if feed.feed_id in table.feeds:
        there = table.feeds[feed.feed_id].feed
    else:
        ids = addresses(table.feeds).get(address(feed.url))
        if not ids:
            return None
        there = table.feeds[next(iter(ids))].feed
    return f"{feed.url} is there already, as feed {there.feed_id!r} ({there.name}): {there.url}"


@api.get("/feeds/export", summary="All feeds as OPML", response_class=Response,
         responses={200: {"description": "A list for feed readers.", "content": {OPML: {}}}})  # fmt: skip
async def export_feeds(_caller: Admin, _parameters: Annotated[Parameters, Query()], table: TheTable) -> Response:
    """Their names and URLs, OPML 2.0."""
    feeds = sorted((known.feed for known in table.feeds.values()), key=lambda feed: (feed.name.lower(), feed.url))
    body = await run_in_threadpool(lambda: export_opml(for_a_file(feed) for feed in feeds))
    return Response(body, headers={"Content-Disposition": f'attachment; filename="{FILE_NAME}"'}, media_type=OPML)


@api.post(
    "/feeds/import",
    summary="Add the feeds of an OPML file",
    openapi_extra={
        "requestBody": {"required": True, "content": {OPML: {"schema": {"type": "string", "format": "binary"}}}}
    },
)
async def import_feeds(
    caller: Admin, request: Request, parameters: Annotated[ImportParameters, Query()], operating: TheOperating,
    table: TheTable,
) -> ImportedFeeds:  # fmt: skip
    """The body is the file, of 5 MiB at most. Feeds that are there already stay as they are."""
    try:
        found = await run_in_threadpool(import_opml, await request.body(), "the file")
    except InputError as error:
        raise Problem(INVALID_BODY, str(error)) from None
    added, passed = await run_in_threadpool(_new, table, found.feeds)
    if added and not parameters.dry_run:
        ids = {feed.feed_id for feed in added}
        records = [new(feed, WRITER) for feed in added]
        table = await _written(operating, records, lambda now: ids <= now.feeds.keys())
        get_logger().info("feeds were imported", added=len(added), by=caller.key_id)
    items = [_item(table, table.feeds.get(feed.feed_id, Known(feed, from_file=False))) for feed in added]
    return ImportedFeeds(added=items, passed_over=passed, warnings=list(found.warnings))


def _new(table: FeedTable, feeds: Sequence[Feed]) -> tuple[list[Feed], list[str]]:
    added: dict[str, Feed] = {}
    passed: list[str] = []
    known = dict(table.feeds)
    there = addresses(known)
    for feed in feeds:
        ids = [feed.feed_id] if feed.feed_id in known else list(there.get(address(feed.url), ()))
        if ids:
            passed.append(f"{feed.url} is there already, as feed {ids[0]!r}")
        else:
            added[feed.feed_id] = feed
    return list(added.values()), passed


@api.get("/feeds/{feed_id:feed_id}", summary="One feed", responses=MISSING)
async def get_feed(
    _caller: Admin, feed_id: FeedId, _parameters: Annotated[Parameters, Query()], table: TheTable
) -> FeedItem:
    """As it is defined, and how polling it goes."""
    return _item(table, _known(table, feed_id))


@api.patch("/feeds/{feed_id:feed_id}", summary="Change, pause or resume a feed", responses=MISSING)
async def change_feed(
    caller: Admin, feed_id: FeedId, change: FeedChange, operating: TheOperating, table: TheTable
) -> FeedItem:
    """With ``{"paused": true}`` it is not polled any more; with ``{"paused": false}`` it is, also when it was disabled.

    Any change makes a feed that was disabled be tried again.
    """
    known = _known(table, feed_id)
    try:
        told = {FIELDS[key][0]: FIELDS[key][1](value) for key, value in _checked(change)}
    except FieldError as error:
        raise _invalid(error) from None
    if "interval_seconds" in told:
        told["adapts"] = False
    feed = known.feed.model_copy(update=told)
    version = table.version
    table = await _written(operating, [changed(known, feed, WRITER)], lambda now: _is_feed(now, feed, version))
    get_logger().info("a feed was changed", feed_id=feed_id, by=caller.key_id)
    return _item(table, Known(feed, known.from_file, known.partition))


def _checked(change: FeedChange) -> Sequence[tuple[str, Any]]:
    for key, value in change.told().items():
        try:
            FIELDS[key][1](value)
        except ValueError as error:
            raise FieldError(key, str(error)) from None
    return list(change.told().items())


def _is_feed(table: FeedTable, feed: Feed, version: int) -> bool:
    known = table.feeds.get(feed.feed_id)
    return table.version != version and known is not None and known.feed == feed


@api.delete("/feeds/{feed_id:feed_id}", summary="Remove a feed", status_code=204, responses=MISSING)
async def remove_feed(caller: Admin, feed_id: FeedId, operating: TheOperating, table: TheTable) -> None:
    """Its articles stay. One that a feeds file brought comes back with the next start if it is still in there."""
    await _written(operating, [taken_away(_known(table, feed_id), WRITER)], lambda now: feed_id not in now.feeds)
    get_logger().info("a feed was removed", feed_id=feed_id, by=caller.key_id)
