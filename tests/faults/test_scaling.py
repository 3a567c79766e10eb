"""1 to 3 to 1 replicas under load: partitions move, nothing is lost, and nothing is handled twice."""

import json
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

import pytest

from copydesk_shared.dead_letters import parse
from copydesk_shared.errors import DeadLetterReason
from copydesk_shared.topics import CLASSIFIED, CLEANED, DEAD_LETTER, DISCOVERED, FETCHED, retry_topics
from tests.faults import load
from tests.faults.cluster import Cluster
from tests.faults.newsroom import HOSTS, Newsroom
from tests.faults.pods import Fleet, Pod, samples, until
from tests.faults.subscriber import Subscriber, listed

AT_LEAST = 200
AT_ONCE = 3
PARTITIONS = frozenset(range(6))

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def _shares(cluster: Cluster, group: str, topic: str) -> list[frozenset[int]]:
    return [member.partitions.get(topic, frozenset()) for member in cluster.members(group)]


def _is_shared_by(cluster: Cluster, group: str, topic: str, replicas: int) -> bool:
    """Whether so many members have all partitions between them, none of them empty-handed."""
    shares = _shares(cluster, group, topic)
    return len(shares) == replicas and all(shares) and sorted(chain(*shares)) == sorted(PARTITIONS)


def _rebalances(pods: Sequence[Pod], stage: str) -> list[float]:
    return [samples(pod.scrape(), "copydesk_rebalances_total", "stage").get((stage,), 0) for pod in pods]


class Flow:
    """Pages that keep coming while one waits."""

    def __init__(self, cluster: Cluster) -> None:
        self._servers = cluster.servers
        self.pages = 0

    def more(self, count: int = AT_ONCE) -> None:
        """So many pages more."""
        load.produce(self._servers, load.of_pages(load.page() for _ in range(count)))
        self.pages += count

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something under load."""

        def look() -> bool:
            self.more()
            return condition()

        until(look, what)


def _scale(cluster: Cluster, fleet: Fleet, flow: Flow, stage: str, topic: str) -> None:
    """To three replicas and back, each as far as the group is in order again."""
    first = fleet.pods[stage]
    before = _rebalances([first], stage)[0]
    more = [fleet.add(stage, name=f"{stage}-{number}") for number in (2, 3)]
    flow.until(lambda: _is_shared_by(cluster, stage, topic, 3), f"three {stage}s")
    flow.until(lambda: min(_rebalances(more, stage)) >= 1 and _rebalances([first], stage)[0] > before, "grown, counted")
    grown = _rebalances([first], stage)[0]
    for pod in more:
        flow.more(AT_LEAST // 4)
        pod.stop()
    flow.until(lambda: _is_shared_by(cluster, stage, topic, 1), f"one {stage}")
    flow.until(lambda: _rebalances([first], stage)[0] > grown, "shrunk, counted")


def test_replicas_come_and_go(cluster: Cluster, tmp_path: Path) -> None:
    with Fleet(cluster.servers, tmp_path) as fleet:
        api = fleet.add("api", database_url=f"sqlite:///{tmp_path}/store.db")
        for stage in ("cleaner", "classifier"):
            fleet.add(stage)
        subscriber, flow = Subscriber(api), Flow(cluster)
        fleet.until(lambda: all(pod.is_ready() for pod in fleet.pods.values()), "all ready")
        for stage, topic in (("cleaner", FETCHED), ("classifier", CLEANED)):
            flow.more(AT_LEAST // 2)
            _scale(cluster, fleet, flow, stage, topic.name)
        fleet.until(lambda: not subscriber.poll() and len(subscriber) >= flow.pages, "all articles", 120)
        assert subscriber.duplicates() == []
        assert len(listed(api)) == len(subscriber) == flow.pages
        fleet.stop()
        _assert_nothing_twice(cluster, fleet)


def _assert_nothing_twice(cluster: Cluster, fleet: Fleet) -> None:
    """A member that leaves in good order, or stays, commits before its partitions move: nothing is handled twice."""
    for stage, topic in (("cleaner", CLEANED), ("classifier", CLASSIFIED)):
        records = cluster.records(topic.name)
        twice = len(records) - len({record.header("ce_id") for record in records})
        logging.getLogger(__name__).info("%s: %s handled %d of %d twice", cluster.kind, stage, twice, len(records))
        assert fleet.counted(stage) == {("emitted", ""): len(records)}
        assert twice == 0


def _who_put_off(fleet: Fleet) -> dict[str, set[str]]:
    """By key, the replicas that handled its records, first and as retries, as their logs say."""
    who: dict[str, set[str]] = defaultdict(set)
    for name, pod in fleet.pods.items():
        for line in pod.log().splitlines():
            said = json.loads(line)
            if said["event"] in ("put off", "dead letter"):
                who[said["key"]].add(name)
    return who


def test_retries_of_a_key_stay_with_the_owner_of_the_key(cluster: Cluster, tmp_path: Path) -> None:
    retries = [topic.name for topic in retry_topics("fetcher").values()]
    with Newsroom(HOSTS, 1) as newsroom, Fleet(cluster.servers, tmp_path) as fleet:
        newsroom.broken = dict.fromkeys(range(HOSTS), 500)
        for number in (1, 2, 3):
            fleet.add("fetcher", name=f"fetcher-{number}")
        for topic in (DISCOVERED.name, *retries):
            fleet.until(lambda topic=topic: _is_shared_by(cluster, "fetcher", topic, 3), f"{topic} shared by three")  # type: ignore[misc]
        for member in cluster.members("fetcher"):
            assert {member.partitions[topic] for topic in retries} == {member.partitions[DISCOVERED.name]}
        entries = [load.entry(newsroom.story_url(number)) for number in range(HOSTS)]
        load.produce(cluster.servers, load.of_entries(entries))
        fleet.until(lambda: cluster.count(DEAD_LETTER.name) == HOSTS, "all given up")
        letters = [parse(record) for record in cluster.records(DEAD_LETTER.name)]
        assert {(letter.reason, letter.attempts) for letter in letters} == {(DeadLetterReason.RETRIES_EXHAUSTED, 4)}
        # Delivery is at least once: a rebalance may have put one off twice.
        keys = [{record.key for record in cluster.records(topic)} for topic in retries]
        assert [len(each) for each in keys] == [HOSTS] * 3
        who = _who_put_off(fleet)
        assert len(who) == HOSTS
        assert {len(names) for names in who.values()} == {1}
        assert set.union(*who.values()) == set(fleet.pods)
