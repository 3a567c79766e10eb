"""What webhooks are sent, as the OpenAPI document tells it."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, Field

from copydesk_api.bodies import ChangeItem

told = APIRouter()


class ChangeEvent(BaseModel):
    """A change of the feed."""

    type: Literal["article.published", "article.revised", "article.retagged", "article.removed"]
    timestamp: AwareDatetime = Field(description="When the change was indexed.")
    cursor: str = Field(description="What /v1/changes takes as after to go on from here.")
    data: ChangeItem


class Notice(BaseModel):
    """What is no change: the feed was built anew and is to be read from its beginning, or a test was asked for."""

    type: Literal["feed.reset", "webhook.test"]
    timestamp: AwareDatetime
    data: dict[str, str]


@told.post(
    "event",
    summary="A change of the feed, or a notice",
    status_code=204,
    response_class=Response,
    operation_id="webhook_event",
    responses={"4XX": {"description": "Not taken: the same comes again, but for 410, which ends it."}},
)
def event(_event: ChangeEvent | Notice) -> None:
    """Signed as Standard Webhooks says: webhook-id, webhook-timestamp and webhook-signature.

    Any status of 200 to 299 takes it.
    """
