"""The revisions of an article: ``/v1/articles/{article_id}/revisions`` and their page."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse, Response

from copydesk_api import cursors
from copydesk_api.cursors import CursorError
from copydesk_api.parameters import RevisionsPageParameters, RevisionsParameters
from copydesk_api.revisions import RevisionList, Told, read_revisions, revision_list
from copydesk_api.routes import FIRST, JSON, NO_ARTICLE, PROBLEM, ArticleId, TheStore, invalid_cursor, link, one_article
from copydesk_api.store import Store
from copydesk_api.web import pages as web

api = APIRouter(prefix="/v1", dependencies=FIRST, responses=PROBLEM)
pages = APIRouter(include_in_schema=False, dependencies=FIRST)


def _find(store: Store, article_id: str, cursor: str | None, limit: int) -> tuple[list[Told], str | None]:
    """A page of the history and the cursor of the next. Raises :class:`Problem`, as for the article itself."""
    one_article(store, article_id)
    feed = store.feed()
    try:
        before = cursors.decode_revision(cursor, article_id, feed) if cursor else None
    except CursorError as error:
        raise invalid_cursor("cursor", error) from None
    told, following = read_revisions(store, article_id, limit, before)
    return told, cursors.encode_revision(following, article_id, feed) if following is not None else None


@api.get(
    "/articles/{article_id}/revisions",
    summary="What an article was before",
    response_model=RevisionList,
    responses=NO_ARTICLE,
)
def list_revisions(
    article_id: ArticleId, parameters: Annotated[RevisionsParameters, Query()], store: TheStore
) -> Response:
    """Its revisions, the newest first, each with what it changed of the one before, word by word.

    A bounded number of them is kept. New tags on the same text are a revision too: it has the number of the text's.
    """
    told, cursor = _find(store, article_id, parameters.cursor, parameters.limit)
    pairs = [(name, str(value).lower()) for name, value in parameters.model_dump(exclude_defaults=True).items()
             if name != "cursor"]  # fmt: skip
    path = f"/v1/articles/{quote(article_id, safe='')}/revisions"
    headers = link(path, [*pairs, ("cursor", cursor)]) if cursor else None
    return Response(revision_list(told, cursor, full=parameters.full), headers=headers, media_type=JSON)


@pages.get("/articles/{article_id}/revisions")
def revisions_page(
    article_id: ArticleId, parameters: Annotated[RevisionsPageParameters, Query()], store: TheStore
) -> HTMLResponse:
    told, cursor = _find(store, article_id, parameters.cursor, web.REVISIONS_SHOWN)
    shown = web.RevisionsPage(article_id, told, cursor, first=parameters.cursor is None)
    return HTMLResponse(web.revisions_page(shown))
