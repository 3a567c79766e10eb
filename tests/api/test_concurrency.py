"""Writers that are killed, and pollers, all at once: every poller collects all that was written, with nothing twice."""

import multiprocessing
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from copydesk_api.store import Store
from tests.api.writers import ROUNDS, once, write_all

WRITERS = 4
POLLERS = 8
KILLS = 1

OpenStore = Callable[[], Store]
Seen = list[tuple[int, str, int]]


def _write_and_be_killed(url: str, store: Store, writer: int) -> int:
    """Run the writer; kill it where chance says, and start it again until it has come to its end. Counts the kills."""
    # Processes of one server start at once; each of them is one that nothing of ours is shared with.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.api.writers"])
    chance = random.Random(f"kill {writer}")
    kills = 0
    deadlines = sorted(chance.sample(range(1, ROUNDS), KILLS))
    while True:
        process = context.Process(target=write_all, args=(url, writer))
        process.start()
        while process.is_alive() and (kills == KILLS or _offset(store, writer) < deadlines[kills]):
            process.join(0.02)
        process.kill()
        process.join()
        kills += process.exitcode != 0
        if process.exitcode == 0:
            process.close()
            return kills


def _offset(store: Store, writer: int) -> int:
    return store.positions([writer]).get(writer, 0)


def _poll(store: Store, finished: threading.Event) -> Seen:
    """Follow the feed; now and then connections are lost, as in a failover, and only the cursor is left."""
    seen: Seen = []
    after = 0
    while True:
        last_look = finished.is_set()
        found = store.changes(after, 7)
        seen += ((change.position, change.article_id, change.revision) for change in found)
        after = found[-1].position if found else after
        if after % 5 == 0:
            store.engine.dispose()
        if not found and last_look:
            return seen
        time.sleep(0 if found else 0.03)


def test_pollers_miss_nothing_and_get_nothing_twice(open_store: OpenStore, database: str) -> None:
    finished = threading.Event()
    stores = [open_store() for _ in range(WRITERS + POLLERS)]
    with ThreadPoolExecutor(WRITERS + POLLERS) as pool:
        polls = [pool.submit(_poll, store, finished) for store in stores[WRITERS:]]
        writes = [pool.submit(_write_and_be_killed, database, stores[writer], writer) for writer in range(WRITERS)]
        try:
            kills = sum(write.result() for write in writes)
        finally:
            finished.set()
        collected = [poll.result() for poll in polls]
    assert kills > 0  # one may have ended before its time
    final = stores[0].changes(0, 500)
    newest = {change.article_id: (change.position, change.revision) for change in final}
    assert len(newest) == len(final)
    written_once = set[str]().union(*map(once, range(WRITERS)))
    for seen in collected:
        positions = [position for position, _, _ in seen]
        assert positions == sorted(set(positions))
        ids = [article_id for _, article_id, _ in seen]
        assert sorted(each for each in ids if each in written_once) == sorted(written_once)
        assert {article_id: (position, revision) for position, article_id, revision in seen} == newest
