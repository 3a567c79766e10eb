"""SIGTERM under load: exit 0 within the grace period, gone from the groups, everything in hand committed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from copydesk_shared.topics import CLASSIFIED, CLEANED, DEAD_LETTER, DISCOVERED, FETCHED, Topic, retry_topics
from tests.faults.cluster import Cluster
from tests.faults.newsroom import Newsroom
from tests.faults.pods import Fleet, Pod, until
from tests.faults.subscriber import Subscriber, listed

ARTICLES = 200
# The groups of each service, and the topic it counts the records of, by stage.
GROUPS = {
    "fetcher": ("fetcher", "fetcher-poll"),
    "cleaner": ("cleaner",),
    "classifier": ("classifier",),
    "api": ("api",),
}
SOURCES: Mapping[str, Topic[Any]] = {
    "fetcher": DISCOVERED,
    "cleaner": FETCHED,
    "classifier": CLEANED,
    "api": CLASSIFIED,
}

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def _topics(stage: str) -> list[str]:
    retries = [] if stage == "api" else [topic.name for topic in retry_topics(stage).values()]
    return [SOURCES[stage].name, *retries]


def _assert_left_and_committed(cluster: Cluster, fleet: Fleet, stage: str) -> None:
    """The group's members are gone now, not when their session ends; what was counted is committed, and no more."""
    for group in GROUPS[stage]:
        assert cluster.members(group) == [], f"{stage} did not leave {group}"
    committed = sum(cluster.committed(stage, topic) for topic in _topics(stage))
    assert sum(fleet.counted(stage).values()) == committed


def _flow_until(newsroom: Newsroom, subscriber: Subscriber, count: int) -> None:
    """Let articles flow, more behind them, until that many have come."""

    def reached() -> bool:
        newsroom.published = min(newsroom.total, len(subscriber) + ARTICLES // 4)
        subscriber.poll()
        return len(subscriber) >= count

    until(reached, f"{count} articles", 120)


def test_sigterm_under_load(cluster: Cluster, tmp_path: Path) -> None:
    with Newsroom(ARTICLES, 10) as newsroom, Fleet(cluster.servers, tmp_path) as fleet:
        feeds = tmp_path / "feeds.yaml"
        feeds.write_text(newsroom.feeds_file("1s"))
        fleet.add("fetcher", feeds_file=feeds)
        fleet.add("cleaner")
        fleet.add("classifier")
        api = fleet.add("api", database_url=f"sqlite:///{tmp_path}/store.db")
        subscriber = Subscriber(api)
        for turn, stage in enumerate(GROUPS, 1):
            _flow_until(newsroom, subscriber, turn * ARTICLES // 6)
            _stop_and_start(cluster, fleet, stage)
        _flow_until(newsroom, subscriber, ARTICLES)
        assert subscriber.lost({newsroom.story_url(number) for number in range(ARTICLES)}) == set()
        assert subscriber.duplicates() == []
        assert len(listed(api)) == ARTICLES
        fleet.stop()
        for stage in fleet.pods:
            _assert_left_and_committed(cluster, fleet, stage)
        _assert_nothing_twice(cluster, fleet)


def _stop_and_start(cluster: Cluster, fleet: Fleet, stage: str) -> None:
    pod: Pod = fleet.pods[stage]
    until(pod.is_ready, f"{stage} is ready")
    pod.stop()
    _assert_left_and_committed(cluster, fleet, stage)
    pod.start()


def _assert_nothing_twice(cluster: Cluster, fleet: Fleet) -> None:
    """Whoever stops in good order leaves nothing to be handled again: every record was counted once."""
    assert cluster.count(DEAD_LETTER.name) == 0
    for stage in GROUPS:
        assert sum(fleet.counted(stage).values()) == sum(cluster.count(topic) for topic in _topics(stage)), stage
    for topic in (FETCHED, CLEANED, CLASSIFIED):
        records = cluster.records(topic.name)
        assert len({record.header("ce_id") for record in records}) == len(records) == ARTICLES
