"""Every record ends in exactly one counted outcome: the counters against the topics after chaos.

What can be exact. A process that stops in good order finishes what it started, commits it and counts it, so without
kills the counters of all processes together are the topics: what was emitted lies in the sink, what was put off in the
retry topics, what was given up among the dead letters, and all outcomes together are the records of the source and of
the retry topics, each once. A process that is killed takes its counters along, and what it had sent and not committed
is sent again; so with kills only the topics can be reconciled: each record of the source has an outcome, one kind of
outcome only, and the outcomes that may come once only (dead letters of one origin, articles of one id at the API) are
compared as sets. Drops leave nothing on a topic: there they are those that the test asked for.
"""

import random
from collections import Counter
from pathlib import Path

import pytest

from copydesk_shared.dead_letters import parse
from copydesk_shared.log import Record
from copydesk_shared.messages import Page
from copydesk_shared.retries import origin_of
from copydesk_shared.topics import CLASSIFIED, CLEANED, DEAD_LETTER, FETCHED, retry_topics
from tests.faults import deeds, load
from tests.faults.cluster import Cluster
from tests.faults.pods import Fleet, Pod, outcomes
from tests.faults.subscriber import Subscriber, listed

# How many pages of each kind.
MIXTURE = {
    deeds.EMIT: 120, deeds.SLOW: 120, deeds.DROP: 30, deeds.FAIL_ONCE: 30, deeds.FAIL: 10, deeds.POISON: 10,
    deeds.BUG: 10,
}  # fmt: skip
EMITTED = (deeds.EMIT, deeds.SLOW, deeds.FAIL_ONCE)
BURIED = {deeds.FAIL: "retries-exhausted", deeds.POISON: "invalid", deeds.BUG: "bug"}
TIERS = 3
ROUNDS = 4
RETRIES = [topic.name for topic in retry_topics("cleaner").values()]

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def _pages(seed: int) -> list[Page]:
    pages = [load.page(what) for what, count in MIXTURE.items() for _ in range(count)]
    random.Random(seed).shuffle(pages)
    return pages


def _ids(pages: list[Page], *kinds: str) -> set[str]:
    return {page.article_id for page in pages if page.entry_title in kinds}


class Chaos:
    """Two cleaners of tests, a classifier and the API, with a load in so many parts as there are rounds."""

    def __init__(self, cluster: Cluster, fleet: Fleet, folder: Path) -> None:
        self.cluster = cluster
        self.fleet = fleet
        self.pages = _pages(1)
        self._folder = folder
        self._left = list(self.pages)
        (folder / "marks").mkdir()
        for name in ("cleaner-1", "cleaner-2"):
            self.cleaner(name)
        fleet.add("classifier")
        self.api = fleet.add("api", database_url=f"sqlite:///{folder}/store.db")
        self.subscriber = Subscriber(self.api)

    def cleaner(self, name: str) -> Pod:
        """One more."""
        module, marks = "tests.faults.stage_service", {deeds.MARKS: str(self._folder / "marks")}
        return self.fleet.add("cleaner", name=name, module=module, arguments=("workers",), variables=marks)

    def flow(self) -> None:
        """The next part of the load, and wait until some of it has come out."""
        share = -(-len(self.pages) // ROUNDS)
        part, self._left = self._left[:share], self._left[share:]
        before = len(self.subscriber)
        load.produce(self.cluster.servers, load.of_pages(part))
        self._wait(before + share // 4)

    def finish(self) -> None:
        """Wait until everything has its outcome."""
        self._wait(len(_ids(self.pages, *EMITTED)))
        buried = len(_ids(self.pages, *BURIED))
        self.fleet.until(lambda: len(self.letters()) >= buried, "all that is bad buried")
        self.fleet.until(self._is_all_committed, "all committed")
        self.fleet.until(lambda: self.api.is_ready() and not self.subscriber.poll(), "the API is back")

    def letters(self) -> set[str]:
        """The origins of what was given up."""
        return {str(parse(record).origin) for record in self.cluster.records(DEAD_LETTER.name)}

    def _wait(self, count: int) -> None:
        self.fleet.until(lambda: not self.subscriber.poll() and len(self.subscriber) >= count, f"{count} articles", 120)

    def _is_all_committed(self) -> bool:
        return all(
            self.cluster.committed(group, topic) == self.cluster.count(topic)
            for group, topic in (
                *(("cleaner", topic) for topic in (FETCHED.name, *RETRIES)),
                ("classifier", CLEANED.name),
                ("api", CLASSIFIED.name),
            )
        )


def test_counters_are_the_topics_where_nobody_is_killed(cluster: Cluster, tmp_path: Path) -> None:
    """Replicas stop, come back and join; workers of theirs are killed, which is no excuse."""
    with Fleet(cluster.servers, tmp_path) as fleet:
        chaos = Chaos(cluster, fleet, tmp_path)
        chaos.flow()
        scraped = fleet.pods["cleaner-1"].scrape()
        _restart(fleet.pods["cleaner-1"])
        _assert_never_less(fleet.pods["cleaner-1"], scraped)
        chaos.flow()
        for worker in fleet.pods["cleaner-2"].workers():
            worker.kill()
        chaos.cleaner("cleaner-3")
        chaos.flow()
        fleet.pods["cleaner-2"].stop()
        _restart(fleet.pods["classifier"])
        chaos.flow()
        _restart(fleet.pods["api"])
        chaos.finish()
        _assert_topics(chaos)
        fleet.stop()
        _assert_counters(chaos)


def _restart(pod: Pod) -> None:
    pod.stop()
    pod.start()


def _assert_never_less(pod: Pod, scraped: bytes) -> None:
    """What ``/metrics`` said before it stopped is part of what it says at its end."""
    last = outcomes(pod.farewells[-1])
    assert all(last[key] >= value for key, value in outcomes(scraped).items())


def _assert_counters(chaos: Chaos) -> None:
    cluster, pages = chaos.cluster, chaos.pages
    emitted, buried, failing = len(_ids(pages, *EMITTED)), len(_ids(pages, *BURIED)), MIXTURE[deeds.FAIL]
    # One that fails once while its service stops is left for the next session, which needs no retry.
    retries = sum(cluster.count(topic) for topic in RETRIES)
    assert TIERS * failing <= retries <= MIXTURE[deeds.FAIL_ONCE] + TIERS * failing
    cleaned = chaos.fleet.counted("cleaner")
    assert cleaned == {
        ("emitted", ""): emitted,
        ("dropped", "no-article"): MIXTURE[deeds.DROP],
        ("retried", "timed-out"): retries,
        **{("dead-lettered", reason): MIXTURE[what] for what, reason in BURIED.items()},
    }
    assert (cluster.count(CLEANED.name), cluster.count(DEAD_LETTER.name)) == (emitted, buried)
    assert sum(cleaned.values()) == cluster.count(FETCHED.name) + retries
    assert chaos.fleet.counted("classifier") == {("emitted", ""): emitted}
    assert cluster.count(CLASSIFIED.name) == emitted
    assert chaos.fleet.counted("api") == {("stored", ""): emitted}


def test_every_record_has_one_outcome_where_all_are_killed(cluster: Cluster, tmp_path: Path) -> None:
    with Fleet(cluster.servers, tmp_path) as fleet:
        chaos = Chaos(cluster, fleet, tmp_path)
        for victim in ("cleaner-1", "classifier", "cleaner-2", "api"):
            chaos.flow()
            fleet.pods[victim].kill()
            fleet.tend()
        chaos.finish()
        _assert_topics(chaos)
        fleet.stop()


def _assert_topics(chaos: Chaos) -> None:
    """Each page of the source has one kind of outcome, the one it asked for; each article shows once."""
    cluster, pages = chaos.cluster, chaos.pages
    source = {record.key: record for record in cluster.records(FETCHED.name)}
    where = {(key or b"").decode(): str(origin_of(record)) for key, record in source.items()}
    buried = {where[article_id]: article_id for article_id in _ids(pages, *BURIED)}
    emitted, dropped = _ids(pages, *EMITTED), _ids(pages, deeds.DROP)
    assert _keys(cluster.records(CLEANED.name)) == _keys(cluster.records(CLASSIFIED.name)) == emitted
    assert chaos.letters() == set(buried)
    assert emitted | dropped | set(buried.values()) == set(where)
    assert len(where) == len(pages) == cluster.count(FETCHED.name)
    retried = {str(origin_of(record)) for topic in RETRIES for record in cluster.records(topic)}
    assert retried >= {where[article_id] for article_id in _ids(pages, deeds.FAIL)}
    assert retried <= {where[article_id] for article_id in _ids(pages, deeds.FAIL, deeds.FAIL_ONCE)}
    reasons = Counter((parse(record).origin, parse(record).reason) for record in cluster.records(DEAD_LETTER.name))
    assert {(str(origin), reason) for origin, reason in reasons} == {
        (where[page.article_id], BURIED[page.entry_title]) for page in pages if page.entry_title in BURIED
    }
    assert chaos.subscriber.duplicates() == []
    assert {row["article_id"] for row in listed(chaos.api)} == set(chaos.subscriber.urls) == emitted
    assert len(listed(chaos.api)) == len(emitted)


def _keys(records: list[Record]) -> set[str]:
    return {(record.key or b"").decode() for record in records}
