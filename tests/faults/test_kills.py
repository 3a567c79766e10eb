"""``kill -9`` of services and of their workers at random while articles flow: nothing is lost, nothing shows twice.

``COPYDESK_FAULT_ARTICLES=20000 pytest tests/faults/test_kills.py`` is the run by hand.
"""

import logging
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from copydesk_shared.topics import CLASSIFIED, CLEANED, DEAD_LETTER, DISCOVERED, FETCHED
from tests.faults.cluster import Cluster
from tests.faults.newsroom import Newsroom
from tests.faults.pods import Fleet, Pod
from tests.faults.subscriber import Subscriber, listed

ARTICLES = int(os.environ.get("COPYDESK_FAULT_ARTICLES", "240"))
DATABASE = os.environ.get("COPYDESK_FAULT_DATABASE", "")
BY_HAND = ARTICLES > 1000
SECONDS = 3_600 if BY_HAND else 300
SERVICES = ("fetcher", "cleaner", "classifier", "api")
ARTICLES_BETWEEN_KILLS = 50 if BY_HAND else 5
BETWEEN_KILLS = (3.0, 20.0) if BY_HAND else (0.3, 1.5)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(SECONDS + 60)]


def _victims(chance: random.Random) -> Iterator[tuple[str, bool]]:
    """A service, and whether a worker of it dies instead. The ordinary run has each once; by hand they go on."""
    each = [(name, False) for name in SERVICES] + [("cleaner", True), ("classifier", True)]
    while True:
        chance.shuffle(each)
        yield from each
        if not BY_HAND:
            return


class Killer:
    """Kills at random times, a few articles apart at least: on a busy machine nothing would come between them."""

    def __init__(self, fleet: Fleet, seed: int) -> None:
        self._chance = random.Random(seed)
        self._victims = _victims(self._chance)
        self._fleet = fleet
        self._next = next(self._victims, None)
        self._at = time.monotonic()
        self._count = 0
        self.kills = 0
        self.worker_kills = 0

    @property
    def is_done(self) -> bool:
        return self._next is None

    def step(self, count: int) -> None:
        """Kill who is next, when it is time, enough articles have come and there is somebody to kill."""
        if self._next is None or time.monotonic() < self._at or count < self._count:
            return
        name, is_worker = self._next
        pod = self._fleet.pods[name]
        if self._kill_worker(pod) if is_worker else self._kill(pod):
            self._next = next(self._victims, None)
            self._count = count + ARTICLES_BETWEEN_KILLS
            self._at = time.monotonic() + self._chance.uniform(*BETWEEN_KILLS)

    def _kill(self, pod: Pod) -> bool:
        if not pod.is_ready():
            return False
        pod.kill()
        self.kills += 1
        return True

    def _kill_worker(self, pod: Pod) -> bool:
        workers = pod.workers() if pod.is_ready() else []
        if not workers:
            return False
        self._chance.choice(workers).kill()
        self.worker_kills += 1
        return True


def _start(fleet: Fleet, newsroom: Newsroom, folder: Path) -> Pod:
    feeds = folder / "feeds.yaml"
    feeds.write_text(newsroom.feeds_file("5s" if BY_HAND else "1s"))
    # The fetcher and the cleaner come back under their names, the classifier as somebody new: both ways are in use.
    fleet.add("fetcher", named=True, feeds_file=feeds)
    fleet.add("cleaner", named=True)
    fleet.add("classifier")
    return fleet.add("api", database_url=DATABASE or f"sqlite:///{folder}/store.db")


def test_kills_at_random_lose_nothing_and_show_nothing_twice(cluster: Cluster, tmp_path: Path) -> None:
    seed = random.randrange(1_000_000)
    _tell(f"seed {seed}")
    per_feed = 100 if BY_HAND else 10
    with Newsroom(ARTICLES, per_feed) as newsroom, Fleet(cluster.servers, tmp_path) as fleet:
        api = _start(fleet, newsroom, tmp_path)
        fleet.until(lambda: all(pod.is_ready() for pod in fleet.pods.values()), "all ready")
        subscriber, killer = Subscriber(api), Killer(fleet, seed)
        deadline, told = time.monotonic() + SECONDS, 0
        while len(subscriber) < ARTICLES:
            assert time.monotonic() < deadline, f"{len(subscriber)} of {ARTICLES}, seed {seed}"
            killer.step(len(subscriber))
            fleet.tend()
            if len(subscriber) >= told + ARTICLES // 20:
                told = len(subscriber)
                _tell(f"{told} articles, {killer.kills} services and {killer.worker_kills} workers killed")
            if not subscriber.poll():
                time.sleep(0.05)
            # The last tenth comes out when all kills are done, so that every kill has articles to lose.
            ahead = ARTICLES if killer.is_done or BY_HAND else ARTICLES * 9 // 10
            newsroom.published = min(ahead, len(subscriber) + ARTICLES // 8)
        _settle(subscriber)
        _assert_reconciled(cluster, newsroom, subscriber, api)
        for pod in fleet.pods.values():
            pod.assert_no_orphans()
        fleet.stop()
        _report(cluster, killer)


def _settle(subscriber: Subscriber) -> None:
    """What comes twice comes late: wait until nothing has come for a moment."""
    quiet_at = time.monotonic() + 2
    while time.monotonic() < quiet_at:
        if subscriber.poll():
            quiet_at = time.monotonic() + 2
        time.sleep(0.05)


def _assert_reconciled(cluster: Cluster, newsroom: Newsroom, subscriber: Subscriber, api: Pod) -> None:
    wanted = {newsroom.story_url(number) for number in range(newsroom.total)}
    assert subscriber.lost(wanted) == set()
    assert subscriber.duplicates() == []
    rows = listed(api)
    assert len({row["article_id"] for row in rows}) == len(rows) == newsroom.total
    assert {row["canonical_url"] for row in rows} == wanted
    assert cluster.records(DEAD_LETTER.name) == []


def _report(cluster: Cluster, killer: Killer) -> None:
    twice = {}
    for topic in (DISCOVERED, FETCHED, CLEANED, CLASSIFIED):
        records = cluster.records(topic.name)
        twice[topic.name] = len(records) - len({record.header("ce_id") for record in records})
    _tell(
        f"{cluster.kind}: {ARTICLES} articles, {killer.kills} kills of services, {killer.worker_kills} of workers, "
        f"lost 0, shown twice 0, handled twice {twice}"
    )


def _tell(line: str) -> None:
    logging.getLogger(__name__).info("%s", line)
