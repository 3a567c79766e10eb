"""Freshness of the sources: ``/v1/sources``, ``/v1/sources/{domain}/health`` and their pages."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from copydesk_api import cursors
from copydesk_api.cursors import MAX_DOMAIN, CursorError
from copydesk_api.operating.bodies import SourceHealthAnswer, SourceList, source_health, source_list
from copydesk_api.operating.freshness import Freshness, SourceHealth, SourcePage
from copydesk_api.parameters import Parameters, SourcesPageParameters, SourcesParameters
from copydesk_api.problems import NOT_FOUND, Problem, ProblemDetails
from copydesk_api.routes import FIRST, JSON, PROBLEM, invalid_cursor, link
from copydesk_api.web import sources as web


async def by_the_hour(request: Request) -> None:
    """The answer is another one as time goes by, though no article has arrived."""
    request.state.volatile = True


async def _freshness(request: Request) -> Freshness:
    freshness: Freshness = request.app.state.freshness
    return freshness


NOW = [*FIRST, Depends(by_the_hour)]
api = APIRouter(prefix="/v1", dependencies=NOW, responses=PROBLEM)
pages = APIRouter(include_in_schema=False, dependencies=NOW)

TheFreshness = Annotated[Freshness, Depends(_freshness)]
Domain = Annotated[str, Path(max_length=MAX_DOMAIN, description="The registrable domain of the publisher: bbc.co.uk")]
NO_SOURCE = {404: {"model": ProblemDetails, "description": NOT_FOUND.meaning}}


def _find(freshness: Freshness, cursor: str | None, limit: int) -> tuple[SourcePage, str | None]:
    try:
        after = cursors.decode_source(cursor) if cursor else ""
    except CursorError as error:
        raise invalid_cursor("cursor", error) from None
    page = freshness.page(after, limit)
    return page, cursors.encode_source(page.next) if page.next is not None else None


def _health(freshness: Freshness, domain: str) -> SourceHealth:
    found = freshness.health(domain.lower())
    if found is None:
        raise Problem(NOT_FOUND, f"There is no source {domain!r}.")
    return found


@api.get("/sources", summary="Sources with their freshness", response_model=SourceList)
def list_sources(parameters: Annotated[SourcesParameters, Query()], freshness: TheFreshness) -> Response:
    """Publishers by domain: the newest article of each, how many there were lately, and how polling its feeds goes.

    Counted anew every ten seconds at most.
    """
    page, cursor = _find(freshness, parameters.cursor, parameters.limit)
    given = [(name, str(value)) for name, value in parameters.model_dump(exclude_defaults=True).items()]
    pairs = [pair for pair in given if pair[0] != "cursor"]
    headers = link("/v1/sources", [*pairs, ("cursor", cursor)]) if cursor else None
    return Response(source_list(page, cursor).model_dump_json().encode(), headers=headers, media_type=JSON)


@api.get(
    "/sources/{domain}/health",
    summary="How one source goes",
    response_model=SourceHealthAnswer,
    responses={404: NO_SOURCE[404]},
)
def get_source_health(domain: Domain, _parameters: Annotated[Parameters, Query()], freshness: TheFreshness) -> Response:
    """Its feeds one by one, the last answer of its host, and how many articles it published on each of the last days.

    Why a feed fails, and its address, are shown by `copydesk feeds show`.
    """
    return Response(source_health(_health(freshness, domain)).model_dump_json().encode(), media_type=JSON)


@pages.get("/sources")
def sources_page(parameters: Annotated[SourcesPageParameters, Query()], freshness: TheFreshness) -> HTMLResponse:
    page, cursor = _find(freshness, parameters.cursor, web.SOURCES_SHOWN)
    return HTMLResponse(web.sources_page(page, cursor, first=parameters.cursor is None))


@pages.get("/sources/{domain}")
def source_page(domain: Domain, _parameters: Annotated[Parameters, Query()], freshness: TheFreshness) -> HTMLResponse:
    return HTMLResponse(web.source_page(_health(freshness, domain)))
