"""The database goes away while articles arrive and readers ask, and comes back: nothing is lost, nothing comes twice."""

import asyncio
import signal
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from copydesk_api import database
from copydesk_api.app import create_app
from copydesk_api.index import IndexSink
from copydesk_api.key_store import KeyStore
from copydesk_api.keys import Scope
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Store
from copydesk_shared import sink
from copydesk_shared.errors import Retryable
from copydesk_shared.service import Service
from copydesk_shared.sink import run_sink
from copydesk_shared.testing import MemoryBroker, service
from copydesk_shared.topics import CLASSIFIED
from copydesk_shared.wire import encode, tombstone
from tests.api.samples import article
from tests.api.servers import own_postgres, serving

ASKED = ("/v1/articles", "/v1/articles/a1", "/v1/articles?q=copy", "/v1/changes", "/v1/tags", "/v1/feed.json", "/")


@asynccontextmanager
async def indexing(store: Store, broker: MemoryBroker) -> AsyncIterator[Service]:
    """The index at work, as in the service."""
    running = service()
    index = IndexSink(store)
    task = asyncio.create_task(run_sink(index, running, broker.open_log(index.name, CLASSIFIED.name)))
    try:
        yield running
    finally:
        running.stopping.set()
        await asyncio.wait_for(task, 60)


def publish(broker: MemoryBroker, start: int, stop: int) -> None:
    for number in range(start, stop):
        broker.append(encode(CLASSIFIED, article(f"a{number}", minutes=number), stage="classifier", version="1"))


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(90):
        while not await asyncio.to_thread(what):
            await asyncio.sleep(0.02)


def has_read(store: Store, ends: Mapping[int, int]) -> Callable[[], bool]:
    def look() -> bool:
        try:
            return store.positions() == ends
        except Retryable:
            return False

    return look


async def ask(base_url: str) -> dict[str, httpx.Response]:
    async with httpx.AsyncClient(base_url=base_url, timeout=30) as client:
        return {path: await client.get(path) for path in ASKED}


def assert_nothing_is_lost(store: Store) -> None:
    changes = store.changes(0, 200)
    assert sorted(change.article_id for change in changes) == sorted(f"a{number}" for number in range(60))
    told = {change.article_id: (change.revision, change.kind.value) for change in changes}
    assert (told["a3"], told["a4"]) == ((2, "article"), (1, "tombstone"))
    assert {each for name, each in told.items() if name not in ("a3", "a4")} == {(1, "article")}
    assert [change.position for change in changes][-1] == 62


@pytest.fixture(autouse=True)
def _soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink, "LONGEST_BACKOFF_SECONDS", 0.5)


@pytest.mark.postgres
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["shut down", "crashed"])
async def test_postgresql_goes_away_and_comes_back(how: signal.Signals) -> None:
    with own_postgres() as server, closing(Store.open(server.url)) as store:
        broker = MemoryBroker()
        with serving(create_app(store, ApiSettings())) as base_url:
            async with indexing(store, broker) as running:
                publish(broker, 0, 30)
                await until(has_read(store, {0: 30}))
                assert {answer.status_code for answer in (await ask(base_url)).values()} == {200}
                await asyncio.to_thread(server.stop, how)
                publish(broker, 30, 60)
                broker.append(encode(CLASSIFIED, article("a3", 2, "Corrected."), stage="classifier", version="1"))
                broker.append(tombstone(CLASSIFIED, "a4", stage="api"))
                for path, answer in (await ask(base_url)).items():
                    assert (path, answer.status_code) == (path, 503)
                    assert int(answer.headers["retry-after"]) > 0
                await until(lambda: not running.health.is_ready("api"))
                assert "the database cannot be used" in running.health.why_not()["api"]
                assert running.health.live_report()[0]
                await asyncio.to_thread(server.start)
                await until(has_read(store, {0: 62}))
                await until(lambda: running.health.is_ready("api"))
                assert {answer.status_code for answer in (await ask(base_url)).values()} == {200}
        assert_nothing_is_lost(store)


async def test_a_locked_file_is_read_from_and_written_to_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copydesk_api.database.BUSY_TIMEOUT_MS", 50)
    path = tmp_path / "api.db"
    with closing(Store.open(f"sqlite:///{path}")) as store:
        broker = MemoryBroker()
        with serving(create_app(store, ApiSettings())) as base_url:
            async with indexing(store, broker) as running:
                publish(broker, 0, 30)
                await until(has_read(store, {0: 30}))
                with closing(sqlite3.connect(path, isolation_level=None)) as other:
                    other.execute("BEGIN IMMEDIATE")
                    publish(broker, 30, 60)
                    broker.append(encode(CLASSIFIED, article("a3", 2, "Corrected."), stage="classifier", version="1"))
                    broker.append(tombstone(CLASSIFIED, "a4", stage="api"))
                    await until(lambda: not running.health.is_ready("api"))
                    assert {answer.status_code for answer in (await ask(base_url)).values()} == {200}
                    assert store.positions() == {0: 30}
                await until(has_read(store, {0: 62}))
        assert_nothing_is_lost(store)


class Silent:
    """What is asked has no answer until it is let go."""

    def __init__(self, question: Callable[..., Any]) -> None:
        self._question = question
        self.goes_on = threading.Event()

    def __call__(self, *given: Any) -> Any:
        assert self.goes_on.wait(60)
        return self._question(*given)


@pytest.mark.parametrize("what", ["standing", "keys"])
def test_a_database_that_takes_questions_and_says_nothing_is_away(
    store: Store, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(database, "SILENT_SECONDS", 0.3)
    key = KeyStore(store.engine).create("a reader", Scope.READ)
    silent = Silent(store.standing if what == "standing" else KeyStore(store.engine).find)
    if what == "standing":
        monkeypatch.setattr(store, "standing", silent)
    else:
        monkeypatch.setattr(KeyStore, "find", lambda _self, token: silent(token))
    headers = {"Authorization": f"Bearer {key.token}"} if what == "keys" else {}
    with serving(create_app(store, ApiSettings())) as url, httpx.Client(base_url=url, headers=headers) as client:
        try:
            for path in ("/v1/articles", "/v1/changes", "/", "/v1/articles"):
                answer = client.get(path, timeout=30)
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), path
        finally:
            silent.goes_on.set()
        monkeypatch.setattr(database, "SILENT_SECONDS", 30)
        assert client.get("/v1/articles", timeout=60).status_code == 200
