"""``/livez``, ``/readyz`` and the lag that ``/metrics`` says, while things are wrong."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from copydesk_shared.log import Record
from copydesk_shared.topics import CLASSIFIED, CLEANED, DEAD_LETTER, FETCHED, retry_topics
from tests.faults import deeds, load
from tests.faults.cluster import Cluster
from tests.faults.pods import Fleet, Pod, samples
from tests.faults.subscriber import Subscriber

PAGES = 60
STALL_SECONDS = 10  # more than it takes to close a session with a broker that is away
RETRIES = [topic.name for topic in retry_topics("cleaner").values()]

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def _stage(fleet: Fleet, how: str, **settings: Any) -> Pod:
    return fleet.add("cleaner", module="tests.faults.stage_service", arguments=(how,), **settings)


def _why_not(pod: Pod) -> tuple[int, dict[str, str]]:
    status, body = pod.ask("/readyz")
    return status, body.get("why_not", {}) if body else {}


def _says_why(pod: Pod, parts: set[str]) -> bool:
    status, why = _why_not(pod)
    return status == 503 and set(why) == parts and all("\n" not in text for text in why.values())


def test_a_broker_that_is_away_makes_services_unready_and_kills_none(cluster: Cluster, tmp_path: Path) -> None:
    """Waiting for a broker is no lack of progress, whatever the limit on that."""
    with Fleet(cluster.servers, tmp_path) as fleet:
        fleet.add("cleaner", stall_seconds=STALL_SECONDS)
        fleet.add("classifier", stall_seconds=STALL_SECONDS)
        api = fleet.add("api", database_url=f"sqlite:///{tmp_path}/store.db", stall_seconds=STALL_SECONDS)
        subscriber = Subscriber(api)
        load.produce(cluster.servers, load.of_pages(load.page() for _ in range(PAGES)))
        fleet.until(lambda: not subscriber.poll() and len(subscriber) == PAGES, "the first pages")
        cluster.power.off()
        lives: Counter[tuple[str, int]] = Counter()
        parts = {"cleaner": {"cleaner"}, "classifier": {"classifier"}, "api": {"api", "feeds", "pipeline"}}

        def all_say_why() -> bool:
            lives.update((name, pod.ask("/livez")[0]) for name, pod in fleet.pods.items())
            return all(_says_why(fleet.pods[name], part) for name, part in parts.items())

        def asked_for_a_while() -> bool:
            return all_say_why() and min(lives[name, 200] for name in parts) >= 100

        fleet.until(all_say_why, "all are unready and say why")
        fleet.until(asked_for_a_while, "asked a hundred times")
        assert {status for _, status in lives} == {200}
        assert subscriber.poll() is False  # what there is can be read while the broker is away
        assert len(subscriber) == PAGES
        cluster.power.on()
        fleet.until(lambda: all(pod.is_ready() for pod in fleet.pods.values()), "ready again")
        load.produce(cluster.servers, load.of_pages(load.page() for _ in range(PAGES)))
        fleet.until(lambda: not subscriber.poll() and len(subscriber) == 2 * PAGES, "the pages after")
        assert subscriber.duplicates() == []


def test_a_handler_that_hangs_is_not_alive(cluster: Cluster, tmp_path: Path) -> None:
    """Its partition has work, the others none, and nothing is committed: that is the one way to be not alive."""
    with Fleet(cluster.servers, tmp_path) as fleet:
        stage = _stage(fleet, "loop", stall_seconds=2)
        fleet.until(stage.is_ready, "ready")
        load.produce(cluster.servers, load.of_pages([load.page()]))
        fleet.until(lambda: cluster.count(CLEANED.name) == 1, "one handled")
        fleet.until(lambda: stage.ask("/livez")[0] == 200, "alive")
        load.produce(cluster.servers, load.of_pages([load.page(deeds.HANG)]))
        fleet.until(lambda: stage.ask("/livez")[0] == 503, "not alive")
        _, body = stage.ask("/livez")
        assert body["live"] is False
        assert body["seconds_since_progress"]["cleaner"] >= 2
        assert stage.is_ready()  # nothing that it needs is away: a restart may help, waiting does not
        fleet.until(lambda: samples(stage.scrape(), "copydesk_stuck_seconds", "stage") != {}, "stuck seconds")
        stage.kill()
        stage.start()
        fleet.until(lambda: stage.ask("/livez")[0] == 503, "not alive after a restart either: the page is still there")
        assert cluster.count(DEAD_LETTER.name) == 0


def test_work_that_goes_on_beside_one_that_hangs_is_alive_and_says_what_is_stuck(
    cluster: Cluster, tmp_path: Path
) -> None:
    with Fleet(cluster.servers, tmp_path) as fleet:
        stage = _stage(fleet, "loop", stall_seconds=3)
        fleet.until(stage.is_ready, "ready")
        hanging = load.page(deeds.HANG)
        load.produce(cluster.servers, load.of_pages([hanging]))

        def is_stuck_and_alive() -> bool:
            load.produce(cluster.servers, load.of_pages([load.page()]))
            assert stage.ask("/livez")[0] == 200
            return samples(stage.scrape(), "copydesk_stuck_seconds", "stage").get(("cleaner",), 0) > 5

        fleet.until(is_stuck_and_alive, "stuck seconds")
        stage.kill()


def _lag(pod: Pod, metric: str, topic: str) -> dict[int, float]:
    found = samples(pod.scrape(), metric, "topic", "partition")
    return {int(number): value for (name, number), value in found.items() if name == topic}


def _of_partitions(records: list[Record]) -> dict[int, int]:
    return dict(Counter(record.partition for record in records))


def test_the_lag_is_what_lies_there_unread(cluster: Cluster, tmp_path: Path) -> None:
    """A page that hangs in each partition: everything from there on is behind, and so old as the page."""
    with Fleet(cluster.servers, tmp_path) as fleet:
        load.produce(cluster.servers, load.of_pages(load.page(deeds.HANG) for _ in range(PAGES)))
        behind = _of_partitions(cluster.records(FETCHED.name))
        assert set(behind) == set(range(6))
        stage = _stage(fleet, "loop")
        fleet.until(lambda: _lag(stage, "copydesk_lag_records", FETCHED.name) == behind, "the lag of the start")
        load.produce(cluster.servers, load.of_pages(load.page() for _ in range(PAGES)))
        behind = _of_partitions(cluster.records(FETCHED.name))
        fleet.until(lambda: _lag(stage, "copydesk_lag_records", FETCHED.name) == behind, "the lag of all")
        seconds = _lag(stage, "copydesk_lag_seconds", FETCHED.name)
        assert set(seconds) == set(behind)
        assert _lag(stage, "copydesk_lag_records", RETRIES[0]) == {}
        stage.kill()


def test_no_lag_when_all_is_done_and_that_of_the_index_while_it_is_away(cluster: Cluster, tmp_path: Path) -> None:
    with Fleet(cluster.servers, tmp_path) as fleet:
        stage, classifier = _stage(fleet, "loop"), fleet.add("classifier")
        api = fleet.add("api", named=True, database_url=f"sqlite:///{tmp_path}/store.db")
        fleet.until(lambda: all(pod.is_ready() for pod in fleet.pods.values()), "all ready")
        api.kill()
        load.produce(cluster.servers, load.of_pages(load.page() for _ in range(PAGES)))
        fleet.until(lambda: cluster.count(CLASSIFIED.name) == PAGES, "classified")
        for pod, topic in ((stage, FETCHED), (classifier, CLEANED)):
            fleet.until(lambda pod=pod, topic=topic: not _lag(pod, "copydesk_lag_records", topic.name), "no lag")  # type: ignore[misc]
            assert _lag(pod, "copydesk_lag_seconds", topic.name) == {}
        api.start()
        subscriber = Subscriber(api)
        fleet.until(lambda: not subscriber.poll() and len(subscriber) == PAGES, "all shown")
        fleet.until(lambda: api.is_ready() and not _lag(api, "copydesk_lag_records", CLASSIFIED.name), "no lag")
