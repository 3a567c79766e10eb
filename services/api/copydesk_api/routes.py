"""The calls under ``/v1`` and the pages."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from copydesk_api import cursors
from copydesk_api.bodies import ArticleList, ChangeList, TagItem, TagList, article_list, change_list
from copydesk_api.cursors import CursorError, PageKey
from copydesk_api.filters import RELATIVE
from copydesk_api.fixed import FixedAnswers
from copydesk_api.formats.atom import ATOM_TYPE, atom
from copydesk_api.formats.json_feed import JSON_FEED_TYPE, json_feed
from copydesk_api.formats.ninjs import NINJS_TYPE, ninjs
from copydesk_api.formats.rss import RSS_TYPE, rss
from copydesk_api.formats.selection import Selection
from copydesk_api.headers import EVENT_STREAM, NDJSON
from copydesk_api.parameters import (
    DEFAULT_LIMIT,
    PAGE_LIMIT,
    REPEATABLE,
    ArticlePageParameters,
    ChangesParameters,
    FilterParameters,
    ListParameters,
    PageParameters,
    Parameters,
    SearchParameters,
    StreamParameters,
)
from copydesk_api.problems import (
    BUSY,
    GONE,
    INVALID_CURSOR,
    INVALID_PARAMETER,
    NOT_FOUND,
    TOO_MANY,
    TOO_MANY_WAITING,
    ParameterError,
    Problem,
    ProblemDetails,
)
from copydesk_api.push.topics import HUB_PATH, NOT_PUSHED, hub_links
from copydesk_api.settings import ApiSettings
from copydesk_api.store import FeedChange, Page, Store
from copydesk_api.streams import Waiting, events, export
from copydesk_api.web import pages as web
from copydesk_shared.messages import ClassifiedArticle

JSON = "application/json"
VARY = {"Vary": "Accept"}


# FastAPI hands a dependency to a thread unless it is asynchronous, which costs many times what these do.
async def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


async def _waiting(request: Request) -> Waiting:
    waiting: Waiting = request.app.state.waiting
    return waiting


async def _settings(request: Request) -> ApiSettings:
    settings: ApiSettings = request.app.state.settings
    return settings


def _fixed(request: Request) -> FixedAnswers:
    fixed: FixedAnswers = request.app.state.fixed
    return fixed


def _base_url(request: Request, settings: ApiSettings) -> str:
    return settings.base_url or str(request.base_url).rstrip("/")


async def refuse_repeated(request: Request) -> None:
    """Raises :class:`Problem` for a parameter that is given twice and can only be meant once."""
    given = Counter(name for name, _ in request.query_params.multi_items())
    repeated = sorted({name for name, count in given.items() if count > 1} - REPEATABLE)
    if repeated:
        errors = [ParameterError(parameter=name, detail="given more than once") for name in repeated]
        raise Problem(INVALID_PARAMETER, f"given more than once: {', '.join(repeated)}", errors)


async def note_the_hour(request: Request) -> None:
    """With "7d" the answer is another one each moment, though nothing has arrived."""
    asked = (request.query_params.get(name, "") for name in ("published_from", "published_to"))
    if any(map(RELATIVE.fullmatch, asked)):
        request.state.volatile = True


TheStore = Annotated[Store, Depends(_store)]
TheWaiting = Annotated[Waiting, Depends(_waiting)]
TheSettings = Annotated[ApiSettings, Depends(_settings)]
ArticleId = Annotated[str, Path(max_length=500, description="The id of an article.")]
PROBLEM: dict[int | str, dict[str, Any]] = {
    400: {"model": ProblemDetails, "description": "A parameter cannot be used."},
    503: {"model": ProblemDetails, "description": "The database cannot be used at the moment."},
}
BUSY_ANSWER: dict[str, Any] = {"model": ProblemDetails, "description": BUSY.meaning}
WAITING_ANSWER: dict[str, Any] = {
    "model": ProblemDetails,
    "description": f"{TOO_MANY.meaning} Or: {TOO_MANY_WAITING.meaning}",
}
NO_ARTICLE: dict[int | str, dict[str, Any]] = {
    404: {"model": ProblemDetails, "description": NOT_FOUND.meaning},
    410: {"model": ProblemDetails, "description": GONE.meaning},
}

FIRST = [Depends(refuse_repeated), Depends(note_the_hour)]
api = APIRouter(prefix="/v1", dependencies=FIRST, responses=PROBLEM)
pages = APIRouter(include_in_schema=False, dependencies=FIRST)


def _find_page(store: Store, parameters: FilterParameters, cursor: str | None, limit: int) -> tuple[Page, str | None]:
    """The page and the cursor of the next one."""
    filters = parameters.filters()
    digest = filters.digest()
    key = _page_key(cursor, digest, ranked=filters.order == "relevance") if cursor else None
    page = store.articles(filters, key, limit)
    return page, cursors.encode_page(page.next, digest) if page.next else None


def _page_key(cursor: str, digest: str, *, ranked: bool) -> PageKey:
    try:
        return cursors.decode_page(cursor, digest, ranked=ranked)
    except CursorError as error:
        raise invalid_cursor("cursor", error) from None


def invalid_cursor(parameter: str, error: CursorError) -> Problem:
    """The problem with a cursor that was given in this parameter."""
    detail = str(error)
    return Problem(INVALID_CURSOR, f"{parameter}: {detail}", [ParameterError(parameter=parameter, detail=detail)])


def _next_path(path: str, pairs: Sequence[tuple[str, str]]) -> str:
    return f"{path}?{urlencode(pairs)}"


def link(path: str, pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """RFC 8288."""
    return {"Link": f'<{_next_path(path, pairs)}>; rel="next"'}


def _list_pairs(parameters: ListParameters, cursor: str) -> list[tuple[str, str]]:
    limit = [("limit", str(parameters.limit))] if parameters.limit != DEFAULT_LIMIT else []
    marks = [("highlight", "true")] if isinstance(parameters, SearchParameters) and parameters.highlight else []
    return [*parameters.pairs(), *limit, *marks, ("cursor", cursor)]


def one_article(store: Store, article_id: str) -> str:
    """The document of an article. Raises :class:`Problem` where there is none, or no more."""
    stored = store.article(article_id)
    if stored is None:
        raise Problem(NOT_FOUND, f"There is no article {article_id!r}.")
    if stored.document is None:
        raise Problem(GONE, f"The article {article_id!r} has been removed.")
    return stored.document


@api.get("/articles", summary="Articles, newest first unless asked otherwise", response_model=ArticleList)
def list_articles(parameters: Annotated[SearchParameters, Query()], store: TheStore) -> Response:
    """By the time of publication, or of fetching where that is not known. Pages do not shift when articles arrive.

    By relevance an article may pass another one between two pages when others arrive, since all ranks change with them.
    """
    page, cursor = _find_page(store, parameters, parameters.cursor, parameters.limit)
    headers = link("/v1/articles", _list_pairs(parameters, cursor)) if cursor else None
    terms = parameters.filters().terms if parameters.highlight else ()
    return Response(article_list(page.documents, cursor, terms), headers=headers, media_type=JSON)


@api.get(
    "/articles/{article_id}",
    summary="One article",
    response_model=ClassifiedArticle,
    responses={**NO_ARTICLE, 200: {"content": {NINJS_TYPE: {}}, "description": "As it is on the topic, or as ninjs."}},
)
def get_article(
    request: Request,
    article_id: ArticleId,
    _parameters: Annotated[Parameters, Query()],
    store: TheStore,
    settings: TheSettings,
) -> Response:
    """The newest revision. With ``Accept: application/ninjs+json`` as ninjs 3.1, the news format of the IPTC."""
    document = one_article(store, article_id)
    if NINJS_TYPE not in request.headers.get("accept", ""):
        return Response(document, headers=VARY, media_type=JSON)
    item = ninjs(ClassifiedArticle.model_validate_json(document), _base_url(request, settings))
    return Response(json.dumps(item, ensure_ascii=False), headers=VARY, media_type=NINJS_TYPE)


@api.get(
    "/changes",
    summary="The change feed, oldest first",
    response_model=ChangeList,
    responses={429: WAITING_ANSWER},
)
async def list_changes(
    request: Request, parameters: Annotated[ChangesParameters, Query()], store: TheStore, waiting: TheWaiting
) -> Response:
    """Articles, their later revisions, re-tags and tombstones in the order of their positions.

    Follow next, also when items is empty: it is always there, and whoever comes back with it as after gets each change
    once. The feed is compacted: of an article that changed again before the poller came by, only the newest change is
    left, at its new position. Applying all of them in order gives a full copy. With wait the answer comes when there is
    something new, or after so many seconds.
    """
    feed, after, found = await run_in_threadpool(_changes, store, parameters)
    if parameters.wait and not found:
        await waiting.beyond(request, feed, after, parameters.wait)
        feed, after, found = await run_in_threadpool(_changes, store, parameters)
    cursor = cursors.encode_position(found[-1].position if found else after, feed)
    pairs = [(name, str(value)) for name, value in parameters.model_dump(exclude_defaults=True).items()]
    others = [pair for pair in pairs if pair[0] != "after"]
    return Response(
        change_list(found, cursor), headers=link("/v1/changes", [*others, ("after", cursor)]), media_type=JSON
    )


def _changes(store: Store, parameters: ChangesParameters) -> tuple[str, int, Sequence[FeedChange]]:
    feed = store.feed()
    try:
        after = cursors.decode_position(parameters.after, feed) if parameters.after else 0
    except CursorError as error:
        raise invalid_cursor("after", error) from None
    return feed, after, store.changes(after, parameters.limit)


@api.get(
    "/stream",
    summary="The change feed as it comes",
    response_class=Response,
    responses={
        200: {"description": "Server-Sent Events without end.", "content": {EVENT_STREAM: {}}},
        429: WAITING_ANSWER,
        503: BUSY_ANSWER,
    },
)
async def stream(request: Request, parameters: Annotated[StreamParameters, Query()], waiting: TheWaiting) -> Response:
    """Server-Sent Events: article, retag and tombstone, as in items of /v1/changes, from after or from now on.

    A client that was away comes back with Last-Event-ID, as browsers do, and gets what it has missed. A filter
    narrows the articles; tombstones come all. The event reset tells that the feed was built anew.
    """
    try:
        return await events(request, waiting, parameters.filters(), parameters.after)
    except CursorError as error:
        raise invalid_cursor("after", error) from None


@api.get(
    "/articles.ndjson",
    summary="All articles, one a line",
    response_class=Response,
    responses={200: {"description": "A JSON document a line.", "content": {NDJSON: {}}}},
)
def export_articles(request: Request, parameters: Annotated[FilterParameters, Query()], store: TheStore) -> Response:
    """Everything that the filters find, newest first, however much it is.

    An answer that fails on the way ends without its last chunk, so no client takes it for whole.
    """
    return export(request, store, parameters.filters())


def _selection(
    request: Request, parameters: Annotated[ListParameters, Query()], store: TheStore, settings: TheSettings
) -> Selection:
    page, cursor = _find_page(store, parameters, parameters.cursor, parameters.limit)
    base_url, path = _base_url(request, settings), request.url.path
    given = {name for name, value in request.query_params.items() if value}
    return Selection(
        [ClassifiedArticle.model_validate_json(document) for document in page.documents],
        base_url=base_url,
        feed_url=f"{base_url}{path}{f'?{request.url.query}' if request.url.query else ''}",
        next_url=f"{base_url}{_next_path(path, _list_pairs(parameters, cursor))}" if cursor else None,
        hub_url=f"{base_url}{HUB_PATH}" if settings.websub_hub and not set(NOT_PUSHED) & set(given) else None,
        subject=", ".join(f"{name} {value}" for name, value in parameters.pairs()),
    )


TheSelection = Annotated[Selection, Depends(_selection)]


def _feed_of(selection: Selection, body: bytes, media_type: str) -> Response:
    """RFC 8288 for those that read no further than the headers."""
    found = [hub_links(selection.base_url, selection.feed_url)] if selection.hub_url else []
    found += [f'<{selection.next_url}>; rel="next"'] if selection.next_url else []
    return Response(body, headers={"Link": ", ".join(found)} if found else None, media_type=media_type)


def _documented(media_type: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": "A feed for feed readers.", "content": {media_type: {}}}}


@api.get(
    "/feed.json", summary="Articles as JSON Feed 1.1", response_class=Response, responses=_documented(JSON_FEED_TYPE)
)
def get_json_feed(selection: TheSelection) -> Response:
    """Takes the same filters as the list, so any filter is a feed to subscribe to."""
    return _feed_of(selection, json.dumps(json_feed(selection), ensure_ascii=False).encode(), JSON_FEED_TYPE)


@api.get("/feed.atom", summary="Articles as Atom", response_class=Response, responses=_documented(ATOM_TYPE))
def get_atom_feed(selection: TheSelection) -> Response:
    """Takes the same filters as the list. RFC 4287."""
    return _feed_of(selection, atom(selection), ATOM_TYPE)


@api.get("/feed.rss", summary="Articles as RSS 2.0", response_class=Response, responses=_documented(RSS_TYPE))
def get_rss_feed(selection: TheSelection) -> Response:
    """Takes the same filters as the list."""
    return _feed_of(selection, rss(selection), RSS_TYPE)


@api.get("/tags", summary="Tags with counts")
def list_tags(_parameters: Annotated[Parameters, Query()], store: TheStore) -> TagList:
    """The tags that articles have now, the most frequent first."""
    return TagList(items=[TagItem(tag=tag.tag, label=tag.label, count=tag.count) for tag in store.tags()])


@pages.get("/")
def feed_page(parameters: Annotated[PageParameters, Query()], store: TheStore) -> HTMLResponse:
    page, cursor = _find_page(store, parameters, parameters.cursor, PAGE_LIMIT)
    articles = [ClassifiedArticle.model_validate_json(document) for document in page.documents]
    shown = web.FeedPage(articles, store.tags(), parameters, cursor, first=parameters.cursor is None)
    return HTMLResponse(web.feed_page(shown))


@pages.get("/articles/{article_id}")
def article_page(
    request: Request,
    article_id: ArticleId,
    parameters: Annotated[ArticlePageParameters, Query()],
    store: TheStore,
    settings: TheSettings,
) -> HTMLResponse:
    article = ClassifiedArticle.model_validate_json(one_article(store, article_id))
    base_url, has_history = _base_url(request, settings), store.has_history(article_id)
    return HTMLResponse(web.article_page(article, base_url, with_removed=parameters.removed, has_history=has_history))


@pages.get("/docs")
def reference(request: Request, _parameters: Annotated[Parameters, Query()]) -> Response:
    page = _fixed(request).of("docs", lambda: web.reference_page(request.app.openapi()).encode())
    return page.answer(request, "text/html")


@pages.get("/openapi.json")
def openapi(request: Request) -> Response:
    document = _fixed(request).of("openapi", lambda: bytes(JSONResponse(request.app.openapi()).body))
    return document.answer(request, JSON)
