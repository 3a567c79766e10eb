"""The index made anew while the old one is served and written to."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from sqlalchemy import inspect

from copydesk_api import rebuilding
from copydesk_api.app import create_app
from copydesk_api.drafts import SUFFIX, Draft
from copydesk_api.filters import Filters
from copydesk_api.index import IndexSink
from copydesk_api.rebuilding import rebuild
from copydesk_api.search import parse_terms
from copydesk_api.settings import ApiSettings
from copydesk_api.store import Keep, Store
from copydesk_shared.errors import SettingsError
from copydesk_shared.log import LogError, Outgoing
from copydesk_shared.messages import ClassifiedArticle
from copydesk_shared.sink import run_sink
from copydesk_shared.testing import MemoryBroker, service
from copydesk_shared.topics import CLASSIFIED
from copydesk_shared.wire import encode, tombstone
from tests.api.samples import article, fused_article
from tests.api.servers import serving

KEEP = Keep()
OpenStore = Callable[[], Store]


def append(broker: MemoryBroker, *messages: ClassifiedArticle) -> None:
    for message in messages:
        broker.append(encode(CLASSIFIED, message, stage="classifier", version="1"))


def filled(partitions: int = 3) -> MemoryBroker:
    """A topic with revisions, a tombstone, an article that came back and a record that nobody can read."""
    broker = MemoryBroker(partitions)
    append(broker, fused_article(), *(article(f"a{number}", minutes=number) for number in range(40)))
    append(broker, article("a1", 2, "second"), article("a1", 3, "third"))
    broker.append(tombstone(CLASSIFIED, "a2", stage="api"))
    append(broker, article("back"))
    broker.append(tombstone(CLASSIFIED, "back", stage="api"))
    append(broker, article("back", 2, "It came back."))
    broker.append(Outgoing(CLASSIFIED.name, b"rubbish", b"{"))
    return broker


def ends(broker: MemoryBroker) -> dict[int, int]:
    counts = {number: len(broker.records((CLASSIFIED.name, number))) for number in range(broker.partitions)}
    return {number: count for number, count in counts.items() if count}


async def index(store: Store, broker: MemoryBroker, stop: asyncio.Event | None = None) -> None:
    """Follow the topic as the service does, to its end or until told."""
    running = service()
    sink = IndexSink(store)
    task = asyncio.create_task(run_sink(sink, running, broker.open_log(sink.name, CLASSIFIED.name)))
    async with asyncio.timeout(60):
        if stop is not None:
            await stop.wait()
        while await asyncio.to_thread(store.positions) != ends(broker):
            await asyncio.sleep(0.01)
    running.stopping.set()
    await asyncio.wait_for(task, 60)


def articles(store: Store) -> dict[str, ClassifiedArticle]:
    found = map(ClassifiedArticle.model_validate_json, store.articles(Filters(), None, 200).documents)
    return {each.article_id: each for each in found}


def contents(store: Store) -> dict[str, object]:
    """All that readers can see, but for positions and times."""
    return {
        "articles": articles(store),
        "tags": store.tags(),
        "gone": [store.article(article_id) for article_id in ("a2", "rubbish")],
        "history": [each.revision for each in store.revisions("a1", 10).revisions],
        "found": store.articles(Filters(terms=parse_terms("cargo plane")), None, 10).documents,
        "changes": {(change.article_id, change.revision, change.kind) for change in store.changes(0, 200)},
        "offsets": store.positions(),
    }


def lines() -> tuple[list[str], Callable[[str], None]]:
    said: list[str] = []
    return said, said.append


def leftovers(store: Store) -> list[str]:
    if store.engine.dialect.name == "sqlite":
        path = Path(store.engine.url.database or "")
        return [each.name for each in path.parent.glob(f"*.{SUFFIX}*") if not each.name.endswith(".lock")]
    with store.engine.connect() as connection:
        return [name for name in inspect(connection).get_schema_names() if name.endswith(SUFFIX)]


async def test_the_new_index_is_what_the_topic_says(store: Store) -> None:
    broker = filled()
    await index(store, broker)
    before, old = contents(store), store.standing()
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE articles SET document = replace(document, 'second', 'spoilt')")
        connection.exec_driver_sql("DELETE FROM article_tags")
    assert contents(store) != before
    said, tell = lines()
    standing = await rebuild(store, KEEP, broker.follow, tell)
    assert contents(store) == before
    assert standing == store.standing()
    assert standing.feed != old.feed
    assert standing.position > 40
    assert said[0].endswith("offsets to go")
    assert leftovers(store) == []
    append(broker, article("later"))
    await index(store, broker)
    assert store.changes(standing.position, 9)[0].article_id == "later"


async def test_it_is_served_and_written_to_meanwhile(open_store: OpenStore) -> None:
    broker, store = filled(), open_store()
    await index(store, broker)
    finished, arrived, bad = threading.Event(), asyncio.Event(), list[str]()

    def read(base_url: str) -> int:
        rounds, after, seen = 0, "", set[str]()
        with httpx.Client(base_url=base_url, timeout=30) as client:
            while not finished.is_set():
                answer = client.get("/v1/changes", params={"after": after} if after else {})
                if answer.status_code == 400 and "built anew" in answer.text:
                    after, seen = "", set()
                elif answer.status_code == 200:
                    page = answer.json()
                    after = page["next"]
                    seen |= {item["article_id"] for item in page["items"]}
                else:
                    bad.append(answer.text)
                listed = client.get("/v1/articles?limit=200").json()
                if len(listed["items"]) < 40:
                    bad.append("a half index was shown")
                rounds += 1
        return rounds

    async def publish() -> None:
        for number in range(60):
            append(broker, article(f"n{number}"), article(f"a{number % 40}", 9 + number, f"now {number}"))
            await asyncio.sleep(0.005)
        arrived.set()

    with serving(create_app(store, ApiSettings())) as base_url:
        reading = asyncio.create_task(asyncio.to_thread(read, base_url))
        live = asyncio.create_task(index(open_store(), broker, arrived))
        publishing = asyncio.create_task(publish())
        await asyncio.to_thread(asyncio.run, rebuild(open_store(), KEEP, broker.follow, lambda _line: None))
        await asyncio.gather(publishing, live)
        finished.set()
        assert await reading > 0
    assert bad == []
    served = articles(store)
    assert len(served) == 102
    await rebuild(store, KEEP, broker.follow, lambda _line: None)
    assert articles(store) == served


async def test_stopped_half_way_it_goes_on_from_there(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = filled(1)
    await index(store, broker)
    before, feed = contents(store), store.feed()
    monkeypatch.setattr(rebuilding, "BATCH", 10)
    monkeypatch.setattr(rebuilding, "NEARLY", 0)
    taken = list[int]()
    written = Store.write

    def cut_off(self: Store, batch: object, offsets: dict[int, int]) -> None:
        written(self, batch, offsets)  # type: ignore[arg-type]
        taken.append(offsets[0])
        if len(taken) == 2:
            raise LogError("the broker went away")

    monkeypatch.setattr(Store, "write", cut_off)
    with pytest.raises(LogError, match="went away"):
        await rebuild(store, KEEP, broker.follow, lambda _line: None)
    assert (contents(store), store.feed()) == (before, feed)
    assert leftovers(store) != []
    await rebuild(store, KEEP, broker.follow, lambda _line: None)
    assert taken[:3] == [10, 20, 30]
    assert contents(store) == before
    assert store.feed() != feed


async def test_afresh_begins_at_the_beginning(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = filled(1)
    await index(store, broker)
    draft = Draft(store, KEEP)
    with draft.opened(afresh=True):
        draft.store.write([("made-up", article("made-up"))], {0: 30})
    await rebuild(store, KEEP, broker.follow, lambda _line: None, afresh=True)
    assert store.article("made-up") is None


async def test_a_swap_that_fails_leaves_the_old_index(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = filled()
    await index(store, broker)
    before, feed = contents(store), store.feed()

    def fail(*_arguments: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr(type(Draft(store, KEEP)._place), "replace", fail)
        with pytest.raises(RuntimeError, match="power cut"):
            await rebuild(store, KEEP, broker.follow, lambda _line: None)
    assert (contents(store), store.feed()) == (before, feed)
    store.write([], {0: 1})
    store.write([], before["offsets"])  # type: ignore[arg-type]
    await rebuild(store, KEEP, broker.follow, lambda _line: None)
    assert contents(store) == before


async def test_a_draft_that_has_become_the_index_is_not_used_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = filled()
    await index(store, broker)
    before = contents(store)
    with monkeypatch.context() as patched:
        patched.setattr(Draft, "discard", lambda _self: None)
        first = await rebuild(store, KEEP, broker.follow, lambda _line: None)
    second = await rebuild(store, KEEP, broker.follow, lambda _line: None)
    assert first.feed != second.feed
    assert contents(store) == before
    assert leftovers(store) == []


async def test_one_at_a_time(open_store: OpenStore) -> None:
    store = open_store()
    with Draft(store, KEEP).opened(afresh=False), pytest.raises(SettingsError, match="another rebuild"):
        await rebuild(open_store(), KEEP, filled().follow, lambda _line: None)


async def test_earlier_revisions_that_the_topic_has_lost_are_kept(store: Store) -> None:
    broker = MemoryBroker()
    append(broker, article("a", 3, "three"))
    for number in (1, 2, 3):
        store.write([("a", article("a", number, f"text {number}"))], {0: 1})
        store.write([], {0: 0})
    store.write([("b", article("b"))], {0: 1})
    await rebuild(store, KEEP, broker.follow, lambda _line: None)
    assert [each.revision for each in store.revisions("a", 10).revisions] == [3, 2, 1]
    assert store.article("b") is None
    await rebuild(store, KEEP, broker.follow, lambda _line: None)
    assert [each.revision for each in store.revisions("a", 10).revisions] == [3, 2, 1]
