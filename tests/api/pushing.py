"""A replica that pushes, in this process or in one that is made to be killed."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from copydesk_api.push.desk import Desk
from copydesk_api.push.engine import Pace
from copydesk_api.push.records import CHOOSABLE, Kind, Receiver
from copydesk_api.push.signatures import new_secret
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from copydesk_shared.service import Service
from tests.api.target import LONGEST_WAIT, Received, Target

LOOPBACK = "127.0.0.0/8"
# Patient: a busy machine is no receiver that fails. Where one does not answer, it is waited for less.
QUICK = Pace(timeout=20.0, look=0.05, schedule=(0.05, 0.1))
IMPATIENT = replace(QUICK, timeout=3.0)


def settings(**given: Any) -> ApiSettings:
    quick = {"push_allow_networks": LOOPBACK, "push_timeout_seconds": QUICK.timeout}
    return ApiSettings(**{**quick, "rate_key": "off", "rate_address": "off", **given})


def desk_of(store: Store, **given: Any) -> Desk:
    return Desk(store.engine, settings(**given))


def add_webhook(desk: Desk, there: Target, position: int | None = 0, **given: Any) -> Receiver:
    values = {"url": there.url(), "host": "127.0.0.1", "events": list(CHOOSABLE), "secret": new_secret()}
    return desk.receivers.add(Kind.WEBHOOK, {**values, **given}, position)


@asynccontextmanager
async def replica(store: Store, pace: Pace = QUICK, **given: Any) -> AsyncIterator[Desk]:
    """While it runs."""
    desk = desk_of(store, **{"push_timeout_seconds": pace.timeout, **given})
    service = Service("api", settings(drain_seconds=5.0))
    running = asyncio.create_task(desk.run(service, pace))
    try:
        yield desk
    finally:
        service.stopping.set()
        await running


def run_replica(url: str) -> None:
    """A process of its own, until it is killed."""

    async def run() -> None:
        store = Store.open(url, migrate=False)
        async with replica(store, replace(QUICK, timeout=1.0)):
            await asyncio.sleep(3600)

    asyncio.run(run())


async def until(found: Callable[[], bool]) -> None:
    """Wait for it."""
    async with asyncio.timeout(LONGEST_WAIT):
        while not found():
            await asyncio.sleep(0.02)


def told(request: Received) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(request.body)
    return payload


def ids(received: list[Received]) -> list[str]:
    return [told(each)["data"]["article_id"] for each in received]
