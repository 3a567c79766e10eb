"""What the faults of brokers and of the network have in common: a chain of light stages, and an account of it.

The chain ends in the API's own store, so what is visible there is what a reader of the API would see.
"""

import logging
import os
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest
from confluent_kafka import Producer

from copydesk_shared.topics import CLASSIFIED, CLEANED, DEAD_LETTER, FETCHED, retry_topics
from tests.faults.cluster import BOTH, Cluster
from tests.faults.load import of_pages, page
from tests.faults.pods import Fleet, Pod, samples, until

MODULE = "tests.faults.broker_chain"
BY_HAND = os.environ.get("COPYDESK_FAULT_BROKERS") == "long"
AWAY_SECONDS = 30.0 if BY_HAND else 3.0
RATE = 400 if BY_HAND else 150
CATCH_UP_SECONDS = 240.0 if BY_HAND else 90.0
SESSION_MS = 4000
QUIET_SECONDS = 1.0
PLACES = 20
STANDING = (
    "copydesk_lag_records", "copydesk_stuck_seconds", "copydesk_rebalances_total", "copydesk_kafka_sessions_total",
    "copydesk_records_total",
)  # fmt: skip

# The embedded broker each time, Apache Kafka by hand.
KINDS = BOTH if BY_HAND else BOTH[:1]
mostly_embedded = pytest.mark.parametrize("cluster", KINDS, indirect=True)

logger = logging.getLogger(__name__)


class Feed:
    """Writes pages all the time from a thread of its own. ``written`` are the ids that the broker has acknowledged."""

    def __init__(self, servers: str, rate: int = RATE) -> None:
        self._rate = rate
        self._servers = servers
        self.written: set[str] = set()
        self.refused: list[str] = []

    def __enter__(self) -> Self:
        self.go_on()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        del self._producer  # which would look for its broker for ever

    def go_on(self, *, trickles: bool = False) -> None:
        """Write, with a new client; with ``trickles`` a page every now and then."""
        self._stop = threading.Event()
        self._trickles = trickles
        # One request at a time: where the first fails, because the topic is just being made, and the second is stored,
        # brokers call the first a duplicate when it comes again, and librdkafka says that it was stored.
        self._producer = Producer(
            {"bootstrap.servers": self._servers, "partitioner": "murmur2_random", "enable.idempotence": True,
             "max.in.flight.requests.per.connection": 1, "linger.ms": 5, "message.timeout.ms": 120_000, "reconnect.backoff.max.ms": 500,
             "queue.buffering.max.messages": 1_000_000, "log_level": 0}
        )  # fmt: skip
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write no more, and wait until the broker has said what became of everything."""
        self._stop.set()
        self._thread.join()
        assert self._producer.flush(120) == 0

    def write(self, title: str = "emit") -> str:
        """One page more; its id."""
        written = page(title)
        self._put(written)
        return written.article_id

    def _run(self) -> None:
        while not self._stop.wait(0.3 if self._trickles else 0.02):
            for _ in range(1 if self._trickles else self._rate // 50):
                self._put(page())
            self._producer.poll(0)

    def _put(self, written: Any) -> None:
        (record,) = of_pages([written])

        def stored(error: Any, _message: object) -> None:
            if error is None:
                self.written.add(written.article_id)
            else:
                self.refused.append(str(error))

        self._producer.produce(
            record.topic, key=record.key, value=record.value, headers=list(record.headers), on_delivery=stored
        )


@dataclass(slots=True)
class Account:
    """The reconciled figures of a run."""

    written: int
    lost: set[str]
    unwanted: set[str]
    shown_twice: dict[Any, int]
    dead_letters: int
    handled_twice: dict[str, int] = field(default_factory=dict)

    def check(self) -> None:
        """Nothing lost, nothing visible twice, nothing given up."""
        assert self.lost == set()
        assert self.unwanted == set()
        assert self.shown_twice == {}
        assert self.dead_letters == 0


class Chain:
    """The stages between a feed and the store."""

    def __init__(self, cluster: Cluster, folder: Path, servers: str = "") -> None:
        self.cluster = cluster
        self.database = folder / "store.db"
        self.fleet = Fleet(servers or cluster.servers, folder)
        self._marks = folder / "marks"
        self._marks.mkdir()

    def start(self, name: str, *parts: str, options: Mapping[str, float] | None = None, **settings: Any) -> Pod:
        """A process with these parts; ``options`` are those of ``broker_chain``, else all is as in production."""
        given = {"database": self.database, "marks": self._marks, **(options or {})}
        words = [word for option, value in given.items() for word in (f"--{option}", str(value))]
        return self.fleet.add("cleaner", name=name, module=MODULE, arguments=(*parts, *words), **settings)

    def start_all(self, options: Mapping[str, float] | None = None, **settings: Any) -> Pod:
        """One process with all the parts, ready."""
        pod = self.start("chain", "cleaner", "classifier", "index", options=options, **settings)
        until(pod.is_ready, "the chain is ready")
        return pod

    def shown(self) -> Counter[str]:
        """The articles that the store shows, with the changes of each."""
        return Counter(dict(self._asked("SELECT article_id, count(*) FROM changes GROUP BY article_id")))

    def __len__(self) -> int:
        """How many articles the store shows."""
        return sum(count for (count,) in self._asked("SELECT count(*) FROM articles"))

    def _asked(self, question: str) -> list[Any]:
        if not self.database.exists():
            return []
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)) as store:
            try:
                return store.execute(question).fetchall()
            except sqlite3.OperationalError:  # not created yet
                return []

    def has_all_of(self, feed: Feed) -> bool:
        """Whether all that was written is shown."""
        return len(self) >= len(feed.written) and feed.written <= self.shown().keys()

    def account(self, feed: Feed) -> Account:
        """Wait until all that was written is shown and nothing comes any more; then count."""
        feed.stop()
        assert feed.refused == []
        try:
            until(lambda: self.has_all_of(feed), "all is shown", CATCH_UP_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self._where(feed.written - self.shown().keys())}") from None
        self._settle()
        shown = self.shown()
        account = Account(
            len(feed.written),
            feed.written - shown.keys(),
            shown.keys() - feed.written,
            {key: count for key, count in shown.items() if count > 1},
            self.cluster.count(DEAD_LETTER.name),
        )
        for topic in (CLEANED, CLASSIFIED):
            records = self.cluster.records(topic.name)
            account.handled_twice[topic.name] = len(records) - len({record.header("ce_id") for record in records})
        logger.info("%s: %s", self.cluster.kind, account)
        return account

    def _where(self, missing: set[str]) -> str:
        """How far those came that are not shown, and how far behind the stages say they are."""
        counts = {topic: self.cluster.count(topic) for topic in (DEAD_LETTER.name, *self._retries())}
        lines = [f"{len(missing)} are not shown; on other topics: {counts}", *self._places(missing)]
        for topic in (CLEANED, CLASSIFIED):
            ids = {(record.key or b"").decode() for record in self.cluster.records(topic.name)}
            lines.append(f"{len(missing & ids)} of them are in {topic.name}")
        for pod in self.fleet.pods.values():
            metrics = pod.scrape()
            lines += [f"{pod.name}: {name}: {samples(metrics, name, 'stage')}" for name in STANDING]
        return "\n".join(lines)

    def _places(self, missing: set[str]) -> list[str]:
        """Where in the source the first of these records are, and what was written last to each of its partitions."""
        found = self.cluster.records(FETCHED.name)
        ends = {record.partition: record.offset + 1 for record in found}
        places = sorted(
            (record.timestamp_ms, record.partition, record.offset)
            for record in found if (record.key or b"").decode() in missing
        )  # fmt: skip
        return [
            f"{len(found)} are in {FETCHED.name}, which ends at {ends}",
            *(f"partition {number}, offset {offset}, written at {at} ms" for at, number, offset in places[:PLACES]),
        ]

    def _retries(self) -> list[str]:
        return [topic.name for stage in ("cleaner", "classifier") for topic in retry_topics(stage).values()]

    def _settle(self) -> None:
        """What comes twice comes late: wait until the topics have not grown for a moment."""
        before, at = -1, time.monotonic()
        while time.monotonic() < at + QUIET_SECONDS:
            now = self.cluster.count(CLASSIFIED.name)
            if now != before:
                before, at = now, time.monotonic()
            time.sleep(0.1)


@contextmanager
def running(cluster: Cluster, folder: Path, servers: str = "") -> Iterator[tuple[Chain, Feed]]:
    """A chain without processes yet, and a feed that writes. The feed goes to the broker itself, not by ``servers``."""
    chain = Chain(cluster, folder, servers)
    with chain.fleet, Feed(cluster.servers) as feed:
        yield chain, feed


def moving(chain: Chain, more: int = 100) -> None:
    """Wait until so many more articles are shown."""
    goal = len(chain) + more
    until(lambda: len(chain) >= goal, f"{goal} articles are shown", CATCH_UP_SECONDS)


def metric(pod: Pod, name: str, stage: str) -> float:
    """What a process counts for a stage."""
    return samples(pod.scrape(), name, "stage").get((stage,), 0.0)


def assert_waits(pod: Pod) -> dict[str, str]:
    """Wait until the process says that it is not ready; why. It must be live all the time."""
    answers: list[Any] = []

    def is_not_ready() -> bool:
        assert pod.ask("/livez")[0] == 200
        answers.append(pod.ask("/readyz"))
        return bool(answers[-1][0] == 503 and answers[-1][1]["why_not"])

    until(is_not_ready, "not ready, and why", CATCH_UP_SECONDS)
    why: dict[str, str] = answers[-1][1]["why_not"]
    return why
