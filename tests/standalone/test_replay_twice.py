"""A dead letter that is replayed twice, through the classifier and the store: one change for those who poll."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from copydesk_api.index import IndexSink
from copydesk_api.store import Store
from copydesk_classifier.stage import classify
from copydesk_classifier.taxonomy import load_taxonomy
from copydesk_shared.dead_letters import parse, replayed
from copydesk_shared.messages import Article, ClassifiedArticle
from copydesk_shared.runner import run_stage
from copydesk_shared.sink import run_sink
from copydesk_shared.stage import Emit, Stage
from copydesk_shared.testing import MemoryBroker, service
from copydesk_shared.topics import CLASSIFIED, CLEANED, DEAD_LETTER, Tier, retry_topics
from copydesk_shared.wire import decode, encode
from tests.shared.samples import article

GROUP = "classifier"
RETRIES = retry_topics(GROUP)[Tier.SHORT].name


async def _classify(broker: MemoryBroker, until: Callable[[], bool], *, broken: bool) -> None:
    taxonomy = load_taxonomy()

    async def handle(message: Article) -> Emit[ClassifiedArticle]:
        if broken:
            raise KeyError("a bug")
        return Emit(classify(message, taxonomy))

    running = service()
    stage = Stage(GROUP, "1", CLEANED, CLASSIFIED, handle)
    opener = broker.open_log(GROUP, CLEANED.name, RETRIES)
    task = asyncio.create_task(run_stage(stage, running, open_log=opener))
    async with asyncio.timeout(60):
        while not until():
            assert not task.done()
            await asyncio.sleep(0.01)
    running.stopping.set()
    await task


async def _index(broker: MemoryBroker, store: Store) -> None:
    running, sink = service(), IndexSink(store)
    task = asyncio.create_task(run_sink(sink, running, broker.open_log(sink.name, CLASSIFIED.name)))
    async with asyncio.timeout(60):
        while store.positions([0]).get(0, 0) < len(broker.topics[CLASSIFIED.name]):
            await asyncio.sleep(0.01)
    running.stopping.set()
    await task


def _replay(broker: MemoryBroker) -> None:
    for record in broker.topics[DEAD_LETTER.name]:
        broker.append(replayed(parse(record), datetime.now(UTC)))


async def test_replaying_twice_does_no_harm(tmp_path: Path) -> None:
    broker = MemoryBroker()
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}")
    letters, classified = broker.topics[DEAD_LETTER.name], broker.topics[CLASSIFIED.name]
    for number in (1, 2):
        broker.append(encode(CLEANED, article(number), stage="cleaner", version="1"))
    await _classify(broker, lambda: len(letters) == 2, broken=True)
    broker.append(encode(CLEANED, article(2, revision=2), stage="cleaner", version="1"))
    _replay(broker)
    _replay(broker)
    # Both replays of the first revision of the second article come after its second revision, and are dropped.
    await _classify(broker, lambda: len(classified) == 3, broken=False)
    assert len(letters) == 2
    assert len({(record.key, record.header("ce_id")) for record in classified}) == 2
    await _index(broker, store)
    before = store.changes(0, 10)
    assert {(change.article_id, change.revision) for change in before} == {("article-1", 1), ("article-2", 2)}
    _replay(broker)
    # A classifier that has started since does not know of the second revision; the store does.
    await _classify(broker, lambda: len(classified) == 5, broken=False)
    await _index(broker, store)
    assert store.changes(0, 10) == before
    assert [decode(CLASSIFIED, record).revision for record in classified[-2:]] == [1, 1]
    store.close()
