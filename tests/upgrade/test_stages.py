"""Fetcher, cleaner and classifier of two releases in the same groups, on the same topics, while stories keep coming.

The programs of the release before are its own code. What one has written the other reads: messages, feeds, hosts.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from copydesk_shared.topics import CLASSIFIED, DEAD_LETTER, FETCHED
from tests.faults.cluster import embedded_cluster
from tests.faults.newsroom import HOSTS, Newsroom
from tests.faults.pods import Fleet, outcomes
from tests.upgrade.before import SECONDS, are_shared, make_topics, run, unpack

STAGES = ("fetcher", "cleaner", "classifier")
BATCHES = 5

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(600)]


class Desk:
    """A newspaper and the stages of two releases."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.cluster = stack.enter_context(embedded_cluster(folder))
        self.newsroom = stack.enter_context(Newsroom(BATCHES * HOSTS, 1))
        self.fleet = stack.enter_context(Fleet(self.cluster.servers, folder))
        self._feeds = folder / "feeds.yaml"
        self._feeds.write_text(self.newsroom.feeds_file("3s"))
        self.before = unpack(folder)
        make_topics(self.cluster, self.before)

    def start(self, release: str, *stages: str) -> None:
        """A replica of each stage, those that ran before under their names again."""
        for stage in stages:
            name = f"{stage}-{release}"
            if name in self.fleet.pods:
                self.fleet.pods[name].start()
            else:
                settings: dict[str, Any] = {"feeds_file": self._feeds} if stage == "fetcher" else {}
                variables = self.before if release == "old" else None
                self.fleet.add(stage, name=name, variables=variables, **settings)

    def stop(self, release: str, *stages: str) -> None:
        """As a rollout does it: SIGTERM, exit code 0, in time."""
        pods = [self.fleet.pods[f"{stage}-{release}"] for stage in stages]
        for pod in pods:
            pod.terminate()
        for pod in pods:
            pod.stopped()

    def publish(self) -> None:
        """A story more on each host."""
        self.newsroom.published += HOSTS

    def is_shared(self, *stages: str) -> None:
        self.fleet.until(lambda: are_shared(self.cluster, *stages), "members of both", SECONDS)

    def arrive(self) -> None:
        """All that was published is on the topic for subscribers."""
        self.fleet.until(lambda: self.left() == set(), f"{self.newsroom.published} articles", SECONDS)

    def left(self) -> set[str]:
        wanted = {self.newsroom.story_url(number) for number in range(self.newsroom.published)}
        if self.cluster.count(CLASSIFIED.name) < len(wanted):
            return wanted
        return wanted - {each["canonical_url"] for each in self.classified()}

    def classified(self) -> list[dict[str, object]]:
        return [json.loads(each.value) for each in self.cluster.records(CLASSIFIED.name) if each.value]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with ExitStack() as stack:
        yield Desk(tmp_path, stack)


def test_the_stages_of_two_releases_on_the_same_topics(desk: Desk) -> None:
    desk.start("old", *STAGES)
    desk.publish()
    desk.arrive()

    desk.publish()
    applied = run(
        "-m", "copydesk_standalone", "topics", "apply", "--bootstrap-servers", desk.cluster.servers, env={}
    )  # fmt: skip
    assert "articles.classified.shadow is missing" in applied, "the releases declare the same topics"
    assert f"set segment.ms={FETCHED.config()['segment.ms']}" in applied
    desk.start("new", *STAGES)
    desk.is_shared(*STAGES)
    desk.publish()
    desk.arrive()

    desk.stop("old", *STAGES)
    desk.publish()
    desk.arrive()

    desk.start("old", "fetcher")  # the only one that keeps something: feeds, hosts, pages that it has fetched
    desk.is_shared("fetcher")
    desk.stop("new", "fetcher")
    desk.publish()
    desk.arrive()
    _assert_nothing_is_wrong(desk)


def _assert_nothing_is_wrong(desk: Desk) -> None:
    assert desk.cluster.records(DEAD_LETTER.name) == []
    revisions = {(each["article_id"], each["revision"]) for each in desk.classified()}
    assert len(revisions) == BATCHES * HOSTS, "one article for each story, and no revision of its own for a release"
    desk.fleet.stop()
    idle = [name for name, pod in desk.fleet.pods.items() if not any(map(_emitted, pod.farewells))]
    assert idle == [], "both releases were at work in each stage"
    assert len({each["classifier_version"] for each in desk.classified()}) == 2


def _emitted(exposition: bytes) -> float:
    return sum(count for (_, outcome, _), count in outcomes(exposition).items() if outcome == "emitted")
