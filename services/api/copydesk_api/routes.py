"""The calls under ``/v1`` and the pages."""

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from copydesk_api import cursors
from copydesk_api.bodies import ArticleList, ChangeList, TagItem, TagList, article_list, change_list
from copydesk_api.cursors import CursorError, PageKey
from copydesk_api.feed_formats import JSON_FEED_TYPE, json_feed
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
)
from copydesk_api.problems import (
    GONE,
    INVALID_CURSOR,
    INVALID_PARAMETER,
    NOT_FOUND,
    ParameterError,
    Problem,
    ProblemDetails,
)
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Page, Store
from copydesk_api.web import pages as web
from copydesk_shared.messages import ClassifiedArticle

JSON = "application/json"


def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


def _settings(request: Request) -> ApiSettings:
    settings: ApiSettings = request.app.state.settings
    return settings


def refuse_repeated(request: Request) -> None:
    """Raises :class:`Problem` for a parameter that is given twice and can only be meant once."""
    names = [name for name, _ in request.query_params.multi_items()]
    repeated = sorted({name for name in names if names.count(name) > 1} - REPEATABLE)
    if repeated:
        errors = [ParameterError(parameter=name, detail="given more than once") for name in repeated]
        raise Problem(INVALID_PARAMETER, f"given more than once: {', '.join(repeated)}", errors)


TheStore = Annotated[Store, Depends(_store)]
TheSettings = Annotated[ApiSettings, Depends(_settings)]
ArticleId = Annotated[str, Path(max_length=500, description="The id of an article.")]
PROBLEM: dict[int | str, dict[str, Any]] = {
    400: {"model": ProblemDetails, "description": "A parameter cannot be used."},
    503: {"model": ProblemDetails, "description": "The database cannot be used at the moment."},
}
NO_ARTICLE: dict[int | str, dict[str, Any]] = {
    404: {"model": ProblemDetails, "description": NOT_FOUND.meaning},
    410: {"model": ProblemDetails, "description": GONE.meaning},
}

api = APIRouter(prefix="/v1", dependencies=[Depends(refuse_repeated)], responses=PROBLEM)
pages = APIRouter(include_in_schema=False, dependencies=[Depends(refuse_repeated)])


def _find_page(store: Store, parameters: FilterParameters, cursor: str | None, limit: int) -> tuple[Page, str | None]:
    """The page and the cursor of the next one."""
    filters = parameters.filters()
    digest = filters.digest()
    page = store.articles(filters, _page_key(cursor, digest) if cursor else None, limit)
    return page, cursors.encode_page(page.next, digest) if page.next else None


def _page_key(cursor: str, digest: str) -> PageKey:
    try:
        return cursors.decode_page(cursor, digest)
    except CursorError as error:
        raise _invalid_cursor("cursor", error) from None


def _invalid_cursor(parameter: str, error: CursorError) -> Problem:
    detail = str(error)
    return Problem(INVALID_CURSOR, f"{parameter}: {detail}", [ParameterError(parameter=parameter, detail=detail)])


def _next_path(path: str, pairs: Sequence[tuple[str, str]]) -> str:
    return f"{path}?{urlencode(pairs)}"


def _link(path: str, pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """RFC 8288."""
    return {"Link": f'<{_next_path(path, pairs)}>; rel="next"'}


def _list_pairs(parameters: ListParameters, cursor: str) -> list[tuple[str, str]]:
    limit = [("limit", str(parameters.limit))] if parameters.limit != DEFAULT_LIMIT else []
    return [*parameters.pairs(), *limit, ("cursor", cursor)]


def _one(store: Store, article_id: str) -> str:
    stored = store.article(article_id)
    if stored is None:
        raise Problem(NOT_FOUND, f"There is no article {article_id!r}.")
    if stored.document is None:
        raise Problem(GONE, f"The article {article_id!r} has been removed.")
    return stored.document


@api.get("/articles", summary="Articles, newest first", response_model=ArticleList)
def list_articles(parameters: Annotated[ListParameters, Query()], store: TheStore) -> Response:
    """By the time of publication, or of fetching where that is not known. Pages do not shift when articles arrive."""
    page, cursor = _find_page(store, parameters, parameters.cursor, parameters.limit)
    headers = _link("/v1/articles", _list_pairs(parameters, cursor)) if cursor else None
    return Response(article_list(page.documents, cursor), headers=headers, media_type=JSON)


@api.get("/articles/{article_id}", summary="One article", response_model=ClassifiedArticle, responses=NO_ARTICLE)
def get_article(
    article_id: ArticleId,
    _parameters: Annotated[Parameters, Query()],
    store: TheStore,
) -> Response:
    """The newest revision."""
    return Response(_one(store, article_id), media_type=JSON)


@api.get("/changes", summary="The change feed, oldest first", response_model=ChangeList)
def list_changes(parameters: Annotated[ChangesParameters, Query()], store: TheStore) -> Response:
    """Articles, their later revisions and tombstones in the order of their positions.

    Follow next, also when items is empty: it is always there, and whoever comes back with it as after gets each change
    once. The feed is compacted: of an article that changed again before the poller came by, only the newest change is
    left, at its new position. Applying all of them in order gives a full copy.
    """
    feed = store.feed()
    try:
        after = cursors.decode_position(parameters.after, feed) if parameters.after else 0
    except CursorError as error:
        raise _invalid_cursor("after", error) from None
    found = store.changes(after, parameters.limit)
    cursor = cursors.encode_position(found[-1].position if found else after, feed)
    limit = [("limit", str(parameters.limit))] if parameters.limit != DEFAULT_LIMIT else []
    return Response(
        change_list(found, cursor), headers=_link("/v1/changes", [*limit, ("after", cursor)]), media_type=JSON
    )


@api.get(
    "/feed.json",
    summary="Articles as JSON Feed 1.1",
    response_class=Response,
    responses={200: {"description": "A feed for feed readers.", "content": {JSON_FEED_TYPE: {}}}},
)
def get_json_feed(
    request: Request, parameters: Annotated[ListParameters, Query()], store: TheStore, settings: TheSettings
) -> Response:
    """Takes the same filters as the list, so any filter is a feed to subscribe to."""
    page, cursor = _find_page(store, parameters, parameters.cursor, parameters.limit)
    base_url = settings.base_url or str(request.base_url).rstrip("/")
    path = "/v1/feed.json"
    pairs = _list_pairs(parameters, cursor) if cursor else []
    feed = json_feed(
        map(ClassifiedArticle.model_validate_json, page.documents),
        base_url=base_url,
        feed_url=f"{base_url}{path}{f'?{request.url.query}' if request.url.query else ''}",
        next_url=f"{base_url}{_next_path(path, pairs)}" if cursor else None,
    )
    return JSONResponse(feed, headers=_link(path, pairs) if cursor else None, media_type=JSON_FEED_TYPE)


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
    article_id: ArticleId, parameters: Annotated[ArticlePageParameters, Query()], store: TheStore
) -> HTMLResponse:
    article = ClassifiedArticle.model_validate_json(_one(store, article_id))
    return HTMLResponse(web.article_page(article, with_removed=parameters.removed))


@pages.get("/docs")
def reference(request: Request, _parameters: Annotated[Parameters, Query()]) -> HTMLResponse:
    return HTMLResponse(web.reference_page(request.app.openapi()))
