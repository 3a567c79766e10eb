"""Writers and pollers at once: what every poller has collected equals what was written, with nothing twice."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from copydesk_api.store import Store
from copydesk_shared.messages import ClassifiedArticle
from tests.api.samples import article

WRITERS = 2
POLLERS = 3
ROUNDS = 25
IDS = 30

OpenStore = Callable[[], Store]
Seen = list[tuple[int, str, int]]


def _rounds(writer: int) -> list[list[tuple[str, ClassifiedArticle | None]]]:
    """Batches with new articles, later revisions, tombstones and redelivered ones."""
    chance = random.Random(writer)
    batches: list[list[tuple[str, ClassifiedArticle | None]]] = []
    for number in range(ROUNDS):
        batch: list[tuple[str, ClassifiedArticle | None]] = []
        for _ in range(chance.randint(1, 6)):
            article_id = f"w{writer}-{chance.randrange(IDS)}"
            gone = chance.random() < 0.1
            batch.append((article_id, None if gone else article(article_id, number + 1, f"text {number}")))
        batches += [batch] * chance.choice((1, 1, 2))
    return batches


def _write(store: Store, writer: int) -> None:
    for number, batch in enumerate(_rounds(writer)):
        store.write(batch, {writer: number})


def _poll(store: Store, finished: threading.Event) -> Seen:
    seen: Seen = []
    after = 0
    while True:
        last_look = finished.is_set()
        found = store.changes(after, 7)
        seen += ((change.position, change.article_id, change.revision) for change in found)
        after = found[-1].position if found else after
        if not found and last_look:
            return seen


def test_pollers_miss_nothing_and_get_nothing_twice(open_store: OpenStore) -> None:
    finished = threading.Event()
    stores = [open_store() for _ in range(WRITERS + POLLERS)]
    with ThreadPoolExecutor(WRITERS + POLLERS) as pool:
        polls = [pool.submit(_poll, store, finished) for store in stores[WRITERS:]]
        writes = [pool.submit(_write, stores[writer], writer) for writer in range(WRITERS)]
        try:
            for write in writes:
                write.result()
        finally:
            finished.set()
        collected = [poll.result() for poll in polls]
    final = stores[0].changes(0, 200)
    newest = {change.article_id: (change.position, change.revision) for change in final}
    assert len(newest) == len(final) > IDS
    for seen in collected:
        positions = [position for position, _, _ in seen]
        assert positions == sorted(set(positions))
        assert {article_id: (position, revision) for position, article_id, revision in seen} == newest
