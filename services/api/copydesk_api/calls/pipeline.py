"""How the pipeline goes: ``/v1/pipeline`` and its page."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from copydesk_api.calls.sources import NOW
from copydesk_api.operating.parts import Operating
from copydesk_api.operating.pipeline import Pipeline
from copydesk_api.operating.pipeline_bodies import PipelineAnswer, pipeline_answer
from copydesk_api.parameters import Parameters
from copydesk_api.routes import JSON, PROBLEM
from copydesk_api.web.pipeline import pipeline_page

api = APIRouter(prefix="/v1", dependencies=NOW, responses=PROBLEM)
pages = APIRouter(include_in_schema=False, dependencies=NOW)


async def _pipeline(request: Request) -> Pipeline:
    operating: Operating = request.app.state.operating
    return operating.pipeline


ThePipeline = Annotated[Pipeline, Depends(_pipeline)]


@api.get("/pipeline", summary="How the pipeline goes", response_model=PipelineAnswer)
def get_pipeline(_parameters: Annotated[Parameters, Query()], pipeline: ThePipeline) -> Response:
    """Lag and throughput of each stage, dead letters, and how long articles take; now and in the last half hour.

    As this replica has seen it: another one may know another half hour.
    """
    return Response(pipeline_answer(pipeline).model_dump_json().encode(), media_type=JSON)


@pages.get("/pipeline")
def page(_parameters: Annotated[Parameters, Query()], pipeline: ThePipeline) -> HTMLResponse:
    return HTMLResponse(pipeline_page(pipeline))
