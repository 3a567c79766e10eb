"""Dead letters for admins: pages to read and replay them, and the same under ``/v1/dead-letters``."""

from collections.abc import Awaitable
from http import HTTPStatus
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from copydesk_api.admin.router import KEPT_NOWHERE, MISSING, Admin, Body, router
from copydesk_api.operating.dead_letters import DeadLetters, Ends, ends_text, parse_ends
from copydesk_api.operating.letter_bodies import (
    LetterAnswer,
    LetterList,
    ReplayAnswer,
    letter_answer,
    letter_list,
    replay_answer,
)
from copydesk_api.operating.parts import Operating
from copydesk_api.parameters import LettersParameters, Parameters
from copydesk_api.problems import INVALID_CURSOR, INVALID_PARAMETER, NOT_FOUND, UNAVAILABLE, ParameterError, Problem
from copydesk_api.routes import FIRST, JSON, link
from copydesk_api.web import dead_letters as web
from copydesk_api.web.forms import form_of
from copydesk_shared.errors import UserError
from copydesk_shared.letters.selection import ID, Id, Selection, parse_id
from copydesk_shared.log import LogError

T = TypeVar("T")

MOST_AT_ONCE = 100
CHOSEN = "letter:"
api = router("dead letters")
pages = APIRouter(include_in_schema=False, dependencies=FIRST)


async def _letters(request: Request) -> DeadLetters:
    operating: Operating = request.app.state.operating
    if operating.letters is None:
        raise Problem(UNAVAILABLE, "This service is run without brokers.")
    return operating.letters


TheLetters = Annotated[DeadLetters, Depends(_letters)]
Partition = Annotated[int, Path(ge=0, le=10**9, description="The part of the id before the slash.")]
Offset = Annotated[int, Path(ge=0, le=10**18, description="The part of the id behind the slash.")]


class LetterReplay(Body):
    """Which letters to bring back."""

    ids: Annotated[
        list[Annotated[str, Field(max_length=40, json_schema_extra={"pattern": f"^{ID.pattern}$"})]],
        Field(min_length=1, max_length=MOST_AT_ONCE, description="As in the list: partition/offset."),
    ]


async def _asked(question: Awaitable[T]) -> T:
    """The answer of the brokers. Raises :class:`Problem` when they cannot be used, or there is no such letter."""
    try:
        return await question
    except LogError as error:
        raise Problem(UNAVAILABLE, f"The brokers cannot be used: {' '.join(str(error).split())}.") from None
    except UserError as error:
        raise Problem(NOT_FOUND, f"{error}.") from None


def _selection(parameters: LettersParameters) -> Selection:
    return Selection(
        reasons=frozenset((parameters.reason,)) if parameters.reason else frozenset(),
        stages=frozenset((parameters.stage,)) if parameters.stage else frozenset(),
        source=parameters.source,
    )


def _before(parameters: LettersParameters) -> Ends | None:
    try:
        return parse_ends(parameters.cursor) if parameters.cursor else None
    except ValueError as error:
        raise Problem(
            INVALID_CURSOR, f"cursor: {error}", [ParameterError(parameter="cursor", detail=str(error))]
        ) from None


def _ids(texts: list[str]) -> list[Id]:
    try:
        return [parse_id(text) for text in texts]
    except ValueError as error:
        raise Problem(INVALID_PARAMETER, f"{error}.") from None


@api.get("/dead-letters", summary="Dead letters, the newest first", response_model=LetterList)
async def list_dead_letters(
    parameters: Annotated[LettersParameters, Query()], letters: TheLetters, _admin: Admin
) -> Response:
    """What could not be handled, with the reason. A page with filters may be short, or empty, and there be more."""
    page = await _asked(letters.page(_selection(parameters), parameters.limit, _before(parameters)))
    cursor = ends_text(page.older) if page.older else None
    given = [(name, str(value)) for name, value in parameters.model_dump(exclude_defaults=True).items()]
    others = [pair for pair in given if pair[0] != "cursor"]
    following = link("/v1/dead-letters", [*others, ("cursor", cursor)]) if cursor else {}
    body = letter_list(page, cursor).model_dump_json().encode()
    return Response(body, headers={**KEPT_NOWHERE, **following}, media_type=JSON)


@api.get("/dead-letters/{partition}/{offset}", summary="One dead letter", responses=MISSING)
async def get_dead_letter(
    partition: Partition, offset: Offset, _parameters: Annotated[Parameters, Query()], letters: TheLetters,
    _admin: Admin,
) -> LetterAnswer:  # fmt: skip
    """All of it: the error, and headers and value of the record as it was."""
    return letter_answer(await _asked(letters.letter((partition, offset))))


@api.post(
    "/dead-letters/replay",
    summary="Bring dead letters back",
    responses=MISSING,
)
async def replay_dead_letters(replay: LetterReplay, letters: TheLetters, _admin: Admin) -> ReplayAnswer:
    """To the stage that gave them up, as `copydesk dead-letters replay` does.

    What a letter becomes has the ids it would have had, so that replaying it twice does no harm. One that cannot be
    handled again is a new dead letter.
    """
    return replay_answer(await _asked(letters.replay(_ids(replay.ids))))


@pages.get("/dead-letters")
async def letters_page(
    parameters: Annotated[LettersParameters, Query()], letters: TheLetters, _admin: Admin
) -> HTMLResponse:
    page = await _asked(letters.page(_selection(parameters), parameters.limit, _before(parameters)))
    return HTMLResponse(web.letters_page(page, parameters), headers=KEPT_NOWHERE)


@pages.get("/dead-letters/{partition}/{offset}")
async def letter_page(
    partition: Partition, offset: Offset, _parameters: Annotated[Parameters, Query()], letters: TheLetters,
    _admin: Admin,
) -> HTMLResponse:  # fmt: skip
    return HTMLResponse(web.letter_page(await _asked(letters.letter((partition, offset)))), headers=KEPT_NOWHERE)


@pages.post("/dead-letters/replay")
async def replay_page(request: Request, letters: TheLetters, _admin: Admin) -> HTMLResponse:
    """What the forms of the pages send; a browser sends it for pages of this site only (see ``access``)."""
    chosen = [name.removeprefix(CHOSEN) for name in await form_of(request) if name.startswith(CHOSEN)]
    if not chosen:
        return HTMLResponse(web.replayed_page(None), HTTPStatus.BAD_REQUEST, KEPT_NOWHERE)
    outcome = await _asked(letters.replay(_ids(chosen[:MOST_AT_ONCE])))
    return HTMLResponse(web.replayed_page(outcome), headers=KEPT_NOWHERE)
