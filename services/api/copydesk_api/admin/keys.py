"""The calls that make, rotate and remove API keys."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field
from starlette.concurrency import run_in_threadpool

from copydesk_api import keys
from copydesk_api.admin.router import MISSING, Admin, Body, TheKeys, router
from copydesk_api.keys import Key, Made, Scope
from copydesk_api.parameters import Parameters
from copydesk_api.problems import NOT_FOUND, Problem
from copydesk_api.values import Id, Timestamp, Whole
from copydesk_shared.telemetry import get_logger

api = router("keys")
DAY = 24 * 3600
LONGEST_OVERLAP = 90 * DAY
NAME: dict[str, Any] = {"minLength": 1, "maxLength": keys.LONGEST_NAME, "pattern": f"^{keys.NAME.pattern}$"}


def _in_the_future(value: datetime) -> datetime:
    if value <= datetime.now(UTC):
        raise ValueError("that is in the past")
    return value


class NewKey(Body):
    """A key that is wanted."""

    name: Annotated[str, Field(description="Who is to use it.", json_schema_extra=NAME), AfterValidator(keys.key_name)]
    scope: Scope = Field(default=Scope.READ, description="What it is for; write may read, admin may do everything.")
    expires_at: Annotated[Timestamp, AfterValidator(_in_the_future)] | None = Field(
        default=None, description="When it ends; never, where it is left out."
    )


class KeyRotation(Body):
    """How a key is rotated."""

    overlap_seconds: Whole = Field(
        default=DAY, ge=0, le=LONGEST_OVERLAP, description="How long the secret of before is good still."
    )


class SecretItem(BaseModel):
    """A secret of a key, as far as it is known."""

    prefix: str = Field(description="What it begins with, after copydesk_.")
    created_at: AwareDatetime
    valid_until: AwareDatetime | None = Field(description="When it ends, because the key was rotated.")


class KeyItem(BaseModel):
    """An API key."""

    key_id: str
    name: str
    scope: Scope
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    last_used_at: AwareDatetime | None = Field(description="To a minute or so.")
    secrets: list[SecretItem] = Field(description="The newest first.")


class MadeKey(KeyItem):
    """An API key with its secret."""

    token: str = Field(description="The secret. It is shown this once.")


class KeyList(BaseModel):
    """All API keys, the oldest first."""

    items: list[KeyItem]
    next: None = None


KeyId = Annotated[Id, Path(description="The id of a key.")]


def key_item(key: Key) -> KeyItem:
    """The key as the calls and the command show it."""
    return KeyItem.model_validate(key, from_attributes=True)


def made_key(made: Made) -> MadeKey:
    """The key with its secret."""
    return MadeKey(**key_item(made.key).model_dump(), token=made.token)


@api.get("/keys", summary="The API keys")
async def list_keys(_caller: Admin, _parameters: Annotated[Parameters, Query()], ring: TheKeys) -> KeyList:
    """Without their secrets, of which only digests are kept. A key that has expired stays until it is removed."""
    return KeyList(items=[key_item(key) for key in await run_in_threadpool(ring.store.list_keys)])


@api.post("/keys", summary="A new API key", status_code=201)
async def create_key(caller: Admin, wanted: NewKey, ring: TheKeys) -> MadeKey:
    """The answer holds its secret, this once."""
    made = await run_in_threadpool(ring.store.create, wanted.name, wanted.scope, wanted.expires_at)
    get_logger().info("a key was made", key_id=made.key.key_id, scope=made.key.scope, by=caller.key_id)
    return made_key(made)


@api.post("/keys/{key_id}/rotate", summary="A new secret for an API key", responses=MISSING)
async def rotate_key(caller: Admin, key_id: KeyId, ring: TheKeys, rotation: KeyRotation | None = None) -> MadeKey:
    """The answer holds it, this once. The secret of before is good for a while, so that it can be replaced."""
    overlap = timedelta(seconds=(rotation or KeyRotation()).overlap_seconds)
    made = await run_in_threadpool(ring.store.rotate, key_id, overlap)
    if made is None:
        raise _missing(key_id)
    ring.forget()
    get_logger().info("a key was rotated", key_id=key_id, by=caller.key_id)
    return made_key(made)


@api.delete("/keys/{key_id}", summary="Remove an API key", status_code=204, responses=MISSING)
async def remove_key(caller: Admin, key_id: KeyId, ring: TheKeys) -> None:
    """Nobody gets in with it any more; other replicas of the service take note within seconds."""
    if not await run_in_threadpool(ring.store.remove, key_id):
        raise _missing(key_id)
    ring.forget()
    get_logger().info("a key was removed", key_id=key_id, by=caller.key_id)


def _missing(key_id: str) -> Problem:
    return Problem(NOT_FOUND, f"There is no key {key_id!r}.")
