"""A service that holds something of everything, for who tries all of its calls."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path

import pytest

from copydesk_api.push import desk as push
from copydesk_api.store import Store
from copydesk_shared.kafka import connect
from tests.api.desk import Desk, desk_with_broker
from tests.api.pushing import LOOPBACK
from tests.api.samples import COURIER, article, fused_article
from tests.api.target import Target, target
from tests.standalone.letters import letter

NEWS_SECONDS = 0.1
BODIES = {
    "/v1/keys": [{"name": "a reader"}, {"name": "a writer", "scope": "write"}],
    "/v1/feeds": [{"url": f"https://gull.example/{each}.xml", "id": each} for each in ("first", "second", "third")],
    "/v1/articles": [{"url": "https://gull.example/handed-in", "text": "A paragraph.\nAnother one."}],
}


async def _to_loopback(_host: str, _port: int) -> Sequence[str]:
    return ["127.0.0.1"]


@asynccontextmanager
async def furnished_desk(store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """It runs with a broker, every name leads to this machine, and something is new all the time."""
    monkeypatch.setattr(push, "Resolver", lambda _threads: _to_loopback)
    _write_articles(store)
    settings = {
        "rate_key": "off", "rate_address": "off", "heartbeat_seconds": 0.2, "push_allow_networks": LOOPBACK,
        "push_timeout_seconds": 2.0, "websub_hub": True, "base_url": "https://news.example",
    }  # fmt: skip
    parts = ("feeds", "outlet", "pipeline")
    async with target() as there, desk_with_broker(store, folder, parts=parts, **settings) as desk:
        await _furnish(desk, there)
        news = asyncio.create_task(_write_news(store))
        try:
            yield desk
        finally:
            news.cancel()
            with suppress(asyncio.CancelledError):
                await news


def _write_articles(store: Store) -> None:
    store.write([(name, article(name, minutes=each)) for each, name in enumerate("abcdefgh")], {})
    store.write([("b", article("b", 2, "Another text.", source=COURIER)), ("fused", fused_article())], {})
    store.write([("a", None)], {})


async def _furnish(desk: Desk, there: Target) -> None:
    for path, bodies in BODIES.items():
        for body in bodies:
            (await desk.client.post(path, json=body)).raise_for_status()
    for filters in ({}, {"tag": ["conflict"], "language": "en"}):
        made = await desk.client.post("/v1/webhooks", json={"url": there.url(), "filters": filters})
        for _ in range(2):
            (await desk.client.post(f"/v1/webhooks/{made.json()['webhook_id']}/test")).raise_for_status()
    async with connect(desk.brokers, client_id="test") as log:
        for number in range(3):
            await (await log.send(letter(f"k{number}", b'{"n": 1}', error="boom")))


async def _write_news(store: Store) -> None:
    """One is revised each time; one comes and goes, since whoever follows the stream is told of removals in any case."""
    for revision in count(1):
        news = article("news", revision, f"This is said for the {revision}. time.")
        brief = article("brief", revision, f"Brief {revision}.") if revision % 2 else None
        await asyncio.to_thread(store.write, [("news", news), ("brief", brief)], {})
        await asyncio.sleep(NEWS_SECONDS)
