"""From the topic into the store, by the loop that runs in the service."""

import asyncio
from collections.abc import Callable

from copydesk_api.index import IndexSink
from copydesk_api.store import Store
from copydesk_shared.log import Outgoing
from copydesk_shared.messages import ClassifiedArticle
from copydesk_shared.sink import Delivered, run_sink
from copydesk_shared.testing import MemoryBroker, service
from copydesk_shared.topics import CLASSIFIED, DEAD_LETTER
from copydesk_shared.wire import encode, tombstone
from tests.api.samples import article, fused_article

OpenStore = Callable[[], Store]


def append(broker: MemoryBroker, message: ClassifiedArticle) -> None:
    broker.append(encode(CLASSIFIED, message, stage="classifier", version="1"))


async def run_until(store: Store, broker: MemoryBroker, next_offset: int) -> None:
    running = service()
    sink = IndexSink(store)
    task = asyncio.create_task(run_sink(sink, running, broker.open_log(sink.name, CLASSIFIED.name)))
    async with asyncio.timeout(60):
        while store.positions([0]).get(0, 0) < next_offset:
            await asyncio.sleep(0.01)
    running.stopping.set()
    await asyncio.wait_for(task, 60)


async def test_what_is_on_the_topic_is_in_the_store(open_store: OpenStore) -> None:
    broker, store = MemoryBroker(), open_store()
    append(broker, fused_article())
    append(broker, article("b"))
    broker.append(Outgoing(CLASSIFIED.name, b"rubbish", b"{"))
    append(broker, article("b", 2, "second"))
    broker.append(tombstone(CLASSIFIED, "fused", stage="api"))
    await run_until(store, broker, 5)
    changes = store.changes(0, 10)
    assert [(change.kind.value, change.article_id, change.revision) for change in changes] == [
        ("article", "b", 2),
        ("tombstone", "fused", 1),
    ]
    document = changes[0].document or ""
    assert ClassifiedArticle.model_validate_json(document) == article("b", 2, "second")
    assert [letter.key for letter in broker.topics[DEAD_LETTER.name]] == [b"rubbish"]


async def test_a_restart_goes_on_where_the_store_stands(open_store: OpenStore) -> None:
    broker, first = MemoryBroker(), open_store()
    for number in range(3):
        append(broker, article(f"a{number}"))
    await run_until(first, broker, 3)
    first.close()
    second = open_store()
    append(broker, article("a3"))
    await run_until(second, broker, 4)
    assert [(change.position, change.article_id) for change in second.changes(0, 10)] == [
        (number + 1, f"a{number}") for number in range(4)
    ]


def test_what_the_runner_asks_of_a_sink(store: Store) -> None:
    sink = IndexSink(store)
    assert (sink.name, sink.source) == ("api", CLASSIFIED)
    sink.write([Delivered("a", article("a"))], {4: 17})
    assert sink.positions([4, 5]) == {4: 17}
